// Hands over to the towline that the pack names in `version:`, once. Where that one cannot be fetched, this one goes on.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { folderIn, pinIn } from "../core/pinned.ts";
import type { Report } from "../ports.ts";

/** Names the file by which the other one says that it runs. Whoever has it hands over to nobody. */
const sign = "TOWLINE_HANDED_OVER";

interface Here {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  report: Pick<Report, "warning">;
  exit(code: number): void;
}

/** True: another towline did it, and its exit code is set. */
export async function handedOver(argv: readonly string[], here: Here, own: string): Promise<boolean> {
  const handed = here.env[sign];
  if (handed !== undefined) {
    // Only an empty file of that name is touched, whatever the variable says.
    if (/[\\/]towline-hand-[^\\/]+[\\/]runs$/.test(handed)) tell(handed);
    return false;
  }
  const folder = folderIn(argv);
  const pinned = folder === null ? null : pinFor(resolve(here.cwd, folder));
  if (pinned === null || pinned === own) return false;
  const dir = mkdtempSync(join(tmpdir(), "towline-hand-"));
  const runs = join(dir, "runs");
  try {
    const code = await runOther(pinned, argv, { ...here.env, [sign]: runs }, here.cwd);
    if (existsSync(runs)) {
      here.exit(code);
      return true;
    }
    here.report.warning(
      `this pack names towline ${pinned}, which cannot be fetched: ${own} goes on (no network? \`npx towline@${own} upgrade\` names this one)`,
    );
    return false;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function tell(file: string): void {
  try {
    writeFileSync(file, "", { flag: "wx" });
  } catch {
    // Nobody waits for it any more.
  }
}

/** The pack that holds this folder. */
function pinFor(dir: string): string | null {
  try {
    return pinIn(readFileSync(join(dir, "towline.yml"), "utf8"));
  } catch {
    return dirname(dir) === dir ? null : pinFor(dirname(dir));
  }
}

async function runOther(version: string, argv: readonly string[], env: Here["env"], cwd: string): Promise<number> {
  const { spawn } = await import("node:child_process");
  return new Promise((done) => {
    const args = ["--yes", "--loglevel=silent", `towline@${version}`, ...argv];
    const child = spawn("npx", args, { cwd, env, stdio: "inherit" });
    const pass = (signal: NodeJS.Signals) => child.kill(signal);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const signal of signals) process.on(signal, pass);
    const end = (code: number) => {
      for (const signal of signals) process.off(signal, pass);
      done(code);
    };
    child.on("error", () => end(127));
    child.on("exit", (code, signal) => end(signal ? 128 + constants.signals[signal] : (code ?? 1)));
  });
}
