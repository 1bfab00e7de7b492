// Eight tickers over 200 hosts at once, kept apart by the ledger alone; and what they leave is what one would have left.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Part, shardOf } from "../../src/core/part.ts";
import { cli } from "../fakes/cli.ts";
import { type FakeMachine, machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

const made = (files: Record<string, string>) => {
  const pack = testPack(files);
  packs.push(pack);
  return pack;
};
const shards = (of: number): Part[] =>
  Array.from({ length: of }, (_, index) => ({ shard: { index: index + 1, of }, lead: index === 0 }));

/** A clone for each ticker, as each runner has its own. */
function clones(pack: TestPack, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const dir = join(pack.dir, `runner-${index}`);
    execFileSync("git", ["clone", "-q", pack.origin, dir]);
    return dir;
  });
}

const fleet = (names: string[]) => Object.fromEntries(names.map((name) => [name, machine({ slots: 4 })]));
const journals = (machines: Record<string, FakeMachine>) =>
  Object.entries(machines)
    .flatMap(([name, one]) => one.journal.map((start) => `${start.replace(/\/\d+$/, "")} ${name}`))
    .sort();
const fine: Script = () => ({ stdout: "fine\n" });

/** What a pack's tasks came to: state and reason of each. */
function stands(pack: TestPack): string[] {
  const paths = pack.at("ls-tree", "-r", "--name-only", "main", "status").split("\n").filter(Boolean);
  return paths.map((path) => {
    const text = pack.file(path);
    return [path, /^state: (.*)$/m.exec(text)?.[1], /^reason: (.*)$/m.exec(text)?.[1]].join(" ");
  });
}
const commits = (pack: TestPack) => Number(pack.at("rev-list", "--count", "--author=towline", "main"));

describe("tickers that share a fleet", () => {
  test("8 over 200 hosts: each job starts once, all hosts are served, as by one ticker", async () => {
    const names = Array.from({ length: 200 }, (_, index) => `h${index}`);
    const files = {
      ...basics(names, "fleet: {probe: 0s}\n"),
      "towline.yml": `id: test-pack\nzone: UTC\ndefaults: {agent: deckhand}\nfleet: {probe: 0s}\ntick: {patience: 1s, max_starts: 1000}\n`,
      "tasks/all.md": md("title: On all of them\nhosts: all", "uptime"),
      ...Object.fromEntries(
        Array.from({ length: 16 }, (_, index) => [`tasks/one-${index}.md`, md(`title: ${index}`, "uptime")]),
      ),
      "tasks/far.md": md("title: On one that is somebody's\nhosts: h7", "uptime"),
    };
    const now = "2026-11-20T10:00:00Z";
    const pack = made(files);
    const machines = fleet(names);
    const runners = clones(pack, 8);
    const round = (now: string) =>
      Promise.all(shards(8).map((part, index) => runTick(runners[index] as string, machines, fine, { now, part })));
    let outcomes = await round(now);
    expect(outcomes.flatMap((one) => one.starts).length).toBeGreaterThan(50);
    for (let more = 0; more < 5 && outcomes.some((one) => one.commits.length > 0); more++)
      outcomes = await round("2026-11-20T10:30:00Z");
    expect(outcomes.map((one) => [one.commits.length, one.contended])).toEqual(outcomes.map(() => [0, false]));

    const starts = Object.values(machines).flatMap((one) => one.journal.map((start) => start.replace(/\/\d+$/, "")));
    expect(new Set(starts).size).toBe(starts.length);
    expect(starts).toHaveLength(200 + 16 + 1);
    for (const [name, one] of Object.entries(machines)) {
      expect([name, one.journal.filter((start) => start.startsWith("all-")).length]).toEqual([name, 1]);
    }
    // A ticker claims and records: two commits for each, and a few for what another one left in between.
    expect(commits(pack)).toBeLessThanOrEqual(8 * 2 + 8);

    const alone = made(files);
    const others = fleet(names);
    for (let ticks = 0; ticks < 2; ticks++) await runTick(alone.clone, others, fine, { now });
    expect(stands(pack)).toEqual(stands(alone));
    const onAll = (journal: string[]) => journal.filter((line) => !line.startsWith("one-"));
    expect(onAll(journals(machines))).toEqual(onAll(journals(others)));
    expect(pack.file("OVERVIEW.md")).toBe(alone.file("OVERVIEW.md"));
  }, 600_000);

  test("a ticker leaves the hosts of others alone, and what others say of a task as it stands", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const [first, second] = [
      names.find((name) => shardOf(name, 2) === 1),
      names.find((name) => shardOf(name, 2) === 2),
    ];
    const pack = made({
      ...basics(names, "fleet: {probe: 30m}\n"),
      "tasks/first.md": md(`title: First\nhosts: ${first}`, "x"),
      "tasks/second.md": md(`title: Second\nhosts: ${second}`, "x"),
    });
    const machines = fleet(names);
    for (const one of Object.values(machines)) one.down = true;
    const [one, two] = shards(2);
    const tick = (part: Part | undefined, now: string) =>
      runTick(pack.clone, machines, fine, { now, part, probed: {} });
    await tick(one, "2026-11-20T10:00:00Z");
    expect(stands(pack)).toEqual([`status/first.md queued ${first} does not answer`, "status/second.md queued "]);
    await tick(two, "2026-11-20T10:01:00Z");
    const both = [
      `status/first.md queued ${first} does not answer`,
      `status/second.md queued ${second} does not answer`,
    ];
    expect(stands(pack)).toEqual(both);
    for (const part of [one, two]) await tick(part, "2026-11-20T10:02:00Z");
    const before = commits(pack);
    for (const part of [one, two]) await tick(part, "2026-11-20T10:03:00Z");
    expect([commits(pack), stands(pack)]).toEqual([before, both]);
    for (const host of Object.values(machines)) host.down = false;
    await tick(one, "2026-11-20T10:04:00Z");
    expect([machines[first as string]?.journal.length, machines[second as string]?.journal.length]).toEqual([1, 0]);
    await tick(two, "2026-11-20T10:05:00Z");
    expect(machines[second as string]?.journal).toHaveLength(1);
  }, 600_000);

  test("a run on many hosts does not wait for ever for a ticker that never comes", async () => {
    const names = ["a", "b", "c", "d"];
    const pack = made({ ...basics(names, "fleet: {probe: 0s}\n"), "tasks/all.md": md("title: All\nhosts: all", "x") });
    const [one] = shards(2);
    const machines = fleet(names);
    await runTick(pack.clone, machines, fine, { now: "2026-11-20T10:00:00Z", part: one });
    await runTick(pack.clone, machines, fine, { now: "2026-11-20T12:00:00Z", part: one });
    expect(stands(pack)[0]).toContain("queued 'waits: waits for the ticker that reaches it'");
    await runTick(pack.clone, machines, fine, { now: "2026-11-20T17:00:00Z", part: one });
    expect(stands(pack)[0]).toContain("no ticker that reaches it has come");
  });

  test("by network: each ticker serves its own, and a network that towline.yml lacks is refused", async () => {
    const host = (network: string) => md(`address: 127.0.0.1\nnetwork: ${network}`);
    const pack = made({
      ...basics([], "networks: [lan, vpn]\n"),
      "hosts/a.md": host("lan"),
      "hosts/b.md": host("vpn"),
      "tasks/all.md": md("title: All\nhosts: all", "x"),
    });
    const machines = fleet(["a", "b"]);
    const tick = (name: string, now: string) =>
      runTick(pack.clone, machines, fine, { now, part: { networks: [name], lead: name === "lan" } });
    await tick("lan", "2026-11-20T10:00:00Z");
    expect([machines.a?.journal.length, machines.b?.calls]).toEqual([1, 0]);
    await tick("vpn", "2026-11-20T10:00:00Z");
    expect(stands(pack)[0]).toContain("status/all.md done 2 of 2 hosts");
    await expect(tick("lam", "2026-11-20T10:00:00Z")).rejects.toMatchObject({ code: 2, advice: "did you mean `lan`?" });
  });
});

describe("--shard", () => {
  test.each([
    ["0/8", "is no part"],
    ["9/8", "is no part"],
    ["a/b", "is no part"],
    ["1/300", "at most 256 jobs"],
    ["1/60", "60 shards are more than the 20 tickers that may run at once"],
  ])("%s is refused, with advice", async (shard, words) => {
    const pack = made(basics(["one"]));
    const { code, said } = await cli(pack.clone, ["tick", "--no-site", "--shard", shard]);
    expect([code, said]).toEqual([2, expect.stringContaining(words)]);
    expect(commits(pack)).toBe(0);
  });
});
