// A host whose calendar is off by days, or jumps while a run is under way: how long things took comes from the uptime, limits
// hold, and the skew is shown. The host's `date` is one of ours.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { host as hostSchema } from "../../src/core/schema.ts";
import type { StartRequest } from "../../src/ports.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { cli } from "../fakes/cli.ts";
import { md, testPack } from "../fakes/pack.ts";

const day = 86_400;
const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-clock-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

/** A machine whose calendar is this many seconds ahead; `set` changes that. */
function machine(name: string, ahead: number) {
  const home = join(dir, name);
  const bin = join(dir, `${name}-bin`);
  mkdirSync(home);
  mkdirSync(bin);
  const set = (seconds: number) => {
    writeFileSync(join(bin, "date"), `#!/bin/sh\necho $(($(/bin/date +%s) + ${seconds}))\n`);
    chmodSync(join(bin, "date"), 0o755);
  };
  set(ahead);
  return { home, set, env: { PATH: `${bin}:${system}` } };
}

const request = (job: string, script: string, deadline: number): StartRequest => ({
  job,
  epoch: 1,
  day: "2026/11/20",
  deadline,
  keep: 1000,
  slots: 4,
  launch: { files: { script }, secret: [], command: "sh ./script" },
});

test.each([3 * day, -400 * day, 20 * 365 * day])(
  "ahead by %i s: shown, and neither limits nor durations mind",
  async (ahead) => {
    const { home, env, set } = machine(`by${ahead}`, ahead);
    const host = hostSchema.parse({ address: "localhost", transport: "local" });
    const session = await createFleet({ env, home }).open("one", host, "p");
    expect(Math.abs(session.facts.skew - ahead)).toBeLessThan(30);
    await session.start(request("limited", "echo begun; sleep 60", 1));
    await session.start(request("jumps", "echo begun; sleep 0.5", 30));
    // The calendar is put right in the middle, and what was looked up of it is forgotten.
    set(0);
    rmSync(join(home, ".towline", "seen"), { force: true });
    for (const [job, end] of [
      ["limited", "timeout"],
      ["jumps", "exited"],
    ] as const) {
      while ((await session.wait([{ job, epoch: 1 }], 5000)).length === 0);
      const result = await session.fetch(job, 1);
      expect(result.end).toBe(end);
      expect(result.took).toBeGreaterThanOrEqual(0.5);
      expect(result.took).toBeLessThan(30);
      const [from, to] = [Date.parse(result.started_at), Date.parse(result.ended_at)];
      expect((to - from) / 1000).toBeCloseTo(result.took, 1);
      expect(Math.abs(from - Date.now() - ahead * 1000)).toBeLessThan(120_000);
    }
    expect(Math.abs((await session.probe()).skew)).toBeLessThan(30);
    session.close();
  },
);

test("a tick over such a host: done, with a duration that is none of the calendar's, once; and its status names the skew", async () => {
  const { home, env } = machine("ticked", 5 * day);
  const pack = testPack({
    "towline.yml": "id: clock\nname: clock\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 20s}\n",
    "agents/deckhand.md": md("runtime: shell"),
    "hosts/here.md": md(`address: localhost\ntransport: local\nroot: ${home}/root`),
    "tasks/hourly.md": md("title: Hourly\nevery: 1h\ncatch_up: all", `echo ran >>${home}/marks; sleep 0.3; echo fine`),
    "tasks/once.md": md("title: Once\nretries: 2", `echo ran >>${home}/marks; echo no; exit 1`),
  });
  try {
    const all = { ...process.env, ...env };
    for (let n = 0; n < 3; n++) expect((await cli(pack.clone, ["tick", "--no-sync", "--no-site"], all)).code).toBe(0);
    const jobs = pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n");
    const text = pack.file(jobs.find((path) => path.includes("/once-")) as string);
    expect(Number(/^took: ([\d.]+)/m.exec(text)?.[1])).toBeLessThan(30);
    // The next attempt is a minute later by our clock, not by the host's, which is days ahead.
    const retry = Date.parse(/retry_at: '?([^'\n]+)/.exec(text)?.[1] ?? "");
    expect(Math.abs(retry - Date.now())).toBeLessThan(10 * 60_000);
    const { out } = await cli(pack.clone, ["fleet", "status", "--json"], all);
    expect(Math.abs(JSON.parse(out)[0].skew - 5 * day)).toBeLessThan(60);
    expect((await cli(pack.clone, ["fleet", "status"], all)).out).toMatch(/clock|ahead/);
  } finally {
    pack.remove();
  }
});
