// A disk that is full from some step of a job on: with each room that is left, the start is refused or the run has a result
// that says how it ended. Nothing runs twice, nothing hangs, and with room again all goes on.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import { HostFault, type HostSession, type StartRequest } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { size } from "../chaos/kit/sizes.ts";

const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
const host = hostSchema.parse({ address: "localhost", transport: "local", slots: "4" });
const mount = (...args: string[]) => execFileSync("/bin/mount", args, { stdio: "ignore" });
const unmount = (at: string) => execFileSync("/bin/umount", ["-l", at], { stdio: "ignore" });

function mountable(): boolean {
  if (process.getuid?.() !== 0) return false;
  const at = mkdtempSync(join(tmpdir(), "towline-mount-"));
  try {
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", at);
    unmount(at);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}
const can = mountable();

describe.skipIf(!can)(`a full disk at each step${can ? "" : ", needs root and mount"}`, () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "towline-full-"));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

  const marks = (job: string) =>
    existsSync(join(dir, "marks"))
      ? readFileSync(join(dir, "marks"), "utf8")
          .split("\n")
          .filter((line) => line === job).length
      : 0;
  const request = (job: string): StartRequest => {
    const script = `echo ${job} >>"${dir}/marks"; echo begun; head -c 20000 /dev/zero; echo "ended" >&2\n#${"x".repeat(6000)}\n`;
    return {
      job,
      epoch: 1,
      day: "2026/11/20",
      deadline: 20,
      keep: 8000,
      slots: 4,
      launch: { files: { script }, secret: [], command: "sh ./script" },
    };
  };
  async function finish(session: HostSession, job: string) {
    for (let tries = 0; tries < 3; tries++) if ((await session.wait([{ job, epoch: 1 }], 2500)).length > 0) break;
    return session.fetch(job, 1);
  }

  /** All but this many KiB of the disk are taken. */
  function fill(home: string, left: number): string {
    const file = join(home, "fill");
    try {
      for (const block of [1 << 16, 1 << 12]) for (;;) writeFileSync(file, Buffer.alloc(block), { flag: "a" });
    } catch {
      // It is full.
    }
    try {
      for (;;) writeFileSync(file, Buffer.alloc(1 << 12), { flag: "a" });
    } catch {
      truncateSync(file, Math.max(0, Math.floor(statSync(file).size / 4096) * 4096 - left * 1024));
    }
    return file;
  }

  async function live(number: number, left: number) {
    const home = join(dir, `disk-${number}`);
    mkdirSync(home);
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", home);
    const job = `job-${number}`;
    try {
      const session = await createFleet({ env, home }).open("one", host, "p");
      const fill_file = fill(home, left);
      const before = await session.start(request(job)).catch((thrown) => thrown);
      if (before instanceof Error && !(before instanceof HostFault)) throw before;
      const state = before instanceof HostFault ? before.kind : before.state;
      const why = before.state === "refused" ? before.why : "";
      let end = "";
      if (state === "started") {
        const result = await finish(session, job).catch((thrown: HostFault) => thrown);
        end = result instanceof Error ? result.kind : result.end;
      }
      session.close();
      const ran = marks(job);
      rmSync(fill_file);
      // With room again the host works; what was refused can be started, what ran is not run again.
      const again = await createFleet({ env, home }).open("one", host, "p");
      if (state === "started" && end !== "exited") {
        const late = await finish(again, job);
        end = `${end}, then ${late.end}`;
      }
      const second = await again.start(request(job));
      if (second.state === "started") await finish(again, job);
      again.close();
      return { left, state, why, end, ran, second: second.state, all: marks(job) };
    } finally {
      unmount(home);
    }
  }

  const rooms = size(
    [0, 4, 8, 16, 20, 24, 32, 48, 64, 128, 256],
    Array.from({ length: 64 }, (_, n) => n * 4),
  );
  test(`with ${rooms.length} rooms from none on`, async () => {
    const lives = [];
    for (const [number, left] of rooms.entries()) lives.push(await live(number, left));
    for (const one of lives) {
      const { state, end, ran, all, second } = one;
      expect(["refused", "started"], JSON.stringify(one)).toContain(state);
      if (state === "refused") {
        expect([one.why, ran]).toEqual([expect.stringMatching(/disk full/), 0]);
        expect(all).toBe(second === "started" ? 1 : 0);
      } else {
        expect(end).toMatch(/^(exited|(died|altered), then died)$/);
        expect([ran <= 1, all, second]).toEqual([true, ran, "already"]);
      }
    }
    const kinds = lives.map(({ state, end }) => `${state} ${end}`.trim());
    expect([kinds[0], kinds.at(-1)]).toEqual(["refused", "started exited"]);
    expect(new Set(kinds).size).toBeGreaterThan(2);
  }, 600_000);

  test("no room for the host program, and none for an acknowledgement: said, and mended by room", async () => {
    const home = join(dir, "first");
    mkdirSync(home);
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", home);
    try {
      const fill_file = fill(home, 0);
      const fleet = createFleet({ env, home });
      await expect(fleet.open("one", host, "p")).rejects.toThrow(/cannot be installed/);
      rmSync(fill_file);
      const session = await fleet.open("one", host, "p");
      await session.start(request("kept"));
      const result = await finish(session, "kept");
      const again = fill(home, 0);
      await session.ack([result]).catch(() => {});
      session.close();
      rmSync(again);
      const later = await fleet.open("one", host, "p");
      const { held } = later.facts;
      expect(held.every((one) => one.job === "kept" && one.sha256 === result.sha256)).toBe(true);
      await later.ack([result]);
      expect((await later.probe()).held).toEqual([]);
      expect(await later.start(request("kept"))).toEqual({ state: "already", epoch: 1 });
      expect(marks("kept")).toBe(1);
      later.close();
    } finally {
      unmount(home);
    }
  });
});
