// What every forge keeps, whatever it is made of: a branch is shown once, people say yes or no to it, what they and checks
// say is heard, and what a forge has not it says so.
import { afterEach, describe, expect, test } from "vitest";
import type { Review } from "../../src/ports.ts";
import { git, personPushes, write } from "../repo/origin.ts";
import { bare, branch, emulated, plugged, type Stand, served } from "./stands.ts";

const open: Stand[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
const taken = async (stand: () => Promise<Stand>): Promise<Stand> => {
  const one = await stand();
  open.push(one);
  return one;
};
const all: [string, () => Promise<Stand>][] = [
  ["github: the stand-in", emulated],
  ["github: our server", served],
  ["gitea: a plugin", plugged],
  ["git", bare],
];

function further(one: Stand, files: Record<string, string>): string {
  const { person } = one.from;
  git(person, "checkout", "-q", branch);
  write(person, files);
  git(person, "add", "-A");
  git(person, "commit", "-qm", "by hand");
  git(person, "push", "-q", "origin", branch);
  git(person, "checkout", "-q", "main");
  return git(person, "rev-parse", branch);
}

describe.each(all)("%s", (name, stand) => {
  test("is shown once however often it is proposed, and stays open", async () => {
    const one = await taken(stand);
    const at = await one.forge().propose(one.work);
    expect(await one.forge().propose(one.work)).toBe(at);
    expect(await one.count()).toBe(1);
    expect(await one.forge().stands(one.work)).toBe("open");
  });

  test.each(["merge", "squash"] as const)(
    "a %s is a yes, and work that goes on elsewhere changes nothing",
    async (how) => {
      const one = await taken(stand);
      await one.forge().propose(one.work);
      personPushes(one.from, { "other.txt": "x\n" });
      await one.sync();
      expect(await one.forge().stands(one.work)).toBe("open");
      await one.merge(how);
      expect(await one.forge().stands({ ...one.work, paths: ["src/a.txt"] })).toBe("merged");
    },
  );

  test("turned down is a no, and is not asked again", async () => {
    const one = await taken(stand);
    await one.forge().propose(one.work);
    await one.turnDown();
    // The stand-in does not say who closed a pull request: then it is no no.
    const unsaid = { refused: expect.stringContaining("somebody who is not known") };
    expect(await one.forge().stands(one.work)).toEqual(name === "github: the stand-in" ? unsaid : "closed");
    if (name === "git") return;
    await one.forge().propose(one.work);
    expect(await one.count()).toBe(1);
  });

  test("people go on with the branch, and it stays the same proposal", async () => {
    const one = await taken(stand);
    await one.forge().propose(one.work);
    const head = further(one, { "more.txt": "more\n" });
    await one.sync();
    expect(await one.forge().stands(one.work)).toBe("open");
    await one.forge().propose({ ...one.work, head });
    expect(await one.count()).toBe(1);
  });

  test("nobody may anything who is not known by the number", async () => {
    const one = await taken(stand);
    const may = (login: string, id: string) => one.forge().permission(".", { login, id });
    const [admin, write] = name === "git" ? ["none", "none"] : ["admin", "write"];
    expect(await may("alice", one.ids.alice)).toBe(admin);
    expect(await may("bob", one.ids.bob)).toBe(write);
    for (const [login, id] of [
      ["alice", one.ids.bob],
      ["аlice", one.ids.alice],
      ["nobody", "77"],
      ["alice", ""],
      ["../../user", one.ids.alice],
    ] as const)
      expect(await may(login, id)).toBe("none");
  });
});

describe("git", () => {
  test("says what it has not, and throws nothing", async () => {
    const one = await taken(bare);
    const forge = one.forge();
    const ticket = { repo: ".", number: 1 };
    const answers = await Promise.all([
      forge.show(one.work),
      forge.reviews(one.work),
      forge.threads(one.work),
      forge.checks(one.work),
      forge.remarks(one.work),
      forge.comments(ticket),
      forge.comment(ticket, { marker: "m", text: "t" }),
      forge.label(ticket, ["x"]),
      forge.status(".", one.work.head, { context: "c", state: "success", text: "t" }),
      forge.dispatch(".", { event: "e", data: {} }),
    ]);
    for (const answer of answers) expect(answer).toEqual({ notHere: expect.stringContaining("git by itself has no ") });
  });
});

describe.each(all.filter(([name]) => name.startsWith("github")))("%s", (_, stand) => {
  test("changes that are asked for, lines that are spoken of and checks that failed are heard, each by its id", async () => {
    const one = await taken(stand);
    await one.forge().propose(one.work);
    expect(await one.forge().remarks(one.work)).toEqual([]);
    await one.review("REQUEST_CHANGES", "Count the empty ones, too.");
    await one.remark("src/a.txt", "This is off by one.");
    await one.fail("lint");
    const said = await one.forge().remarks(one.work);
    expect(said).toMatchObject([
      { path: null, line: null, text: "Count the empty ones, too.", by: { id: one.ids.bob } },
      { path: "src/a.txt", text: "This is off by one.", by: { id: one.ids.bob } },
      { path: null, text: expect.stringContaining("the check lint failed"), by: null },
    ]);
    const ids = (said as { id: string }[]).map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(((await one.forge().remarks(one.work)) as { id: string }[]).map(({ id }) => id)).toEqual(ids);
    expect(await one.forge().checks(one.work)).toMatchObject({ state: "failure", failed: [{ name: "lint" }] });
    // A yes takes the demand back.
    await one.review("APPROVE", "Good.");
    expect(((await one.forge().remarks(one.work)) as { id: string }[]).map(({ id }) => id)).toEqual(ids.slice(1));
    const reviews = (await one.forge().reviews(one.work)) as Review[];
    expect(reviews[0]).toMatchObject({ state: "changes_requested", commit: one.work.head, author: { login: "bob" } });
    expect(reviews.at(-1)).toMatchObject({ state: "approved" });
  });

  test("is shown as it is", async () => {
    const one = await taken(stand);
    expect(await one.forge().show(one.work)).toBeNull();
    await one.forge().propose(one.work);
    const { head, title } = one.work;
    expect(await one.forge().show(one.work)).toMatchObject({ number: 1, state: "open", head, title, base: "main" });
  });

  test("a comment is made once and follows its text, and labels are put on", async () => {
    const one = await taken(stand);
    await one.forge().propose(one.work);
    const ticket = { repo: ".", number: 1 };
    const say = (text: string) => one.forge().comment(ticket, { marker: "plan", text });
    await say("First.");
    await say("First.");
    await say("Second.");
    const comments = (await one.forge().comments(ticket)) as { text: string }[];
    expect(comments.map(({ text }) => text.split("\n").at(-1))).toEqual(["Second."]);
    expect(await one.forge().label(ticket, ["towline"])).toEqual({ labels: ["towline"] });
  });

  test("what goes out is made harmless first", async () => {
    const one = await taken(stand);
    const forge = one.forge();
    await forge.propose({ ...one.work, title: "For @all", body: "By @bob" });
    const shown = await one.forge().show(one.work);
    expect((shown as { title: string }).title).not.toContain("@all");
    await forge.comment({ repo: ".", number: 1 }, { marker: "m", text: "@bob fixes #1", call: ["alice"] });
    const [said] = (await one.forge().comments({ repo: ".", number: 1 })) as { text: string }[];
    expect(said?.text).not.toMatch(/@bob|#1/);
    expect(said?.text).toContain("@alice");
  });
});

describe("gitea: a plugin", () => {
  test("reviews of people who may are heard; who closed it counts by what they may now, whoever says what", async () => {
    const one = await taken(plugged);
    expect(await one.forge().show(one.work)).toBeNull();
    await one.forge().propose({ ...one.work, title: "For @all" });
    const { head } = one.work;
    const shown = await one.forge().show(one.work);
    expect(shown).toMatchObject({ number: 1, state: "open", head, base: "main", by: null });
    expect((shown as { title: string }).title).not.toContain("@all");
    await one.review("REQUEST_CHANGES", "Count the empty ones, too.");
    expect(await one.forge().remarks(one.work)).toMatchObject([
      { id: "review 1", text: "Count the empty ones, too.", by: { id: one.ids.bob } },
    ]);
    await one.review("APPROVE", "Good.");
    expect(await one.forge().remarks(one.work)).toEqual([]);
    expect((await one.forge().reviews(one.work)) as Review[]).toMatchObject([
      { state: "changes_requested", commit: head, author: { login: "bob" } },
      { state: "approved" },
    ]);
    expect(await one.forge().threads(one.work)).toEqual({
      notHere: expect.stringContaining("the forge gitea has no "),
    });
    await one.forge().retract(one.work);
    // Nobody said who closed it: that is no no.
    expect(await one.forge().stands(one.work)).toEqual({
      refused: expect.stringContaining("somebody who is not known"),
    });
    expect(await one.forge().propose(one.work)).toBe((shown as { url: string }).url);
    expect(await one.count()).toBe(1);
  });
});
