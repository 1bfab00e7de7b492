// What channels are told: once, by the tick that took it, masked and plain, and collected where that is wanted.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { sendNotices } from "../../src/shell/notify.ts";
import { md } from "../fakes/pack.ts";
import { type World, world } from "../fakes/world.ts";

vi.setConfig({ testTimeout: 60_000 });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
const canary = "key_canary0123456789abcdef";

interface Got {
  path: string | undefined;
  body: string;
  headers: Record<string, unknown>;
}
async function server(answer: { status?: number; to?: string; hang?: boolean } = {}) {
  const got: Got[] = [];
  const made = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      got.push({ path: request.url, body, headers: request.headers });
      if (answer.hang) return;
      response.writeHead(answer.status ?? 200, answer.to ? { location: answer.to } : {}).end("ok");
    });
  });
  await new Promise<void>((done) => made.listen(0, "127.0.0.1", done));
  ends.push(() => {
    made.closeAllConnections();
    made.close();
  });
  return { got, url: `http://127.0.0.1:${(made.address() as AddressInfo).port}` };
}

const yml = (channels: object) => `id: n\nname: n\nnotify: ${JSON.stringify({ channels })}\n`;
const rule = (action: string) => ({ "rules/r.md": md(`when: {kind: alert.down}\nthen: [${action}]`) });
const event = (title: string, state = title) => ({
  ...{ source: "mine", subject: "web1", family: "alert", kind: "alert.down", state, title },
});
/** A tick up to its commit: what it is to send is still in its hands. */
function commit(one: World, time: string, ...titles: string[]): string {
  one.levels = titles.map((title, n) => ({ ...event(title), subject: `web${n}` }));
  one.tick(`2026-11-20T${time}Z`, () => null);
  one.levels = [];
  return (one.state().notices ?? []).findLast(({ tick }) => tick !== undefined)?.tick ?? "";
}
const mask = (text: string) => text.replaceAll(canary, "•••");
const send = (one: World, tick: string, env: Record<string, string> = {}) =>
  sendNotices({ env, secret: (name) => env[name], mask }, one.state(), tick);

test("each kind of channel gets its form, masked and without markup that would call people", async () => {
  const to = await server();
  const one = world({
    "towline.yml": yml({
      hook: { kind: "webhook", url: "env:HOOK", headers: { "x-key": "env:KEY" } },
      phone: { kind: "ntfy", url: `${to.url}/topic`, token: "KEY" },
      team: { kind: "slack", url: `${to.url}/slack` },
    }),
    ...rule('{notify: "{{title}}!"}'),
  });
  const tick = commit(one, "10:00:00", `<!channel> down\u202e ${canary}`);
  expect(await send(one, tick, { HOOK: `${to.url}/hook`, KEY: "k" })).toEqual({ note: "3 sent" });
  const by = (path: string) => to.got.find((one) => one.path === path) as Got;
  expect(JSON.parse(by("/slack").body)).toEqual({ text: expect.stringContaining("&lt;!channel&gt; down") });
  expect(JSON.parse(by("/hook").body)).toMatchObject({ pack: "n", notices: [{ rule: "r", kind: "alert.down" }] });
  expect(by("/topic").body).toMatch(/^n: <!channel> down.* •••!$/);
  expect(by("/topic").headers.authorization).toBe("Bearer k");
  expect(by("/hook").headers["x-key"]).toBe("k");
  for (const { body } of to.got) expect(body).not.toMatch(/canary|\u202e/);
});

test("only the tick that took it sends it: whoever dies in between has sent nothing, and nobody sends twice", async () => {
  const to = await server();
  const one = world({ "towline.yml": yml({ a: { kind: "ntfy", url: to.url } }), ...rule("{notify: a}") });
  const first = commit(one, "10:00:00", "one");
  // It died here. The next one makes a commit of its own, and sends only what is its own.
  const second = commit(one, "10:30:00", "two");
  expect(second).not.toBe(first);
  await send(one, second);
  await send(one, first);
  expect(to.got.map(({ body }) => body)).toEqual(["n: two"]);
  expect(one.tick("2026-11-20T11:00:00Z", () => null)).toEqual([]);
});

test("a digest waits, and is one", async () => {
  const to = await server();
  const channel = { kind: "ntfy", url: to.url, digest: "1h" };
  const one = world({ "towline.yml": yml({ a: channel }), ...rule("{notify: {to: a, text: 'down: {{title}}'}}") });
  expect(commit(one, "10:00:00", "one")).toBe("");
  expect(commit(one, "10:30:00", "two", "three")).toBe("");
  expect(one.tick("2026-11-20T10:45:00Z", () => null)).toEqual([]);
  await send(one, commit(one, "11:00:00"));
  expect(to.got.map(({ body }) => body)).toEqual(["n: 3 things\n- down: one\n- down: two\n- down: three"]);
});

test("a channel that is not there is a person's business, and so is a webhook that is none", async () => {
  const channels = { a: { kind: "ntfy", url: "https://ntfy.example/x" } };
  for (const action of ["{notify: {to: other}}", "{call: a}", "{comment: x}", "{label: x}"]) {
    const one = world({ "towline.yml": yml(channels), ...rule(action) });
    commit(one, "10:00:00", "one");
    expect([...one.files].find(([path]) => path.startsWith("memos/"))?.[1]).toContain("cannot be done about");
  }
});

test("what fails is said, without a secret, and no redirect is followed", async () => {
  const inner = await server();
  const outer = await server({ status: 307, to: inner.url });
  const slow = await server({ hang: true });
  const one = world({
    "towline.yml": yml({
      away: { kind: "ntfy", url: `${outer.url}/${canary}` },
      none: { kind: "ntfy", url: "env:NONE" },
      slow: { kind: "ntfy", url: slow.url, wall: "1s" },
    }),
    ...rule('{notify: "{{title}}"}'),
  });
  const { degraded } = await send(one, commit(one, "10:00:00", "one"));
  expect(degraded).toMatch(/^away: .* sends elsewhere.*; none: the variable NONE is empty.*; slow: .* within 1 s$/);
  expect(degraded).not.toContain("canary");
  expect(inner.got).toEqual([]);
});

test("comments and labels are posts in the record first, and a reflection is one", () => {
  const yml = "id: n\nname: n\nforge: github\n";
  const then = ["{comment: 'See {{title}}'}", "{label: late}", "{reflect: 'Why {{title}}'}"];
  const one = world({ "towline.yml": yml, "rules/r.md": md(`when: {kind: pr.stale}\nthen: [${then.join(", ")}]`) });
  one.levels = [{ ...event("A change"), source: "github", kind: "pr.stale", subject: "o/r#7" }];
  one.tick("2026-11-20T10:00:00Z", () => null);
  const posts = one.state().talks.posts.map(({ id: _, at: __, ...post }) => post);
  expect(posts).toEqual([
    { to: "o/r#7", what: "comment", text: "See A change" },
    { to: "o/r#7", what: "label", add: ["late"] },
  ]);
  expect([...one.files].find(([path]) => path.startsWith("reflections/"))?.[1]).toContain("title: Why A change");
});
