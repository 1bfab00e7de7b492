// Ticks that ask hosts how they are although there is no work: when, what it leaves, and what it does not.
import { afterEach, expect, test } from "vitest";
import { readBeatText } from "../../src/core/beat.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { type FakeMachine, machine, type Script } from "../fakes/fleet.ts";
import { basics, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

let pack: TestPack;
afterEach(() => pack.remove());

const beat = async () => {
  const { repo } = await openOrigin(pack.clone, { env: process.env, clock: systemClock(), secrets: noSecrets });
  return readBeatText(await repo.readBeat());
};
const files = () => pack.at("ls-tree", "-r", "--name-only", "main").split("\n");

/** A tick, as the verb runs it: with what the heartbeat remembers. */
async function tick(now: string, machines: Record<string, FakeMachine>) {
  const probed = (await beat())?.probed;
  const before = Object.values(machines).map((one) => one.calls);
  const outcome = await runTick(pack.clone, machines, () => ({}), { now, probed });
  const called = Object.entries(machines).flatMap(([name, one], at) => (one.calls > (before[at] ?? 0) ? [name] : []));
  return { commits: outcome.commits.length, called };
}

const noted = (at: string) => ({
  at: Date.parse(at) / 1000,
  load: 1,
  cores: 2,
  memory: { free: 1, total: 2 },
  disk: { free: 1, total: 2 },
  slots: 0,
});

test("a quiet pack: asked each half hour, samples wait for a commit, a day makes one, a change of state makes one", async () => {
  pack = testPack(basics(["one", "two"]));
  const machines = { one: machine(), two: machine() };
  expect(await tick("2026-11-20T10:00:00Z", machines)).toEqual({ commits: 1, called: ["one", "two"] }); // they are met
  expect((await beat())?.probed).toEqual({ one: 1795168800, two: 1795168800 });

  expect(await tick("2026-11-20T10:10:00Z", machines)).toEqual({ commits: 0, called: [] });
  machines.one.samples.push(noted("2026-11-20T10:30:00Z"));
  expect(await tick("2026-11-20T10:31:00Z", machines)).toEqual({ commits: 0, called: ["one", "two"] });
  expect(files().filter((path) => path.startsWith("state/hosts/"))).toEqual([]);

  machines.two.down = true;
  machines.one.samples.push(noted("2026-11-20T11:00:00Z"));
  expect(await tick("2026-11-20T11:02:00Z", machines)).toEqual({ commits: 1, called: ["one"] });
  expect(pack.file("state/levels.ndjson")).toContain("host.down");
  expect(pack.file("state/hosts/2026-11-20.ndjson").match(/"at":"[^"]*"/g)).toEqual([
    '"at":"2026-11-20T10:30:00.000Z"',
    '"at":"2026-11-20T11:00:00.000Z"',
  ]);
  expect(await tick("2026-11-20T11:10:00Z", machines)).toEqual({ commits: 0, called: [] }); // silence is remembered, too

  machines.one.samples.push(noted("2026-11-20T23:30:00Z"));
  expect(await tick("2026-11-20T23:31:00Z", machines)).toMatchObject({ commits: 0 });
  expect(await tick("2026-11-21T00:02:00Z", machines)).toEqual({ commits: 1, called: ["one"] });
  expect(pack.file("state/hosts/2026-11-20.ndjson")).toContain("23:30");
  expect(await tick("2026-11-21T00:40:00Z", machines)).toMatchObject({ commits: 0 });
});

test("a full disk, taken slots and another machine than its record says are news once, and over once", async () => {
  pack = testPack({ ...basics(["one"]), "hosts/one.md": "---\naddress: 127.0.0.1\nslots: 1\narch: arm64\n---\n" });
  const one = machine({ slots: 1, arch: "aarch64", disk: { total: 100, free: 11 } });
  const events = () =>
    pack
      .at("grep", "-h", "-o", '"kind":"host[a-z._]*"', "main", "--", "pupdates")
      .split("\n")
      .flatMap((line) => line.match(/host\.[a-z_]+/) ?? []);
  await tick("2026-11-20T10:00:00Z", { one });
  one.disk = { total: 100, free: 9 };
  one.arch = "x86_64";
  await tick("2026-11-20T11:00:00Z", { one });
  expect(events().sort()).toEqual(["host.disk", "host.drifted"]);
  const memos = pack.file("OVERVIEW.md");
  expect(memos).toContain("one: its disk is 91 % full");
  expect(memos).toContain("its record says arch: arm64, the machine is x86");
  one.disk = { total: 100, free: 12 }; // still over the lower mark
  await tick("2026-11-20T12:00:00Z", { one });
  expect(events()).toHaveLength(2);
  one.disk = { total: 100, free: 20 };
  one.arch = "aarch64";
  await tick("2026-11-20T13:00:00Z", { one });
  expect(events().sort()).toEqual(["host.disk", "host.disk_ok", "host.drifted", "host.matches"]);
  expect(pack.file("OVERVIEW.md")).toContain("Nothing waits for you");
});

test("what a host of many did before it fell silent is recorded when a probe finds it again", async () => {
  const task = "---\ntitle: Go\nhosts: all\ntimeout: 2m\n---\n\ngo\n";
  pack = testPack({ ...basics(["one", "two"]), "tasks/go.md": task });
  const machines = { one: machine(), two: machine() };
  const script: Script = (_, __, host) => (host === "two" ? { hangs: true } : { stdout: "fine\n" });
  const options = (now: string) => ({ now, probed: { one: 0, two: 0 } });
  await runTick(pack.clone, machines, script, options("2026-11-20T10:00:00Z"));
  machines.two.down = true;
  await runTick(pack.clone, machines, script, options("2026-11-20T10:30:00Z"));
  expect(pack.file("status/go.md")).toContain("state: failed");
  const record = () => {
    const path = pack
      .at("grep", "-l", "host: two", "main", "--", "jobs")
      .trim()
      .replace(/^main:/, "");
    return pack.file(path);
  };
  expect(record()).toContain("not reached: two does not answer");
  machines.two.down = false;
  for (const one of machines.two.runs.values()) one.run = { stdout: "late but fine\n" };
  await runTick(pack.clone, machines, script, options("2026-11-20T11:00:00Z"));
  expect(record()).toContain("late but fine");
  expect(machines.two.journal).toHaveLength(1);
});
