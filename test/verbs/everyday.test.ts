// The verbs of every day, as a person uses them on a real origin, with the ledger on either branch.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { json_fields } from "../../src/verbs/json-fields.ts";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

function made(files: Record<string, string>, settings = ""): TestPack {
  const pack = testPack({ ...basics(["home"], settings), ...files });
  packs.push(pack);
  pack.git("fetch", "-q");
  pack.git("branch", "-q", "-u", "origin/main");
  // What is pushed is pushed in the name of the person who sits here.
  pack.git("config", "user.name", "Ann");
  pack.git("config", "user.email", "ann@example.org");
  return pack;
}
const run = (pack: TestPack, ...args: string[]) => cli(pack.clone, args);
const json = async (pack: TestPack, ...args: string[]) => JSON.parse((await run(pack, ...args, "--json")).out);
const text = (pack: TestPack, path: string) => readFileSync(join(pack.clone, path), "utf8");

const tick = (pack: TestPack) => run(pack, "tick", "--no-site", "--no-sync");
/** Prints what its help says that it prints. */
async function shaped(pack: TestPack, verb: string, ...more: string[]): Promise<void> {
  const said = await json(pack, ...verb.split(" "), ...more);
  const { each, fields, some } = json_fields[verb] as (typeof json_fields)[string];
  const one = Object.keys(each ? said[0] : said);
  expect([verb, one]).toEqual([verb, expect.arrayContaining([...fields])]);
  if (!some) expect([verb, one.sort()]).toEqual([verb, [...fields].sort()]);
}

/** A task that fails on a machine that is not there, so that a memo comes. */
const asking = { "tasks/ask.md": md("title: Ask\nagent: nobody", "true") };

describe.each([
  ["with people's records", ""],
  ["on a branch of its own", "ledger: {branch: ledger}\n"],
])("memos, the ledger %s", (_, settings) => {
  test("are listed, shown, answered once, and the next tick takes the answer", async () => {
    const pack = made(asking, settings);
    if (settings !== "") pack.git("push", "-q", "origin", "HEAD:refs/heads/ledger");
    await tick(pack);
    pack.git("pull", "-q");
    pack.git("fetch", "-q");
    const [memo] = await json(pack, "memo", "list");
    expect(memo).toMatchObject({ subject: "ask", status: "open" });
    expect((await run(pack, "memo", "list")).out).toContain(memo.memo);
    expect((await run(pack, "memo", "show", "ask")).out).toContain("About");
    await shaped(pack, "memo list");
    await shaped(pack, "memo show", "ask");
    const said = await json(pack, "memo", "answer", "ask", "I", 'will "mend" it');
    expect(Object.keys(said).sort()).toEqual([...(json_fields["memo answer"]?.fields ?? [])].sort());
    expect(said).toMatchObject({ memo: memo.memo, status: "answered", answer: 'I will "mend" it' });
    const branch = settings === "" ? "main" : "ledger";
    expect(pack.file(memo.path, branch)).toContain("status: answered");
    expect(pack.file(memo.path, branch)).toContain('answer: "I will \\"mend\\" it"');
    const twice = await run(pack, "memo", "answer", memo.memo, "again");
    expect([twice.code, twice.said]).toEqual([3, expect.stringContaining("is answered already")]);
    await tick(pack);
    pack.git("pull", "-q");
    pack.git("fetch", "-q");
    expect(await json(pack, "memo", "list")).toEqual([]);
    expect((await run(pack, "memo", "list")).out).toBe("Nothing waits for you.\n");
  });
});

describe("tasks", () => {
  test("a new one is written as a person would, and is what a tick reads", async () => {
    const pack = made({});
    const said = await run(
      pack,
      "task",
      "new",
      "Count",
      "the: lines",
      "--prompt",
      "wc -l *",
      "--every",
      "6h",
      "--accept",
      "a number",
      "--agent",
      "deckhand",
    );
    expect(said.code).toBe(0);
    expect(said.out).toContain("git add");
    expect(text(pack, "tasks/count-the-lines.md")).toBe(
      '---\ntitle: "Count the: lines"\nagent: deckhand\nevery: 6h\naccept:\n  - a number\n---\nwc -l *\n',
    );
    expect((await run(pack, "task", "list")).out).toContain("count-the-lines");
    const again = await run(pack, "task", "new", "Count the: lines");
    expect([again.code, again.said]).toEqual([2, expect.stringContaining("is there already")]);
  });

  test.each([
    [["--every", "sometimes"], /every/],
    [["--agent", "nobody"], /there is no agent nobody/],
    [["--id", "../x"], /tasks stand directly in their folder/],
    [["--push", "--pr"], /one of them/],
  ])("what is wrong with %j is said, and nothing is written", async (flags, words) => {
    const pack = made({});
    const said = await run(pack, "task", "new", "Wrong", ...flags);
    expect(said.code).toBeGreaterThan(1);
    expect(said.said).toMatch(words);
    expect(pack.git("status", "--porcelain")).toBe("");
  });

  test("are run again, paused, made ready and cancelled: in the folder, on origin, and as a branch", async () => {
    const pack = made({ "tasks/a.md": md("title: A # first\nstatus: ready", "true") });
    await run(pack, "task", "run", "a");
    expect(text(pack, "tasks/a.md")).toContain("title: A # first\nstatus: ready\nrun: 1\n");
    pack.git("checkout", "-q", ".");
    expect((await run(pack, "task", "pause", "a", "--push")).out).toMatch(
      /‖ a is paused.*\n {2}pushed as [0-9a-f]{10}\n/,
    );
    expect(pack.file("tasks/a.md")).toContain("status: paused\n");
    expect(text(pack, "tasks/a.md")).toContain("status: paused\n");
    const proposed = await json(pack, "task", "ready", "a", "--pr");
    expect(pack.file("tasks/a.md")).toContain("status: paused\n");
    expect(pack.file("tasks/a.md", proposed.branch)).toContain("status: ready\n");
    expect((await run(pack, "task", "show", "a")).out).toMatch(
      /^‖ a: A\n {2}paused: tasks\/a.md says `status: paused`/,
    );
    const none = await run(pack, "task", "run", "b");
    expect([none.code, none.said]).toEqual([2, expect.stringContaining("did you mean a?")]);
  });
});

test("runs are listed, shown and their output read, by their own name or their task's", async () => {
  const pack = made({});
  const body = "## Answer\n\n````\n## Log\n\nnot this\n````\n\n## Log\n\n```\na warning\n```\n";
  pack.push(
    {
      "jobs/2026/11/20/a-1.md": md(
        'task: a\nagent: deckhand\nhost: home\nstate: finished\nstarted_at: "2026-11-20T10:00:00Z"\ntook: 3s\nrun: {occurrence: run-1, run_id: a-1, input_hash: x, deadline: 2m, epoch: 1, attempt: 1, round: 1, tick: t1, claimed_at: "2026-11-20T10:00:00Z"}',
        body,
      ),
      "tasks/a.md": md("title: A", "true"),
    },
    "tick\n\nTowline-Tick: t1\nTowline-Attempt: 1",
  );
  expect((await run(pack, "job", "list")).said).toBe("");
  await shaped(pack, "job list");
  for (const verb of ["job show", "job log"]) await shaped(pack, verb, "a-1");
  await shaped(pack, "task show", "a");
  const [job] = await json(pack, "job", "list");
  expect(job).toMatchObject({ job: "a-1", task: "a", state: "finished", host: "home" });
  expect((await run(pack, "job", "list", "--task", "a")).out).toMatch(/^✓ a-1 {2}finished {2}deckhand on home {2}2026/);
  expect((await run(pack, "job", "log", "a-1")).out).toBe("## Log\n\nnot this\n\na warning\n");
  expect((await run(pack, "job", "show", "a-1")).out).toContain("jobs/2026/11/20/a-1.md");
  expect((await run(pack, "job", "list", "--open")).out).toBe("No run is open.\n");
  const none = await run(pack, "job", "show", "a-2");
  expect([none.code, none.said]).toEqual([2, expect.stringContaining("did you mean a-1?")]);
});

test("stop holds everything back until resume, in the folder and on origin", async () => {
  const pack = made({ "tasks/a.md": md("title: A", "true") });
  await run(pack, "stop", "the", "disk: is full", "--cancel", "--push");
  expect(pack.file("STOP.md")).toBe("---\ncancel: true\n---\nthe disk: is full\n");
  expect((await run(pack, "plan")).out).toContain("STOP.md");
  await run(pack, "resume", "--push");
  expect(() => pack.file("STOP.md")).toThrow();
  expect(existsSync(join(pack.clone, "STOP.md"))).toBe(false);
  await run(pack, "stop");
  expect((await run(pack, "plan")).out).toContain("STOP.md");
  const { problems } = await json(pack, "check");
  expect(problems.filter((one: { path: string }) => one.path === "STOP.md")).toEqual([]);
  await run(pack, "resume");
  expect((await run(pack, "plan")).out).toContain("start  a");
  const wrong = await run(pack, "stop", "--until", "tomorrow");
  expect([wrong.code, wrong.said]).toEqual([2, expect.stringContaining("no time with a zone")]);
});

test("resume says that a stop by a comment holds on, and how it is lifted", async () => {
  const row = { at: "2026-11-20T10:00:00Z", by: "ann", until: "2999-01-01T00:00:00Z" };
  const pack = made({ "state/conversations.ndjson": `${JSON.stringify(row)}\n`, "STOP.md": "---\n---\nno\n" });
  const { out } = await run(pack, "resume");
  expect(out).toContain("`/towline stop` by ann stops everything: write `/towline stop off` in a comment to go on");
  expect(existsSync(join(pack.clone, "STOP.md"))).toBe(false);
  expect(await json(pack, "resume")).toMatchObject({ stopped: true });
});

test("`towline` alone says what waits for you, what runs, what starts and what is next due", async () => {
  const pack = made({
    ...asking,
    "tasks/later.md": md("title: Later\ndue: 2999-01-01T00:00:00Z", "true"),
    "tasks/b.md": md("title: B", "true"),
  });
  await tick(pack);
  pack.git("pull", "-q");
  pack.push({ "tasks/c.md": md("title: C", "true") });
  const { out, code } = await run(pack);
  expect(code).toBe(0);
  expect(out).toContain("test: 4 tasks, 1 agent, 1 host\n");
  expect(out).toMatch(/Waits for you\n {2}◆ \S+ {2}.*ask.* {2}until 20/i);
  expect(out).toMatch(/Starts with the next tick\n(?: {2}.*\n)*? {2}○ c {2}on home\n/);
  expect(out).toMatch(/Next due\n {2}○ 2999-01-01T00:00:00Z {2}later\n/);
  for (const verb of ["now", "plan", "task list"]) await shaped(pack, verb);
  expect((await json(pack)).waiting).toMatchObject([{ subject: "ask", status: "open" }]);
  expect((await run(pack, "tsak")).code).toBe(2);
});
