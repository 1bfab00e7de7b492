// Starts git the one way that towline does: no hooks, filters, prompts or clean-up, English messages, a
// deadline on whatever may hang. Credentials stay: they live in the user's git configuration.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { configuration, usage } from "../errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Where git runs: a folder and the whole environment. Settings travel in the environment, never in argv. */
export interface Place {
  cwd: string;
  env: Record<string, string>;
}

export interface Ran {
  /** Null: ended by a signal. */
  code: number | null;
  /** We ended it at its deadline. */
  killed: boolean;
  stdout: Buffer;
  stderr: string;
}

export interface RunOptions {
  input?: Iterable<Uint8Array>;
  /** Chunks of stdout as they come; then `stdout` stays empty. */
  onData?: (chunk: Buffer) => void;
  /** Milliseconds; at the limit the whole process group gets SIGKILL. */
  deadline?: number;
  /** Bytes of stdout, with a deadline only: beyond them it is ended as at its deadline. */
  most?: number;
  /** Ends it as its deadline does. */
  signal?: AbortSignal;
  /** Added to the place's environment. */
  env?: Record<string, string>;
}

const kept =
  /^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|ALLOW_PROTOCOL|EXEC_PATH|(HTTP|SSL|PROXY)_.*|CONFIG_(COUNT|(KEY|VALUE)_\d+|GLOBAL|SYSTEM|NOSYSTEM))$/;

const settings: [string, string][] = [
  ["core.hooksPath", "/dev/null"],
  ["core.attributesFile", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.logAllRefUpdates", "false"],
  ["credential.interactive", "never"],
  ["fetch.recurseSubmodules", "false"],
  ["fetch.writeCommitGraph", "false"],
  ["gc.auto", "0"],
  ["http.lowSpeedLimit", "1"],
  ["http.lowSpeedTime", "30"],
  ["maintenance.auto", "false"],
  ["protocol.ext.allow", "never"],
  ["push.followTags", "false"],
  ["push.gpgSign", "false"],
  ["push.recurseSubmodules", "no"],
];

/** The environment of every git that we start: the given one without git's own variables, plus our settings. */
export function gitEnv(base: Env | undefined, more: [string, string][] = []): Record<string, string> {
  const env: Record<string, string> = base ? {} : { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: homedir() };
  for (const [name, value] of Object.entries(base ?? {}))
    if (value !== undefined && (!name.startsWith("GIT_") || kept.test(name))) env[name] = value;
  delete env.LANGUAGE;
  Object.assign(env, {
    GIT_ATTR_NOSYSTEM: "1",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
    SSH_ASKPASS_REQUIRE: "never",
  });
  return withSettings(env, [...settings, ...more]);
}

/** The same environment with more git settings, appended to those that are there. */
export function withSettings(env: Record<string, string>, more: [string, string][]): Record<string, string> {
  const result = { ...env };
  let count = Number(env.GIT_CONFIG_COUNT ?? 0) || 0;
  for (const [key, value] of more) {
    result[`GIT_CONFIG_KEY_${count}`] = key;
    result[`GIT_CONFIG_VALUE_${count}`] = value;
    count++;
  }
  return { ...result, GIT_CONFIG_COUNT: String(count) };
}

/** One git process. Resolves when it has ended, whatever its exit code; throws only when git cannot be started. */
export function runGit(place: Place, args: string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, {
      cwd: place.cwd,
      env: { ...place.env, ...options.env },
      // Its own group, so that helpers such as ssh end with it; and no terminal that could ask for a password.
      detached: options.deadline !== undefined,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let kept_bytes = 0;
    let killed = false;
    const timer =
      options.deadline === undefined
        ? undefined
        : setTimeout(() => {
            killed = true;
            endGroup(child.pid);
          }, options.deadline);
    options.signal?.addEventListener("abort", () => {
      killed = true;
      endGroup(child.pid);
    });
    let seen = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.length;
      if (options.most !== undefined && seen > options.most) {
        killed = true;
        endGroup(child.pid);
      } else if (options.onData) options.onData(chunk);
      else out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      kept_bytes += chunk.length;
      if (kept_bytes < 1 << 18) err.push(chunk);
    });
    child.on("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(
        cause.code === "ENOENT"
          ? existsSync(place.cwd)
            ? configuration("git cannot be started", "install git 2.30 or newer")
            : usage(`there is no folder ${place.cwd}`, "name the pack's folder with --repo")
          : cause,
      );
    });
    // A grandchild that kept the pipe must not keep us waiting.
    child.on("exit", () => {
      if (killed) setTimeout(() => [child.stdout, child.stderr].map((stream) => stream.destroy()), 200);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, killed, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() });
    });
    child.stdin.on("error", () => {}); // git ended before it read all: its exit code tells why
    feed(child.stdin, options.input);
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // already gone
  }
}

function feed(stdin: NodeJS.WritableStream, input: Iterable<Uint8Array> = []): void {
  const parts = input[Symbol.iterator]();
  const next = () => {
    for (let part = parts.next(); !part.done; part = parts.next())
      if (!stdin.write(part.value)) return void stdin.once("drain", next);
    stdin.end();
  };
  next();
}
