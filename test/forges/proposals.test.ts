// What ticks say at open proposals to the pack: the plan in one comment, a status on towline's own, and nothing twice.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readBeatText } from "../../src/core/beat.ts";
import { settings } from "../../src/core/schema.ts";
import type { State } from "../../src/core/state.ts";
import { talkOf } from "../../src/forges/index.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { openLocal } from "../../src/shell/pack.ts";
import type { Planned } from "../../src/shell/plan-comments.ts";
import { readPair } from "../../src/shell/read.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { planStage } from "../../src/verbs/said.ts";
import { quiet } from "../../src/wire.ts";
import { cli } from "../fakes/cli.ts";
import { basics, md } from "../fakes/pack.ts";
import { clone, env, git, type Origin, origin, personPushes, write } from "../repo/origin.ts";
import { type Hub, serve } from "./server.ts";

const clock = systemClock("2026-11-20T10:00:00Z");
const given = { ...env, GITHUB_TOKEN: "ghp_canary0123456789abcdef", GITHUB_REPOSITORY: "alice/pack" };
const secret = "hunter2hunter2hunter2";
let from: Origin;
let hub: Hub;
let dir: string;
let told: Planned[];
beforeEach(async () => {
  const old = md("title: Old\nagent: nobody", "uptime");
  from = origin({ ...basics(["ann"]), "tasks/old.md": old });
  hub = await serve(from.bare);
  write(from.person, { "towline.yml": `${basics([])["towline.yml"]}forge: {name: github, url: "${hub.url}"}\n` });
  git(from.person, "commit", "-qam", "forge");
  git(from.person, "push", "-q", "origin", "main");
  dir = clone(from);
  told = [];
});
afterEach(() => hub.close());

/** Proposes these files, from the branch's head where it is there; `fork`: from somebody else's repository. */
function propose(number: number, files: Record<string, string>, more: { ref?: string; fork?: boolean } = {}): string {
  const { ref = `change-${number}`, fork = false } = more;
  git(from.person, "checkout", "-q", "-B", "proposal", hub.pulls.find((one) => one.number === number)?.sha ?? "main");
  write(from.person, files);
  git(from.person, "add", "-A");
  git(from.person, "commit", "-q", "-m", "change");
  const sha = git(from.person, "rev-parse", "HEAD");
  git(from.person, "push", "-q", "-f", from.bare, `HEAD:refs/pull/${number}/head`);
  if (!fork) git(from.person, "push", "-q", "-f", from.bare, `HEAD:refs/heads/${ref}`);
  git(from.person, "checkout", "-q", "main");
  const known = hub.pulls.find((one) => one.number === number);
  if (known) known.sha = sha;
  else
    hub.pulls.push({ number, title: "Change", body: "", ref, base: "main", state: "open", merged_at: null, sha, fork });
  return sha;
}

async function say(left = Number.POSITIVE_INFINITY) {
  const { repo, tips } = await openLocal(dir, { env: given, clock }, "HEAD");
  const state: State = { ...(await readPair(repo, tips)), pack: "test-pack-0123456789ab" };
  const { forge } = settings.parse({ id: "p", forge: { name: "github", url: hub.url } });
  const talk = talkOf(forge, { env: given, origin: async () => null, paced: false });
  if (!talk) throw new Error("no talk");
  const secrets = createSecrets({});
  secrets.add("WORD", secret);
  const wire = { env: given, cwd: dir, home: dir, clock, report: quiet, secrets, terminal: false, out() {}, exit() {} };
  hub.asked.length = 0;
  const said = await planStage({ wire, dir, repo, talk, now: clock.now() }, state, left, told);
  told = said.planned;
  return said;
}
const comments = (on: number) => hub.comments.filter((one) => one.on === on).map(({ row }) => String(row.body));
const list = "GET /repos/alice/pack/pulls";
const task = (title: string) => md(`title: ${title}`, "uptime");

describe("the plan", () => {
  test("is one comment that follows the head; while nothing moves it costs one list and no fetch", async () => {
    propose(1, { "tasks/one.md": task("One") });
    expect(await say()).toMatchObject({ did: true, planned: [{ number: 1 }] });
    expect(comments(1)).toEqual([expect.stringContaining("- **one** (")]);
    git(dir, "remote", "set-url", "origin", "/nowhere");
    expect(await say()).toEqual({ did: false, planned: told });
    expect(hub.asked).toEqual([list]);
    git(dir, "remote", "set-url", "origin", `file://${from.bare}`);
    const head = propose(1, { "tasks/two.md": task("Two") });
    await say();
    expect(comments(1)).toEqual([expect.stringMatching(new RegExp(`- \\*\\*two\\*\\* \\([^]*${head.slice(0, 10)}`))]);
    // What was merged or closed is forgotten.
    Object.assign(hub.pulls[0] as object, { state: "closed" });
    expect((await say()).planned).toEqual([]);
    // No time for it, and not onto the default branch.
    Object.assign(hub.pulls[0] as object, { state: "open" });
    expect(await say(9_000)).toEqual({ did: false, planned: [] });
    Object.assign(hub.pulls[0] as object, { base: "other" });
    expect(await say(60_000)).toEqual({ did: false, planned: [] });
  });

  test("of a fork is data: it calls nobody, holds no secret, runs nothing, and may not be readable at all", async () => {
    propose(
      3,
      {
        "tasks/one.md": task("One"),
        "agents/deckhand.md": md(`runtime: shell\nmodel: "@everyone closes #1 ${secret}"`),
      },
      {
        ref: "towline/one",
        fork: true,
      },
    );
    propose(4, { "towline.yml": "id: [\n" }, { ref: "towlines" });
    // As a CI job has it: a clone of one commit, after the base has moved on.
    personPushes(from, { "rules/new.md": md("when: {kind: disk.low}\nthen: [{memo: look}]") });
    dir = clone(from, "--depth=1");
    expect((await say()).degraded).toBeUndefined();
    expect(comments(3)[0]).toContain("Policy changes (1)");
    expect(comments(3)[0]).toContain("everyone");
    expect(comments(3)[0]).not.toMatch(new RegExp(`@everyone|closes #1|${secret}`));
    expect(comments(4)[0]).toContain("The settings cannot be read");
    expect(git(dir, "status", "--porcelain")).toBe("");
    // Whatever its branch is called, a status is on towline's own only.
    expect(hub.statuses).toEqual([]);
  });

  test("that fails is said, keeps no other waiting, and is tried again", async () => {
    const lost = "0123456789".repeat(4);
    const open = { title: "", body: "", ref: "x", base: "main", state: "open", merged_at: null, fork: true } as const;
    for (let number = 1; number <= 6; number++) hub.pulls.push({ ...open, number, sha: lost });
    propose(7, { "tasks/one.md": task("One") });
    const first = await say();
    expect(first.degraded).toMatch(
      /^not everything could be said of #1: .*refs\/pull\/1\/head cannot be fetched.*#5: /,
    );
    expect(comments(7)).toEqual([]);
    expect((await say()).degraded).toMatch(/of #6: .*; #1: /);
    expect(comments(7)).toHaveLength(1);
    for (const pull of hub.pulls) if (pull.number !== 4) pull.state = "closed";
    delete hub.pulls[3]?.sha;
    propose(4, { "tasks/four.md": task("Four") });
    expect((await say()).degraded).toBeUndefined();
    expect(comments(4)).toHaveLength(1);
  });
});

describe("the status", () => {
  test("is on towline's own: what is wrong in it, and not what was wrong before", async () => {
    const good = propose(1, { "tasks/one.md": task("One") }, { ref: "towline/one" });
    await say();
    expect(hub.statuses).toMatchObject([
      { context: "towline/check", state: "success", description: "nothing to mend" },
    ]);
    expect(hub.asked).toContain(`POST /repos/alice/pack/statuses/${good}`);
    propose(1, { "tasks/bad.md": md("title: Bad\nagent: scot", "x") }, { ref: "towline/one" });
    await say();
    expect(hub.statuses[0]).toMatchObject({
      state: "failure",
      description: expect.stringContaining("tasks/bad.md:3: "),
    });
    propose(2, { "towline.yml": "id: [\n" }, { ref: "towline-work/two" });
    await say();
    expect(hub.statuses[0]).toMatchObject({ state: "failure" });
    // One that could not be posted is tried again, and the comment stays as it is.
    hub.bad.push({ on: /POST .*statuses/, status: 403, times: 1 });
    propose(2, { "towline.yml": git(from.person, "show", "main:towline.yml") }, { ref: "towline-work/two" });
    const { length } = hub.statuses;
    expect((await say()).degraded).toContain("#2: the forge:");
    expect((await say()).degraded).toBeUndefined();
    expect(hub.asked.filter((one) => one.includes("/comments"))).toEqual([]);
    expect(hub.statuses).toHaveLength(length + 1);
  });
});

test("a tick does it, and the heartbeat remembers it, also beside a commit; the forecast stays for the day", async () => {
  // No host, or its probe would leave a heartbeat anyway.
  const push = (text: string) => {
    write(from.person, { "notes.txt": text });
    git(from.person, "pull", "-q", "--rebase", "--autostash");
    git(from.person, "add", "-A");
    git(from.person, "commit", "-qm", "notes");
    git(from.person, "push", "-q", "origin", "main");
  };
  git(from.person, "rm", "-q", "hosts/ann.md");
  push("a");
  propose(1, { "tasks/one.md": task("One") });
  const tick = (time: string) =>
    cli(dir, ["tick", "--no-site", "--no-sync", "--json", "--now", `2026-11-20T${time}:00Z`], given);
  const beat = () => readBeatText(git(from.bare, "show", "refs/towline/beat:beat.json"));
  const first = JSON.parse((await tick("10:00")).out);
  expect([first.commits.length > 0, first.degraded]).toEqual([true, []]);
  expect(comments(1)).toHaveLength(1);
  expect(beat()).toMatchObject({ plans: [{ number: 1 }], talked: { forecast: { day: "2026-11-20" } } });
  expect(hub.issues[0]?.body).toMatch(/### Forecast\n\n- A month: \$0, \d/);
  push(randomBytes(200_000).toString("hex"));
  hub.asked.length = 0;
  expect(JSON.parse((await tick("10:30")).out)).toMatchObject({ commits: [], degraded: [] });
  expect(hub.asked.filter((one) => /POST|PATCH|pulls|issues\/1\//.test(one))).toEqual([list]);
  expect(beat()).toMatchObject({ plans: [{ number: 1 }], talked: { forecast: { day: "2026-11-20" } } });
});
