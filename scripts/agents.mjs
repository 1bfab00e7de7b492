#!/usr/bin/env node
// `npm run test:agents`: installs the command line agents that towline runs, beside its own packages, and tries the
// real ones. Apart from `npm test`, because they are large (360 MB), not free software, and nothing else needs them.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { install, root, run, say, stale } from "./install.mjs";

const folder = join(root, "test", "agents");
const program = join(folder, "node_modules", ".bin", "claude");

/** Why the agents cannot be tried here, or null. */
async function lacking() {
  const why = stale({ dev: true }, folder);
  if (why) {
    say(`towline: installing the agents (npm ci in test/agents): ${why}`);
    const code = await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: folder,
      stdio: ["ignore", 2, 2],
    });
    if (code !== 0) return "they could not be installed: npm ci in test/agents failed";
  }
  if (!existsSync(program)) return `they came without a program for ${process.platform} ${process.arch}`;
  const works = (await run(program, ["--version"], { stdio: ["ignore", 2, 2] })) === 0;
  return works ? null : "the installed program does not start here";
}

if (!process.stdout.isTTY && process.env.FORCE_COLOR === undefined) process.env.NO_COLOR = "1";
await install();
const why = await lacking();
if (why) {
  console.log(`skipped the suites with real agents: ${why}`);
  process.exit(0);
}
process.exit(await run("vitest", ["run", "--config", "test/agents/vitest.config.ts", ...process.argv.slice(2)]));
