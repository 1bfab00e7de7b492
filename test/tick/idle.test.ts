// A tick that has nothing to do: it calls no host and no model, and writes nothing, however often it runs.
import { afterAll, expect, test } from "vitest";
import { openRepo } from "../../src/shell/repo.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { size, tell } from "../chaos/kit/sizes.ts";
import { machine, type Script } from "../fakes/fleet.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

let pack: TestPack | undefined;
afterAll(() => pack?.remove());

const count = size(30, 1000);
const answer = `${JSON.stringify({ type: "result", subtype: "success", is_error: false, result: "Fine.", total_cost_usd: 0.55 })}\n`;

test(`${count} idle ticks, a minute apart: no start, no call of a host, no commit`, async () => {
  const one = testPack({
    "towline.yml": "id: test-pack\nzone: UTC\ntick: {patience: 0s}\nfleet: {probe: 0s}\n",
    "agents/scout.md": md("runtime: claude\nbudget: {day: {usd: 1}}"),
    "hosts/ann.md": md("address: 127.0.0.1\nruntimes: [claude]"),
    // Done; asked and not answered; held back by a budget; due another day; waiting for one that is; paused.
    "tasks/done.md": md("title: Done\nagent: scout\nbudget: {usd: 0.6}\npriority: 0", "Look."),
    "tasks/asks.md": md("title: Asks\nagent: scout\nbudget: {usd: 0.1}\npriority: 0", "Look."),
    "tasks/dear.md": md("title: Dear\nagent: scout\nbudget: {usd: 0.6}\npriority: 4", "Look."),
    "tasks/later.md": md("title: Later\nagent: scout\ndue: 2026-12-01T09:00:00Z", "Look."),
    "tasks/after.md": md("title: After\nagent: scout\nafter: [later]", "Look."),
    "tasks/paused.md": md("title: Paused\nagent: scout\nstatus: paused", "Look."),
  });
  pack = one;
  const ann = machine({ runtimes: ["claude"] });
  const script: Script = (job) => ({
    stdout: answer,
    at: "2026-11-20T01:00:00Z",
    ...(job.startsWith("asks") ? { outbox: { "01-ask.md": "May I?" } } : {}),
  });
  const from = Date.parse("2026-11-20T01:00:00Z");
  // Opened once, which costs as much as the rest; each tick asks the origin where it stands.
  const repo = await openRepo(one.clone, { env: process.env });
  const tick = (minute: number) =>
    runTick(one.clone, { ann }, script, { now: new Date(from + minute * 60_000).toISOString(), repo });
  for (const minute of [0, 1, 2]) await tick(minute);
  const status = (task: string) => /^state: (\w+)$/m.exec(one.file(`status/${task}.md`))?.[1];
  expect(["done", "asks", "dear", "later"].map(status)).toEqual(["done", "waiting", "blocked", "queued"]);
  const seen = () => ({ main: one.at("rev-parse", "main"), calls: ann.calls, starts: ann.journal.length });
  const before = seen();
  expect(before.starts).toBe(2);
  const cpu = process.cpuUsage();
  for (let minute = 3; minute < 3 + count; minute++) {
    const { commits, starts, state } = await tick(minute);
    if (commits.length > 0 || starts.length > 0)
      throw new Error(`minute ${minute}: ${JSON.stringify({ commits, starts })}`);
    expect(state.problems).toEqual([]);
  }
  expect(seen()).toEqual(before);
  const { user, system } = process.cpuUsage(cpu);
  tell("idle", { ticks: count, "ms of our own a tick": (user + system) / 1000 / count });
}, 3_600_000);

test("a secret in a task's title: it leaves masked, and the ticks after that have nothing to say", async () => {
  const value = "kV9-something-secret-44";
  const one = testPack({
    "towline.yml": "id: test-pack\nzone: UTC\ntick: {patience: 0s}\nfleet: {probe: 0s}\n",
    "agents/scout.md": md("runtime: shell"),
    "hosts/ann.md": md("address: 127.0.0.1"),
    "tasks/odd.md": md(`title: Look at ${value}\nagent: scout`, "true"),
  });
  try {
    const ann = machine({});
    const secrets = createSecrets({ ODD_TOKEN: value });
    const from = Date.parse("2026-11-20T01:00:00Z");
    const tick = (minute: number) =>
      runTick(one.clone, { ann }, () => ({ stdout: "Fine.\n", at: "2026-11-20T01:00:00Z" }), {
        now: new Date(from + minute * 60_000).toISOString(),
        secrets,
      });
    for (const minute of [0, 1]) await tick(minute);
    expect(one.file("OVERVIEW.md")).toContain("redacted");
    expect(one.at("log", "-p", "--all", "--", "OVERVIEW.md", "status", "jobs")).not.toContain(value);
    expect((await tick(2)).commits).toEqual([]);
  } finally {
    one.remove();
  }
}, 300_000);
