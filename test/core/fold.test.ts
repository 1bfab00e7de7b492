// What is, folded from jobs: the status of every task, whatever happened, and nothing written when nothing happened.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { kindOf, parseEntry } from "../../src/core/entry.ts";
import { answerOf } from "../../src/core/job-text.ts";
import { isLive } from "../../src/core/jobs.ts";
import { pathClass } from "../../src/core/schema.ts";
import type { FakeRun } from "../fakes/fleet.ts";
import { basics, md } from "../fakes/pack.ts";
import { type World, world } from "../fakes/world.ts";

const at = (minutes: number) => new Date(Date.parse("2026-11-20T10:00:00Z") + minutes * 60_000).toISOString();
const say =
  (stdout: string, more: Partial<FakeRun> = {}) =>
  () => ({ stdout, ...more });
const of = (w: World, task: string) => w.state().status.get(task);
const good = say("fine\n");
const bad = say("", { exit: 1, stderr: "no\n" });

describe("states", () => {
  test("done with the answer in full, and a link to its job", () => {
    const w = world({ ...basics(["ann"]), "tasks/a.md": md("title: A", "echo") });
    w.tick(at(0), say("line one\nline two\n"));
    const status = of(w, "a");
    expect(status?.data.state).toBe("done");
    expect(answerOf(status?.body ?? "")).toBe("```text\nline one\nline two\n```");
    expect(status?.body).toContain(`(../${status?.data.jobs[0]?.path})`);
  });

  test("an answer with headings, fences and empty lines is kept whole, through later changes too", () => {
    const said = "first\n\n## Second\n\n```sh\nls\n```\n\n## Jobs\n\nthird";
    const w = world({ ...basics(["ann"]), "tasks/a.md": md("title: A\nrun: 1", "x") });
    w.tick(at(0), say(`${said}\n`));
    const whole = `\`\`\`\`text\n${said}\n\`\`\`\``;
    expect(answerOf(of(w, "a")?.body ?? "")).toBe(whole);
    expect([...w.files].find(([path]) => path.startsWith("reflections/"))?.[1]).toContain(whole);
    w.files.set("tasks/a.md", md("title: B\nrun: 1\nstatus: paused", "x"));
    w.tick(at(10), good);
    expect(answerOf(of(w, "a")?.body ?? "")).toBe(whole);
  });

  test("running while its job runs, then what the job came to", () => {
    const w = world({ ...basics(["ann"]), "tasks/a.md": md("title: A", "x") });
    w.tick(at(0), () => null);
    expect(of(w, "a")?.data).toMatchObject({ state: "running", reason: "on ann" });
    expect(w.tick(at(1), () => null)).toEqual([]);
    w.tick(at(2), say("part\n", { end: "timeout", exit: null }));
    expect(of(w, "a")?.data.state).toBe("failed");
    expect(of(w, "a")?.body).toContain("part");
  });

  test("since is when the state began, not when it was last looked at", () => {
    const w = world({ ...basics(["ann"]), "tasks/a.md": md("title: A", "x") });
    w.tick(at(0), () => null);
    w.down.add("ann");
    w.tick(at(10), () => null);
    expect(of(w, "a")?.data).toMatchObject({ state: "running", since: at(0) });
    w.down.clear();
    w.tick(at(20), good);
    expect(of(w, "a")?.data).toMatchObject({ state: "done", since: at(20) });
  });

  test.each([
    ["all", "failed", "1 of 2 hosts; bob: exit 1"],
    ["any", "done", "1 of 2 hosts"],
    ["1", "done", "1 of 2 hosts"],
    ["5", "failed", "1 of 2 hosts; bob: exit 1"],
  ])("each on two hosts of which one fails, need %s: %s", (need, state, reason) => {
    const w = world({ ...basics(["ann", "bob"]), "tasks/a.md": md(`title: A\nhosts: all\nneed: ${need}`, "x") });
    w.tick(at(0), (_, host) => (host === "ann" ? good() : bad()));
    expect(of(w, "a")?.data.state).toBe(state);
    expect(of(w, "a")?.data.reason).toContain(reason);
    expect([...w.files.keys()].filter((path) => path.startsWith("reflections/"))).toHaveLength(1);
  });

  test("each on a host that is only busy waits for room; on one that is silent it fails in the end, and a person hears of it", () => {
    const two = Object.fromEntries(
      ["a", "b", "c"].map((id) => [`tasks/${id}.md`, md(`title: ${id}\nhosts: all`, "x")]),
    );
    const w = world({ ...basics(["ann"]), "hosts/ann.md": md("address: 127.0.0.1\nslots: 2"), ...two });
    w.tick(at(0), () => null);
    expect(of(w, "c")?.data).toMatchObject({ state: "queued", reason: "waits: ann has no free slot (2 in use)" });
    w.tick(at(300), () => null);
    expect(of(w, "c")?.data.state).toBe("queued");
    w.tick(at(600), good);
    w.tick(at(630), good);
    expect(of(w, "c")?.data.state).toBe("done");
    w.files.set("tasks/d.md", md("title: D\nhosts: all", "x"));
    w.down.add("ann");
    w.tick(at(700), good);
    expect(of(w, "d")?.data).toMatchObject({ state: "queued", reason: "waits: ann does not answer" });
    w.tick(at(760), good);
    expect(of(w, "d")?.data).toMatchObject({ state: "failed", reason: "could not start in time: ann does not answer" });
    expect(w.files.get("OVERVIEW.md")).toContain("d failed on ann: could not start in time: ann does not answer");
  });

  test("the limit of starts an hour and of an agent's parallel work hold for runs on each host, too", () => {
    const w = world({
      ...basics(["ann", "bob", "cid"]),
      "towline.yml": "id: p\ndefaults: {agent: deckhand}\ntick: {max_starts: 4}\n",
      "tasks/a.md": md("title: A\nhosts: all\npriority: 0", "x"),
      "tasks/b.md": md("title: B\nhosts: all\npriority: 1", "x"),
    });
    w.tick(at(0), good);
    expect([of(w, "a")?.data.state, of(w, "b")?.data.state]).toEqual(["done", "queued"]);
    expect(of(w, "b")?.data.reason).toContain("4 starts an hour are reached");
    w.tick(at(61), good);
    expect(of(w, "b")?.data.state).toBe("done");
    w.files.set("agents/deckhand.md", md("runtime: shell\nparallel: 1"));
    w.files.set("tasks/c.md", md("title: C\nhosts: all\npriority: 0", "x"));
    w.files.set("tasks/d.md", md("title: D\nhosts: all", "x"));
    w.tick(at(130), () => null);
    expect([of(w, "c")?.data.state, of(w, "d")?.data.state]).toEqual(["running", "queued"]);
  });

  test("the jobs list keeps the last ten", () => {
    const w = world({ ...basics(["ann"]), "tasks/a.md": md("title: A\nevery: 1h", "x") });
    for (let hour = 0; hour <= 15; hour++) w.tick(at(hour * 60), good);
    expect(of(w, "a")?.data.jobs).toHaveLength(10);
    expect(w.starts).toHaveLength(15);
  });

  test("a bumped recurring task never asks for that run again, however many others came since", () => {
    const w = world({ ...basics(["ann"]), "tasks/a.md": md("title: A\nevery: 1h\nrun: 1", "x") });
    for (let hour = 0; hour <= 15; hour++) {
      w.tick(at(hour * 60), good);
      expect(w.tick(at(hour * 60), good)).toEqual([]);
    }
    expect(of(w, "a")?.data.last_occurrence).toBe(at(15 * 60));
    expect(w.starts).toHaveLength(16);
  });

  test("a task that goes, goes with its status; one that cannot be read keeps it", () => {
    const w = world({ ...basics(["ann"]), "tasks/a.md": md("title: A", "x"), "tasks/b.md": md("title: B", "x") });
    w.tick(at(0), good);
    w.files.delete("tasks/a.md");
    w.files.set("tasks/b.md", "---\ntitle: [\n---\n");
    w.tick(at(10), good);
    expect([...w.files.keys()].filter((path) => path.startsWith("status/"))).toEqual(["status/b.md"]);
    expect(w.files.get("OVERVIEW.md")).toContain("tasks/b.md");
    w.files.set("tasks/b.md", md("title: B", "x"));
    w.tick(at(20), good);
    expect(w.starts).toHaveLength(2);
  });

  test("a dependent of a recurring task waits for its first end only, and a failure holds it back", () => {
    const w = world({
      ...basics(["ann"]),
      "tasks/a.md": md("title: A", "x"),
      "tasks/b.md": md("title: B\nafter: [a]", "x"),
      "tasks/c.md": md("title: C\nafter: [gone]", "x"),
    });
    w.tick(at(0), bad);
    expect([of(w, "b")?.data.state, of(w, "b")?.data.reason]).toEqual(["blocked", "waits for a, which failed"]);
    expect(of(w, "c")?.data.reason).toBe("waits for gone, which is not there");
    w.files.set("tasks/a.md", md("title: A\nrun: 2", "x"));
    w.tick(at(10), good);
    expect([of(w, "a")?.data.state, of(w, "b")?.data.state]).toEqual(["done", "done"]);
  });

  test("reflect: says when a reflection is written", () => {
    const count = (wish: string, runs: ((job: string, host: string) => FakeRun)[]) => {
      const w = world({ ...basics(["ann"]), "tasks/a.md": md(`title: A\nevery: 1h\nreflect: ${wish}`, "x") });
      w.tick(at(0), good);
      for (const [i, run] of runs.entries()) w.tick(at((i + 1) * 60), run);
      return [...w.files.keys()].filter((path) => path.startsWith("reflections/")).length;
    };
    const other = say("other\n");
    expect(count("always", [good, good, bad])).toBe(3);
    expect(count("never", [good, good, bad])).toBe(0);
    expect(count("failure", [good, good, bad])).toBe(1);
    expect(count("on_change", [good, good, other, other, bad])).toBe(3);
  });
});

/** Text of which nothing is taken away or made visible. */
const printable = /^[\x20-\x7e\n]*$/;

/** Random packs and what happens to them. */
const name = fc.constantFrom("a", "b", "c", "d");
const fields = fc.record(
  {
    every: fc.constantFrom("30m", "2h", "0 * * * *"),
    catch_up: fc.constantFrom("once", "all", "skip"),
    after: name,
    hosts: fc.constantFrom("any", "all", "ann", "label:bob-label", "nobody"),
    need: fc.constantFrom("all", "any", "1"),
    status: fc.constantFrom("ready", "ready", "ready", "paused", "draft", "cancelled"),
    run: fc.constantFrom("1", "2", "3"),
    retries: fc.constantFrom("0", "1", "2"),
    reflect: fc.constantFrom("always", "on_change", "failure", "never"),
    priority: fc.constantFrom("0", "5"),
    due: fc.constantFrom(at(-60), at(45)),
    agent: fc.constantFrom("deckhand", "scout", "nobody", "odd"),
  },
  { requiredKeys: [] },
);
const task = fields.map((given) =>
  md(["title: T", ...Object.entries(given).map(([k, v]) => `${k}: ${v}`)].join("\n"), "x"),
);
const step = fc.record({
  after: fc.constantFrom(1, 20, 60, 300, 3000),
  edit: fc.option(fc.tuple(name, fc.option(task, { nil: null, freq: 5 })), { nil: null }),
  stop: fc.constantFrom(false, false, false, true),
  down: fc.subarray(["ann", "bob"]),
  cordon: fc.constantFrom(false, false, true),
});
const outcomes = fc.constantFrom<FakeRun | null>(
  { stdout: "fine\n" },
  { stdout: "fine\n" },
  { stdout: "other\n" },
  { exit: 3, stderr: "no\n" },
  { end: "timeout", exit: null, stdout: "part\n" },
  { end: "died", exit: null },
  null,
);

function live(w: World, steps: (typeof step extends fc.Arbitrary<infer T> ? T : never)[], came: (FakeRun | null)[]) {
  let minutes = 0;
  let next = 0;
  for (const one of steps) {
    minutes += one.after;
    if (one.edit) {
      const path = `tasks/${one.edit[0]}.md`;
      if (one.edit[1] === null) w.files.delete(path);
      else w.files.set(path, one.edit[1]);
    }
    if (one.stop) w.files.set("STOP.md", "stop\n");
    else w.files.delete("STOP.md");
    w.files.set("hosts/bob.md", md(`address: 127.0.0.1\nslots: 2\nlabels: [bob-label]\ncordon: ${one.cordon}`));
    w.down = new Set(one.down);
    // The same job gives the same answer however often it is asked within a tick.
    const answers = new Map<string, FakeRun | null>();
    const run = (job: string) => {
      if (!answers.has(job)) answers.set(job, came[next++ % came.length] ?? null);
      return answers.get(job) ?? null;
    };
    // A tick starts at most three times; what is ready beyond that is the next tick's. It comes to rest soon.
    let rounds = 0;
    while (w.tick(at(minutes), run).length > 0)
      if (++rounds > 12) throw new Error(`never at rest: ${w.files.get("OVERVIEW.md")}`);
    check(w);
  }
}

function check(w: World): void {
  const starts = w.starts.map((one) => one.split(" ")[0]);
  expect(new Set(starts).size).toBe(starts.length);
  const state = w.state();
  const ours = state.problems.filter((problem) => pathClass(problem.path) === "ledger");
  expect(ours).toEqual([]);
  for (const [path, text] of w.files) {
    const kind = pathClass(path) === "ledger" ? kindOf(path) : null;
    if (kind) expect([path, parseEntry(path, kind, text).problems]).toEqual([path, []]);
  }
  for (const [id] of state.tasks) expect([id, state.status.has(id)]).toEqual([id, true]);
  for (const job of state.jobs.values())
    if (isLive(job) && state.tasks.has(job.data.task))
      expect([job.id, state.status.get(job.data.task)?.data.state]).toEqual([job.id, "running"]);
}

describe("properties", () => {
  const pack = fc.dictionary(name, task, { minKeys: 1, maxKeys: 4 });
  test("any history: no job starts twice, every record reads back, and it always comes to rest", () => {
    fc.assert(
      fc.property(
        pack,
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.array(outcomes, { minLength: 1, maxLength: 5 }),
        (tasks, steps, came) => {
          const w = world({
            ...basics(["ann", "bob"]),
            "agents/scout.md": md("runtime: picoclaw"),
            "agents/odd.md": md("runtime: odd"),
            ...Object.fromEntries(Object.entries(tasks).map(([id, text]) => [`tasks/${id}.md`, text])),
          });
          live(w, steps, came);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("whatever a job prints and a person writes reads back as it was said", () => {
    const nasty = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 60 }),
      fc.constantFrom(
        "",
        "\n\n## Second\n\nx",
        "---",
        "## Answer\n\nno",
        "```",
        "````text\nx\n````",
        "| a | b |",
        "%PDF",
        "\u001b[31mred",
        "@all #7",
        "{{title}}",
        "key: value",
        "- x",
        "\u202e",
        "## Jobs\n\nnone",
        "null",
        "007",
        "<script>",
        "--- |",
      ),
    );
    fc.assert(
      fc.property(fc.array(nasty, { minLength: 1, maxLength: 4 }), nasty, fc.boolean(), (lines, title, fails) => {
        const stdout = lines.join("\n");
        const text = `---\ntitle: ${JSON.stringify(title.replace(/[\r\n]/g, " ") || "x")}\n---\n\n${stdout}\n`;
        const read = parseEntry("tasks/a.md", "task", text);
        fc.pre(read.entry !== null);
        const w = world({ ...basics(["ann"]), "tasks/a.md": text });
        w.tick(at(0), say(stdout, { exit: fails ? 1 : 0, stderr: stdout }));
        expect(w.tick(at(5), good)).toEqual([]);
        check(w);
        const status = of(w, "a");
        expect(status?.data.state).toBe(fails ? "failed" : "done");
        const job = [...w.files].find(([path]) => path.startsWith("jobs/"))?.[1] ?? "";
        expect(answerOf(status?.body ?? "")).toBe(answerOf(job));
        if (printable.test(stdout)) expect(answerOf(job)).toContain(stdout.trim());
        expect(status?.body.match(/^## Jobs$/gm)?.length).toBeGreaterThanOrEqual(1);
        expect(status?.body.trim().endsWith("|")).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
