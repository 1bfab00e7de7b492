// JSON endpoints: which fields count, what a server may do wrong, and where a secret never goes.
import { afterEach, expect, test, vi } from "vitest";
import { settings } from "../../src/core/schema.ts";
import { createPollers } from "../../src/pollers/index.ts";
import type { Poller } from "../../src/ports.ts";
import { memory, news } from "./hub.ts";
import { tagged, type Web, web } from "./web.ts";

vi.setConfig({ testTimeout: 60_000 });
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
const key = "key_canary0123456789abcdef";

async function served(answer?: Web["answer"]): Promise<Web> {
  const made = await web();
  if (answer) made.answer = answer;
  ends.push(() => made.close());
  return made;
}

function stage(url: string, more: object = {}) {
  const of = settings.parse({ id: "p", pollers: { http: [{ name: "alerts", url, ...more }] } });
  const [one] = createPollers({ env: { KEY: key, PLACE: url }, origin: async () => null })(of);
  const ledger = memory();
  return {
    ledger,
    told: () => news(one as Poller, of, ledger),
    why: async () => {
      await news(one as Poller, of, ledger);
      return ledger.raised.at(-1)?.title ?? "";
    },
  };
}

test("things are told by the fields that are named: new, changed, gone, back again", async () => {
  let list: unknown[] = [{ key: { id: 7 }, name: "Disk", status: "ok", labels: [{ host: "web-1" }], deep: { x: {} } }];
  const server = await served((_, response) => void response.end(JSON.stringify({ data: { alerts: list } })));
  const more = {
    list: "data.alerts",
    id: "key.id",
    title: "name",
    state: "status",
    link: "page",
    kind: "alert.changed",
    data: { host: "labels.0.host", deep: "deep.x", none: "nothing.there" },
  };
  const { told, ledger } = stage(server.url, more);
  expect(await told()).toEqual([]);
  list = [{ ...(list[0] as object), status: "firing", page: "https://x.example/7" }];
  expect(await told()).toEqual(["alert.changed alerts/7"]);
  expect(ledger.raised[0]).toMatchObject({
    title: "Disk",
    url: "https://x.example/7",
    data: { name: "alerts", id: "7", state: "firing", host: "web-1" },
  });
  expect(ledger.raised[0]?.data).not.toHaveProperty("deep", {});
  const thing = list[0];
  list = [];
  expect(await told()).toEqual(["http.gone alerts/7"]);
  expect(await told()).toEqual([]);
  list = [thing];
  expect(await told()).toEqual(["alert.changed alerts/7"]);
  list = [thing, { key: { id: 8 } }];
  expect(await told()).toEqual(["alert.changed alerts/8"]);
  expect(new Set(ledger.raised.map((one) => one.id)).size).toBe(4);
});

test("what is there at first is news where settings say so", async () => {
  const server = await served((_, response) => void response.end('[{"id":1,"title":"Disk"}]'));
  expect(await stage(server.url, { first: "news" }).told()).toEqual(["http.changed alerts/1"]);
  expect(await stage(server.url).told()).toEqual([]);
});

test("a tag is sent back, a new one makes no commit by itself, and other settings forget it", async () => {
  let list = [{ id: 1, title: "Disk" }];
  const server = await served(tagged(() => JSON.stringify(list)));
  const { told, ledger } = stage(server.url);
  await told();
  await told();
  expect(server.asked.map(({ headers }) => headers["if-none-match"] !== undefined)).toEqual([false, true]);
  const rows = JSON.stringify(ledger.rows);
  list = [{ id: 1, title: "Disk, in other words" }];
  expect([await told(), JSON.stringify(ledger.rows)]).toEqual([[], rows]);
  const other = stage(server.url, { id: "title" });
  other.ledger.rows.push(...ledger.rows);
  await other.told();
  expect(server.asked.at(-1)?.headers["if-none-match"]).toBeUndefined();
});

test("what a source is allowed with goes to its own server only", async () => {
  const other = await served();
  const server = await served((_, response) => void response.writeHead(302, { location: `${other.url}/x` }).end());
  const { why } = stage(server.url, { token: "KEY", headers: { "x-key": "env:KEY" } });
  expect(await why()).toMatch(/sends to 127\.0\.0\.1:\d+, which is to get nothing/);
  expect(server.asked[0]?.headers).toMatchObject({ authorization: `Bearer ${key}`, "x-key": key });
  expect(other.asked).toEqual([]);
  server.answer = (request, response) =>
    void (request.url === "/" ? response.writeHead(307, { location: "/there" }).end() : response.end("[]"));
  expect(await stage(server.url, { token: "KEY" }).told()).toEqual([]);
  expect(server.asked.at(-1)).toMatchObject({ path: "GET /there", headers: { authorization: `Bearer ${key}` } });
});

test.each<[string, Web["answer"], RegExp]>([
  ["an answer that is no JSON", (_, to) => void to.end("<html>"), /cut or no JSON/],
  ["no list", (_, to) => void to.end('{"a":1}'), /the answer is no list/],
  ["a thing without an id", (_, to) => void to.end('[{"title":"x"}]'), /has no `id`/],
  [
    "too many things",
    (_, to) => void to.end(JSON.stringify(Array.from({ length: 1001 }, (_, id) => ({ id })))),
    /more than 1000 things/,
  ],
  ["too many bytes", (_, to) => void to.end(`["${"x".repeat(9 << 20)}"]`), /more than 8 MiB/],
  ["an endless way", (_, to) => void to.writeHead(302, { location: "/" }).end(), /without an end/],
  ["a way to a file", (_, to) => void to.writeHead(302, { location: "file:///etc/passwd" }).end(), /not followed/],
  ["a refused key", (_, to) => void to.writeHead(401).end(), /refuses what was sent to it as a key \(401\)/],
  ["a broken server", (_, to) => void to.writeHead(500).end(), /answers 500/],
  ["a connection that breaks", (request) => void request.socket.destroy(), /gives /],
  ["no answer", () => {}, /gives no answer within 1 s/],
])("%s is a failed source, and closes nothing", async (what, answer, words) => {
  let broken = false;
  const server = await served((request, to) => (broken ? answer(request, to) : void to.end('[{"id":1}]')));
  const { told, why, ledger } = stage(`${server.url}/?k=${key}`, { wall: what === "no answer" ? "1s" : "60s" });
  await told();
  broken = true;
  const said = await why();
  expect(said).toMatch(words);
  expect(said).not.toContain(key);
  expect(ledger.raised.map((one) => one.kind)).toEqual(["source.failed"]);
  broken = false;
  expect(await told()).toEqual(["source.ok alerts"]);
});

test("a server that asks for a rest gets one, and the fault stands meanwhile", async () => {
  const server = await served((_, to) => void to.writeHead(429, { "retry-after": "3600" }).end());
  const { told, ledger } = stage(server.url);
  expect([await told(), await told(), await told()]).toEqual([["source.failed alerts"], [], []]);
  expect(ledger.raised[0]?.title).toMatch(/asks to be asked later, from 20/);
  expect(server.asked).toHaveLength(1);
});

test("one source that is dead hides no other, and `every` spares a server", async () => {
  const server = await served((_, to) => void to.end('[{"id":1}]'));
  const dead = await web();
  await dead.close();
  const of = settings.parse({
    id: "p",
    pollers: {
      http: [
        { name: "dead", url: dead.url },
        { name: "good", url: "env:PLACE", first: "news", every: "1h" },
      ],
    },
  });
  const [one] = createPollers({ env: { PLACE: server.url }, origin: async () => null })(of);
  const ledger = memory();
  expect(await news(one as Poller, of, ledger)).toEqual(["http.changed good/1", "source.failed dead"]);
  expect(await news(one as Poller, of, ledger)).toEqual([]);
  expect(server.asked).toHaveLength(1);
});

test.each([
  ["a secret in the settings", { url: "https://x.example", headers: { "x-key": "abc" } }, "never the value itself"],
  ["a token in the settings", { url: "https://x.example", token: "ghp_abc" }, "never the token itself"],
  ["a login in the address", { url: "https://a:b@x.example" }, "without a login"],
  ["plain http", { url: "http://x.example" }, "https"],
  ["the header that names the host", { url: "https://x.example", headers: { host: "env:KEY" } }, "name of a header"],
  ["a path through brackets", { url: "https://x.example", list: "a[0]" }, "names with dots"],
])("%s is an error of the settings", (_, one, words) => {
  const read = settings.safeParse({ id: "p", pollers: { http: [{ name: "a", ...one }] } });
  expect(read.success).toBe(false);
  expect(JSON.stringify(read.error?.issues)).toContain(words);
  expect(JSON.stringify(read.error?.issues)).not.toContain("ghp_abc");
});
