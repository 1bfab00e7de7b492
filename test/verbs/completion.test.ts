// What a shell completes, asked by the very script that it is given.
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const env = { ...process.env, PATH: `${join(root, "bin")}:${process.env.PATH}`, NODE_NO_WARNINGS: "1" };

/** Words that bash offers after these. */
function offered(lines: string[][]): string[] {
  const script = `
    eval "$(towline completion bash)"
    compopt() { :; }
    ask() { COMP_WORDS=(towline "$@"); COMP_CWORD=$#; __towline_complete; echo "\${COMPREPLY[*]}"; }
    ${lines.map((words) => `ask ${words.map((word) => `'${word}'`).join(" ")}`).join("\n")}`;
  const said = execFileSync("bash", ["--norc", "-c", script], { cwd: root, env, encoding: "utf8" });
  return said.split("\n").slice(0, -1);
}

test.skipIf(spawnSync("bash", ["-c", "true"]).status !== 0)(
  "bash completes verbs, options and the names of records",
  () => {
    expect(
      offered([
        ["tas"],
        ["task", "sh"],
        ["task", "show", ""],
        ["task", "new", "x", "--agent", "s"],
        ["job", "list", "--op"],
      ]),
    ).toEqual(["task", "show", "disk-space error-summary what-changed", "scout", "--open"]);
  },
);
