// What GitHub does on bad days: wait or leave it to the next tick, never guess, never do it twice.
import { afterEach, describe, expect, test } from "vitest";
import { marked } from "../../src/core/marks.ts";
import { exit, type Fault } from "../../src/errors.ts";
import type { Forge, Said } from "../../src/ports.ts";
import { git, write } from "../repo/origin.ts";
import { type Bad, bot, type Pull } from "./server.ts";
import { branch, canary, merged, type Served, served, thread } from "./stands.ts";

const open: Served[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
async function stand(...bad: Bad[]): Promise<Served & { asked(what: RegExp): number }> {
  return prepared(await served(), bad);
}
function prepared(one: Served, bad: Bad[]) {
  one.hub.bad.push(...bad);
  open.push(one);
  return { ...one, asked: (what: RegExp) => one.hub.asked.filter((line) => what.test(line)).length };
}
const ticket = { repo: ".", number: 1 };
const opening = /^POST .*\/pulls$/;
const commenting = /^POST .*\/comments$/;
const fault = async (asked: Promise<unknown>): Promise<Fault> =>
  asked.then(
    () => Promise.reject(new Error("it went well")),
    (thrown) => thrown as Fault,
  );
const soon = String(Math.floor(Date.now() / 1000) + 900);
const secondary = { message: "You have exceeded a secondary rate limit" };

describe("an answer that does not come", () => {
  test.each<[string, Bad]>([
    ["is lost after it was done", { on: opening, how: "lost", times: 1 }],
    ["is cut", { on: opening, how: "cut", times: 1 }],
    ["is a gateway's page", { on: opening, status: 502, body: "<html>bad gateway</html>", times: 1 }],
  ])("never opens a second proposal: it %s", async (_, bad) => {
    const one = await stand(bad);
    const first = await one
      .forge()
      .propose(one.work)
      .catch(() => null);
    expect(one.asked(opening)).toBe(1);
    // What was not done is done by the next tick, and what was done is found.
    const at = await one.forge().propose(one.work);
    if (first !== null) expect(at).toBe(first);
    expect(await one.count()).toBe(1);
  });

  test("is looked for by the next tick where not even that could be asked", async () => {
    const one = await stand({ on: opening, how: "lost", times: 1 });
    const forge = one.forge();
    const asked = forge.propose(one.work);
    one.hub.bad.push({ on: /^GET .*\/pulls$/, status: 503 });
    one.hub.bad.push({ on: /^GET .*\/pack$/, times: 0 });
    await asked.catch(() => null);
    one.hub.bad.length = 0;
    await one.forge().propose(one.work);
    expect(await one.count()).toBe(1);
  });

  test("makes no second comment", async () => {
    const one = await stand({ on: commenting, how: "lost", times: 1 });
    await one.forge().comment(ticket, { marker: "m", text: "said" });
    await one.forge().comment(ticket, { marker: "m", text: "said" });
    expect(one.hub.comments).toHaveLength(1);
    expect(one.asked(commenting)).toBe(1);
  });

  test("starts nothing twice, and nobody says that it began", async () => {
    const one = await stand({ on: /^POST .*\/dispatches$/, how: "lost" });
    const thrown = await fault(one.forge().dispatch(".", { workflow: "ci.yml", ref: "main", inputs: {} }));
    expect(thrown.code).toBe(exit.outside);
    expect(one.hub.sent).toHaveLength(1);
  });

  test("ends with the time for it, and the next question is not asked of a dead server", async () => {
    const one = prepared(await served("1s"), [{ on: /./, how: "never" }]);
    const forge = one.forge();
    expect((await fault(forge.stands(one.work))).message).toContain("no answer within 1 s");
    const before = one.hub.asked.length;
    expect((await fault(forge.stands(one.work))).code).toBe(exit.outside);
    expect(one.hub.asked).toHaveLength(before);
  }, 20_000);
});

describe("left to the next tick", () => {
  test.each<[string, Bad, RegExp]>([
    [
      "the hour's requests are used up",
      { on: /./, status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": soon } },
      /used up; they come back at/,
    ],
    [
      "too fast, for longer than there is time",
      { on: /./, status: 403, headers: { "retry-after": "600" }, body: secondary },
      /asked to go slower/,
    ],
    ["too many requests", { on: /./, status: 429, headers: { "retry-after": "600" } }, /asked to go slower/],
  ])("%s: nothing more is asked, and git goes on", async (_, bad, words) => {
    const one = await stand(bad);
    const forge = one.forge();
    const thrown = await fault(forge.stands(one.work));
    expect(thrown).toMatchObject({ code: exit.outside, message: expect.stringMatching(words) });
    const asked = one.hub.asked.length;
    expect((await fault(forge.propose(one.work))).code).toBe(exit.outside);
    expect(await forge.permission(".", { login: "alice", id: "1" })).toBe("none");
    expect(one.hub.asked).toHaveLength(asked);
  });

  test("too fast for a moment is waited out", async () => {
    const one = await stand({ on: opening, status: 403, headers: { "retry-after": "1" }, body: secondary, times: 1 });
    await one.forge({ paced: true }).propose(one.work);
    expect(await one.count()).toBe(1);
    expect(one.asked(opening)).toBe(2);
  });

  test.each<[string, Bad]>([
    ["a fault of the server", { on: /^GET .*\/pulls$/, status: 500 }],
    ["half an answer", { on: /^GET .*\/pulls$/, how: "cut" }],
    ["a page in place of an answer", { on: /^GET .*\/pulls$/, body: "<html>Sign in</html>" }],
    ["an answer of another shape", { on: /^GET .*\/pulls$/, body: [{ id: 1 }] }],
  ])("%s is no answer: not open, not closed, and nothing is opened beside it", async (_, bad) => {
    const one = await stand();
    await one.forge().propose(one.work);
    one.hub.bad.push(bad);
    expect((await fault(one.forge().stands(one.work))).code).toBe(exit.outside);
    expect((await fault(one.forge().propose(one.work))).code).toBe(exit.outside);
    expect(await one.count()).toBe(1);
  });
});

describe("for a person", () => {
  test.each<[string, Bad, RegExp]>([
    ["a token that ended", { on: /./, status: 401 }, /GITHUB_TOKEN is refused/],
    [
      "a right that is missing is named, and not asked for again",
      {
        on: opening,
        status: 403,
        headers: { "x-accepted-github-permissions": "pull_requests=write" },
        body: { message: "Resource not accessible by integration" },
      },
      /may not do it .*; it needs pull_requests=write/,
    ],
    ["what cannot be seen is not gone", { on: /^GET .*\/pulls$/, status: 404 }, /not to be seen/],
  ])("%s", async (_, bad, words) => {
    const one = await stand(bad);
    const thrown = await fault(one.forge().propose(one.work));
    expect(thrown).toMatchObject({ code: exit.configuration, message: expect.stringMatching(words) });
    expect(thrown.advice).toBeTruthy();
    expect(thrown.message).not.toContain(canary);
    expect(one.asked(bad.on)).toBe(1);
    expect(await one.count()).toBe(0);
  });

  test("a variable without a token", async () => {
    const one = await stand();
    const thrown = await fault(one.forge({ env: { GITHUB_REPOSITORY: "alice/pack" } }).propose(one.work));
    expect(thrown).toMatchObject({
      code: exit.configuration,
      message: expect.stringContaining("GITHUB_TOKEN is empty"),
    });
  });
});

describe("permission is refused where it cannot be found out", () => {
  const asking = /\/permission$/;
  test.each<[string, Bad]>([
    ["a fault", { on: asking, status: 500 }],
    ["half an answer", { on: asking, how: "cut" }],
    ["not to be seen", { on: asking, status: 404 }],
    ["no right to ask", { on: asking, status: 403 }],
    ["an answer without a number", { on: asking, body: { permission: "admin", user: { login: "alice" } } }],
    ["another role than are known", { on: asking, body: { permission: "owner", user: { id: 1, login: "alice" } } }],
    ["a bot", { on: asking, body: { permission: "admin", user: { id: 1, login: "alice", type: "Bot" } } }],
    ["somebody who has the login now", { on: asking, body: { permission: "admin", user: { id: 9, login: "alice" } } }],
  ])("%s", async (_, bad) => {
    const one = await stand();
    expect(await one.forge().permission(".", { login: "alice", id: "1" })).toBe("admin");
    one.hub.bad.push(bad);
    expect(await one.forge().permission(".", { login: "alice", id: "1" })).toBe("none");
  });

  test("and remarks are not lost for it: the next tick asks again", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    await one.review("REQUEST_CHANGES", "More.");
    one.hub.bad.push({ on: asking, status: 500 });
    expect((await fault(one.forge().remarks(one.work))).code).toBe(exit.outside);
    one.hub.bad.length = 0;
    expect(await one.forge().remarks(one.work)).toHaveLength(1);
  });
});

describe("heads and merges", () => {
  test("whether it can be merged is not known at first, and then a conflict", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    write(one.from.person, { "src/a.txt": "a\nsettled\nc\n" });
    git(one.from.person, "commit", "-qam", "otherwise");
    git(one.from.person, "push", "-q", "origin", "main");
    expect(await one.forge().stands(one.work)).toBe("open");
    expect(await one.forge().stands(one.work)).toBe("conflict");
    expect(await one.forge().show(one.work)).toMatchObject({ conflict: true });
  });

  test("merged by hand as other commits, and closed, is a yes", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    merged(one.from, "squash");
    git(one.from.person, "push", "-q", "origin", "--delete", branch);
    await one.turnDown();
    expect(await one.forge().stands({ ...one.work, paths: ["src/a.txt"] })).toBe("merged");
  });

  test("a fork's branch of the same name is somebody else's", async () => {
    const one = await stand();
    const fork: Pull = { ...mine, ref: branch, fork: true, sha: "f".repeat(40) };
    one.hub.pulls.push(fork);
    expect(await one.forge().show(one.work)).toBeNull();
    expect(await one.forge().stands(one.work)).toBe("open");
    await one.forge().propose(one.work);
    expect(await one.count()).toBe(1);
    Object.assign(fork, { state: "closed", merged_at: "2026-11-20T12:00:00Z" });
    expect(await one.forge().stands(one.work)).toBe("open");
  });

  test("what is new after a merge is shown anew", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    await one.merge("squash");
    await one.forge().propose(one.work);
    expect(await one.count()).toBe(1);
    await one.forge().propose({ ...one.work, head: "e".repeat(40) });
    expect(await one.count()).toBe(2);
  });
});

const mine: Pull = {
  number: 50,
  title: "By hand",
  body: "x",
  ref: branch,
  base: "main",
  state: "open",
  merged_at: null,
};

describe("whose words", () => {
  test("the text follows the work, until people change it", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    await one.forge().propose({ ...one.work, body: "It counts more." });
    const [pull] = one.hub.pulls as [Pull];
    expect(pull.body).toContain("It counts more.");
    pull.body = pull.body.replace("It counts more.", "It counts, says Ada.");
    await one.forge().propose({ ...one.work, body: "It counts all." });
    expect(pull.body).toContain("says Ada");
    expect(await one.count()).toBe(1);
  });

  test("one that a person opened for the branch is taken as it is", async () => {
    const one = await stand();
    one.hub.pulls.push({ ...mine });
    await one.forge().propose(one.work);
    expect(one.hub.pulls).toMatchObject([{ title: "By hand", body: "x" }]);
  });

  test("a comment that carries our mark is ours only if we wrote it, at the start", async () => {
    const one = await stand();
    await one.forge().comment(ticket, { marker: "m", text: "said" });
    const body = String(one.hub.comments[0]?.row.body);
    one.hub.comments.length = 0;
    one.hub.say(one.hub.comments, 1, { id: 3, login: "mallory" }, { body });
    one.hub.say(one.hub.comments, 1, { id: 66, login: bot.login }, { body });
    one.hub.say(one.hub.comments, 1, bot, { body: `> quoted\n${body}` });
    await one.forge().comment(ticket, { marker: "m", text: "said anew" });
    expect(one.hub.comments).toHaveLength(4);
    expect(one.hub.comments.slice(0, 2).map(({ row }) => row.body)).toEqual([body, body]);
  });

  test("the CI service's own token, which may not ask who it is, finds its comment again", async () => {
    const one = await stand();
    one.hub.actions = true;
    await one.forge().comment(ticket, { marker: "m", text: "said" });
    await one.forge().comment(ticket, { marker: "m", text: "said anew" });
    expect(one.hub.comments).toHaveLength(1);
    expect(one.hub.comments[0]?.row.body).toContain("said anew");
  });

  test("a text that is too long is cut, and says so", async () => {
    const one = await stand();
    await one.forge().propose({ ...one.work, body: "x".repeat(100_000) });
    const [pull] = one.hub.pulls as [Pull];
    expect(pull.body.length).toBeLessThan(65_536);
    expect(pull.body).toMatch(/40,\d{3} more characters/);
    // And is still known as ours.
    await one.forge().propose({ ...one.work, body: "short" });
    expect(pull.body).toMatch(/^short\n/);
  });
});

describe("remarks", () => {
  const texts = async (forge: Forge, one: Served) =>
    ((await forge.remarks(one.work)) as Said[]).map(({ text }) => text);

  test("only of people who may write: no reader, no stranger, no bot, no look-alike, and not our own", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    const by = [
      { id: 3, login: "mallory" },
      { id: 77, login: "stranger" },
      { id: 66, login: "alice" },
      { id: 5, login: "robot[bot]", type: "Bot" },
      bot,
    ];
    for (const who of by) {
      const body = who === bot ? marked("m", "by us") : `by ${who.login}`;
      one.hub.say(one.hub.reviews, 1, who, { state: "CHANGES_REQUESTED", body, commit_id: null });
      thread(one.hub, 1, who, { path: "src/a.txt", line: 2, body });
    }
    expect(await one.forge().remarks(one.work)).toEqual([]);
    // Whose token it is may be a person, too: what bears no mark they wrote themselves.
    thread(one.hub, 1, bot, { path: "src/a.txt", line: 2, body: "by hand" });
    expect(await texts(one.forge(), one)).toEqual(["by hand"]);
  });

  test("what is resolved is settled, what was dismissed is taken back, and a path out of the repository is none", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    const bob = { id: 2, login: "bob" };
    thread(one.hub, 1, bob, { path: "../../etc/passwd", line: 1, body: "open" });
    Object.assign(thread(one.hub, 1, bob, { path: "src/a.txt", line: 2, body: "done" }), { isResolved: true });
    one.hub.say(one.hub.reviews, 1, bob, { state: "DISMISSED", body: "back", commit_id: null });
    expect(await one.forge().remarks(one.work)).toMatchObject([{ path: null, line: null, text: "open" }]);
  });

  test("half an answer about threads is none", async () => {
    const one = await stand({ on: /graphql/, body: { data: { repository: null }, errors: [{ message: "timeout" }] } });
    await one.forge().propose(one.work);
    expect((await fault(one.forge().remarks(one.work))).message).toContain("timeout");
  });

  test("hidden characters come out seen", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    await one.review("REQUEST_CHANGES", "do\u200bit");
    expect(await texts(one.forge(), one)).toEqual(["do⟨U+200B⟩it"]);
  });
});

describe("checks, statuses and calls", () => {
  test("what may not be seen is no yes", async () => {
    const one = await stand();
    await one.forge().propose(one.work);
    expect(await one.forge().checks(one.work)).toMatchObject({ state: "none" });
    one.hub.statuses.push({ id: 1, context: "ci", state: "success" });
    expect(await one.forge().checks(one.work)).toMatchObject({ state: "success", commit: one.work.head });
    one.hub.bad.push({ on: /check-runs$/, status: 403 });
    expect(await one.forge().checks(one.work)).toMatchObject({ state: "unknown" });
    one.hub.statuses.push({ id: 2, context: "lint", state: "failure", target_url: "javascript:alert(1)" });
    const { state, failed } = (await one.forge().checks(one.work)) as { state: string; failed: object[] };
    expect([state, failed]).toEqual(["failure", [{ id: "2", name: "lint", url: undefined }]]);
  });

  test("a status is put on once, an event and a workflow are sent", async () => {
    const one = await stand();
    const put = (state: "success" | "failure") =>
      one.forge().status(".", one.work.head, { context: "towline/check", state, text: "It\nfits." });
    await put("success");
    await put("success");
    expect(one.hub.statuses).toMatchObject([{ context: "towline/check", description: "It fits." }]);
    await put("failure");
    expect(one.hub.statuses).toHaveLength(2);
    expect(await one.forge().dispatch(".", { event: "towline", data: { job: "x" } })).toEqual({ sent: true });
    await one.forge().dispatch(".", { workflow: "ci.yml", ref: "main", inputs: { a: "1" } });
    expect(one.hub.sent).toEqual([
      { event_type: "towline", client_payload: { job: "x" } },
      { ref: "main", inputs: { a: "1" } },
    ]);
  });
});
