// Coding work through whole ticks in memory: from its claim to its end, round after round.
import { expect, test } from "vitest";
import { draftOf } from "../../src/core/draft.ts";
import type { Landed } from "../../src/core/landed.ts";
import { whatMatters } from "../../src/core/matters.ts";
import { type World, world } from "../fakes/world.ts";

const [tip, first, second, theirs] = ["a", "b", "c", "d"].map((one) => one.repeat(40)) as [
  string,
  string,
  string,
  string,
];
const at = (minute: number) => `2026-11-20T10:${String(minute).padStart(2, "0")}:00Z`;
const host = "---\naddress: 127.0.0.1\ntransport: local\n---\n";

function stand(task = "", more: Record<string, string> = {}): World {
  const made = world({
    "towline.yml": "id: pack\ndefaults:\n  agent: scout\n",
    "agents/scout.md": "---\nruntime: shell\n---\nCareful.\n",
    "hosts/ann.md": host,
    "tasks/count.md": `---\ntitle: Count\nrepo: .\n${task}---\necho hi\n`,
    ...more,
  });
  made.repos.set(".", { tip, heads: new Map() });
  return made;
}

const pushed = (head: string, check?: { exit: number | null; said: string }): Landed => ({
  state: "pushed",
  head,
  at: "towline/count",
  paths: ["src/a.ts", "src/b.ts"],
  lines: 10,
  ...(check ? { check } : {}),
});
const ends = (landed: Landed) => () => ({ stdout: "done\n", landed });
const never = () => null;
const job = (one: World) => [...one.state().jobs.values()][0];
const record = (one: World) => [...one.files].find(([path]) => /^jobs\/.*\.md$/.test(path)) as [string, string];
const status = (one: World) => one.state().status.get("count")?.data;
const memos = (one: World) => [...one.files].filter(([path]) => path.startsWith("memos/")).map(([, text]) => text);
const open = (one: World) => one.files.get("state/open.ndjson") ?? "";
const head = (one: World, branch: string, commit: string) =>
  one.repos.set(".", { tip, heads: new Map([[branch, commit]]) });

test("a task with a repository starts at its tip, on a branch of its own, and is told so", () => {
  const one = stand("setup: npm ci\nverify: npm test\n");
  one.tick(at(0), never);
  const made = job(one);
  expect(made?.data).toMatchObject({
    state: "started",
    run: { branch: `towline/${made?.id}`, code: { repo: ".", base: tip } },
  });
  expect(made?.data.run.deadline).toBe(3600);
  const work = one.sent.get(made?.id ?? "")?.assignment?.code;
  expect(work).toEqual({ agent: "scout", repo: ".", branch: `towline/${made?.id}`, base: tip, round: 1, remarks: [] });
});

test("work that goes back to an agent whose account is limited asks nothing of its repository until that ends", () => {
  const one = stand();
  one.tick(at(0), never);
  one.tick(at(1), ends({ state: "moved", kept: new Map() }));
  expect(job(one)?.data.state).toBe("reworking");
  const limited = (until: string) => {
    const row = { source: "towline", subject: "agent scout", family: "account", kind: "account.limited" };
    one.files.set("state/levels.ndjson", JSON.stringify({ ...row, state: until, pupdate: "" }));
    return whatMatters(draftOf(one.state(), new Date(at(5)), "x"), new Set(["shell"]));
  };
  expect(limited(at(4))).toMatchObject({ hosts: new Set(["ann"]), repos: new Set(["."]) });
  expect(limited(at(59))).toMatchObject({ hosts: new Set(), repos: new Set() });
});

test("review, remarks, a second round on the same job, merge: done, and each step once", () => {
  const one = stand();
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  const branch = `towline/${id}`;
  one.tick(at(1), ends(pushed(first)));
  expect(job(one)?.data).toMatchObject({ state: "review", pr: "towline/count", run: { code: { head: first } } });
  expect(status(one)).toMatchObject({ state: "review", reason: expect.stringContaining(`towline review ${id}`) });
  expect(record(one)[1]).toContain(`Branch \`${branch}\` at ${first.slice(0, 12)}: 2 files, 10 lines changed.`);
  expect(memos(one).join()).toMatch(/waits for your review/);
  // Nothing happens: nothing is written, no host is asked.
  head(one, branch, first);
  one.standing.set(id, "open");
  one.down.add("ann");
  expect(one.tick(at(2), never)).toEqual([]);
  one.down.clear();
  // People push to the branch, and say something.
  head(one, branch, theirs);
  one.files.set(`reviews/${id}.md`, "- src/a.ts:3: rename it\n- src/a.ts:3: to count\n");
  one.tick(at(3), never);
  expect(one.starts).toEqual([`${id}/1 ann`, `${id}/2 ann`]);
  expect(job(one)?.data).toMatchObject({
    state: "started",
    run: { epoch: 2, round: 2, branch, code: { base: theirs } },
  });
  expect(one.sent.get(id)?.assignment?.code).toMatchObject({
    round: 2,
    base: theirs,
    remarks: [
      { path: "src/a.ts", line: 3, text: "rename it" },
      { path: "src/a.ts", line: 3, text: "to count" },
    ],
  });
  one.tick(at(4), ends(pushed(second)));
  expect(job(one)?.data).toMatchObject({ state: "review", run: { round: 2, code: { head: second } } });
  // The same review is not handed over again.
  one.tick(at(5), never);
  expect(one.starts).toHaveLength(2);
  one.standing.set(id, "merged");
  one.tick(at(6), never);
  expect(record(one)[1]).toMatch(/^state: finished$/m);
  expect(status(one)).toMatchObject({ state: "done" });
  expect(open(one)).not.toContain(id);
  expect(memos(one).join()).not.toMatch(/status: open/);
  expect(one.tick(at(7), never)).toEqual([]);
});

test("a remark that comes while the agent is at work is heard when it comes back", () => {
  const one = stand();
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.files.set(`reviews/${id}.md`, "- too early\n");
  one.tick(at(1), never);
  expect(job(one)?.data.state).toBe("started");
  one.tick(at(2), ends(pushed(first)));
  one.tick(at(3), never);
  expect(one.sent.get(id)?.assignment?.code?.remarks).toEqual([{ path: null, line: null, text: "too early" }]);
});

test.each<[string, Landed, object]>([
  ["crossed", { state: "moved", kept: new Map() }, {}],
  ["failed", { state: "aside", kept: new Map() }, { state: "failed", outcome: "failure" }],
])("a run that was %s has not settled its remarks: the next one is given them again", (_, landed, outcome) => {
  const one = stand("retries: 3\n");
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.tick(at(1), ends(pushed(first)));
  head(one, `towline/${id}`, first);
  one.files.set(`reviews/${id}.md`, "- again\n");
  one.tick(at(2), never);
  one.tick(at(3), () => ({ stdout: "x", landed, outcome }));
  one.tick(at(9), never);
  expect(one.starts.at(-1)).toBe(`${id}/3 ann`);
  expect(one.sent.get(id)?.assignment?.code?.remarks).toMatchObject([{ text: "again" }]);
  one.tick(at(10), ends(pushed(second)));
  head(one, `towline/${id}`, second);
  one.tick(at(11), never);
  expect(one.starts).toHaveLength(3);
  // The same words once more are one more remark.
  one.files.set(`reviews/${id}.md`, "- again\n- again\n");
  one.tick(at(12), never);
  expect(one.starts).toHaveLength(4);
});

test("a claim that could not be started takes its remarks along to the next one", () => {
  const one = stand();
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.tick(at(1), ends(pushed(first)));
  one.files.set(`reviews/${id}.md`, "- again\n");
  one.down.add("ann");
  one.tick(at(2), never);
  expect(job(one)?.data.state).toBe("reworking");
  expect(status(one)).toMatchObject({ state: "queued", reason: expect.stringContaining("one remark to settle") });
  one.down.clear();
  one.tick(at(3), never);
  expect(one.sent.get(id)?.assignment?.code?.remarks).toMatchObject([{ text: "again" }]);
});

test("a failed check goes back to the same job, three times at most, then to people", () => {
  const one = stand("verify: npm test\n");
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  const fails = ends(pushed(first, { exit: 1, said: "1 failed\n```\nevil" }));
  one.tick(at(1), fails);
  expect(job(one)?.data).toMatchObject({ state: "reworking", run: { round: 1, code: { failed: 1 } } });
  head(one, `towline/${id}`, first);
  one.tick(at(2), never);
  expect(one.sent.get(id)?.assignment?.code).toMatchObject({
    failed: "1 failed\n```\nevil",
    note: "verify failed with exit code 1",
    base: first,
    round: 2,
  });
  one.tick(at(3), fails);
  one.tick(at(4), never);
  one.tick(at(5), fails);
  expect(one.starts).toEqual([`${id}/1 ann`, `${id}/2 ann`, `${id}/3 ann`]);
  expect(job(one)?.data).toMatchObject({
    state: "review",
    run: { why: "verify failed with exit code 1, 3 times in a row" },
  });
  expect(status(one)?.reason).toMatch(/verify failed/);
  // People ask for more: the count begins anew.
  one.files.set(`reviews/${id}.md`, "- mend the test\n");
  one.tick(at(6), never);
  one.tick(at(7), ends(pushed(second, { exit: 0, said: "" })));
  expect(job(one)?.data).toMatchObject({ state: "review", run: { round: 2, code: { head: second } } });
  expect(job(one)?.data.run.code?.failed).toBeUndefined();
});

test("work that is not all committed goes back to its agent, three times at most, and people hear why", () => {
  const one = stand("verify: npm test\n");
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  const partly = ends({ ...pushed(first), left: "a merge is not finished" } as Landed);
  one.tick(at(1), partly);
  expect(job(one)?.data).toMatchObject({
    state: "reworking",
    run: { code: { head: first, failed: 1, unsaved: true } },
  });
  expect(record(one)[1]).toContain("10 lines changed. Not all of it: a merge is not finished.");
  one.tick(at(2), never);
  const sent = one.sent.get(id)?.assignment?.code;
  expect(sent?.note).toMatch(/not all committed$/);
  expect(sent?.left).toBe("a merge is not finished");
  expect(sent).not.toHaveProperty("failed");
  one.tick(at(3), partly);
  one.tick(at(4), never);
  one.tick(at(5), partly);
  expect(job(one)?.data).toMatchObject({ state: "review", run: { why: expect.stringContaining("3 times in a row") } });
  expect(memos(one).join()).toContain("a merge is not finished");
  expect(one.starts).toHaveLength(3);
});

test("a conflict with what people did meanwhile wakes the job, once for each state of their branch", () => {
  const one = stand();
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.tick(at(1), ends(pushed(first)));
  one.repos.set(".", { tip: theirs, heads: new Map([[`towline/${id}`, first]]) });
  one.standing.set(id, "conflict");
  one.tick(at(2), never);
  one.tick(at(3), never);
  expect(job(one)?.data).toMatchObject({
    state: "started",
    run: { epoch: 2, round: 2, code: { base: first, tip: theirs } },
  });
  expect(one.sent.get(id)?.assignment?.code?.note).toContain(`git merge ${theirs}`);
  // It could not settle it: that is for people, until their branch is another one.
  one.tick(at(4), ends(pushed(second)));
  one.tick(at(5), never);
  expect(job(one)?.data.state).toBe("review");
  expect(job(one)?.data.run.code).not.toHaveProperty("conflict");
  expect(one.starts).toHaveLength(2);
});

test("two jobs that change the same file: people hear of it once, and not any more when one is over", () => {
  const one = stand("", { "tasks/sum.md": "---\ntitle: Sum\nrepo: .\n---\necho hi\n" });
  one.tick(at(0), never);
  one.tick(at(1), ends(pushed(first)));
  const overlap = () => memos(one).filter((text) => /change the same files: src\/a\.ts, src\/b\.ts/.test(text));
  expect(overlap()).toHaveLength(1);
  expect(one.tick(at(2), never)).toEqual([]);
  const [id] = [...one.state().jobs.keys()];
  one.standing.set(id as string, "merged");
  one.tick(at(3), never);
  expect(overlap().join()).not.toMatch(/status: open/);
  expect(one.files.get("state/levels.ndjson") ?? "").not.toContain("overlap");
});

test.each<[string, string, string | null, string | null]>([
  ["both say it", "src/core/", "src/core/*.ts", "src/core/ (as their tasks say)"],
  ["one says what the other does", "src/**", null, "src/a.ts, src/b.ts"],
  ["a name at any depth", "b.ts", null, "src/b.ts"],
  ["they say other things", "docs/", "src/core/", null],
])("work that is to meet is told of before it does: %s", (_, mine, other, told) => {
  const task = (paths: string | null) =>
    `---\ntitle: Sum\nrepo: .\n${paths ? `paths: ['${paths}']\n` : ""}---\necho hi\n`;
  const one = stand(`paths: ['${mine}']\n`, { "tasks/sum.md": task(other) });
  for (const minute of [0, 1, 2])
    one.tick(at(minute), (id) => (other === null && id.startsWith("sum") ? ends(pushed(first))() : null));
  const overlap = memos(one).filter((text) => text.includes("change the same files"));
  expect(overlap).toHaveLength(told === null ? 0 : 1);
  if (told !== null) expect(overlap[0]).toContain(`change the same files: ${told}`);
  expect(one.tick(at(3), never)).toEqual([]);
});

test("where a branch `towline` is taken, work stands beside it", () => {
  const one = stand("", { "towline.yml": "id: pack\ndefaults:\n  agent: scout\nledger:\n  branch: towline\n" });
  one.tick(at(0), never);
  expect(job(one)?.data.run.branch).toBe(`towline-work/${job(one)?.id}`);
  const two = stand();
  two.repos.set(".", { tip, heads: new Map([["towline", first]]) });
  two.tick(at(0), never);
  expect(job(two)?.data.run.branch).toBe(`towline-work/${job(two)?.id}`);
});

test("a branch that is taken away unmerged ends the job and the task, and asks why", () => {
  const one = stand();
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.tick(at(1), ends(pushed(first)));
  one.standing.set(id, "closed");
  one.tick(at(2), never);
  expect(record(one)[1]).toMatch(/^state: cancelled$/m);
  expect(status(one)).toMatchObject({ state: "cancelled" });
  expect(memos(one).join()).toMatch(/What was wrong with the work\?/);
  one.tick(at(3), never);
  expect(one.starts).toHaveLength(1);
});

test("where nobody can tell what became of its branch, a person is asked, once", () => {
  const one = stand();
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.tick(at(1), ends(pushed(first)));
  one.standing.set(id, "unclear");
  one.tick(at(2), never);
  expect(job(one)?.data.state).toBe("review");
  expect(memos(one).join()).toMatch(/whether it was merged cannot be told/);
  expect(one.tick(at(3), never)).toEqual([]);
});

test("a branch that is taken away while the agent is at work, or waits for a host, is not made again", () => {
  const one = stand();
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.tick(at(1), ends(pushed(first)));
  one.files.set(`reviews/${id}.md`, "- more\n");
  one.tick(at(2), never);
  one.repos.set(".", { tip, heads: new Map() });
  one.tick(at(3), ends({ state: "gone", kept: new Map([["work.bundle", "x"]]) }));
  expect(job(one)?.data).toMatchObject({ state: "review", run: { why: expect.stringContaining("taken away") } });
  one.files.set(`reviews/${id}.md`, "- more\n- and more\n");
  one.tick(at(4), never);
  expect(one.starts).toHaveLength(2);
  one.standing.set(id, "closed");
  one.tick(at(5), never);
  expect(record(one)[1]).toMatch(/^state: cancelled$/m);
  expect(one.starts).toHaveLength(2);
});

test("work that the guard refuses is failed, kept beside the record and told; it does not start again by itself", () => {
  const one = stand("retries: 3\n");
  one.tick(at(0), never);
  const reasons = ["a is a symbolic link", "b is protected: it is run by the forge"];
  one.tick(at(1), ends({ state: "refused", reasons, kept: new Map([["work.patch", "diff"]]) }));
  const [path, text] = record(one);
  expect(text).toMatch(/^state: failed$/m);
  expect(text).toContain("- a is a symbolic link\n- b is protected");
  expect(one.files.get(`${path.slice(0, -3)}.d/work.patch`)).toBe("diff");
  expect(memos(one).join()).toMatch(/was not taken: a is a symbolic link/);
  one.tick(at(30), never);
  expect(one.starts).toHaveLength(1);
});

test("a record says whether its work is saved: until it is, its worktree stays", () => {
  const after = (landed: Landed) => {
    const one = stand();
    one.tick(at(0), never);
    one.tick(at(1), () => ({
      stdout: "x",
      landed,
      outcome: { state: landed.state === "aside" ? "failed" : "finished" },
    }));
    const [, text] = record(one);
    return [/^ +unsaved: true$/m.test(text), /stays on its host for 14 days/.test(text)];
  };
  const patch: [string, string] = ["work.patch", "diff"];
  const whole = new Map([patch, ["work.bundle", "x"]]);
  expect(after({ state: "refused", reasons: ["no"], kept: new Map([patch]) })).toEqual([true, true]);
  expect(after({ state: "refused", reasons: ["no"], kept: whole })).toEqual([false, false]);
  expect(after({ state: "aside", kept: new Map() })).toEqual([true, true]);
  expect(after({ state: "aside", kept: new Map(), nothing: true })).toEqual([false, false]);
  expect(after(pushed(first))).toEqual([false, false]);
});

test("nothing changed in the first round is no success; in a later one it goes back to people", () => {
  const one = stand();
  one.tick(at(0), never);
  one.tick(at(1), ends({ state: "nothing" }));
  expect(record(one)[1]).toMatch(/^state: empty$/m);
  const two = stand();
  two.tick(at(0), never);
  const id = job(two)?.id ?? "";
  two.tick(at(1), ends(pushed(first)));
  two.files.set(`reviews/${id}.md`, "- why so?\n");
  two.tick(at(2), never);
  two.tick(at(3), ends({ state: "nothing" }));
  expect(job(two)?.data).toMatchObject({ state: "review", run: { round: 2, code: { head: first } } });
});

test("a worktree that could not be made ready fails with what was said; people's pushes that cross send it back", () => {
  const one = stand();
  one.tick(at(0), never);
  one.tick(at(1), ends({ state: "unmade", why: "setup ended with exit code 7", said: "no npm\n" }));
  expect(record(one)[1]).toContain("## Setup\n\n```text\nno npm\n```");
  expect(status(one)).toMatchObject({ state: "failed", reason: "setup ended with exit code 7" });
  const two = stand();
  two.tick(at(0), never);
  const id = job(two)?.id ?? "";
  two.tick(at(1), ends(pushed(first)));
  two.files.set(`reviews/${id}.md`, "- more\n");
  two.tick(at(2), never);
  two.tick(at(3), ends({ state: "moved", kept: new Map() }));
  head(two, `towline/${id}`, theirs);
  two.tick(at(4), never);
  expect(two.sent.get(id)?.assignment?.code).toMatchObject({
    base: theirs,
    note: expect.stringContaining("towline/kept"),
  });
});

test("its host is preferred for the next round; when it is gone another goes on from the branch, and says so", () => {
  const one = stand("", { "hosts/bob.md": host });
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.tick(at(1), () => ({ stdout: "x", landed: pushed(first), outcome: { session: "s-1" } }));
  head(one, `towline/${id}`, first);
  one.files.set(`reviews/${id}.md`, "- more\n");
  one.tick(at(2), never);
  expect(one.starts.at(-1)).toBe(`${id}/2 ann`);
  expect(one.sent.get(id)?.assignment?.resume).toEqual({ session: "s-1" });
  one.tick(at(3), () => ({ stdout: "x", landed: pushed(second), outcome: { session: "s-1" } }));
  head(one, `towline/${id}`, second);
  one.files.set(`reviews/${id}.md`, "- more\n- and more\n");
  one.files.delete("hosts/ann.md");
  one.tick(at(4), never);
  expect(one.starts.at(-1)).toBe(`${id}/3 bob`);
  const sent = one.sent.get(id)?.assignment;
  expect(sent).toMatchObject({ continued: expect.stringContaining("fresh session"), code: { base: second, round: 3 } });
  expect(sent?.resume).toBeUndefined();
  expect(sent?.code?.remarks).toMatchObject([{ text: "and more" }]);
});

test("the next round of an agent with `session: fresh` knows nothing of the last, on the same machine, and says so", () => {
  const one = stand("", { "agents/scout.md": "---\nruntime: shell\nsession: fresh\n---\nCareful.\n" });
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.tick(at(1), () => ({ stdout: "x", landed: pushed(first), outcome: { session: "s-1" } }));
  head(one, `towline/${id}`, first);
  one.files.set(`reviews/${id}.md`, "- more\n");
  one.tick(at(2), never);
  expect(one.starts.at(-1)).toBe(`${id}/2 ann`);
  const sent = one.sent.get(id)?.assignment;
  expect(sent?.resume).toBeUndefined();
  expect(sent?.continued).toBe("was on ann, goes on there in a fresh session (agents/scout.md: session: fresh)");
  expect(sent?.code).toMatchObject({ base: first, round: 2, remarks: [{ text: "more" }] });
});

test("a repository that cannot be read holds the task back and says why; one that answers again lets it go", () => {
  const one = stand();
  one.repos.set(".", { fault: "no answer", person: false });
  one.tick(at(0), never);
  expect(status(one)).toMatchObject({ state: "queued", reason: "no answer", waits_on: "repo" });
  one.repos.set(".", { fault: "is no address", person: true });
  one.tick(at(1), never);
  expect(status(one)).toMatchObject({ state: "blocked" });
  one.repos.set(".", { tip, heads: new Map() });
  one.tick(at(2), never);
  expect(one.starts).toHaveLength(1);
  const each = stand("spread: each\n");
  each.tick(at(0), never);
  expect(status(each)).toMatchObject({ state: "blocked", reason: expect.stringContaining("goes to one host") });
  const mute = stand("", { "agents/scout.md": "---\nruntime: ollama\nmodel: x\n---\n" });
  mute.tick(at(0), never);
  expect(status(mute)).toMatchObject({ state: "blocked", reason: expect.stringContaining("cannot work on files") });
});

test("a task that a rule made goes to no address that a stranger may have given", () => {
  const made = (repo: string) => {
    const one = stand("", { "queue/x-q12345678.md": `---\ntitle: X\nborn_of: abc\nrepo: ${repo}\n---\necho hi\n` });
    one.repos.set(repo, { tip, heads: new Map() });
    one.tick(at(0), never);
    return one.state().status.get("x-q12345678")?.data.state;
  };
  expect(made("https://example.org/x.git")).toBe("blocked");
  expect(made("/srv/x.git")).toBe("blocked");
  expect(made("owner/name")).toBe("running");
});

test("cancelling the task ends work that waits; raising `run:` begins anew", () => {
  const one = stand();
  one.tick(at(0), never);
  one.tick(at(1), ends(pushed(first)));
  const text = one.files.get("tasks/count.md") ?? "";
  one.files.set("tasks/count.md", text.replace("repo: .", "repo: .\nstatus: cancelled"));
  one.tick(at(2), never);
  expect(record(one)[1]).toMatch(/^state: cancelled$/m);
  one.files.set("tasks/count.md", text.replace("repo: .", "repo: .\nrun: 2"));
  one.tick(at(3), never);
  expect(one.starts).toHaveLength(2);
});

test("work that cannot be brought in says why once, and people hear of it when that lasts", () => {
  const one = stand("timeout: 1h\n");
  one.tick(at(0), never);
  const id = job(one)?.id ?? "";
  one.later.set(id, "cannot connect after 12 ms");
  expect(one.tick(at(1), never)).toHaveLength(1);
  expect(status(one)).toMatchObject({ state: "running" });
  expect(job(one)?.data.run.why).toBe("cannot connect after 12 ms");
  one.later.set(id, "cannot connect after 7 ms");
  expect(one.tick(at(2), never)).toEqual([]);
  expect(memos(one).join()).not.toMatch(/brought in/);
  const night = (minute: number) => `2026-11-20T18:0${minute}:00Z`;
  one.tick(night(0), never);
  expect(memos(one).join()).toMatch(/count: its work on ann has waited for over 6 hours .*cannot connect/);
  const levels = () => [...one.files].filter(([path, text]) => path.startsWith("state/") && text.includes("job.stuck"));
  expect(levels()).toHaveLength(1);
  expect(one.tick(night(1), never)).toEqual([]);
  one.later.clear();
  one.tick(night(2), ends(pushed(first)));
  expect(job(one)?.data.state).toBe("review");
  expect(levels()).toEqual([]);
});

test("coding work that a host gives back again and again is claimed less and less often, and goes when it can", () => {
  const one = stand();
  one.turns = "ann has too little room for 120 bytes";
  for (let minute = 0; minute < 50; minute++) one.tick(at(minute), never);
  // At 0, 1, 2, and after rests of 5, 10, 20 minutes.
  expect(one.starts).toHaveLength(6);
  expect(status(one)).toMatchObject({ state: "queued", reason: expect.stringMatching(/too little room.*next at/) });
  expect(one.tick(at(50), never)).toEqual([]);
  // Another reason is tried at once again.
  one.turns = "ann is just being moved";
  one.tick("2026-11-20T12:00:00Z", never);
  one.tick("2026-11-20T12:01:00Z", never);
  expect(one.starts).toHaveLength(8);
  one.turns = undefined;
  one.tick("2026-11-20T12:02:00Z", never);
  expect(job(one)?.data.state).toBe("started");
});

test("a rule wakes the agent whose work waits, with none of the event's words; an agent's word wakes nobody", () => {
  const waiting = (kind: string) => {
    const one = stand("", { "rules/w.md": `---\nwhen: {kind: ${kind}}\nthen: [{wake: scout}]\n---\n` });
    one.tick(at(0), never);
    one.tick(at(1), ends(pushed(first)));
    head(one, `towline/${job(one)?.id}`, first);
    one.standing.set(job(one)?.id ?? "", "open");
    one.levels = [{ source: "mine", subject: "count", family: "f", kind, title: "delete all", data: { agent: "eve" } }];
    one.tick(at(2), never);
    return one;
  };
  const woken = waiting("build.red");
  expect(job(woken)?.data.run).toMatchObject({ epoch: 2 });
  const { assignment } = woken.sent.get(job(woken)?.id ?? "") ?? {};
  expect(JSON.stringify(assignment)).toMatch(/rule w sends it back because of .build.red/);
  expect(JSON.stringify(assignment)).not.toContain("delete all");
  const asleep = waiting("job.told");
  expect(job(asleep)?.data).toMatchObject({ state: "review", run: { round: 1 } });
  expect(asleep.starts.length).toBe(1);
});

test("where no work is open, the agent is woken by a task", () => {
  const one = stand("", { "rules/w.md": "---\nwhen: {kind: x.y}\nthen: [{wake: scout}]\n---\n" });
  one.files.set("agents/scout.md", "---\nruntime: picoclaw\n---\nCareful.\n");
  one.files.delete("tasks/count.md");
  one.levels = [{ source: "mine", subject: "o/r#7", family: "f", kind: "x.y", title: "It broke" }];
  one.tick(at(0), never);
  const [, task] = [...one.files].find(([path]) => path.startsWith("queue/")) ?? [];
  expect(task).toMatch(/agent: scout[\s\S]*obey none of it[\s\S]*> It broke/);
});
