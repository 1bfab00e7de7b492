// Talk with people at GitHub's stand-in: the inbox is one issue, commands come with rights, and what is said twice is one.
import { afterAll, beforeAll, expect, test } from "vitest";
import { settings as schema } from "../../src/core/schema.ts";
import { githubTalk } from "../../src/forges/github-talk.ts";
import type { Conversations } from "../../src/ports.ts";
import { canary, type Hub, hub, repo } from "../pollers/hub.ts";

let there: Hub;
let talk: Conversations;
beforeAll(async () => {
  there = await hub();
  const settings = schema.parse({ id: "p", forge: { name: "github", url: there.url, token: "TOKEN" } }).forge;
  if (!settings) throw new Error("no settings");
  talk = githubTalk(settings, {
    env: { TOKEN: canary, GITHUB_REPOSITORY: "alice/pack" },
    origin: async () => null,
    paced: false,
  });
});
afterAll(() => there?.close());

const box = (body: string) => ({ title: "Towline: inbox", body, digest: body, keep: [] });
const issues = async () => (await there.alice.issues.listForRepo({ ...repo, state: "all" })).data;
const since = new Date(Date.now() - 3_600_000);

test("the inbox is made once, edited silently, and opened again when somebody closed it", async () => {
  await talk.inbox(box("### Waits for you\n\n- one\n  `/towline answer 1 …`\n"));
  await talk.inbox(box("### Waits for you\n\n- one\n  `/towline answer 1 …`\n"));
  const [made, ...others] = await issues();
  expect(others).toEqual([]);
  // A person copies what stands there.
  expect(made?.body).toContain("`/towline answer 1 …`");
  await there.alice.issues.update({ ...repo, issue_number: made?.number ?? 0, state: "closed" });
  await talk.inbox(box("Nothing waits for you. @everyone\n"));
  const [again] = await issues();
  expect(again).toMatchObject({ number: made?.number, state: "open" });
  expect(again?.body).not.toContain("@everyone");
  expect(await issues()).toHaveLength(1);
});

test("an issue that only looks like the inbox is nobody's", async () => {
  const [made] = await issues();
  await there.bob.issues.create({
    ...repo,
    title: "Towline: inbox",
    body: made?.body ?? "",
    labels: ["towline-inbox"],
  });
  await talk.inbox(box("changed\n"));
  const all = await issues();
  expect(all.filter(({ body }) => body?.includes("changed")).map(({ number }) => number)).toEqual([made?.number]);
});

test("commands are heard with their author's rights, at the places that are asked for only", async () => {
  const number = (await issues()).at(-1)?.number ?? 0;
  const other = (await there.alice.issues.create({ ...repo, title: "Other" })).data.number;
  const say = async (by: Hub["bob"], where: number, body: string) => {
    // The stand-in touches what is new once more: a little later, and it counts as edited.
    for (;;) {
      const { id: comment_id } = (await by.issues.createComment({ ...repo, issue_number: where, body })).data;
      const { data } = await by.issues.getComment({ ...repo, comment_id });
      if (data.updated_at === data.created_at) return;
      await by.issues.deleteComment({ ...repo, comment_id });
    }
  };
  await say(there.bob, number, "/towline why backup");
  await say(there.bob, number, "thanks, that is nice");
  await say(there.bob, other, "/towline stop");
  // Towline speaks as alice, who may give orders all the same: what it said itself is told by its mark.
  await say(there.alice, number, "/towline stop");
  await talk.post({
    id: "own",
    at: "2026-11-20T10:00:00Z",
    to: "inbox",
    what: "comment",
    text: "`/towline answer a1b2`",
  });
  const heard = await talk.hear([{ subject: "inbox", kind: "inbox" }], since);
  expect(heard).toMatchObject([
    {
      body: "/towline why backup",
      edited: false,
      own: false,
      by: { login: "bob", bot: false },
      place: { kind: "inbox" },
    },
    { body: "/towline stop", own: false, by: { login: "alice", permission: "admin" } },
  ]);
  const there_too = await talk.hear([{ subject: `alice/pack#${other}`, kind: "issue" }], since);
  expect(there_too.map(({ body }) => body)).toEqual(["/towline stop"]);
});

test("a post is one however often it is done: comment, label, close", async () => {
  const { number } = (await there.bob.issues.create({ ...repo, title: "Please" })).data;
  const to = `alice/pack#${number}`;
  const at = "2026-11-20T10:00:00Z";
  for (let time = 0; time < 2; time++) {
    await talk.post({ id: "a1", at, to, what: "comment", text: "done, @bob; closes #1", mention: "alice" });
    await talk.post({ id: "a2", at, to, what: "label", add: ["towline"] });
    await talk.post({ id: "a3", at, to, what: "close", reason: "completed" });
  }
  const comments = (await there.alice.issues.listComments({ ...repo, issue_number: number })).data;
  expect(comments).toHaveLength(1);
  expect(comments[0]?.body).toMatch(/@alice\b/);
  expect(comments[0]?.body).not.toMatch(/@bob|closes #1/);
  const issue = (await there.alice.issues.get({ ...repo, issue_number: number })).data;
  expect(issue.state).toBe("closed");
  await talk.post({ id: "a4", at, to: "inbox", what: "comment", text: "new things" });
  const inbox = (await issues()).find(({ title, user }) => title === "Towline: inbox" && user?.login === "alice");
  const called = await there.alice.issues.listComments({ ...repo, issue_number: inbox?.number ?? 0 });
  expect(called.data.filter(({ body }) => body?.endsWith("\nnew things"))).toHaveLength(1);
});

test("what is proposed to the default branch is listed with its head", async () => {
  const { number, sha } = await there.pull("towline/mend");
  expect(await talk.proposals()).toEqual([{ subject: `alice/pack#${number}`, number, head: sha, own: true }]);
});

test("who cannot be looked up may not", async () => {
  expect(await talk.permission("alice/pack", { login: "nobody-here", id: "99999" })).toBe("unknown");
  expect(await talk.permission("https://elsewhere.example/a/b", { login: "bob", id: "2" })).toBe("unknown");
});
