// Whole ticks over real git, with machines in memory whose journals are the judge.
import { afterEach, describe, expect, test, vi } from "vitest";
import { type FakeMachine, machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

// A hang limit only: a busy machine must not fail a test.
vi.setConfig({ testTimeout: 90_000 });

const packs: TestPack[] = [];
function pack(files: Record<string, string>, hosts: string[], settings = ""): TestPack {
  const made = testPack({ ...basics(hosts, settings), ...files });
  packs.push(made);
  return made;
}
afterEach(() => {
  for (const one of packs.splice(0)) one.remove();
});

const say: Script = (job) => ({ stdout: `answer of ${job}\n` });
const starts = (machines: Record<string, FakeMachine>) => Object.values(machines).flatMap((one) => one.journal);
const state = (of: TestPack, task: string, ref = "main") =>
  /^state: (\w+)$/m.exec(of.file(`status/${task}.md`, ref))?.[1];

describe.each([
  ["default branch", "", "main"],
  ["own branch", "ledger: {branch: towline}\n", "towline"],
])("ledger on the %s", (_, settings, ledger) => {
  test("a task runs once, is recorded, and a second tick changes nothing", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/hello.md": md("title: Hello", "echo hello") }, ["ann"], settings);
    const first = await runTick(p.clone, machines, say);
    expect(first.commits).toHaveLength(2);
    expect(state(p, "hello", ledger)).toBe("done");
    const tip = p.at("rev-parse", ledger);
    const second = await runTick(p.clone, machines, say);
    expect(second.commits).toEqual([]);
    expect(p.at("rev-parse", ledger)).toBe(tip);
    expect(starts(machines)).toHaveLength(1);
    expect(p.at("fsck", "--strict", "--no-dangling")).toBe("");
    if (ledger === "towline") expect(p.at("log", "--format=%an", "main").trim()).toBe("person");
  });

  test("a dependent runs in the same tick, a failure keeps its dependent back", async () => {
    const machines = { ann: machine() };
    const p = pack(
      {
        "tasks/a.md": md("title: A", "a"),
        "tasks/b.md": md("title: B\nafter: [a]", "b"),
        "tasks/x.md": md("title: X", "x"),
        "tasks/y.md": md("title: Y\nafter: [x]", "y"),
      },
      ["ann"],
      settings,
    );
    const outcome = await runTick(p.clone, machines, (job) =>
      job.startsWith("x-") ? { exit: 3, stderr: "no\n" } : say(job, undefined as never, ""),
    );
    expect(outcome.commits.length).toBeLessThanOrEqual(4);
    expect([state(p, "a", ledger), state(p, "b", ledger), state(p, "x", ledger), state(p, "y", ledger)]).toEqual([
      "done",
      "done",
      "failed",
      "blocked",
    ]);
    expect(p.file("status/y.md", ledger)).toContain("waits for x, which failed");
  });

  test("four ticks at once start each job once", async () => {
    const machines = { ann: machine({ slots: 8 }), bob: machine({ slots: 8 }) };
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`tasks/t${i}.md`, md(`title: T${i}`, "x")]));
    const p = pack(files, ["ann", "bob"], settings);
    const clones = [p.clone];
    for (let i = 1; i < 4; i++) {
      p.git("clone", "-q", p.origin, `${p.dir}/clone${i}`);
      clones.push(`${p.dir}/clone${i}`);
    }
    await Promise.all(clones.map((dir) => runTick(dir, machines, say)));
    await runTick(p.clone, machines, say);
    await runTick(p.clone, machines, say);
    const seen = starts(machines).map((key) => key.split("/")[0]);
    expect(new Set(seen).size).toBe(12);
    expect(seen).toHaveLength(12);
    for (let i = 0; i < 12; i++) expect(state(p, `t${i}`, ledger)).toBe("done");
    expect(p.at("fsck", "--strict", "--no-dangling")).toBe("");
  });

  test("a tick that dies after its claim is caught up by the next, once", async () => {
    const machines = { ann: machine({ breakNext: "start" }) };
    const p = pack({ "tasks/hello.md": md("title: Hello", "echo hello") }, ["ann"], settings);
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:00Z" });
    expect(starts(machines)).toEqual([]);
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:30:00Z" });
    expect(starts(machines)).toHaveLength(1);
    expect(state(p, "hello", ledger)).toBe("done");
  });

  test("a start whose answer was lost is found running and not started again", async () => {
    const machines = { ann: machine({ breakNext: "after-start" }) };
    const p = pack({ "tasks/hello.md": md("title: Hello", "echo hello") }, ["ann"], settings);
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:00Z" });
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:30:00Z" });
    expect(starts(machines)).toHaveLength(1);
    expect(state(p, "hello", ledger)).toBe("done");
  });
});

test("results are acknowledged only once they stand in the commit that was read", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann"]);
  await runTick(p.clone, machines, say);
  expect(machines.ann.acked).toEqual([]);
  p.push({ "tasks/b.md": md("title: B", "b") });
  await runTick(p.clone, machines, say);
  expect(machines.ann.acked.some((key) => key.startsWith("a-"))).toBe(true);
});

test("an unreachable host leaves its job unknown, then collects it when it is back", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/long.md": md("title: Long", "x") }, ["ann"], "");
  const script: Script = () => ({ stdout: "done at last\n", hangs: true });
  await runTick(p.clone, machines, script, { now: "2026-11-20T10:00:00Z" });
  expect(state(p, "long")).toBe("running");
  machines.ann.down = true;
  await runTick(p.clone, machines, script, { now: "2026-11-20T10:10:00Z" });
  expect(p.file("status/long.md")).toContain("does not answer");
  const tip = p.at("rev-parse", "main");
  await runTick(p.clone, machines, script, { now: "2026-11-20T10:20:00Z" });
  expect(p.at("rev-parse", "main")).toBe(tip);
  machines.ann.down = false;
  for (const run of machines.ann.runs.values()) run.run.hangs = false;
  await runTick(p.clone, machines, script, { now: "2026-11-20T10:30:00Z" });
  expect(state(p, "long")).toBe("done");
  expect(starts(machines)).toHaveLength(1);
});

test("a host that stays away loses the job at the limit, with a memo; its late result is kept nowhere else", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/long.md": md("title: Long", "x") }, ["ann"]);
  const script: Script = () => ({ hangs: true });
  await runTick(p.clone, machines, script, { now: "2026-11-20T10:00:00Z" });
  machines.ann.down = true;
  await runTick(p.clone, machines, script, { now: "2026-11-20T10:10:00Z" });
  await runTick(p.clone, machines, script, { now: "2026-11-22T10:10:00Z" });
  expect(state(p, "long")).toBe("lost");
  expect(p.file("OVERVIEW.md")).toContain("was lost on ann");
  expect(starts(machines)).toHaveLength(1);
});

test("spread: each starts one job a host, skips cordoned ones, and writes one reflection", async () => {
  const machines = { ann: machine(), bob: machine(), cid: machine() };
  const p = pack(
    { "tasks/all.md": md("title: All\nhosts: all", "x"), "hosts/cid.md": md("address: 127.0.0.1\ncordon: repair") },
    ["ann", "bob"],
  );
  await runTick(p.clone, machines, say);
  expect([machines.ann.journal.length, machines.bob.journal.length, machines.cid.journal.length]).toEqual([1, 1, 0]);
  expect(p.file("status/all.md")).toContain("2 of 2 hosts; skipped: cid");
  expect(p.at("ls-tree", "-r", "--name-only", "main", "reflections/").trim().split("\n")).toHaveLength(1);
});

test("STOP.md, a paused task and an unknown runtime start nothing, and say why", async () => {
  const machines = { ann: machine() };
  const p = pack(
    {
      "tasks/a.md": md("title: A", "a"),
      "tasks/p.md": md("title: P\nstatus: paused", "p"),
      "agents/odd.md": md("runtime: odd"),
      "tasks/o.md": md("title: O\nagent: odd", "o"),
      "STOP.md": "Holiday.\n",
    },
    ["ann"],
  );
  await runTick(p.clone, machines, say);
  expect(starts(machines)).toEqual([]);
  expect(p.file("status/a.md")).toContain("STOP.md");
  p.push({ "STOP.md": null });
  await runTick(p.clone, machines, say);
  expect([state(p, "a"), state(p, "p"), state(p, "o")]).toEqual(["done", "paused", "blocked"]);
  expect(p.file("status/o.md")).toContain("picoclaw, shell");
});

test("a person's STOP that lands during the claim's push keeps the job from starting", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann"]);
  // The poller runs between read and push: what it pushes is newer than what the claim was decided on.
  let pushed = false;
  const poller = {
    name: "meddler",
    poll: async () => {
      if (!pushed) p.push({ "STOP.md": "stop" });
      pushed = true;
      return [];
    },
  };
  await runTick(p.clone, machines, say, { pollers: [poller] });
  expect(starts(machines)).toEqual([]);
  expect(state(p, "a")).toBe("blocked");
});

test("a recurring task counts from first sight, catches up once, and is held after three failures", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/r.md": md("title: R\nevery: 1h", "r") }, ["ann"]);
  const fail: Script = () => ({ exit: 1 });
  await runTick(p.clone, machines, fail, { now: "2026-11-20T10:30:00Z" });
  expect(starts(machines)).toEqual([]);
  await runTick(p.clone, machines, fail, { now: "2026-11-20T15:30:00Z" });
  expect(starts(machines)).toHaveLength(1);
  await runTick(p.clone, machines, fail, { now: "2026-11-20T16:00:00Z" });
  await runTick(p.clone, machines, fail, { now: "2026-11-20T17:00:00Z" });
  expect(state(p, "r")).toBe("paused");
  await runTick(p.clone, machines, fail, { now: "2026-11-20T19:00:00Z" });
  expect(starts(machines)).toHaveLength(3);
  p.push({ "tasks/r.md": md("title: R\nevery: 1h\nrun: 1", "r") });
  await runTick(p.clone, machines, say, { now: "2026-11-20T19:10:00Z" });
  expect(starts(machines)).toHaveLength(4);
  expect(state(p, "r")).toBe("done");
});

test("bumping run: runs a one-shot again; retries run the same job in a new epoch", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A\nretries: 1", "a") }, ["ann"]);
  await runTick(p.clone, machines, () => ({ exit: 1 }), { now: "2026-11-20T10:00:00Z" });
  expect(state(p, "a")).toBe("queued");
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:20:00Z" });
  expect(state(p, "a")).toBe("done");
  expect(starts(machines).map((key) => key.split("/")[1])).toEqual(["1", "2"]);
  p.push({ "tasks/a.md": md("title: A\nrun: 2", "a") });
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:30:00Z" });
  expect(new Set(starts(machines).map((key) => key.split("/")[0])).size).toBe(2);
});

test("a result for a task that was deleted meanwhile is kept under its job", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann"]);
  const script: Script = () => ({ stdout: "late\n", hangs: true });
  await runTick(p.clone, machines, script);
  p.push({ "tasks/a.md": null });
  for (const run of machines.ann.runs.values()) run.run.hangs = false;
  await runTick(p.clone, machines, script);
  const job = p.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim();
  expect(p.file(job)).toContain("late");
  expect(p.file(job)).toContain("state: finished");
});

test("a lost job runs again only where its task says so, elsewhere and in a new epoch", async () => {
  const machines = { ann: machine({ load: 0 }), bob: machine({ load: 9 }) };
  const p = pack({ "tasks/a.md": md("title: A\non_lost: retry", "a"), "tasks/b.md": md("title: B", "b") }, [
    "ann",
    "bob",
  ]);
  await runTick(p.clone, machines, () => ({ end: "died", exit: null }), { now: "2026-11-20T10:00:00Z" });
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:30:00Z" });
  expect([state(p, "a"), state(p, "b")]).toEqual(["done", "lost"]);
  const seen = starts(machines);
  expect(seen.filter((key) => key.startsWith("a-")).map((key) => key.split("/")[1])).toEqual(["1", "2"]);
  expect(seen.filter((key) => key.startsWith("b-"))).toHaveLength(1);
});

test("a job whose host record was removed becomes unknown and is lost at the limit, not forgotten", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann"]);
  await runTick(p.clone, machines, () => ({ hangs: true }), { now: "2026-11-20T10:00:00Z" });
  p.push({ "hosts/ann.md": null, "state/hosts.ndjson": null });
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:30:00Z" });
  expect(p.file("status/a.md")).toContain("has no record in hosts/ any more");
  await runTick(p.clone, machines, say, { now: "2026-11-22T10:30:00Z" });
  expect(state(p, "a")).toBe("lost");
});

test("another machine under the same name cannot say that a job was never started", async () => {
  const machines: Record<string, FakeMachine> = { ann: machine({ breakNext: "after-start" }) };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann"]);
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:00Z" });
  const first = machines.ann as FakeMachine;
  machines.ann = machine({ identity: "another" });
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:30:00Z" });
  await runTick(p.clone, machines, say, { now: "2026-11-20T11:00:00Z" });
  expect([first.journal.length, machines.ann.journal.length]).toEqual([1, 0]);
  expect(p.file("status/a.md")).toContain("another machine");
});

test.each([
  ["not yaml", "---\nuntil: tomorrow\n---\nstop\n"],
  ["a conflict", "---\n<<<<<<< a\n>>>>>>> b\n---\n"],
])("a STOP.md that cannot be read (%s) still stops", async (_, text) => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a"), "STOP.md": text }, ["ann"]);
  await runTick(p.clone, machines, say);
  expect(starts(machines)).toEqual([]);
});

test("the late result of a lost job makes its task done and closes its memo", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann"]);
  const script: Script = () => ({ stdout: "the answer\n", hangs: true });
  await runTick(p.clone, machines, script, { now: "2026-11-20T10:00:00Z" });
  machines.ann.down = true;
  await runTick(p.clone, machines, script, { now: "2026-11-20T10:10:00Z" });
  await runTick(p.clone, machines, script, { now: "2026-11-22T10:10:00Z" });
  expect(state(p, "a")).toBe("lost");
  machines.ann.down = false;
  for (const run of machines.ann.runs.values()) run.run.hangs = false;
  p.push({ "tasks/b.md": md("title: B", "b") });
  await runTick(p.clone, machines, script, { now: "2026-11-22T10:20:00Z" });
  expect(state(p, "a")).toBe("done");
  expect(p.file("status/a.md")).toContain("the answer");
  expect(p.file("OVERVIEW.md")).not.toContain("was lost");
});

test("a task that is deleted and restored is still done, and does not run again", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann"]);
  await runTick(p.clone, machines, say);
  p.push({ "tasks/a.md": null });
  await runTick(p.clone, machines, say);
  p.push({ "tasks/a.md": md("title: A", "a"), "tasks/b.md": md("title: B\nafter: [a]", "b") });
  await runTick(p.clone, machines, say);
  await runTick(p.clone, machines, say);
  expect([state(p, "a"), state(p, "b")]).toEqual(["done", "done"]);
  expect(starts(machines)).toHaveLength(2);
});

test("a released job does not start while its agent is off, and says so", async () => {
  const machines = { ann: machine(), bob: machine({ down: true }) };
  const p = pack({ "tasks/e.md": md("title: E\nspread: each\ntimeout: 2h", "e") }, ["ann", "bob"]);
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:00Z" });
  machines.bob.down = false;
  p.push({ "agents/deckhand.md": md("runtime: shell\noff: true") });
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:10:00Z" });
  expect(machines.bob.journal).toEqual([]);
  expect(p.file("status/e.md")).toContain("agent deckhand is switched off");
  p.push({ "agents/deckhand.md": md("runtime: shell") });
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:20:00Z" });
  expect(machines.bob.journal).toHaveLength(1);
});

test("a rule that makes tasks about its own tasks comes to an end in a memo", async () => {
  const machines = { ann: machine() };
  const rule = md('when: {kind: job.failed}\nthen:\n  - task: {title: "look at {{subject}}", prompt: "false"}');
  const p = pack({ "rules/r.md": rule, "tasks/f.md": md("title: F", "false") }, ["ann"]);
  for (let i = 0; i < 5; i++) await runTick(p.clone, machines, () => ({ exit: 1 }), { now: `2026-11-20T1${i}:00:00Z` });
  expect(starts(machines)).toHaveLength(4);
  expect(p.file("OVERVIEW.md")).toContain("keeps making tasks about its own tasks");
});

test("a cancelled task ends its running job, which is recorded", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann"]);
  await runTick(p.clone, machines, () => ({ hangs: true }));
  p.push({ "tasks/a.md": md("title: A\nstatus: cancelled", "a") });
  await runTick(p.clone, machines, say);
  const job = p.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim();
  expect(p.file(job)).toContain("state: cancelled");
  expect(state(p, "a")).toBe("cancelled");
});

describe("runs that nobody wants any more", () => {
  const only = (p: TestPack) => p.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n");
  const hang: Script = () => ({ hangs: true, stdout: "so far\n" });

  test.each([
    [
      "a cancelled task",
      { "tasks/a.md": md("title: A\nstatus: cancelled", "a") },
      "tasks/a.md says `status: cancelled`",
    ],
    ["STOP.md with cancel", { "STOP.md": md("cancel: true") }, "STOP.md says `cancel: true`"],
  ])("%s: who said so is in the record, with what it said so far, and no memo asks anybody", async (_, files, why) => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A\nretries: 2", "a") }, ["ann"]);
    await runTick(p.clone, machines, hang);
    p.push(files as Record<string, string>);
    await runTick(p.clone, machines, say);
    const record = p.file(only(p)[0] as string);
    expect(record).toMatch(/^state: cancelled$/m);
    expect(record).toContain(why);
    expect(record).toContain("so far");
    expect(p.at("ls-tree", "-r", "--name-only", "main", "memos/")).toBe("");
    expect(p.at("grep", "-h", "job.cancelled", "main", "--", "pupdates/")).toContain('"verdict":"ignored"');
    const before = starts(machines).length;
    await runTick(p.clone, machines, say);
    expect(starts(machines)).toHaveLength(before);
  });

  test("a higher run: ends the run before it and starts the next, in one tick", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a"), "tasks/r.md": md("title: R\nevery: 1h", "r") }, ["ann"]);
    await runTick(p.clone, machines, hang, { now: "2026-11-20T09:30:00Z" });
    await runTick(p.clone, machines, hang, { now: "2026-11-20T10:30:00Z" });
    expect(starts(machines)).toHaveLength(2);
    p.push({ "tasks/a.md": md("title: A\nrun: 2", "a"), "tasks/r.md": md("title: R\nevery: 1h\nrun: 1", "r") });
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:40:00Z" });
    const records = only(p).map((path) => p.file(path));
    const ended = records.filter((text) => /^state: cancelled$/m.test(text));
    expect(ended).toHaveLength(1);
    expect(ended[0]).toContain("tasks/a.md says `run: 2`, a new run");
    expect(state(p, "a")).toBe("done");
    // What a schedule started goes on; the run on demand waits for it.
    expect(state(p, "r")).toBe("running");
  });

  test("a claim whose ticker is gone is sealed, never started, and cancelled", async () => {
    const machines = { ann: machine({ breakNext: "start" }) };
    const p = pack({ "tasks/a.md": md("title: A", "a"), "tasks/gone.md": md("title: Gone", "x") }, ["ann"]);
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:00Z" });
    expect(starts(machines)).toEqual([]);
    p.push({ "tasks/a.md": md("title: A\nstatus: cancelled", "a"), "tasks/gone.md": null });
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:30:00Z" });
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:40:00Z" });
    expect(starts(machines)).toEqual([]);
    // One start was sent and never answered; after that the host was not called again, so the other was given back.
    expect([...machines.ann.sealed.values()]).toEqual([2]);
    for (const path of only(p)) expect(p.file(path)).toMatch(/^state: cancelled$/m);
    expect(p.file("state/open.ndjson")).toBe("");
    expect(state(p, "a")).toBe("cancelled");
    const tip = p.at("rev-parse", "main");
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:50:00Z" });
    expect(p.at("rev-parse", "main")).toBe(tip);
  });

  test("a run that waits for another attempt is not tried again", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A\nretries: 3", "a") }, ["ann"]);
    await runTick(p.clone, machines, () => ({ exit: 1 }), { now: "2026-11-20T10:00:00Z" });
    expect(state(p, "a")).toBe("queued");
    p.push({ "tasks/a.md": md("title: A\nretries: 3\nstatus: cancelled", "a") });
    await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:10Z" });
    expect(p.file(only(p)[0] as string)).toMatch(/^state: cancelled$/m);
    expect(p.file("state/open.ndjson")).not.toContain('"job"');
    expect(starts(machines)).toHaveLength(1);
  });
});

describe("an agent's secrets", () => {
  const files = (env: string) => ({
    "tasks/a.md": md("title: A\nagent: keyed", "a"),
    "agents/keyed.md": md(`runtime: shell\nenv: [${env}]`),
    "hosts/ann.md": md("address: ann\nkey: env:ANN_KEY"),
  });

  test("one that is not set where ticks run: nothing starts, and the record says its name", async () => {
    const machines = { ann: machine() };
    const p = pack(files("SOME_KEY"), ["ann"]);
    await runTick(p.clone, machines, say);
    expect(starts(machines)).toEqual([]);
    expect(state(p, "a")).toBe("failed");
    expect(p.file("status/a.md")).toContain("its agent needs SOME_KEY, which is not set where the tick runs");
  });

  test("one that is set goes along, and stands in no record", async () => {
    const machines = { ann: machine() };
    const p = pack(files("SOME_KEY"), ["ann"]);
    await runTick(p.clone, machines, say, { env: { SOME_KEY: "sk-canary" } });
    expect(state(p, "a")).toBe("done");
    expect(p.at("log", "-p", "--all")).not.toContain("sk-canary");
  });

  test.each(["ANN_KEY", "TURSO_AUTH_TOKEN", "GITHUB_TOKEN", "TOWLINE_SSH_KEY", "LD_PRELOAD", "PATH"])(
    "%s is given to no agent",
    async (name) => {
      const machines = { ann: machine() };
      const p = pack(files(name), ["ann"]);
      await runTick(p.clone, machines, say, { env: { [name]: "sk-canary" } });
      expect(starts(machines)).toEqual([]);
      expect(p.file("status/a.md")).toMatch(new RegExp(`\`${name}\` is the pack.* and is given to no agent`));
    },
  );
});

test("a task called like a device of Windows is refused by name, and the others run", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/nul.md": md("title: Nul", "x"), "tasks/good.md": md("title: Good", "x") }, ["ann"]);
  const outcome = await runTick(p.clone, machines, say);
  expect(outcome.state.problems).toMatchObject([{ path: "tasks/nul.md", message: expect.stringContaining("Windows") }]);
  expect(starts(machines)).toHaveLength(1);
  expect(state(p, "good")).toBe("done");
});
