// Where suites write: in memory, where there is room. They make and remove hundreds of thousands of small files, and a
// disk's file system has them pay for each (ext4 without a journal looks through all that it freed in the last seconds).
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const memory = "/dev/shm";
const name = (pid: string | number) => `towline-${pid}`;
const tmpfs = 0x01021994;
const giga = 1024 ** 3;

export default function setup(): (() => void) | undefined {
  // Somebody chose a folder, or a run around this one did. The set-up is called once for each project, too.
  if (process.env.TMPDIR || !existsSync(memory)) return;
  removeLeftovers();
  const dir = join(memory, name(process.pid));
  if (!roomy() || !runsPrograms(dir)) {
    rmSync(dir, { recursive: true, force: true });
    return;
  }
  process.env.TMPDIR = dir;
  return () => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** The whole of the suites keeps a few hundred megabytes at a time; a machine that has no multiple of that uses its disk. */
function roomy(): boolean {
  const { type, bavail, bsize } = statfsSync(memory);
  return type === tmpfs && bavail * bsize >= 4 * giga && process.availableMemory() >= 8 * giga;
}

/** Containers often forbid to start what lies there. */
function runsPrograms(dir: string): boolean {
  try {
    mkdirSync(dir);
    // As /tmp is: some suites work as several users.
    chmodSync(dir, 0o1777);
    const program = join(dir, "tried");
    writeFileSync(program, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    return spawnSync(program).status === 0;
  } catch {
    return false;
  }
}

/** Of runs that were killed: nothing else would ever give their memory back. */
function removeLeftovers(): void {
  for (const entry of readdirSync(memory)) {
    const pid = /^towline-(\d+)$/.exec(entry)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmSync(join(memory, name(pid)), { recursive: true, force: true });
    } catch {
      // Another user's, or something still writes there: the next run tries again.
    }
  }
}
