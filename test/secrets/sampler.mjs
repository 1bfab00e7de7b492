// Looks at every process again and again, as any other user of the machine may: prints each command line once, as JSON,
// and on request (HOME of a machine as argument) the environments of the processes that have it as their home.
import { readdirSync, readFileSync } from "node:fs";

const home = `HOME=${process.argv[2]}`;
const seen = new Set();
/** @param {string} kind @param {string} text */
const say = (kind, text) => {
  const line = JSON.stringify([kind, text]);
  if (seen.has(line)) return;
  seen.add(line);
  process.stdout.write(`${line}\n`);
};
/** @param {string} path */
const read = (path) => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};
process.stdout.write("ready\n");
for (;;)
  for (const pid of readdirSync("/proc"))
    if (/^\d+$/.test(pid) && pid !== String(process.pid)) {
      say("argv", read(`/proc/${pid}/cmdline`));
      const environ = read(`/proc/${pid}/environ`);
      if (environ.split("\0").includes(home)) say("environ", environ);
    }
