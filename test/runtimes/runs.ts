// Results as hosts give them, assignments as ticks give them, and a launch really run by sh.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { agent, task } from "../../src/core/schema.ts";
import type { Assignment, Launch, RawResult, RawStream } from "../../src/ports.ts";

export const bytes = (text: string) => new TextEncoder().encode(text);
export const sha = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

export function stream(text: string | Uint8Array): RawStream {
  const head = typeof text === "string" ? bytes(text) : text;
  return { bytes: head.length, sha256: sha(head), head, tail: new Uint8Array() };
}

export function raw(over: Partial<RawResult> & { out?: string | Uint8Array; err?: string } = {}): RawResult {
  const { out = "", err = "", ...rest } = over;
  return {
    job: "disk-0123456789",
    epoch: 1,
    exit: 0,
    signal: null,
    end: "exited",
    started_at: "2026-11-20T08:00:00Z",
    ended_at: "2026-11-20T08:00:02Z",
    took: 2,
    boot: "b",
    program: "p",
    stdout: stream(out),
    stderr: stream(err),
    sha256: sha("result"),
    ...rest,
  };
}

export function anyAssignment(over: Partial<Assignment> = {}): Assignment {
  return {
    job: "disk-0123456789",
    epoch: 1,
    task: task.parse({ title: "Disk report", accept: ["one line a disk"] }),
    prompt: "Say how full the disks are.",
    agent: agent.parse({ runtime: "shell" }),
    character: "You are terse.",
    notes: "A small board.",
    secrets: {},
    ...over,
  };
}

/** Removed when the test has ended. Not by a hook of this module: suites that share a process load it once. */
export const folders = {
  push: (folder: string) => onTestFinished(() => rmSync(folder, { recursive: true, force: true })),
};

/** Does what the host program does: files under umask 077, the command by sh in the folder, its end at the limit in ms. `mark`: what the round before left. */
export async function run(launch: Launch, env: Record<string, string> = {}, limit = 20_000, mark?: string) {
  const root = mkdtempSync(join(tmpdir(), "towline run "));
  folders.push(root);
  const folder = join(root, "p/jobs/disk-0123456789/1");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(launch.files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  if (mark !== undefined) {
    mkdirSync(kept(folder), { recursive: true });
    writeFileSync(join(kept(folder), "kept"), mark);
  }
  const child = spawn("sh", ["-c", launch.command], {
    cwd: folder,
    env: { PATH: "/usr/bin:/bin", HOME: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.kill(-(child.pid as number), "SIGTERM");
  }, limit);
  const [out, err, [exit, signal]] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    once(child, "close") as Promise<[number | null, string | null]>,
  ]);
  clearTimeout(timer);
  return {
    folder,
    result: raw({ exit, signal, stdout: stream(out), stderr: stream(err), ...(late ? { end: "timeout" } : {}) }),
  };
}

/** What the job of a run keeps for its next epoch. */
export const kept = (folder: string) => join(folder, "../../../sessions/disk-0123456789");
