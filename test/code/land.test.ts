// Work that came back, on its way to its branch or aside: real git on both sides, secrets in every spelling.
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { spellings } from "../../src/core/encodings.ts";
import type { Entry } from "../../src/core/entry.ts";
import type { Landed } from "../../src/core/landed.ts";
import type { State } from "../../src/core/state.ts";
import { createForge } from "../../src/forges/index.ts";
import type { CodeResult, Forge, Outcome, Proposal, ScriptRun } from "../../src/ports.ts";
import { createLand } from "../../src/shell/land.ts";
import { createScan, type Scan } from "../../src/shell/scan.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { createTargets } from "../../src/shell/target.ts";
import { clone, env, git, hook, type Origin, tempDir } from "../repo/origin.ts";
import { branch, type Stand, stand } from "./agent.ts";

const secret = "xK9/3vR+'t8Qz-Lm42:pW";
const done: Outcome = { state: "finished", outcome: "success", answer: "counted" };
const quick: Scan = async (texts) => texts.map(() => []);

function landing(
  one: Stand,
  {
    scan = quick,
    guard = {},
    more = {},
    title = "Count",
    seen,
  }: { scan?: Scan; guard?: object; more?: object; title?: string; seen?: Proposal[] } = {},
) {
  const cache = tempDir("cache");
  const options = { dir: clone(one as Origin), env, cache };
  const targets = createTargets(options);
  const made = createForge(undefined, targets);
  const forge: Forge = {
    ...made,
    propose: async (proposal) => {
      seen?.push(proposal);
      return made.propose(proposal);
    },
  };
  const site = async () => "https://github.com/owner/pack";
  const land = createLand({ targets, forge, secrets: createSecrets({ DEPLOY_TOKEN: secret }), scan, env, site });
  const task = {
    path: "tasks/count.md",
    id: "count",
    kind: "task",
    data: { title, agent: "scout", status: "ready", accept: [`works with ${secret}`] },
    body: "",
  };
  const agent = { path: "agents/scout.md", id: "scout", kind: "agent", data: { runtime: "shell", guard }, body: "" };
  const state = {
    tasks: new Map([["count", task]]),
    agents: new Map([["scout", agent]]),
    reviews: new Map(),
    settings: { defaults: {}, ledger: {} },
  };
  const run = { branch, code: { repo: ".", base: one.base }, ...more };
  const job = { path: "jobs/x/count-1.md", id: "count-1", data: { task: "count", agent: "scout", run } };
  return (code: CodeResult | undefined, outcome: Outcome = done) =>
    land(state as unknown as State, job as unknown as Entry<"job">, code, outcome, 75);
}

function came(one: Stand, more: Partial<CodeResult> = {}): CodeResult {
  const head = one.run("rev-parse", "HEAD");
  const commits = Number(one.run("rev-list", "--count", `${one.base}..HEAD`));
  return { state: "done", base: one.base, head, commits, bundle: commits === 0 ? null : one.bundle(), ...more };
}
const ran = (exit: number | null, said = ""): ScriptRun => ({ exit, took: 1, output: Buffer.from(said) });
const tip = (one: Stand) => git(one.bare, "for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`);
const reasons = (landed: Landed | { later: string }) =>
  "state" in landed && landed.state === "refused" ? landed.reasons.join("\n") : JSON.stringify(landed);

test("sound work is pushed once, and found again by whoever could not write that down", async () => {
  const one = stand();
  one.put("src/b.ts", "b\n");
  const head = one.commit();
  const land = landing(one);
  const check = { exit: 0, said: "fine" };
  const sum = expect.stringMatching(/^[0-9a-f]{64}$/);
  const patch = expect.stringContaining("+++ b/src/b.ts");
  const pushed = { state: "pushed", head, at: branch, paths: ["src/b.ts"], lines: 1, sum, check, patch };
  expect(await land(came(one, { verify: ran(0, "fine") }))).toEqual(pushed);
  expect(tip(one)).toBe(head);
  expect(await land(came(one, { verify: ran(0, "fine") }))).toEqual(pushed);
  // Another runner, with nothing in its cache, at the same time.
  expect(await Promise.all([landing(one)(came(one)), landing(one)(came(one))])).toMatchObject([
    { state: "pushed", head },
    { state: "pushed", head },
  ]);
  expect(git(one.bare, "for-each-ref", "--format=%(refname)").split("\n")).toEqual([
    "refs/heads/main",
    `refs/heads/${branch}`,
  ]);
});

test("people are told of the work where they decide about it, without secrets, the same each time", async () => {
  const one = stand();
  one.put("src/b.ts", "b\n");
  const head = one.commit();
  const seen: Proposal[] = [];
  const land = landing(one, { title: `Count ${secret}`, seen, more: { told: "told-1-00000000.md" } });
  for (const _ of [1, 2]) await land(came(one, { verify: ran(1, "no") }), { ...done, cost: 0.5 });
  const [{ body = "", ...first }, again] = seen as [Proposal, Proposal];
  expect(first).toMatchObject({ repo: ".", branch, head, title: "Count ⟨redacted DEPLOY_TOKEN⟩" });
  expect(again).toEqual({ ...first, body });
  expect(body).toMatch(/^\[Count ⟨redacted DEPLOY_TOKEN⟩\]\(\S+\/blob\/HEAD\/tasks\/count\.md\) · job \[`count-1`\]/);
  expect(body).toContain("works with ⟨redacted DEPLOY_TOKEN⟩");
  for (const text of ["| Verify | ✕ exit code 1 |", "| Cost | $0.50 |", "| Time | 1m 15s |", "```text\ncounted\n```"])
    expect(body).toContain(text);
  expect(body).toContain("(https://github.com/owner/pack/blob/HEAD/jobs/x/count-1.d/told-1-00000000.md)");
});

test("a round that ends with nothing new is told of there, too, and a forge that takes no words keeps nothing back", async () => {
  const one = stand();
  const seen: Proposal[] = [];
  const nothing = () => came(one, { base: one.base, commits: 0, bundle: null });
  const more = { code: { repo: ".", base: one.base, head: one.base } };
  expect(await landing(one, { seen, more })(nothing(), { ...done, answer: "It is right as it is." })).toEqual({
    state: "nothing",
  });
  expect(seen).toMatchObject([{ branch, head: one.base, body: expect.stringContaining("It is right as it is.") }]);
  const mute = {
    push: () => {
      throw new Error("no");
    },
  } as unknown as Proposal[];
  expect(await landing(one, { seen: mute, more })(nothing())).toEqual({ state: "nothing" });
  // Never pushed: there is nothing to look at.
  expect(await landing(one, { seen })(nothing())).toEqual({ state: "nothing" });
  expect(seen).toHaveLength(1);
});

test("work of which something could not be committed says so, and no check of it counts", async () => {
  const one = stand();
  one.put("b.txt", "b\n");
  const head = one.commit();
  const landed = await landing(one)(came(one, { left: `a merge is not finished ${secret}`, verify: ran(0, "fine") }));
  expect(landed).toMatchObject({ state: "pushed", head, left: "a merge is not finished ⟨redacted DEPLOY_TOKEN⟩" });
  expect(landed).not.toHaveProperty("check");
});

test("people's pushes on top of which it was made stay; those that cross it are not pushed over", async () => {
  const one = stand();
  one.put("b.txt", "b\n");
  const first = one.commit();
  await landing(one)(came(one));
  git(one.person, "fetch", "-q");
  git(one.person, "checkout", "-q", branch);
  git(one.person, "commit", "-q", "--allow-empty", "-m", "Ada's");
  git(one.person, "push", "-q");
  const theirs = tip(one);
  one.put("c.txt", "c\n");
  one.commit();
  const crossed = await landing(one)(came(one));
  expect(crossed).toMatchObject({ state: "moved" });
  expect("kept" in crossed && [...crossed.kept.keys()]).toEqual(["work.patch", "work.bundle"]);
  expect(tip(one)).toBe(theirs);
  // The next round goes on from theirs.
  one.run("fetch", "-q");
  one.run("reset", "-q", "--hard", theirs);
  one.put("c.txt", "c\n");
  const head = one.commit();
  const next = { ...one, base: theirs };
  const land = landing(next, { more: { code: { repo: ".", base: theirs, head: first } } });
  expect(await land(came(next, { bundle: one.bundle(`${theirs}..refs/heads/${branch}`) }))).toMatchObject({
    state: "pushed",
    head,
  });
  expect(tip(one)).toBe(head);
});

test("work that is pushed brings the diff of all its rounds", async () => {
  const one = stand();
  one.put("b.txt", "b\n");
  const first = one.commit();
  const landed = await landing(one)(came(one));
  expect("patch" in landed && landed.patch).toContain("+++ b/b.txt");
  one.put("c.txt", "c\n");
  one.commit();
  const next = { ...one, base: first };
  const land = landing(next, { more: { code: { repo: ".", base: first, head: first } } });
  const again = await land(came(next, { bundle: one.bundle(`${first}..refs/heads/${branch}`) }));
  expect("patch" in again && again.patch?.match(/^\+\+\+ .*$/gm)).toEqual(["+++ b/b.txt", "+++ b/c.txt"]);
});

test("a branch that people took away, or put back, while the agent was at work stays as they left it", async () => {
  const one = stand();
  one.put("b.txt", "b\n");
  const first = one.commit();
  one.put("c.txt", "c\n");
  const second = one.commit();
  await landing(one)(came(one));
  one.put("d.txt", "d\n");
  one.commit();
  const next = came({ ...one, base: second }, { bundle: one.bundle(`${second}..refs/heads/${branch}`) });
  const land = () =>
    landing({ ...one, base: second }, { more: { code: { repo: ".", base: second, head: second } } })(next);
  git(one.bare, "update-ref", `refs/heads/${branch}`, first);
  expect(await land()).toMatchObject({ state: "moved" });
  expect(tip(one)).toBe(first);
  git(one.bare, "update-ref", "-d", `refs/heads/${branch}`);
  const gone = await land();
  expect(gone).toMatchObject({ state: "gone" });
  expect("kept" in gone && [...gone.kept.keys()]).toEqual(["work.patch", "work.bundle"]);
  expect(tip(one)).toBe("");
});

test("a guard that has something to say keeps it from the branch, with the work beside the reasons", async () => {
  const one = stand();
  one.put("src/a.ts", "changed\n");
  one.put("docs/x.md", "x\n");
  one.commit();
  const landed = await landing(one, { guard: { allow: ["docs/**"], max_lines: 1 } })(came(one));
  expect(reasons(landed)).toBe(
    "it changes 4 lines; at most 1 are allowed\nsrc/a.ts is outside of what the agent's guard allows",
  );
  expect("kept" in landed && String(landed.kept.get("work.patch"))).toContain("+changed");
  expect(tip(one)).toBe("");
});

test("a known secret is found in every spelling, in files, in names, in messages, and nothing of it is kept", async () => {
  const one = stand();
  for (const [at, form] of spellings(secret).entries()) one.put(`f${at}.txt`, `a = "${form}"\n`);
  one.commit();
  one.put("later.txt", `${secret}\n`);
  one.commit();
  one.put("later.txt", "gone\n");
  one.commit(`Says ${secret}`);
  const landed = await landing(one)(came(one));
  const said = reasons(landed);
  for (const at of spellings(secret).keys())
    expect(said).toContain(`f${at}.txt holds what looks like a secret (DEPLOY_TOKEN)`);
  expect(said).toMatch(/later\.txt holds/);
  expect(said).toMatch(/commit [0-9a-f]{12} holds/);
  expect(said).not.toContain(secret);
  const kept = "kept" in landed ? landed.kept : new Map();
  expect([...kept.keys()]).toEqual(["work.patch"]);
  for (const form of spellings(secret)) expect(String(kept.get("work.patch"))).not.toContain(form);
  expect(tip(one)).toBe("");
});

test("a secret by its shape is found, too; a search that fails counts as a find", async () => {
  const one = stand();
  one.put("x.txt", `token = ghp_${"a1B2".repeat(9)}\n`);
  one.commit();
  expect(reasons(await landing(one, { scan: createScan() })(came(one)))).toMatch(
    /x\.txt holds what looks like a secret/,
  );
  const named = stand();
  named.put(`ghp_${"a1B2".repeat(9)}.txt`, "fine\n");
  named.commit();
  const told = await landing(named, { scan: createScan() })(came(named));
  expect(reasons(told)).toMatch(/^⟨redacted \S+⟩.* holds what looks like a secret/);
  expect(JSON.stringify([...("kept" in told ? told.kept : [])]) + reasons(told)).not.toContain("ghp_");
  const two = stand();
  two.put("x.txt", "fine\n");
  two.commit();
  const broken: Scan = () => Promise.reject(new Error("no"));
  expect(reasons(await landing(two, { scan: broken })(came(two)))).toMatch(/nobody can tell/);
  expect([tip(one), tip(two)]).toEqual(["", ""]);
}, 60_000);

test("a run that asked, failed, or brought nothing is not pushed; each says what it is", async () => {
  const one = stand();
  const land = landing(one);
  expect(await land(came(one))).toEqual({ state: "nothing" });
  expect(await land(came(one, { left: "a merge is going on" }))).toMatchObject({ state: "refused" });
  expect(await land({ ...came(one), state: "setup", setup: ran(7, "no npm") })).toEqual({
    state: "unmade",
    why: "setup ended with exit code 7",
    said: "no npm",
  });
  expect(await land({ ...came(one), state: "unready", why: `disk full ${secret}` })).toMatchObject({
    why: "its worktree could not be made: disk full ⟨redacted DEPLOY_TOKEN⟩",
  });
  one.put("x.txt", "x\n");
  one.commit();
  const ask = { ...done, messages: [{ verb: "ask" as const, text: "which?" }] };
  expect(await land(came(one), ask)).toEqual({ state: "aside", kept: new Map() });
  // Nobody will answer it: then it is all that there is.
  const questions = Array.from({ length: 8 }, () => ({ text: "which?" }));
  const ninth = await landing(one, { more: { questions } })(came(one), ask);
  expect(ninth).toMatchObject({ state: "aside" });
  expect("kept" in ninth && [...ninth.kept.keys()]).toEqual(["work.patch", "work.bundle"]);
  const failed = await land(came(one), { ...done, state: "timeout" });
  expect(failed).toMatchObject({ state: "aside" });
  expect("kept" in failed && failed.kept.has("work.patch")).toBe(true);
  expect(await land(undefined)).toEqual({ state: "aside", kept: new Map() });
  expect(await land(came(one, { bundle: null, why: "the disk is full" }))).toMatchObject({
    reasons: ["the disk is full"],
  });
  expect(reasons(await land(came(one, { bundle: Buffer.from("no bundle\n\n") })))).toMatch(/is none/);
  expect(tip(one)).toBe("");
});

test("a server that says no is quoted; one that is not there is asked again later; nothing is left lying about", async () => {
  const one = stand();
  one.put("x.txt", "x\n");
  one.commit();
  hook(one as Origin, "pre-receive", "echo 'not on a Saturday' >&2; exit 1");
  const said = await landing(one)(came(one));
  expect(reasons(said)).toMatch(/not on a Saturday/);
  expect("kept" in said && [...said.kept.keys()]).toEqual(["work.patch", "work.bundle"]);
  // What a person can mend at the server ends nothing.
  hook(one as Origin, "pre-receive", "echo 'error: 403 write access to repository not granted' >&2; exit 1");
  expect(await landing(one)(came(one))).toMatchObject({ later: expect.stringContaining("write access") });
  const land = landing(one);
  const away = `${one.bare}.away`;
  renameSync(one.bare, away);
  expect(await land(came(one))).toMatchObject({ later: expect.stringMatching(/cannot be read/) });
  expect(readdirSync(join(away, "refs/heads"))).toEqual(["main"]);
});
