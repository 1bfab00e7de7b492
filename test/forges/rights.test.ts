// Who moves work at its pull request: a merge, a no, a demand for changes, each by everybody there is, and while the
// forge does not say who they are.
import { afterEach, describe, expect, test } from "vitest";
import { type Act, type Actor, may } from "../../src/core/authority.ts";
import type { Said } from "../../src/ports.ts";
import type { Account, Bad, Pull } from "./server.ts";
import { branch, type Served, served, thread } from "./stands.ts";

const open: Served[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const who: [Actor, Account][] = [
  ["owner", { id: 4, login: "olga", may: "write" }],
  ["admin", { id: 1, login: "alice", may: "admin" }],
  ["write", { id: 2, login: "bob", may: "write" }],
  ["read", { id: 3, login: "mallory", may: "read" }],
  ["none", { id: 55, login: "stranger" }],
  ["bot", { id: 70, login: "robot[bot]", type: "Bot", may: "write" }],
];
/** One whose name looks like an owner's, and one who has a name that was another's. */
const others: [string, Account][] = [
  ["looks like bob", { id: 81, login: "b0b", may: "read" }],
  ["has bob's name now", { id: 82, login: "bob" }],
];

async function shown(): Promise<{ one: Served; pull: Pull; ask: ReturnType<Served["forge"]>; work: Served["work"] }> {
  const one = await served();
  open.push(one);
  for (const [, person] of who) if (person.may) one.hub.people.set(person.login, person);
  one.hub.people.set("b0b", others[0]?.[1] as Account);
  await one.forge().propose(one.work);
  return {
    one,
    pull: one.hub.pulls.find(({ ref }) => ref === branch) as Pull,
    ask: one.forge(),
    work: { ...one.work, owners: ["olga:4"] },
  };
}

const merged = (by: Account | null) => ({ state: "closed", merged_at: "2026-11-20T11:00:00Z", by }) as const;
const closed = (by: Account | null) => ({ state: "closed", merged_at: null, by }) as const;
const allowed = (actor: Actor, act: Act) => may(actor, act, "branch", "fresh").allow;
const all: [string, Account, Actor][] = [
  ...who.map(([actor, person]): [string, Account, Actor] => [actor, person, actor]),
  ...others.map(([name, person]): [string, Account, Actor] => [name, person, "none"]),
];

const said = (answer: unknown) =>
  typeof answer === "string"
    ? answer
    : Array.isArray(answer)
      ? JSON.stringify(answer)
      : Object.keys(answer as object)[0];

describe("a pull request of an agent's work", () => {
  test("is merged or closed by those who may, and stays undecided for all others", async () => {
    const { pull, ask, work } = await shown();
    for (const [name, person, actor] of all) {
      Object.assign(pull, merged(person));
      const yes = await ask.stands(work);
      Object.assign(pull, closed(person));
      const no = await ask.stands(work);
      const words = {
        refused: expect.stringMatching(`by ${person.login.replace(/[[\]]/g, "\\$&")}, which moves nothing`),
      };
      expect([name, yes]).toEqual([name, allowed(actor, "merged") ? "merged" : words]);
      expect([name, no]).toEqual([name, allowed(actor, "drop") ? "closed" : words]);
    }
    for (const end of [merged(null), closed(null)]) {
      Object.assign(pull, end);
      expect(await ask.stands(work)).toMatchObject({ refused: expect.stringContaining("somebody who is not known") });
    }
  });

  test("that touches the pack's policy, as a campfire does, is merged by those who may change it", async () => {
    const { pull, ask, work } = await shown();
    for (const [name, person, actor] of all) {
      Object.assign(pull, merged(person));
      const yes = (await ask.stands({ ...work, touches: ["policy"] })) === "merged";
      expect([name, yes]).toEqual([name, may(actor, "merged", "policy", "fresh").allow]);
    }
    expect(may("write", "merged", "policy", "fresh").allow).toBe(false);
  });

  test("waits while the forge does not say what somebody may", async () => {
    const { one, pull, work } = await shown();
    one.hub.bad.push({ on: /collaborators/, status: 503 });
    for (const end of [merged, closed]) {
      Object.assign(pull, end(who[2]?.[1] as Account));
      await expect(one.forge().stands(work)).rejects.toThrow("503");
    }
    one.hub.bad.splice(0, 1, { on: /collaborators/, body: { permission: "write", user: { id: 2 } } });
    await expect(one.forge().stands(work)).rejects.toThrow("not what GitHub's would be");
  });

  const user = { id: 2, login: "bob" };
  test.each<[string, Omit<Bad, "on">]>([
    ["half an answer", { how: "cut" }],
    ["not to be seen", { status: 404 }],
    ["no right to ask", { status: 403 }],
    ["asked too often", { status: 429, headers: { "retry-after": "600" } }],
    ["a page in place of an answer", { body: "<html>Sign in</html>" }],
    ["an answer about nobody", { body: { permission: "admin" } }],
    ["a role that is not known", { body: { permission: "emperor", user } }],
    ["a bot", { body: { permission: "admin", user: { ...user, type: "Bot" } } }],
    ["somebody who has the login now", { body: { permission: "admin", user: { ...user, id: 9 } } }],
  ])("moves by nobody whose right cannot be found out: %s", async (_, bad) => {
    const { one, pull, work } = await shown();
    const bob = who[2]?.[1] as Account;
    one.hub.bad.push({ on: /collaborators/, ...bad });
    const asked = (what: () => Promise<unknown>) => what().catch(() => "no answer");
    one.hub.say(one.hub.reviews, pull.number, bob, { state: "CHANGES_REQUESTED", body: "More.", commit_id: work.head });
    thread(one.hub, pull.number, bob, { path: "src/a.txt", line: 1, body: "Here." });
    expect(["no answer", "[]"]).toContain(said(await asked(() => one.forge().remarks(work))));
    one.hub.say(one.hub.reviews, pull.number, bob, { state: "APPROVED", body: "", commit_id: work.head });
    for (const end of [merged, closed]) {
      Object.assign(pull, end(bob));
      expect(["no answer", "refused"]).toContain(said(await asked(() => one.forge().stands(work))));
    }
  });

  test("merged by a machine counts by a person's yes to that very commit", async () => {
    const { one, pull, ask, work } = await shown();
    const robot = who[5]?.[1] as Account;
    const approves = (by: Account, commit_id: string) =>
      one.hub.say(one.hub.reviews, pull.number, by, { state: "APPROVED", body: "", commit_id });
    Object.assign(pull, merged(robot), { author: who[1]?.[1], sha: work.head });
    approves(who[2]?.[1] as Account, "a".repeat(40));
    approves(who[3]?.[1] as Account, work.head);
    approves(robot, work.head);
    approves(who[1]?.[1] as Account, work.head);
    // Before the last push, by those who may not, and in whose name it was proposed.
    expect(await ask.stands(work)).toMatchObject({ refused: expect.stringContaining("robot[bot]") });
    approves(who[2]?.[1] as Account, work.head);
    expect(await ask.stands(work)).toBe("merged");
  });

  test("is to be changed for those who may ask for it, in words that stand as they were written", async () => {
    const { one, pull, ask, work } = await shown();
    for (const [name, person] of all) {
      one.hub.say(one.hub.reviews, pull.number, person, { state: "CHANGES_REQUESTED", body: `review ${name}` });
      thread(one.hub, pull.number, person, { path: "src/a.txt", line: 1, body: `line ${name}` });
    }
    const edited = thread(one.hub, pull.number, who[2]?.[1] as Account, { path: "a", line: 1, body: "changed since" });
    Object.assign((edited as { comments: { nodes: object[] } }).comments.nodes[0] as object, {
      lastEditedAt: "2026-11-20T11:00:00Z",
    });
    const heard = ((await ask.remarks(work)) as Said[]).map(({ text }) => text);
    const wanted = all.filter(([, , actor]) => allowed(actor, "review.changes")).map(([name]) => name);
    expect(wanted).toEqual(["owner", "admin", "write"]);
    expect(heard).toEqual([...wanted.map((name) => `review ${name}`), ...wanted.map((name) => `line ${name}`)]);
  });
});
