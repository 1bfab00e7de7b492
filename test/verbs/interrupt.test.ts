// A process that cannot tidy up in the time that a CI service gives says so on its way out, whatever it hangs in.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const module = join(import.meta.dirname, "..", "..", "src", "interrupt.ts");
const stuck = `import { hearSignals } from ${JSON.stringify(module)};
hearSignals();
setInterval(() => {}, 1000);
process.kill(process.pid, "SIGINT");`;

test("stuck past its grace: one line, exit code 130", async () => {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", stuck], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let err = "";
  child.stderr.on("data", (text) => {
    err += text;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(code).toBe(130);
  expect(err).toBe("interrupted: ended before all was written down; nothing is lost, the next run takes it up\n");
});
