// Answers that are as they were cost nothing, and what is not read again stays as it was known.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createPollers } from "../../src/pollers/index.ts";
import type { Poller } from "../../src/ports.ts";
import { canary, memory, news, settingsFor } from "./hub.ts";
import { pullOf } from "./script.ts";

const at_repo = "/repos/alice/pack";
const sha = "a".repeat(40);
const now = new Date("2026-11-20T10:00:00Z");
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Answers with a tag that is made of the answer, as GitHub does. */
async function tagged(bodies: Record<string, unknown>, more: object = {}) {
  const asked: { path: string; status: number }[] = [];
  const bad = new Set<string>();
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0]?.replace(at_repo, "") ?? "";
    const text = JSON.stringify(bodies[path] ?? (path.endsWith("/check-runs") ? { check_runs: [] } : []));
    const tag = `W/"${createHash("sha256").update(text).digest("hex")}"`;
    const status = bad.has(path) ? 500 : request.headers["if-none-match"] === tag ? 304 : 200;
    asked.push({ path, status });
    response.writeHead(status, { "content-type": "application/json", etag: tag });
    response.end(status === 200 ? text : undefined);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  open.push(
    () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = settingsFor({ repos: ["alice/pack"], url, comments: true, pushes: true, ...more });
  // A process of its own for each: nothing but the ledger is remembered.
  const poller = () =>
    createPollers({ env: { GITHUB_TOKEN: canary }, origin: async () => null })(settings)[0] as Poller;
  const ledger = memory();
  const tick = async (at = now, given = settings) => {
    asked.length = 0;
    const said = await news(poller(), given, ledger, at);
    return { said, paid: asked.filter(({ status }) => status !== 304).map(({ path }) => path) };
  };
  return { tick, ledger, asked, bad, settings };
}

const run = (conclusion: string) => ({ check_runs: [{ id: 1, name: "lint", status: "completed", conclusion }] });
const comment = (id: number) => ({
  id,
  user: { id: 2, login: "bob" },
  body: "hello",
  html_url: "https://github.example/alice/pack/pull/1#issuecomment-1",
  created_at: "2026-11-20T09:00:00Z",
  updated_at: "2026-11-20T09:00:00Z",
});

test("a second tick pays for nothing, and hears what changed: checks, comments, reviews, the list", async () => {
  const bodies: Record<string, unknown> = { "/pulls": [pullOf()], "/issues/comments": [comment(1)] };
  const { tick, asked } = await tagged(bodies);
  expect((await tick()).said).toEqual(["pr.opened alice/pack#1"]);
  expect(await tick()).toEqual({ said: [], paid: [] });
  expect(asked.length).toBeGreaterThan(5);

  bodies[`/commits/${sha}/check-runs`] = run("failure");
  bodies["/pulls/1"] = pullOf();
  expect(await tick()).toEqual({
    said: ["check.failed alice/pack#1"],
    paid: [`/commits/${sha}/check-runs`, "/pulls/1"],
  });
  bodies["/issues/comments"] = [comment(2), comment(1)];
  expect((await tick()).said).toEqual(["pr.commented alice/pack#1"]);
  bodies["/pulls/1/reviews"] = [{ id: 5, state: "APPROVED", user: { id: 2, login: "bob" } }];
  expect((await tick()).said).toEqual(["pr.approved alice/pack#1"]);
  bodies["/pulls"] = [];
  bodies["/pulls/1"] = pullOf({ state: "closed" });
  expect((await tick()).said).toEqual(["pr.closed alice/pack#1"]);
  expect(await tick()).toEqual({ said: [], paid: [] });
});

test("what turns by itself is not slept through", async () => {
  const { tick } = await tagged({ "/pulls": [pullOf()] }, { stale: "2d" });
  await tick();
  expect((await tick(new Date("2026-11-22T08:59:00Z"))).paid).toEqual([]);
  expect((await tick(new Date("2026-11-22T09:01:00Z"))).said).toEqual(["pr.stale alice/pack#1"]);
});

test("a tag counts for nothing that was not read whole, nor for other settings, nor when people wrote it", async () => {
  const bodies: Record<string, unknown> = { "/pulls": [pullOf()] };
  const { tick, bad, ledger, settings } = await tagged(bodies);
  await tick();
  // It left the list, and what became of it cannot be read in this tick: the next one must not take the list as known.
  bodies["/pulls"] = [];
  bodies["/pulls/1"] = pullOf({ state: "closed" });
  bad.add("/pulls/1");
  expect((await tick()).said).not.toContain("pr.closed alice/pack#1");
  bad.clear();
  expect((await tick()).said).toContain("pr.closed alice/pack#1");

  const github = { ...settings.pollers.github, label: "other" } as NonNullable<typeof settings.pollers.github>;
  const other = { ...settings, pollers: { ...settings.pollers, github } };
  expect((await tick(now, other)).paid).toContain("/pulls");
  for (const row of ledger.rows) if (row.subject.endsWith(" tags")) row.state = '{"by":1,"pulls":"x';
  expect((await tick()).paid).toContain("/pulls");
});

test("a check that failed while its pull request could not be read is heard by the next tick", async () => {
  const bodies: Record<string, unknown> = { "/pulls": [pullOf()], "/pulls/1": pullOf() };
  const { tick, bad } = await tagged(bodies);
  await tick();
  bodies[`/commits/${sha}/check-runs`] = run("failure");
  bad.add("/pulls/1");
  expect((await tick()).said).not.toContain("check.failed alice/pack#1");
  bad.clear();
  expect((await tick()).said).toContain("check.failed alice/pack#1");
});
