// What GitHub does on bad days. Its stand-in has none of these, so the answers are scripted.
import { afterEach, expect, test, vi } from "vitest";
import { createPollers } from "../../src/pollers/index.ts";
import type { Level, Poller } from "../../src/ports.ts";
import { canary, memory, news, settingsFor } from "./hub.ts";
import { pullOf, type Reply, type Scripted, scripted } from "./script.ts";

const pulls = "/repos/alice/pack/pulls";
const issues = "/repos/alice/pack/issues";
const reviews = `${pulls}/1/reviews`;
const checks = `/repos/alice/pack/commits/${"a".repeat(40)}/check-runs`;
const now = new Date("2026-11-20T10:00:00Z");

const open: Scripted[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function source(replies: Record<string, Reply | Reply[]>, github: object = {}) {
  const server = await scripted(replies);
  open.push(server);
  const at = settingsFor({ repos: ["alice/pack"], url: server.url, ...github });
  const poller = createPollers({ env: { GITHUB_TOKEN: canary }, origin: async () => null })(at)[0] as Poller;
  const poll = (signal?: AbortSignal) => poller.poll(at, now, { known: [], signal });
  return { server, at, poller, poll, count: (path: string) => server.asked.filter((one) => one.includes(path)).length };
}

const failed = (levels: Level[]) => levels.filter((one) => one.kind === "source.failed");
const kinds = (levels: Level[]) => levels.map((one) => one.kind);

test("the token travels in one header, to this server, and stands in no address", async () => {
  const { server, poll } = await source({ [pulls]: { body: [pullOf()] } });
  expect(kinds(await poll())).toEqual(["pr.opened", "pr.updated", "pr.review_done", "pr.active", "source.ok"]);
  expect(new Set(server.tokens)).toEqual(new Set([`token ${canary}`]));
  expect(server.asked.join(" ")).not.toContain(canary);
});

test("a redirect to another server is refused, and the token does not go there", async () => {
  const other = await scripted({});
  open.push(other);
  const { poll } = await source({
    [pulls]: { status: 302, headers: { location: `${other.url.replace("127.0.0.1", "localhost")}/steal` } },
  });
  const levels = await poll();
  expect(failed(levels)[0]?.title).toContain("a redirect to another server");
  expect(other.tokens.filter(Boolean)).toEqual([]);
});

test("a new head is one pupdate, the first head none", async () => {
  const moved = pullOf({ head: { ref: "mend", sha: "b".repeat(40) } });
  const { at, poller } = await source({ [pulls]: [{ body: [pullOf()] }, { body: [moved] }] });
  const ledger = memory();
  expect(await news(poller, at, ledger, now)).toEqual(["pr.opened alice/pack#1"]);
  expect(await news(poller, at, ledger, now)).toEqual(["pr.updated alice/pack#1"]);
  expect(await news(poller, at, ledger, now)).toEqual([]);
});

test("a pull request that left the list is asked for: a page that shifted is no merge", async () => {
  const { at, poller } = await source({
    [pulls]: [{ body: [pullOf()] }, { body: [] }],
    [`${pulls}/1`]: [
      { body: pullOf() },
      { body: pullOf({ state: "closed", merged_at: "2026-11-20T09:30:00Z", merged_by: { id: 2, login: "bob" } }) },
    ],
  });
  const ledger = memory();
  await news(poller, at, ledger, now);
  expect(await news(poller, at, ledger, now)).toEqual([]);
  expect(await news(poller, at, ledger, now)).toEqual(["pr.merged alice/pack#1"]);
  expect(ledger.raised.at(-1)?.data).toMatchObject({ merged_by: "bob" });
});

test("each reviewer counts with the newest review that decides; a dismissed one says nothing", async () => {
  const by = (id: number, login: string, state: string, n: number) => ({
    id: n,
    state,
    user: { id, login },
    author_association: "COLLABORATOR",
  });
  const { poll } = await source({
    [pulls]: { body: [pullOf()] },
    [reviews]: {
      body: [
        by(1, "ann", "CHANGES_REQUESTED", 1),
        by(1, "ann", "APPROVED", 2),
        by(1, "ann", "COMMENTED", 3),
        by(2, "bob", "CHANGES_REQUESTED", 4),
        by(3, "cid", "APPROVED", 5),
        by(3, "cid", "DISMISSED", 7),
        { id: 6, state: "APPROVED", user: null },
      ],
    },
  });
  const said = (await poll()).filter((one) => one.family.startsWith("pr.review"));
  expect(said.map((one) => [one.family, one.kind, one.state, one.actor?.role])).toEqual([
    ["pr.review.1", "pr.approved", "2", "collaborator"],
    ["pr.review.2", "pr.changes_requested", "4", "collaborator"],
    ["pr.review.ghost", "pr.approved", "6", undefined],
  ]);
});

test("checks: undecided says nothing, cancelled is neither, ids beyond 2^53 stay whole", async () => {
  const run = (name: string, status: string, conclusion: string | null, id = 1) => ({ id, name, status, conclusion });
  const steps: [object[], string[]][] = [
    [[], []],
    [[run("lint", "completed", "success"), run("test", "queued", null, 2)], []],
    [[run("lint", "completed", "cancelled")], []],
    [[run("lint", "completed", "timed_out"), run("test", "in_progress", null, 2)], ["check.failed"]],
    [[run("lint", "completed", "skipped"), run("test", "completed", "neutral", 2)], ["check.recovered"]],
  ];
  const { poll } = await source({
    [pulls]: { body: JSON.stringify([pullOf()]).replace("583231", "9007199254740993") },
    [checks]: steps.map(([check_runs]) => ({ body: { check_runs } })),
  });
  for (const [, expected] of steps) {
    const levels = await poll();
    expect(kinds(levels.filter((one) => one.family === "check"))).toEqual(expected);
    expect(levels[0]?.actor?.id).toBe("9007199254740993");
  }
});

test("502 is tried again, twice at most, then it is a failed source that changes nothing", async () => {
  const bad = { status: 502, body: "<html>" };
  const once = await source({ [pulls]: [bad, { body: [pullOf()] }] });
  expect(kinds(await once.poll())).toContain("pr.opened");
  expect(once.count(pulls)).toBeGreaterThan(1);
  const always = await source({ [pulls]: bad });
  const levels = await always.poll();
  expect(always.count(pulls)).toBe(3);
  expect(failed(levels).map((one) => [one.subject, one.title])).toEqual([
    ["github", "github could not be read: pull requests of alice/pack: 502"],
  ]);
});

test.each([
  ["cut by the connection", { body: [pullOf()], end: "cut" as const }],
  ["cut by a proxy", { body: JSON.stringify([pullOf()]).slice(0, 200) }],
  ["of a captive portal", { body: "<html>sign in</html>", headers: { "content-type": "text/html" } }],
])("an answer %s is tried again, and never half believed", async (_, bad) => {
  const once = await source({ [pulls]: [bad, { body: [pullOf()] }] });
  expect(kinds(await once.poll())).toContain("pr.opened");
  const always = await source({ [pulls]: bad });
  const levels = await always.poll();
  expect(kinds(levels)).toEqual(["source.failed"]);
  expect(always.count(pulls)).toBe(3);
});

test("an answer of another shape is named, not guessed at", async () => {
  const { poll } = await source({ [pulls]: { body: [pullOf({ head: { ref: "x", sha: "$(id)" } })] } });
  expect(failed(await poll())[0]?.title).toContain("not what GitHub's would be (0.head.sha");
});

const limited = (reset: number): Reply => ({
  status: 403,
  headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) },
  body: { message: "API rate limit exceeded for installation ID 1" },
});

test("an empty quota: nothing more is asked, the time is said, and the next poll waits for it", async () => {
  const reset = Math.floor(Date.now() / 1000) + 3600;
  const many = Array.from({ length: 40 }, (_, i) => pullOf({ id: i, number: i + 1 }));
  const { poll, server } = await source({
    [pulls]: { body: many },
    [issues]: limited(reset),
    [reviews]: limited(reset),
  });
  const time = `${new Date(reset * 1000).toISOString().slice(0, 19)}Z`;
  const why = `the hour's requests are used up; they come back at ${time}`;
  expect(failed(await poll()).map((one) => [one.subject, one.data?.why])).toEqual([["github", why]]);
  expect(server.asked.length).toBeLessThan(30);
  const asked = server.asked.length;
  await expect(poll()).rejects.toThrow(why);
  expect(server.asked.length).toBe(asked);
});

test("a quota that came back is used again", async () => {
  const reset = Math.floor(Date.now() / 1000) + 1;
  const { poll } = await source({ [issues]: [limited(reset), {}] });
  expect(failed(await poll())).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, reset * 1000 - Date.now()) + 50));
  expect(kinds(await poll())).toEqual(["source.ok"]);
});

test("too fast: waited out when there is time, else left to the next tick at once", async () => {
  const slow = (after: string): Reply => ({
    status: 403,
    headers: { "retry-after": after },
    body: { message: "You have exceeded a secondary rate limit." },
  });
  const short = await source({ [pulls]: [slow("1"), { body: [pullOf()] }] });
  const began = Date.now();
  expect(kinds(await short.poll())).toContain("pr.opened");
  expect(Date.now() - began).toBeGreaterThan(900);
  const long = await source({ [pulls]: slow("60") });
  const levels = await long.poll();
  expect(long.count(pulls)).toBe(1);
  expect(failed(levels)[0]?.title).toContain("asked to go slower");
  await expect(long.poll()).rejects.toThrow("asked to go slower");
  expect(long.count(pulls)).toBe(1);
});

test("a refused token is named by its variable, and is not offered again and again", async () => {
  const refused = { status: 401, body: { message: "Bad credentials" } };
  const { poll, server } = await source({ [pulls]: refused, [issues]: refused });
  const levels = await poll();
  expect(levels.map((one) => one.title)).toEqual([
    "github could not be read: the token in GITHUB_TOKEN is refused (401)",
  ]);
  expect(server.asked.length).toBeLessThanOrEqual(2);
});

test("a refused token is the word of the day, also for repositories that were under way", async () => {
  const silent: Reply = { end: "never" };
  const { poll } = await source(
    {
      "/repos/alice/other/pulls": silent,
      "/repos/alice/other/issues": silent,
      [issues]: { status: 401, body: { message: "Bad credentials" } },
    },
    { repos: ["alice/other", "alice/pack"] },
  );
  const began = Date.now();
  expect((await poll()).map((one) => one.title)).toEqual([
    "github could not be read: the token in GITHUB_TOKEN is refused (401)",
  ]);
  expect(Date.now() - began).toBeLessThan(8000);
});

test("429 is a rate limit, too, and is asked once", async () => {
  const { poll, count } = await source({ [issues]: { status: 429, body: { message: "Too many requests" } } });
  expect(failed(await poll())[0]?.title).toContain("asked to go slower");
  expect(count(issues)).toBe(1);
});

test("the tick's end ends a poll that waits, long before its budget", async () => {
  const { poll } = await source({ [pulls]: { end: "never" }, [issues]: { end: "never" } }, { wall: "60s" });
  const began = Date.now();
  const levels = await poll(AbortSignal.timeout(200));
  expect(levels.map((one) => one.title)).toEqual([expect.stringContaining("the tick was ended")]);
  expect(Date.now() - began).toBeLessThan(20_000);
});

test("pull requests in the list of issues are no issues", async () => {
  const { head: _, ...plain } = pullOf({ labels: [{ name: "Towline" }] });
  const { poll } = await source({
    [issues]: {
      body: [
        { ...plain, number: 7, id: 7, pull_request: {} },
        { ...plain, number: 8, id: 8 },
      ],
    },
  });
  expect((await poll()).map((one) => `${one.kind} ${one.subject}`)).toEqual([
    "issue.labelled alice/pack#8",
    "source.ok alice/pack",
  ]);
});

test("nothing is printed past the report, whatever happens", async () => {
  const said = (["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name));
  const deprecated = { headers: { deprecation: "true", sunset: "soon" }, body: [pullOf()] };
  await (await source({ [pulls]: deprecated, [issues]: { status: 500 } })).poll();
  expect(said.flatMap((spy) => spy.mock.calls)).toEqual([]);
  for (const spy of said) spy.mockRestore();
});

test("a right that is missing costs its part only", async () => {
  const { poll } = await source({
    [pulls]: { body: [pullOf()] },
    [checks]: { status: 403, body: { message: "Resource not accessible by integration" } },
  });
  const levels = await poll();
  expect(kinds(levels)).toContain("pr.opened");
  expect(failed(levels).map((one) => [one.subject, one.state, one.title])).toEqual([
    [
      "alice/pack",
      "checks",
      "alice/pack could not be read in full: checks of alice/pack#1: the token in GITHUB_TOKEN may not read it (403 Resource not accessible by integration)",
    ],
  ]);
});

test("issues that are switched off are no fault", async () => {
  const { poll } = await source({ [issues]: { status: 410, body: { message: "Issues are disabled for this repo" } } });
  expect(kinds(await poll())).toEqual(["source.ok"]);
});

test.each([
  ["no answer at all", { end: "never" as const }],
  ["an endless wait for the body", { body: [pullOf()], headers: { "content-length": "100000" } }],
])("%s ends with the time budget", async (_, reply) => {
  const { poll } = await source({ [pulls]: reply, [issues]: reply }, { wall: "1s" });
  const began = Date.now();
  const levels = await poll();
  expect(levels.map((one) => one.title)).toEqual([
    expect.stringMatching(/^github could not be read: .* of alice\/pack: no answer within 1 s$/),
  ]);
  expect(Date.now() - began).toBeLessThan(8000);
});

test("pages without an end, and pages in a circle, are faults: half a list is none", async () => {
  const link = { link: '<https://other.example/next>; rel="next"' };
  const page = (n: number) => ({ headers: link, body: [pullOf({ id: n, number: n })] });
  const endless = await source({ [pulls]: Array.from({ length: 20 }, (_, i) => page(i)) });
  const first = await endless.poll();
  expect(endless.count(`${pulls}?`)).toBe(10);
  expect(kinds(first)).toEqual(["source.failed"]);
  expect(first[0]?.title).toContain("more than 10 pages");
  const circle = await source({ [pulls]: page(1) });
  expect((await circle.poll())[0]?.title).toContain("page 2 brings nothing new");
  expect(circle.count(`${pulls}?`)).toBe(2);
});
