// Comments on GitHub as events: each once, in order, and none of what is not towline's business. Its stand-in lacks them.
import { afterEach, expect, test, vi } from "vitest";
import { marked } from "../../src/core/marks.ts";
import { createPollers } from "../../src/pollers/index.ts";
import type { Poller } from "../../src/ports.ts";
import { canary, memory, news, settingsFor } from "./hub.ts";
import { pullOf } from "./script.ts";
import { type Web, web } from "./web.ts";

vi.setConfig({ testTimeout: 60_000 });
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Said {
  body: string;
  number?: number;
  thing?: "pull" | "issues";
  way?: "issues" | "pulls";
}

async function stage() {
  const server: Web = await web();
  ends.push(() => server.close());
  const said: (Said & { id: number })[] = [];
  const labelled = { ...pullOf({ id: 9, number: 9, labels: [{ name: "towline" }] }), head: undefined };
  server.answer = (request, response) => {
    const url = new URL(request.url ?? "", server.url);
    const way = /\/(issues|pulls)\/comments$/.exec(url.pathname)?.[1];
    const page = Number(url.searchParams.get("page") ?? 1);
    const body = way
      ? said
          .filter((one) => (one.way ?? "issues") === way)
          .toReversed()
          .slice((page - 1) * 100, page * 100)
          .map(({ id, body: text, number = 1, thing = "pull" }) => ({
            id,
            body: text,
            user: { id: 7, login: "bob" },
            author_association: "CONTRIBUTOR",
            html_url: `https://github.example/alice/pack/${thing}/${number}#issuecomment-${id}`,
            created_at: "2026-11-20T09:00:00Z",
            updated_at: text.startsWith("edited") ? "2026-11-20T10:00:00Z" : "2026-11-20T09:00:00Z",
          }))
      : url.pathname.endsWith("/pulls")
        ? [pullOf()]
        : url.pathname.endsWith("/issues")
          ? [labelled]
          : url.pathname.endsWith("/check-runs")
            ? { check_runs: [] }
            : [];
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const of = settingsFor({ repos: ["alice/pack"], url: server.url, comments: true, stale: "9999d" });
  const one = createPollers({ env: { GITHUB_TOKEN: canary }, origin: async () => null })(of)[0] as Poller;
  const ledger = memory();
  let count = 0;
  return {
    server,
    ledger,
    say: (...all: Said[]) => all.forEach((each) => void said.push({ ...each, id: ++count })),
    told: () => news(one, of, ledger),
    poll: () => one.poll(of, new Date(), { known: ledger.rows }),
  };
}

test("a comment on what is open is one event, in order, with its author; what was there before is none", async () => {
  const { say, told, ledger } = await stage();
  say({ body: "before anybody looked" });
  expect(await told()).toEqual(["issue.labelled alice/pack#9", "pr.opened alice/pack#1"]);
  const rows = JSON.stringify(ledger.rows);
  expect([await told(), JSON.stringify(ledger.rows)]).toEqual([[], rows]);
  say({ body: "/towline run x\u202e" }, { body: "Looks\ngood" }, { body: "In the code", way: "pulls" });
  say({ body: "edited: Please", number: 9, thing: "issues" });
  expect(await told()).toEqual(["issue.commented alice/pack#9", ...Array(3).fill("pr.commented alice/pack#1")]);
  expect(ledger.raised.slice(2)).toMatchObject([
    { title: "bob: /towline run x⟨U+202E⟩", actor: { login: "bob", id: "7", role: "contributor" } },
    { title: "bob: Looks good", data: { repo: "alice/pack", number: 1, text: "Looks\ngood" } },
    { title: "bob: edited: Please", data: { number: 9, edited: true } },
    { title: "bob: In the code" },
  ]);
  expect(await told()).toEqual([]);
  expect(ledger.rows.filter((row) => row.family === "comment")).toEqual([]);
  expect(new Set(ledger.raised.map((event) => event.id)).size).toBe(6);
});

test("comments on other things, and towline's own, are none, and make no commit", async () => {
  const { say, told, ledger } = await stage();
  await told();
  const rows = JSON.stringify(ledger.rows);
  say({ body: "not here", number: 77, thing: "issues" }, { body: marked("plan", "mine") });
  expect([await told(), JSON.stringify(ledger.rows)]).toEqual([[], rows]);
});

test("comments are told once when two tickers read them", async () => {
  const { say, told, poll, ledger } = await stage();
  await told();
  say({ body: "one" });
  const [mine, theirs] = [await poll(), await poll()];
  expect(ledger.take(theirs)).toEqual(["pr.commented alice/pack#1"]);
  expect(ledger.take(mine)).toEqual([]);
});

test("after a long silence the newest 300 comments are read, and no more pages than that", async () => {
  const { say, told, server } = await stage();
  say({ body: "first" });
  await told();
  say(...Array.from({ length: 450 }, (_, i) => ({ body: `b${i}` })));
  server.asked.length = 0;
  expect(await told()).toHaveLength(300);
  expect(server.asked.filter(({ path }) => path.includes("/issues/comments"))).toHaveLength(3);
  expect(await told()).toEqual([]);
});
