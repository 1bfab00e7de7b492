// Plugins in a tick: what they tell is recorded once, and what goes wrong in one is its own.

import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, expect, test, vi } from "vitest";
import { readBeatText } from "../../src/core/beat.ts";
import { createPlugins, type Memories } from "../../src/plugin/index.ts";
import { openRepo } from "../../src/shell/repo.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
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
function ticks(of: TestPack, env: Record<string, string> = {}) {
  let memories: Memories | undefined;
  let opened: ReturnType<typeof openRepo> | undefined;
  return async (minute: number) => {
    const now = new Date(Date.UTC(2026, 10, 20, 9, minute));
    // Opened once: that costs as much as the rest.
    opened ??= openRepo(of.clone, { env: process.env });
    const repo = await opened;
    const plugins = createPlugins({ env, secret: (name) => env[name], folders: [of.clone], repo }, memories);
    const done = await runTick(of.clone, {}, () => ({}), {
      repo,
      pollers: (_settings, state) => plugins.sources(state, now),
      hooks: plugins.hooks,
      after: () => [{ name: "plugins", run: (state) => plugins.act(state, now, undefined) }],
      now: now.toISOString(),
    });
    const before = memories;
    memories = plugins.memories();
    return { ...done, asked: asked(before, memories) };
  };
}

/** Whether one was polled. */
const asked = (before: Memories | undefined, after: Memories) =>
  Object.entries(after.polled).some(([name, { at }]) => at !== before?.polled[name]?.at);

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

test("one that hangs, one that takes all memory and one that prys cost themselves; the tick ends, degraded, and says it once", async () => {
  const p = pack(
    "plugins: {good: {}, hangs: {}, greedy: {}, prying: {}, missing: {}}\ntick: {job: 15s}\n".replace(
      "tick: {job: 15s}\n",
      "",
    ),
    {
      "plugins/good.ts": plugin(down),
      "plugins/hangs.ts": plugin("await new Promise(() => {});"),
      "plugins/greedy.ts": plugin("const all = []; for (;;) all.push(new Array(1e5).fill(1));"),
      "plugins/prying.ts": plugin('process.getBuiltinModule("fs").readFileSync("/etc/passwd"); return [];'),
    },
  );
  const tick = ticks(p);
  const first = await tick(0);
  expect(first.degraded.sort()).toEqual([
    expect.stringMatching(/^plugin greedy failed: it takes more memory than it may$/),
    expect.stringMatching(/^plugin hangs failed: it does not answer within 10 s$/),
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
    "plugin:hangs source.failed",
    "plugin:missing source.failed",
    "plugin:prying source.failed",
  ]);
  p.push({ "plugins/prying.ts": plugin("return [];") });
  const mended = await tick(1);
  expect([mended.degraded, events(p).at(-1)]).toMatchObject([[], { source: "plugin:prying", kind: "source.ok" }]);
});

test("all together end within their share of the tick; those that got no turn have theirs in the next one", async () => {
  const names = ["a", "b", "c", "d"];
  const hangs = plugin("await new Promise(() => {});");
  const files = Object.fromEntries(names.map((name) => [`plugins/${name}.ts`, hangs]));
  // Two fifths of it: no time for the first answer of any.
  const p = pack(`plugins: [${names.join(", ")}]\n`, files);
  const shortened = p.file("towline.yml").replace("tick: {", "tick: {job: 1s, ");
  p.push({ "towline.yml": shortened });
  const tick = ticks(p);
  const first = await tick(0);
  expect(first.degraded).toHaveLength(4);
  for (const why of first.degraded)
    expect(why).toMatch(/^plugin [a-d] failed: there was no time left for it in this tick$/);
  // The same code is due at once: it was not asked.
  p.push({ "towline.yml": shortened.replace("job: 1s", "job: 10s") });
  expect((await tick(1)).degraded).toHaveLength(4);
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
  const shipped = readFileSync(join(import.meta.dirname, "..", "..", "plugins", "alertmanager.ts"), "utf8");
  const p = pack(alerts, { "plugins/alertmanager.ts": shipped });
  const args = ["tick", "--repo", p.clone, "--no-sync", "--no-site", "--json"];
  const run = () => towline(args, { ALERTS: server.url, ALERTS_TOKEN: "a-secret-of-alerts" });
  const said = await run();
  expect([said.code, JSON.parse(said.out).degraded]).toEqual([0, []]);
  expect(server.tokens).toEqual(["Bearer a-secret-of-alerts"]);
  const beat = () => readBeatText(p.at("show", "refs/towline/beat:beat.json"));
  expect(beat()?.plugins?.polled).toMatchObject({ alertmanager: { every: 300 } });
  await run();
  expect(server.asked).toHaveLength(1);
  expect(p.at("log", "-p", "--all")).not.toContain("a-secret-of-alerts");
});

interface Heard {
  method: string | undefined;
  key: unknown;
  token: unknown;
  body: string;
}

/** A server that takes what it is sent, and answers by these codes, the last one for good. */
async function taker(...codes: number[]): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { "idempotency-key": key, authorization: token } = request.headers;
    heard.push({ method: request.method, key, token, body });
    response.writeHead(codes[Math.min(heard.length, codes.length) - 1] ?? 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

test("a rule's action is done after the record, once; after a failure again under the same key, and that is told", async () => {
  const server = await taker(500, 204);
  const pager = plugin(
    down,
    `options = { url: { says: "where", kind: "address" }, token: { says: "key", kind: "variable" } };
     actions = { page: { says: "pages", run: ({ options, value, id }) =>
       ({ send: [{ url: options.url, path: "/page", token: options.token, body: { value, id } }] }) } };`,
  );
  const p = pack(`plugins: {shop: {url: "env:PAGER", token: PAGER_TOKEN}}\n`, {
    "plugins/shop.ts": pager,
    "rules/page.md": md('when: {kind: shop.down}\nthen: [{shop.page: "{{title}}!"}]'),
    "rules/zz.md": md("when: {kind: shop.up}\nthen: [{shop.nothing: x}]"),
  });
  const tick = ticks(p, { PAGER: server.url, PAGER_TOKEN: "a-pager-secret" });
  const first = await tick(0);
  expect(first.degraded).toEqual([
    expect.stringMatching(/^plugins: an action of shop failed: 127\.0\.0\.1:\d+ answers 500$/),
  ]);
  const [event] = events(p) as unknown as [{ verdict: string; made: string[] }];
  expect(event).toMatchObject({ verdict: "plugin", made: [expect.stringMatching(/^call:[0-9a-f]{16}$/)] });
  await tick(1);
  await tick(2);
  await tick(3);
  expect(server.heard).toHaveLength(2);
  expect(server.heard[0]).toMatchObject({ method: "POST", token: "Bearer a-pager-secret" });
  expect(server.heard[1]).toEqual(server.heard[0]);
  expect(JSON.parse(server.heard[0]?.body ?? "")).toEqual({ value: "The shop is down!", id: event.made[0]?.slice(5) });
  expect(events(p).map(({ kind, source }) => `${source} ${kind}`)).toEqual([
    "plugin:shop shop.down",
    "plugin:shop/actions source.failed",
    "plugin:shop/actions source.ok",
  ]);
  p.push({ "plugins/shop.ts": pager.replace('kind: "shop.down"', 'kind: "shop.up"') });
  expect((await tick(4)).degraded).toEqual([
    expect.stringMatching(/rule zz wants its action `nothing`, and there is page$/),
  ]);
  // What was done is not done again beside what is new.
  expect(server.heard).toHaveLength(2);
});

test("hooks see what a tick comes to, and what they tell is in the same commit; a page is data in the ledger", async () => {
  const p = pack("plugins: {shop: {}, odd: {}}\n", {
    "plugins/shop.ts": plugin(
      down,
      `hooks = { triage: ({ pupdates }) => pupdates.map(({ subject, verdict }) =>
         ({ subject: "seen " + subject, kind: "shop.up", title: verdict })),
         tend: ({ tasks }) => tasks.map(({ id, state }) => ({ subject: id, kind: "shop.up", title: id + " is " + state })) };
       page() { return { title: "Shops", blocks: [{ facts: { open: "1" } }, { text: "<b>\\u202e" }] }; }`,
    ),
    "plugins/odd.ts": plugin("return [];", 'hooks = { narrate: () => { throw new Error("no words"); } };'),
    "tasks/one.md": md("title: One\nstatus: draft", "uptime"),
  });
  const tick = ticks(p);
  const first = await tick(0);
  expect([first.commits.length, first.degraded]).toEqual([1, ["plugin odd failed: plugins/odd.ts:8: no words"]]);
  expect(
    events(p)
      .map(({ kind, title }) => `${kind} ${title}`)
      .sort(),
  ).toEqual([
    "shop.down The shop is down",
    "shop.up ignored",
    "shop.up one is draft",
    "source.failed plugin odd failed: plugins/odd.ts:8: no words",
  ]);
  expect(JSON.parse(p.file("state/plugins/shop.json"))).toEqual({
    title: "Shops",
    blocks: [{ facts: { open: "1" } }, { text: "<b>⟨U+202E⟩" }],
  });
  expect((await tick(1)).commits).toEqual([]);
  p.push({ "plugins/odd.ts": plugin("return [];", "hooks = { narrate: () => [] };") });
  const mended = await tick(2);
  expect([mended.degraded, events(p).at(-1)?.title]).toEqual([[], "plugin odd looks at ticks again"]);
});
