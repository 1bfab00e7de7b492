// Lines that are typed into a shell, at a terminal or not, until they end or somebody types Ctrl-C.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stripVTControlCharacters as plain } from "node:util";

export interface Typed {
  code: number | null;
  out: string;
}

export interface Typing {
  /** Ctrl-C once this was printed. */
  until?: string | undefined;
  /** Done before that, with what was printed. */
  reached?: ((out: string) => Promise<void>) | undefined;
  /** At a terminal, and this is typed at each question. */
  types?: string | undefined;
}

export interface Place {
  dir: string;
  /** Folder for what node compiled. */
  compiled: string;
}

/** Ends a script that hangs. */
const limit = 150_000;

const environment = ({ dir, compiled }: Place) => ({
  HOME: join(dir, "home"),
  PATH: `${join(dir, "bin")}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
  SHELL: "/bin/bash",
  LANG: "C.UTF-8",
  NO_COLOR: "1",
  TERM: "xterm",
  GIT_CONFIG_NOSYSTEM: "1",
  NODE_OPTIONS: `--import=${join(import.meta.dirname, "route.mjs")}`,
  TOWLINE_DOCS_ROUTES: join(dir, "routes.json"),
  // A quarter of what a start costs.
  NODE_COMPILE_CACHE: compiled,
});

/** The script goes on in the folder and with the variables of the one before, and leaves its own. */
function written(dir: string, script: string): { file: string; cwd: string } {
  const at = (name: string) => join(dir, name);
  const [file, cwd, kept] = [at("block.sh"), readFileSync(at("cwd"), "utf8").trim(), at("env.sh")];
  const again = existsSync(kept) ? `. '${kept}'\n` : "";
  const keep = `pwd > '${at("cwd")}'; export -p | grep -v ' _=' > '${kept}'; times >> '${at("times")}'`;
  writeFileSync(file, `trap "${keep}" EXIT\n${again}cd '${cwd}'\n${script}\n`);
  return { file, cwd };
}

export function typed(place: Place, script: string, { until, reached, types }: Typing): Promise<Typed> {
  const { file, cwd } = written(place.dir, script);
  const bash = ["bash", "-eu", "-o", "pipefail", file];
  const [command = "", ...args] = types === undefined ? bash : ["script", "-qefc", bash.join(" "), "/dev/null"];
  const stdin = types === undefined ? "ignore" : "pipe";
  const child = spawn(command, args, { env: environment(place), cwd, detached: true, stdio: [stdin, "pipe", "pipe"] });
  const end = (signal: NodeJS.Signals) => ended(child.pid, signal);
  const timer = setTimeout(() => end("SIGKILL"), limit);
  let out = "";
  let asked = 0;
  let left = false;
  const hear = (text: string) => {
    out += text;
    if (until !== undefined && !left && out.includes(until)) {
      left = true;
      const leave = () => (types === undefined ? end("SIGINT") : child.stdin?.write("\u0003"));
      void (reached?.(out) ?? Promise.resolve()).finally(leave);
    }
    // The cursor stands behind a question: `[y/N]`, or `[what is offered]`, which Enter takes.
    const question = /\[([^\]\n]+)\]:? *$/.exec(plain(out));
    if (types === undefined || !question || asked === out.length) return;
    asked = out.length;
    setTimeout(() => child.stdin?.write(question[1] === "y/N" ? `${types}\r` : "\r"), 100);
  };
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", hear);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      end("SIGKILL");
      // As a shell would say it.
      resolve({ code: signal === "SIGINT" ? 130 : code, out });
    });
  });
}

/** The whole group: what a script leaves running behind it, too. */
function ended(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It is gone already.
  }
}
