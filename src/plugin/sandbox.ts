// The process that a plugin runs in. It reads its own folder, writes nothing, starts nothing, has no environment, and
// ends at its limits of time, memory and output. What this does not hold is said in docs/plugins.md.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { oneLine } from "../core/text.ts";

/** The code of a plugin, wherever it was read. */
export interface Code {
  name: string;
  /** What people know it by: `plugins/alertmanager.ts`. */
  place: string;
  /** The file that holds the class, a key of `files`. */
  entry: string;
  files: ReadonlyMap<string, Uint8Array>;
}

export interface Limits {
  /** For all that it is asked, ms. */
  wall: number;
  /** For JavaScript's values, MiB; buffers have another 400. */
  memory: number;
  /** For all that it writes, bytes. */
  output: number;
}
export const limits: Limits = { wall: 10_000, memory: 96, output: 1 << 20 };

export interface Allowed {
  network?: boolean;
  limits?: Partial<Limits>;
  signal?: AbortSignal | undefined;
}

/** Why a plugin gave nothing. Its words may hold text of the plugin, made harmless. */
export class PluginFault extends Error {}

export interface Running {
  /** One question, one answer. Throws a PluginFault. */
  ask(call: string, given?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Limits that the kernel keeps, as far as it has them: no core file, no byte into any file, CPU seconds even when nobody is
 * left to end it, and memory beyond what node counts itself. About 600 MB of address space are node's before a plugin's first byte.
 */
const shell = 'ulimit -c 0; ulimit -f 0; ulimit -t 60; ulimit -d "$1" 2>/dev/null; shift; exec "$@"';
const address_space = 1_000_000;

/** Starts the process; nothing of the plugin runs before the first question. */
export async function runPlugin(code: Code, allowed: Allowed = {}): Promise<Running> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "towline-plugin-")));
  try {
    await materialise(dir, code);
  } catch (thrown) {
    await rm(dir, { recursive: true, force: true });
    throw thrown;
  }
  return talkTo(start(dir, code, allowed), dir, code, allowed);
}

async function materialise(dir: string, { files }: Code): Promise<void> {
  const own = join(dir, ".towline");
  await mkdir(own);
  for (const name of ["child.ts", "define.ts"])
    await writeFile(join(own, name), await readFile(fileURLToPath(new URL(`./${name}`, import.meta.url))));
  await writeFile(join(dir, "package.json"), '{"type":"module"}\n');
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), bytes);
  }
}

function start(dir: string, { entry }: Code, { network, ...more }: Allowed): ChildProcessWithoutNullStreams {
  const { memory } = { ...limits, ...more.limits };
  const flags = ["--permission", `--allow-fs-read=${dir}`, "--no-warnings", `--max-old-space-size=${memory}`];
  // Later versions of node keep a process off the network by themselves.
  if (network && process.allowedNodeEnvironmentFlags.has("--allow-net")) flags.push("--allow-net");
  const own = [join(dir, ".towline", "child.ts"), join(dir, entry), join(dir, ".towline", "define.ts")];
  const args = [...flags, "--max-semi-space-size=8", ...own, network ? "network" : ""];
  return spawn("/bin/sh", ["-c", shell, "sh", String(address_space), process.execPath, ...args], {
    cwd: dir,
    env: {},
    stdio: "pipe",
  });
}

function talkTo(
  child: ChildProcessWithoutNullStreams,
  dir: string,
  code: Code,
  { signal, ...allowed }: Allowed,
): Running {
  const { wall, output } = { ...limits, ...allowed.limits };
  let left = wall;
  let why: string | null = null;
  let written = 0;
  let buffered = "";
  let heard: ((line: string | null) => void) | null = null;
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()));
  const end = (reason: string) => {
    why ??= reason;
    child.kill("SIGKILL");
  };
  const count = (bytes: Buffer) => {
    written += bytes.length;
    if (written > output) end(`it writes more than ${output >> 10} KiB`);
    return written <= output;
  };
  const decoder = new TextDecoder();
  child.stdout.on("data", (bytes: Buffer) => {
    if (!count(bytes)) return;
    buffered += decoder.decode(bytes, { stream: true });
    for (let at = buffered.indexOf("\n"); at >= 0; at = buffered.indexOf("\n")) {
      const line = buffered.slice(0, at);
      buffered = buffered.slice(at + 1);
      const hear = heard;
      heard = null;
      if (hear) hear(line);
      else end("it answers what it was not asked");
    }
  });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    if (count(bytes) && said.length < 4096) said += bytes.toString("utf8");
  });
  child.stdin.on("error", () => {}); // it ended before it was asked; `close` tells
  child.once("error", (thrown) => {
    end(`it cannot be started: ${thrown.message}`);
    heard?.(null);
  });
  child.once("close", (exit, killed) => {
    why ??= deathOf(exit, killed, said);
    heard?.(null);
  });
  const stop = () => end("the tick was ended");
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();

  const ask = async (call: string, given: unknown = null): Promise<unknown> => {
    if (why !== null) throw new PluginFault(why);
    const begun = performance.now();
    const timer = setTimeout(() => end(`it does not answer within ${wall / 1000} s`), Math.max(1, left));
    const line = await new Promise<string | null>((resolve) => {
      heard = resolve;
      child.stdin.write(`${JSON.stringify({ call, given })}\n`);
    });
    clearTimeout(timer);
    left -= performance.now() - begun;
    if (line === null) throw new PluginFault(why ?? "it ended");
    return answerOf(line, code);
  };
  const close = async () => {
    why ??= "it was closed";
    signal?.removeEventListener("abort", stop);
    child.kill("SIGKILL");
    await closed;
    await rm(dir, { recursive: true, force: true });
  };
  return { ask, close };
}

function answerOf(line: string, { place }: Code): unknown {
  let read: { value?: unknown; fault?: unknown; line?: unknown } | null;
  try {
    read = JSON.parse(line);
  } catch {
    throw new PluginFault("what it answers is no JSON");
  }
  if (typeof read !== "object" || read === null || !("value" in read || "fault" in read))
    throw new PluginFault("what it answers is no answer");
  if (read.fault === undefined) return read.value;
  const at = Number.isSafeInteger(read.line) ? `${place}:${read.line}: ` : "";
  throw new PluginFault(`${at}${oneLine(String(read.fault), 300)}`);
}

function deathOf(exit: number | null, signal: string | null, said: string): string {
  if (/heap out of memory|Failed to allocate|ALLOCATION_FAILED|out of memory/i.test(said) || signal === "SIGABRT")
    return "it takes more memory than it may";
  if (signal === "SIGXCPU") return "it takes more time than it may";
  const words = said.split("\n").find((line) => /\S/.test(line));
  return `it ended before it answered (${signal ?? `exit ${exit}`})${words ? `: ${oneLine(words, 160)}` : ""}`;
}
