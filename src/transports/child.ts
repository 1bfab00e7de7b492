// Programs of this machine that carry bytes to another: started without a shell, ended with all that they started.
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { keepText } from "./pipe.ts";

const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) endChild(child);
});

/** In a process group of its own: Ctrl-C is for us to hear, and ends no call that still has to say something. */
export function startChild(program: string, args: string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, args, { ...options, detached: true });
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  child.once("error", () => alive.delete(child));
  return child;
}

/** With what it started. */
export function endChild(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** What it reads and writes, as one stream. `why`: what to say where it ends without a byte; it gets the last line of its errors. */
export function streamOf(child: ChildProcess, why: (said: string | undefined) => string): Duplex {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("the program was not given its pipes");
  const text = keepText(stderr);
  let heard = false;
  const way = new Duplex({
    read: () => void stdout.resume(),
    write: (chunk, _, done) => void stdin.write(chunk, () => done()),
    final: (done) => void stdin.end(() => done()),
    destroy(thrown, done) {
      endChild(child);
      done(thrown);
    },
  });
  way.on("error", () => {});
  stdin.on("error", () => {});
  stdout.on("data", (chunk) => {
    heard = true;
    if (!way.push(chunk)) stdout.pause();
  });
  // A way that does not lead there ends without a byte, and often without a word.
  child.once("close", () => {
    const last = text().trim().split("\n").at(-1)?.trim();
    if (heard) way.push(null);
    else way.destroy(new Error(why(last || undefined)));
  });
  child.once("error", (thrown) => way.destroy(thrown));
  return way;
}
