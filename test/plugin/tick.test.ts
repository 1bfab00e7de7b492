// Plugins in a tick: what they tell is recorded once, and what goes wrong in one is its own.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { readBeatText } from "../../src/core/beat.ts";
import { createPlugins, type Memories } from "../../src/plugin/index.ts";
import { openRepo } from "../../src/shell/repo.ts";
import { basics, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { towline } from "../integration/real.ts";
import { scripted } from "../pollers/script.ts";
import { down, plugin } from "./write.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 120_000 });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function pack(settings: string, files: Record<string, string>): TestPack {
  const made = testPack({ ...basics([], settings), ...files });
  ends.push(() => made.remove());
  return made;
}

const events = (of: TestPack) =>
  of
    .at("ls-tree", "-r", "--name-only", "main", "pupdates")
    .split("\n")
    .filter(Boolean)
    .flatMap((path) => of.file(path).trim().split("\n"))
    .map((line) => JSON.parse(line) as { id: string; kind: string; source: string; subject: string; title: string });

/** Ticks of one pack, with what the heartbeat would carry from one to the next. */
function ticks(of: TestPack) {
  let memories: Memories = {};
  return async (minute: number) => {
    const now = new Date(Date.UTC(2026, 10, 20, 9, minute));
    const plugins = createPlugins(
      { env: {}, secret: () => undefined, folders: [of.clone], limits: { wall: 5000 } },
      memories,
    );
    const repo = await openRepo(of.clone, { env: process.env });
    const done = await runTick(of.clone, {}, () => ({}), {
      pollers: (_settings, state) => plugins.sources(state, repo, now),
      now: now.toISOString(),
    });
    memories = plugins.memories();
    return { ...done, asked: plugins.asked() };
  };
}

test("what is so is told once, what is not due is not asked, what changed is asked at once", async () => {
  const p = pack("plugins: {shop: {}}\n", { "plugins/shop.ts": plugin(down) });
  const tick = ticks(p);
  const first = await tick(0);
  expect([first.commits.length, first.degraded, first.asked]).toEqual([1, [], true]);
  expect(events(p)).toMatchObject([{ kind: "shop.down", source: "plugin:shop", subject: "shop" }]);
  const idle = await tick(10);
  expect([idle.commits.length, idle.asked]).toEqual([0, false]);
  const due = await tick(31);
  expect([due.commits.length, due.asked]).toEqual([0, true]);
  p.push({ "plugins/shop.ts": plugin(down.replace("shop.down", "shop.up")) });
  const changed = await tick(32);
  expect([changed.commits.length, changed.asked]).toEqual([1, true]);
  expect(events(p).map(({ kind }) => kind)).toEqual(["shop.down", "shop.up"]);
});

test("the same event twice is one; one that is gone is told, and its return is news of its own", async () => {
  const list = (...subjects: string[]) =>
    plugin(
      `return ${JSON.stringify(subjects.map((subject) => ({ subject, kind: "shop.down", title: subject })))};`,
      'every = "0s"; gone = { kind: "shop.up", title: "{subject} is back" };',
    );
  const p = pack("plugins: [shop]\n", { "plugins/shop.ts": list("a", "b", "a") });
  const tick = ticks(p);
  await tick(0);
  expect(events(p).map(({ subject }) => subject)).toEqual(["b", "a"].sort());
  for (const [minute, subjects] of [["a"], ["a", "b"], ["b", "a"]].entries()) {
    p.push({ "plugins/shop.ts": list(...subjects) }, `${minute}`);
    await tick(minute + 1);
  }
  const of_b = events(p).filter(({ subject }) => subject === "b");
  expect(of_b.map(({ kind }) => kind)).toEqual(["shop.down", "shop.up", "shop.down"]);
  expect(new Set(events(p).map(({ id }) => id)).size).toBe(events(p).length);
});

test("one that loops, one that takes all memory and one that prys cost themselves; the tick ends, degraded, and says it once", async () => {
  const p = pack(
    "plugins: {good: {}, loops: {}, greedy: {}, prying: {}, missing: {}}\ntick: {job: 15s}\n".replace(
      "tick: {job: 15s}\n",
      "",
    ),
    {
      "plugins/good.ts": plugin(down),
      "plugins/loops.ts": plugin("for (;;);"),
      "plugins/greedy.ts": plugin("const all = []; for (;;) all.push(new Array(1e5).fill(1));"),
      "plugins/prying.ts": plugin('process.getBuiltinModule("fs").readFileSync("/etc/passwd"); return [];'),
    },
  );
  const tick = ticks(p);
  const first = await tick(0);
  expect(first.degraded.sort()).toEqual([
    expect.stringMatching(/^plugin greedy failed: it takes more memory than it may$/),
    expect.stringMatching(/^plugin loops failed: it does not answer within 5 s$/),
    expect.stringMatching(/^plugin missing failed: there is no plugins\/missing\.ts on the default branch/),
    expect.stringMatching(/^plugin prying failed: plugins\/prying\.ts:9: Access to this API has been restricted/),
  ]);
  expect(
    events(p)
      .map(({ kind, source }) => `${source} ${kind}`)
      .sort(),
  ).toEqual([
    "plugin:good shop.down",
    "plugin:greedy source.failed",
    "plugin:loops source.failed",
    "plugin:missing source.failed",
    "plugin:prying source.failed",
  ]);
  p.push({ "plugins/prying.ts": plugin("return [];") });
  const mended = await tick(1);
  expect([mended.degraded, events(p).at(-1)]).toMatchObject([[], { source: "plugin:prying", kind: "source.ok" }]);
});

test("what is not on the default branch never runs; what towline.yml names no more is forgotten", async () => {
  const p = pack("plugins: {shop: {}}\n", {
    "plugins/shop.ts": plugin(down),
    // Nobody named it.
    "plugins/other.ts": plugin(down),
  });
  const tick = ticks(p);
  writeFileSync(join(p.clone, "plugins/shop.ts"), plugin(down.replaceAll("shop.down", "shop.up")));
  p.git("switch", "-qc", "proposal");
  p.git("commit", "-qam", "proposed");
  p.git("push", "-q", "origin", "proposal");
  expect((await tick(0)).degraded).toEqual([]);
  expect(events(p).map(({ kind, source }) => `${source} ${kind}`)).toEqual(["plugin:shop shop.down"]);
  p.git("switch", "-q", "main");
  p.push({ "towline.yml": basics([], "plugins: {other: {}}\n")["towline.yml"] as string });
  await tick(1);
  expect(p.file("state/levels.ndjson")).toMatch(/plugin:other/);
  expect(p.file("state/levels.ndjson")).not.toMatch(/plugin:shop/);
});

test("the program reads what the plugin names, with a key that it never sees; the heartbeat remembers", async () => {
  const server = await scripted({ "/api/v2/alerts": { body: [] } });
  ends.push(() => server.close());
  const alerts = `plugins: {alertmanager: {url: "env:ALERTS", token: ALERTS_TOKEN}}\n`;
  const text = readFileSync(join(import.meta.dirname, "..", "..", "plugins", "alertmanager.ts"), "utf8");
  const p = pack(alerts, { "plugins/alertmanager.ts": text });
  const args = ["tick", "--repo", p.clone, "--no-sync", "--no-site", "--json"];
  const run = () => towline(args, { ALERTS: server.url, ALERTS_TOKEN: "a-secret-of-alerts" });
  const said = await run();
  expect([said.code, JSON.parse(said.out).degraded]).toEqual([0, []]);
  expect(server.tokens).toEqual(["Bearer a-secret-of-alerts"]);
  const beat = () => readBeatText(p.at("show", "refs/towline/beat:beat.json"));
  expect(beat()?.plugins).toMatchObject({ alertmanager: { every: 300 } });
  await run();
  expect(server.asked).toHaveLength(1);
  const refused = await towline(args.with(0, "tick"), { ALERTS: "", ALERTS_TOKEN: "x" });
  expect(JSON.parse(refused.out).degraded).toEqual([]);
  expect(p.at("log", "-p", "--all")).not.toContain("a-secret-of-alerts");
});
