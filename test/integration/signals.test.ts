// A CI service that cancels a run sends SIGINT, waits 7.5 s, sends SIGTERM, waits 2.5 s and kills. Whatever a tick is at,
// it is gone before the SIGTERM, and one clean tick later all is as if nobody had interrupted.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, packFolder, program, realPack, towline } from "./real.ts";

const rounds = 8;
/** A CI service gives 7.5 s; how long it takes in fact is printed. Five times that is a hang. ms */
const hang = 37_500;
const quick = ["--no-sync", "--no-site"];

interface Left {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Milliseconds from the first signal to the end; null: it had ended before. */
  took: number | null;
  out: string;
  err: string;
}

describe.skipIf(lacksSshd)(`signals, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-signals-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 2, names: ["bow", "stern"], server: "openssh" });
  });
  afterAll(async () => {
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Starts the verb and ends it as a CI service does, `after` ms from its start or when that has come true. */
  async function cancelled(
    args: string[],
    after: number | ((pid: number) => Promise<void>),
    first: NodeJS.Signals = "SIGINT",
  ): Promise<Left> {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, ...keyOf(up.machines), NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => {
      out += text;
    });
    child.stderr.on("data", (text) => {
      err += text;
    });
    let ended = false;
    const over = new Promise<void>((resolve) => child.on("close", () => resolve())).then(() => {
      ended = true;
    });
    await Promise.race([over, typeof after === "number" ? delay(after) : after(child.pid as number)]);
    const from = ended ? null : performance.now();
    for (const [signal, wait] of [
      [first, 7500],
      // It would be 2.5 s: a busy machine is given more, and whoever needs it is told of by the time printed.
      ["SIGTERM", hang - 7500],
      ["SIGKILL", 5000],
    ] as const) {
      if (ended) break;
      // The runner signals the entry process; a terminal would signal the whole group.
      child.kill(signal);
      await Promise.race([over, delay(wait)]);
    }
    return { code: child.exitCode, signal: child.signalCode, took: from && performance.now() - from, out, err };
  }

  /** Once a job has left this mark on a machine, and its tick has heard that it was started. */
  const begun = (mark: string) => async () => {
    const seen = () => up.machines.some(({ home }) => existsSync(join(home, mark)));
    for (let tries = 0; !seen() && tries < 600; tries++) await delay(50);
    await delay(700);
  };
  /** The process has a child, which lives for a few milliseconds only. */
  async function callsGit(pid: number): Promise<void> {
    for (const until = performance.now() + 30_000; performance.now() < until; await delay(1)) {
      try {
        if (readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8") !== "") return;
      } catch {
        return; // it is over already
      }
    }
  }
  const starts = (pack: string) =>
    up.machines
      .flatMap(({ home }) => {
        const file = join(packFolder(home, pack) ?? "", "journal");
        return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
      })
      .map((line) => line.split(" ")[0]);
  const states = (pack: TestPack, ids: string[]) =>
    ids.map((id) => [id, /^state: (\w+)$/m.exec(pack.file(`status/${id}.md`))?.[1]]);

  test(`at ${rounds} moments of a tick: gone in time, and one clean tick later all is done, once`, async () => {
    const pack = realPack(up.machines, {}, "tick: {patience: 20s, wall: 1s, max_starts: 5000}\n", "signals");
    try {
      const ids: string[] = [];
      const seen: Left[] = [];
      // How long a tick takes here and now that has nothing to do: not the first one, which looks at all machines, and the
      // shorter of two, since the machine may have been busy with something else.
      await towline(["tick", ...quick, "--repo", pack.clone], keyOf(up.machines));
      let idle = Number.POSITIVE_INFINITY;
      for (let n = 0; n < 2; n++) {
        const from = performance.now();
        await towline(["tick", ...quick, "--repo", pack.clone], keyOf(up.machines));
        idle = Math.min(idle, performance.now() - from);
      }
      for (let round = 0; round < rounds; round++) {
        const fresh = [0, 1, 2].map((n) => `r${round}-${n}`);
        ids.push(...fresh);
        const script = (id: string) => `echo ${id} >> "$HOME/marks"; sleep 1; echo said`;
        pack.push(Object.fromEntries(fresh.map((id) => [`tasks/${id}.md`, md(`title: ${id}`, script(id))])));
        // From its first call of git, before which it listens already, to well into the wait for its jobs, in a
        // scattered order. How long it takes to start says nothing where other work comes and goes.
        const moment = (((round * 7) % rounds) * (idle / 2 + 800)) / rounds;
        const after = async (pid: number) => {
          await callsGit(pid);
          await delay(moment);
        };
        seen.push(
          await cancelled(["tick", ...quick, "--repo", pack.clone], after, round % 5 === 4 ? "SIGTERM" : "SIGINT"),
        );
      }
      for (const one of seen) {
        expect(one.err).not.toMatch(/fault of ours| {4}at /);
        if (one.took === null) continue;
        expect(one.took).toBeLessThan(hang);
        // Before the program listens the system ends it; after that it says so itself; or it was just done.
        expect(one.signal ?? one.code).toBeOneOf([130, 0, "SIGINT", "SIGTERM"]);
      }
      const told = seen.filter((one) => one.code === 130);
      expect(told.length).toBeGreaterThanOrEqual(1);
      for (const one of told) expect(one.err).toContain("interrupted");
      await delay(1500); // what runs goes on and ends
      const clean = await towline(["tick", ...quick, "--json", "--repo", pack.clone], keyOf(up.machines), 120_000);
      expect(clean.code).toBe(0);
      expect(states(pack, ids)).toEqual(ids.map((id) => [id, "done"]));
      const began = starts("signals");
      expect(began).toHaveLength(ids.length);
      expect(new Set(began).size).toBe(ids.length);
      expect(
        marks(up.machines)
          .map((line) => line.split(" ")[0])
          .sort(),
      ).toEqual([...ids].sort());
      expect(pack.at("fsck", "--strict", "--no-dangling")).toBe("");
      // Nothing half made is left in the clone, and the next tick has nothing to do.
      expect(readdirSync(join(pack.clone, ".git", "objects")).filter((name) => name.startsWith("tmp_"))).toEqual([]);
      const after = await towline(["tick", ...quick, "--json", "--repo", pack.clone], keyOf(up.machines));
      expect(JSON.parse(after.out)).toMatchObject({ commits: [], interrupted: false });
      console.log(
        `${told.length} of ${rounds} heard the signal, slowest ${Math.round(Math.max(...told.map((one) => one.took ?? 0)))} ms`,
      );
    } finally {
      pack.remove();
    }
  }, 600_000);

  test("a tick that waits for a job gives its claim's record and goes; the job goes on and is collected", async () => {
    const files = { "tasks/long.md": md("title: Long", ': > "$HOME/long"; sleep 6; echo through') };
    const pack = realPack(up.machines, files, "tick: {patience: 60s}\n", "signal-long");
    try {
      const left = await cancelled(["tick", ...quick, "--json", "--repo", pack.clone], begun("long"));
      expect([left.code, (left.took ?? 0) < hang]).toEqual([130, true]);
      expect(JSON.parse(left.out)).toMatchObject({ interrupted: true, started: [{ task: "long" }] });
      // That it runs is known: the claim's outcome was recorded on the way out.
      expect(pack.file("status/long.md")).toMatch(/^state: running$/m);
      expect(pack.file(pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim())).toMatch(/^state: started$/m);
      const next = await towline(["tick", ...quick, "--repo", pack.clone], keyOf(up.machines));
      expect(next.code).toBe(0);
      await delay(5000);
      await towline(["tick", ...quick, "--repo", pack.clone], keyOf(up.machines));
      expect(pack.file("status/long.md")).toMatch(/^state: done$[\s\S]*through/m);
      expect(starts("signal-long")).toHaveLength(1);
    } finally {
      pack.remove();
    }
  });

  test("watch ends in the middle of a tick and between two", async () => {
    const files = { "tasks/w.md": md("title: W", ': > "$HOME/watched"; sleep 6; echo said') };
    const pack = realPack(up.machines, files, "tick: {patience: 60s}\n", "signal-watch");
    try {
      const inside = await cancelled(["watch", "--every", "1h", "--repo", pack.clone], begun("watched"));
      expect([inside.code, inside.err]).toEqual([130, expect.stringContaining("interrupted")]);
      expect(inside.took).toBeLessThan(hang);
      await delay(6000);
      await towline(["tick", ...quick, "--repo", pack.clone], keyOf(up.machines));
      const between = await cancelled(["watch", "--every", "1h", "--repo", pack.clone], 8000);
      expect([between.code, between.signal]).toEqual([0, null]);
      expect(between.took).toBeLessThan(hang);
      expect(starts("signal-watch")).toHaveLength(1);
    } finally {
      pack.remove();
    }
  });

  test("a host that swallows the connection does not hold the end up", async () => {
    const { createServer } = await import("node:net");
    let heard = () => {};
    const called = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const hole = createServer(() => heard());
    await new Promise<void>((resolve) => void hole.listen(0, "127.0.0.1", resolve));
    const pack = realPack(up.machines, { "tasks/x.md": md("title: X\nhosts: hole", "x") }, "", "signal-hole");
    try {
      const port = (hole.address() as { port: number }).port;
      pack.push({ "hosts/hole.md": pack.file("hosts/bow.md").replace(/port: \d+/, `port: ${port}`) });
      const left = await cancelled(["tick", ...quick, "--repo", pack.clone], () => called);
      expect([left.code, (left.took ?? 0) < hang]).toEqual([130, true]);
    } finally {
      hole.close();
      pack.remove();
    }
  });
});
