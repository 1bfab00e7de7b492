// Asks `sh -n` about the scripts of tasks: it reads them and runs nothing.
import { spawn } from "node:child_process";
import { problem } from "../core/check-pack.ts";
import type { Problem } from "../core/entry.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface Script {
  path: string;
  /** Line of the file on which the script starts (1-based). */
  line: number;
  text: string;
}

/** A pack may hold thousands of scripts; each costs a process. */
const most = 1000;
const at_once = 4;
const limit_ms = 5000;

/** A warning for each script that `sh` cannot read; none at all where there is no `sh`. */
export async function scriptProblems(scripts: Script[], env: Env): Promise<Problem[]> {
  const left = scripts.filter((one) => interpreted(one.text)).slice(0, most);
  const found: Problem[] = [];
  const work = async () => {
    for (let one = left.shift(); one; one = left.shift()) {
      const said = await refusal(one.text, env);
      if (said === "absent") return void left.splice(0);
      if (said !== null) found.push(warning(one, said));
    }
  };
  await Promise.all(Array.from({ length: at_once }, work));
  return found;
}

/** Without `#!`, or with one that names a plain shell. */
const interpreted = (text: string) =>
  !text.startsWith("#!") || /^#!\s*\/\S*\/(sh|dash|ash)\s*$/m.test(text.split("\n", 1)[0] as string);

function warning(script: Script, said: string): Problem {
  const line = said.split("\n").find((one) => one.trim() !== "") ?? said;
  const placed = /^\S*sh: (?:line )?(\d+): (.*)$/.exec(line);
  const words = (placed?.[2] ?? line.replace(/^\S*sh: /, "")).trim();
  return {
    ...problem(
      script.path,
      "script",
      `sh cannot read the script: ${words}`,
      "mend it; `sh -n FILE` reads a script without running it",
    ),
    line: script.line + Math.max(0, Number(placed?.[1] ?? 1) - 1),
    level: "warning",
  };
}

/** What `sh -n` complains of, or null. */
function refusal(text: string, env: Env): Promise<string | null | "absent"> {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-n"], {
      cwd: "/",
      env: { PATH: env.PATH ?? "/usr/bin:/bin", LC_ALL: "C" },
      stdio: ["pipe", "ignore", "pipe"],
      timeout: limit_ms,
      killSignal: "SIGKILL",
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      if (said.length < 4096) said += chunk;
    });
    child.stdin.on("error", () => {}); // it has seen enough
    child.on("error", () => resolve("absent"));
    child.on("close", (code) => resolve(code === null || code === 0 ? null : said));
    child.stdin.end(text);
  });
}
