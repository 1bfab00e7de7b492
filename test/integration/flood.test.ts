// A run that writes without end on both streams, over real SSH: neither this side nor the host grows with it, and the
// record is small and exact. A GiB on each; `npm run test:long` writes four.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseEntry } from "../../src/core/entry.ts";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md } from "../fakes/pack.ts";
import { keyOf, lacksSshd, needs, program, realPack } from "./real.ts";

const long = process.env.TOWLINE_LONG === "1";
const mib = long ? 4096 : 1024;
const megabyte = 1 << 20;

/** Lines that differ, made fast: a block of numbered lines, again and again, with its number in front. */
const block = Array.from(
  { length: 2048 },
  (_, i) => `line ${String(i).padStart(6, "0")} ${"abcdefgh".repeat(62)}`,
).join("\n");
const script = `
flood() {
  echo "$1 begins"
  i=0
  while [ $i -lt ${mib} ]; do i=$((i + 1)); echo "$1 part $i"; cat "$HOME/block"; done
  echo "$1 ends"
}
flood out & flood err >&2 & wait
`;

const field = (pid: number, file: string, name: string) => {
  try {
    return Number(
      new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))?.[1] ?? 0,
    );
  } catch {
    return 0; // it has ended
  }
};

describe.skipIf(lacksSshd)(`floods, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  let home: string;
  let whole: Buffer;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-flood-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"], server: "openssh" });
    home = up.machines[0]?.home ?? "";
    execFileSync("sh", ["-c", "cat >block"], { cwd: home, input: `${block.slice(0, megabyte - 1)}\n` });
    whole = readFileSync(join(home, "block"));
  });
  afterAll(async () => {
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });

  const onHost = () =>
    readdirSync("/proc").flatMap((pid) => {
      try {
        return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(home) ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });

  /** KiB below the host's root; files may go while it is being read. */
  const used = () =>
    Number(
      execFileSync("sh", ["-c", "du -sk .towline 2>/dev/null || :"], { cwd: home, encoding: "utf8" }).split("\t")[0],
    );

  /** One tick as a process of its own; answers its peak of memory and that of all processes on the host, in KiB. */
  async function tick(clone: string) {
    const child = spawn(process.execPath, [program, "tick", "--no-sync", "--no-site", "--json", "--repo", clone], {
      env: { ...process.env, ...keyOf(up.machines) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (text) => {
      out += text;
    });
    const over = new Promise((resolve) => child.once("close", resolve));
    let [ours, host, disk] = [0, 0, 0];
    for (let n = 0; child.exitCode === null && child.signalCode === null; n++) {
      ours = Math.max(ours, field(child.pid as number, "status", "VmHWM"));
      // What processes share (the shell's own pages) counts once by its share.
      host = Math.max(
        host,
        onHost().reduce((sum, pid) => sum + field(pid, "smaps_rollup", "Pss"), 0),
      );
      if (n % 10 === 0) disk = Math.max(disk, used());
      await delay(50);
    }
    await over;
    expect(child.exitCode).toBe(0);
    return { ours, host, disk, told: JSON.parse(out) as { ended: { state: string }[] } };
  }

  test(`${mib} MiB on stdout and as much on stderr at once`, async () => {
    const pack = realPack(
      up.machines,
      { "tasks/small.md": md("title: Small", "echo small; echo small >&2") },
      "tick: {patience: 15m}\n",
      "flood",
    );
    try {
      const small = await tick(pack.clone);
      pack.push({ "tasks/flood.md": md("title: Flood\ntimeout: 15m", script) });
      const from = performance.now();
      const big = await tick(pack.clone);
      const took = (performance.now() - from) / 1000;
      expect(big.told.ended).toMatchObject([{ state: "finished" }]);
      expect(big.ours - small.ours).toBeLessThan(64 * 1024);
      expect(big.host).toBeLessThan(32 * 1024);
      expect(big.disk - small.disk).toBeLessThan(1024);
      const path = pack
        .at("ls-tree", "-r", "--name-only", "main", "jobs/")
        .trim()
        .split("\n")
        .find((one) => one.includes("flood-")) as string;
      const text = pack.file(path);
      expect(Buffer.byteLength(text)).toBeLessThan(256 * 1024);
      const { data } = parseEntry(path, "job", text).entry as {
        data: { run: Record<string, { bytes: number; sha256: string; truncated: boolean }> };
      };
      for (const [name, key] of [
        ["out", "output"],
        ["err", "errors"],
      ] as const) {
        const parts = Array.from({ length: mib }, (_, i) => `${name} part ${i + 1}\n`);
        const bytes =
          parts.reduce((sum, part) => sum + part.length, 0) +
          mib * whole.length +
          `${name} begins\n${name} ends\n`.length;
        const sum = createHash("sha256").update(`${name} begins\n`);
        for (const part of parts) sum.update(part).update(whole);
        sum.update(`${name} ends\n`);
        expect(data.run[key]).toEqual({ bytes, sha256: sum.digest("hex"), truncated: true });
      }
      expect(text).toMatch(/out begins\nout part 1\nline 000000/);
      expect(text).toMatch(/\nout ends\n/);
      expect(text).toMatch(/err begins\n/);
      expect(text).toMatch(/\nerr ends\n/);
      console.log(
        `${2 * mib} MiB in ${took.toFixed(1)} s; grew by ${((big.ours - small.ours) / 1024).toFixed(1)} MiB here, host at most ${(big.host / 1024).toFixed(1)} MiB`,
      );
    } finally {
      pack.remove();
    }
  }, 900_000);
});
