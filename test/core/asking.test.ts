// Agents that ask, and agents that tell each other: whole ticks as values, from the question to the end.
import { describe, expect, test } from "vitest";
import { noFindings } from "../../src/core/absorb.ts";
import { decideClose } from "../../src/core/decide-close.ts";
import { decideErrand } from "../../src/core/decide-errand.ts";
import { decideJob } from "../../src/core/decide-job.ts";
import { draftOf } from "../../src/core/draft.ts";
import { whatMatters } from "../../src/core/matters.ts";
import type { State } from "../../src/core/state.ts";
import type { Changes } from "../../src/ports.ts";
import type { FakeRun } from "../fakes/fleet.ts";
import { world } from "../fakes/world.ts";

const records = (more: Record<string, string> = {}) => ({
  "towline.yml": "id: pack\n",
  "agents/ann.md": "---\nruntime: shell\nparallel: 1\n---\n",
  "agents/bob.md": "---\nruntime: shell\n---\n",
  "hosts/one.md": "---\naddress: one\ntransport: local\n---\n",
  "tasks/drop.md": "---\ntitle: Drop it\nagent: ann\n---\n\necho hi\n",
  ...more,
});

const at = (minutes: number) => new Date(Date.parse("2026-11-20T10:00:00Z") + minutes * 60_000).toISOString();
const day = 24 * 60;
const asking: FakeRun = { stdout: "half of it", outbox: { "01-ask.md": "May I drop the table?\nIt is 40 GB." } };
const done: FakeRun = { stdout: "dropped" };

type World = ReturnType<typeof world>;
const only = (one: World, folder: string) => {
  const found = [...one.files].filter(([path]) => path.startsWith(`${folder}/`));
  expect(found).toHaveLength(1);
  return found[0] as [string, string];
};
const state = (one: World) => /^state: (\w+)$/m.exec(one.files.get("status/drop.md") ?? "")?.[1];
const say = (one: World, change: (memo: string) => string) => {
  const [path, text] = only(one, "memos");
  one.files.set(path, change(text));
};
const answer = (words: string) => (memo: string) => memo.replace("status: open", `status: answered\nanswer: ${words}`);

/** A world in which the job of `drop` has asked. */
function asked(more: Record<string, string> = {}) {
  const one = world(records(more));
  one.tick(at(0), () => asking);
  return one;
}

describe("a question", () => {
  test("waits for a person; the answer starts the same job again, and it is done", () => {
    const one = asked();
    const [path, job] = only(one, "jobs");
    expect(job).toContain("state: asking");
    expect(job).toContain("half of it");
    expect(state(one)).toBe("waiting");
    const [, memo] = only(one, "memos");
    expect(memo).toMatch(/kind: ask\n.*May I drop the table/);
    expect(memo).toContain("It is 40 GB.");
    expect(one.files.get("OVERVIEW.md")).toContain("May I drop the table");

    expect(one.tick(at(30), () => done)).toEqual([]);
    say(one, answer("yes, on Sunday"));
    one.tick(at(60), () => done);
    expect(one.starts).toEqual([`${path.slice(16, -3)}/1 one`, `${path.slice(16, -3)}/2 one`]);
    expect(one.sent.get(path.slice(16, -3))?.assignment).toMatchObject({
      epoch: 2,
      questions: [{ question: "May I drop the table?\nIt is 40 GB.", answer: "yes, on Sunday" }],
    });
    expect(state(one)).toBe("done");
    const [, after] = only(one, "jobs");
    expect(after).toContain("state: finished");
    expect(after).toMatch(/## Answer\n\n```text\ndropped/);
    expect(after).toMatch(/## Before\n\n- asked: May I drop the table\? It is 40 GB\.\n {2}- answered: yes, on Sunday/);
    expect(only(one, "reflections")[1]).toContain("outcome: success");
    expect(only(one, "memos")[1]).toContain("status: answered");
    expect(one.tick(at(90), () => done)).toEqual([]);
  });

  test("calls no host while it waits, and does not keep its agent from other work", () => {
    const one = asked({ "tasks/other.md": "---\ntitle: Other\nagent: ann\ndue: 2026-11-20T10:20:00Z\n---\n\necho\n" });
    one.down.add("one");
    expect(one.tick(at(10), () => done)).toEqual([]);
    one.down.clear();
    one.tick(at(30), () => done);
    expect(one.starts.map((start) => start.split("-")[0])).toEqual(["drop", "other"]);
  });

  const verb = { now: new Date(at(20)), tick: "verb" };
  const known = { paths: new Map(), runtimes: new Set<string>(), answers: new Map(), absent: new Set<string>() };
  const verbs: [string, (state: State) => Changes][] = [
    ["dispatch", (state) => decideErrand(state, [], noFindings(), known, verb).changes],
    ["job cancel", (state) => decideJob(state, "other", noFindings(), verb).changes],
    ["fleet replace", (state) => decideClose(state, { jobs: [], as: "lost", why: "" }, verb)],
  ];
  /** What somebody does between the person's commit and the next tick. */
  const meanwhile = (one: World, decided: (state: State) => Changes) => {
    for (const [path, text] of decided(one.state())) one.files.set(path, String(text));
  };

  test.each(verbs)("answered before a %s that comes before the next tick goes on all the same", (_, decided) => {
    const one = asked();
    say(one, answer("yes"));
    meanwhile(one, decided);
    one.tick(at(30), () => done);
    expect(one.starts).toHaveLength(2);
    expect(state(one)).toBe("done");
  });

  test.each(["answer: yes: do it", "status: answerd"])(
    "answered with a slip (%s) waits until that is mended",
    (line) => {
      const one = asked({ "tasks/other.md": "---\ntitle: Other\nagent: bob\nevery: 30m\n---\n\necho\n" });
      const memo = "status: open";
      const [path, before] = only(one, "memos");
      one.files.set(path, before.replace(memo, line.startsWith("status") ? line : `status: answered\n${line}`));
      for (const minutes of [30, 60]) one.tick(at(minutes), () => done);
      expect(state(one)).toBe("waiting");
      one.files.set(path, answer("yes")(before));
      one.tick(at(90), () => done);
      expect(state(one)).toBe("done");
    },
  );

  test("whose job record was spoiled waits until that is mended", () => {
    const one = asked({ "tasks/other.md": "---\ntitle: Other\nagent: bob\nevery: 30m\n---\n\necho\n" });
    const [path = "", text = ""] = [...one.files].find(([name]) => /^jobs\/.*\/drop-/.test(name)) ?? [];
    one.files.set(path, text.replace("task: drop", "task: [drop"));
    for (const minutes of [30, 60]) one.tick(at(minutes), () => done);
    one.files.set(path, text);
    say(one, answer("yes"));
    one.tick(at(90), () => done);
    expect(state(one)).toBe("done");
  });

  const limit = { source: "towline", subject: "agent ann", family: "account", kind: "account.limited", pupdate: "" };
  test.each<[string, boolean, Record<string, string>]>([
    ["nothing holds it back", true, {}],
    [
      "the limit of its account has ended",
      true,
      { "state/levels.ndjson": JSON.stringify({ ...limit, state: at(20) }) },
    ],
    ["its account is limited", false, { "state/levels.ndjson": JSON.stringify({ ...limit, state: at(6 * day) }) }],
    ["its task is paused", false, { "tasks/drop.md": "---\ntitle: Drop\nagent: ann\nstatus: paused\n---\n\necho\n" }],
    ["its agent is off", false, { "agents/ann.md": "---\nruntime: shell\noff: true\n---\n" }],
    ["everything is stopped", false, { "STOP.md": "" }],
    [
      "a limit is reached",
      false,
      { "tasks/drop.md": "---\ntitle: Drop\nagent: ann\nbudget: {runs: 1}\n---\n\necho\n" },
    ],
    ["a day's limit is", false, { "towline.yml": "id: pack\nbudget: {day: {runs: 1}}\n" }],
  ])("that is answered calls hosts where it can go on: %s", (_, calls, more) => {
    const one = asked();
    say(one, answer("yes"));
    for (const [path, text] of Object.entries(more)) one.files.set(path, text);
    const wanted = whatMatters(draftOf(one.state(), new Date(at(30)), "x"), new Set(["shell"]));
    expect([...wanted.hosts]).toEqual(calls ? ["one"] : []);
  });

  test("that is answered, and of which nobody looked up what was spent, calls its host all the same", () => {
    const one = asked({ "towline.yml": "id: pack\nbudget: {day: {runs: 9}}\n" });
    say(one, answer("yes"));
    const wanted = whatMatters(
      draftOf({ ...one.state(), spent: undefined }, new Date(at(30)), "x"),
      new Set(["shell"]),
    );
    expect([...wanted.hosts]).toEqual(["one"]);
  });

  test("that is put away ends its job", () => {
    const one = asked();
    say(one, (memo) => memo.replace("status: open", "status: dismissed"));
    one.tick(at(30), () => done);
    expect(only(one, "jobs")[1]).toMatch(/state: cancelled\n[\s\S]*put away without an answer/);
    expect(state(one)).toBe("cancelled");
    expect(one.starts).toHaveLength(1);
  });

  test.each(["its memo runs out", "no memo was ever made"])("that nobody answers: %s", (how) => {
    const quiet = "---\nwhen: {kind: job.asked}\nthen: [{ignore: true}]\n---\n";
    const one = asked(how.startsWith("no memo") ? { "rules/quiet.md": quiet } : {});
    one.tick(at(7 * day - 1), () => done);
    expect(state(one)).toBe("waiting");
    one.tick(at(7 * day + 2), () => done);
    expect(only(one, "jobs")[1]).toMatch(/state: failed\n[\s\S]*nobody answered its question in time/);
    expect(state(one)).toBe("failed");
    expect([...one.files.values()].filter((text) => text.includes("status: expired"))).toHaveLength(
      how.startsWith("no") ? 0 : 1,
    );
    expect(one.starts).toHaveLength(1);
  });

  test("goes on elsewhere when its machine takes no work, and says so", () => {
    const one = asked({ "hosts/two.md": "---\naddress: two\ntransport: local\ncordon: true\n---\n" });
    const [path] = only(one, "jobs");
    one.files.set("hosts/one.md", "---\naddress: one\ntransport: local\ncordon: true\n---\n");
    one.files.set("hosts/two.md", "---\naddress: two\ntransport: local\n---\n");
    say(one, answer("yes"));
    one.tick(at(30), () => done);
    expect(one.starts.at(-1)).toBe(`${path.slice(16, -3)}/2 two`);
    expect(one.sent.get(path.slice(16, -3))?.assignment?.continued).toContain(
      "on one, goes on on two in a fresh session",
    );
    expect(state(one)).toBe("done");
  });

  test.each([
    ["its agent is gone", "agents/ann.md", null, /agents\/ann.md is not there/],
    [
      "no host is left for it",
      "hosts/one.md",
      "---\naddress: one\ntransport: local\ncordon: old\n---\n",
      /one is cordoned/,
    ],
  ])("that is answered when it cannot go on tells a person, once, until it can: %s", (_, path, text, why) => {
    const one = asked();
    const before = one.files.get(path) as string;
    if (text === null) one.files.delete(path);
    else one.files.set(path, text);
    say(one, answer("yes"));
    one.tick(at(30), () => done);
    expect(state(one)).toBe("blocked");
    expect(one.files.get("status/drop.md")).toMatch(/reason: .*question is answered, but/);
    const told = () =>
      [...one.files].filter(([name, memo]) => name.startsWith("memos/") && why.test(memo)).map(([, memo]) => memo);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toContain("status: open");
    expect(one.tick(at(60), () => done)).toEqual([]);
    one.files.set(path, before);
    one.tick(at(90), () => done);
    expect(state(one)).toBe("done");
    expect(told()[0]).not.toContain("status: open");
  });

  test("of a task that is cancelled or run anew meanwhile is nobody's any more", () => {
    const one = asked();
    one.files.set(
      "tasks/drop.md",
      (one.files.get("tasks/drop.md") as string).replace("agent: ann", "agent: ann\nrun: 2"),
    );
    one.tick(at(30), () => done);
    expect(
      [...one.files]
        .filter(([path]) => path.startsWith("jobs/"))
        .map(([, text]) => /state: (\w+)/.exec(text)?.[1])
        .sort(),
    ).toEqual(["cancelled", "finished"]);
    expect(only(one, "memos")[1]).toContain("nobody waits for the answer any more");
  });

  test("asked again and again comes to an end", () => {
    const one = asked();
    for (let round = 1; round < 12; round++) {
      for (const [path, text] of one.files) if (path.startsWith("memos/")) one.files.set(path, answer("go on")(text));
      one.tick(at(round * 30), () => ({ ...asking, outbox: { "01-ask.md": `question ${round}` } }));
    }
    expect(one.starts).toHaveLength(9);
    expect(state(one)).toBe("done");
  });

  test("of one machine among many has a memo of its own, and only that machine goes on", () => {
    const each = {
      "hosts/two.md": "---\naddress: two\ntransport: local\n---\n",
      "agents/ann.md": "---\nruntime: shell\n---\n",
      "tasks/drop.md": "---\ntitle: Drop\nagent: ann\nhosts: all\n---\n\necho\n",
    };
    const one = asked(each);
    const memos = [...one.files].filter(([path]) => path.startsWith("memos/"));
    expect(memos).toHaveLength(2);
    const [path, memo] = memos[0] as [string, string];
    one.files.set(path, answer("yes")(memo));
    one.tick(at(30), () => done);
    expect(one.starts).toHaveLength(3);
    expect(state(one)).toBe("waiting");
    const [other, text] = memos[1] as [string, string];
    one.files.set(other, answer("no")(text));
    one.tick(at(60), () => done);
    expect(one.starts).toHaveLength(4);
    expect(
      one.starts
        .slice(2)
        .map((start) => start.split(" ")[1])
        .sort(),
    ).toEqual(["one", "two"]);
    expect(state(one)).toBe("done");
  });

  test("that makes a task, which asks, which makes a task, comes to an end", () => {
    const rule = "---\nwhen: {kind: job.asked}\nthen: [{task: {title: Ask a friend, agent: bob, prompt: help}}]\n---\n";
    const one = asked({ "rules/help.md": rule });
    for (let round = 1; round < 9; round++) {
      // What an agent's word made waits for a person; here there is one who releases everything.
      for (const [path, text] of one.files)
        if (path.startsWith("queue/")) one.files.set(path, text.replace("status: draft", "status: ready"));
      one.tick(at(round * 30), () => asking);
    }
    expect(one.starts).toHaveLength(4);
    expect([...one.files.values()].some((text) => text.includes("keeps making tasks about its own tasks"))).toBe(true);
  });

  test.each<[string, FakeRun]>([
    ["failed", { ...asking, exit: 1 }],
    ["said that it fails", { outbox: { "01-ask.md": "May I?", "02-fail.md": "cannot" } }],
  ])("of a run that %s is kept in its record, and nobody is asked", (_, run) => {
    const one = world(records());
    one.tick(at(0), () => run);
    expect(state(one)).toBe("failed");
    expect(only(one, "jobs")[1]).toContain("- ask: May I");
  });
});

describe("what agents say", () => {
  test("a confessed mistake and a reply are news, a status and what they were about to do stand in the record", () => {
    const one = world(records());
    const outbox = {
      "01-confess.md": "I deleted\na log",
      "02-reply.md": "hello",
      "03-learn.md": "a",
      "04-status.md": "half",
    };
    one.tick(at(0), () => ({ outbox }));
    const rows = [...one.files]
      .filter(([path]) => path.startsWith("pupdates/"))
      .flatMap(([, text]) => text.trim().split("\n"));
    const said = rows.map((row) => JSON.parse(row)).filter(({ kind }) => /confessed|replied/.test(kind));
    expect(said.map(({ kind, data }) => [kind, data.text])).toEqual([
      ["job.confessed", "I deleted\na log"],
      ["job.replied", "hello"],
    ]);
    const job = only(one, "jobs")[1];
    expect(job).toMatch(/status: half/);
    expect(job).toMatch(/learn:\n {4}- a/);
    expect(job).toMatch(/- confess: I deleted a log/);
  });

  const tell = (to: string, text: string) => ({ outbox: { "01-tell.md": `---\nto: ${to}\n---\n${text}` } });
  const other = "---\ntitle: Other\nagent: bob\ndue: 2026-11-20T10:20:00Z\n---\n\necho\n";

  test("a message reaches the other agent at its next start, once", () => {
    const one = world(records({ "tasks/other.md": other }));
    one.tick(at(0), () => tell("bob", "look at /var"));
    expect(one.files.get("state/letters.ndjson")).toContain('"to":"bob"');
    one.tick(at(30), () => tell("ann", "I did"));
    const [, bob] = [...one.sent].find(([job]) => job.startsWith("other")) ?? [];
    expect(bob?.assignment?.inbox).toEqual([{ from: "ann", at: at(0), text: "look at /var" }]);
    const rows = (one.files.get("state/letters.ndjson") as string)
      .trim()
      .split("\n")
      .map((row) => JSON.parse(row));
    expect(rows).toMatchObject([{ from: "bob", to: "ann", depth: 2 }]);
  });

  test("a run that never comes to a result has heard nothing", () => {
    const one = world(records({ "tasks/other.md": other, "tasks/third.md": other.replace("10:20", "12:00") }));
    one.tick(at(0), () => tell("bob", "look"));
    one.tick(at(30), (job) => (job.startsWith("other") ? { end: "died", exit: null } : done));
    one.tick(at(120), () => done);
    expect(one.sent.size).toBe(3);
    const inboxes = [...one.sent.values()].map(({ assignment }) => assignment?.inbox?.length ?? 0);
    expect(inboxes).toEqual([0, 1, 0]);
  });

  test("a job that asks is given them again when it goes on: its session may be a fresh one", () => {
    const one = world(records({ "tasks/other.md": other }));
    one.tick(at(0), () => tell("bob", "look"));
    one.tick(at(30), () => asking);
    say(one, answer("yes"));
    one.tick(at(60), () => done);
    const [, last] = [...one.sent].find(([job]) => job.startsWith("other")) ?? [];
    expect(last?.assignment).toMatchObject({ epoch: 2, inbox: [{ text: "look" }], questions: [{ answer: "yes" }] });
    expect(one.files.get("state/letters.ndjson")).toBe("");
  });

  test("a run that is tried again is given them again", () => {
    const one = world(records({ "tasks/other.md": other.replace("agent: bob", "agent: bob\nretries: 1") }));
    one.tick(at(0), () => tell("bob", "look"));
    one.tick(at(30), () => ({ exit: 1 }));
    one.tick(at(60), () => ({ exit: 1 }));
    const [, last] = [...one.sent].find(([job]) => job.startsWith("other")) ?? [];
    expect(last?.assignment).toMatchObject({ epoch: 2, inbox: [{ text: "look" }] });
    expect(one.files.get("state/letters.ndjson")).toBe("");
  });

  test("what nobody heard in 14 days is given to nobody, and keeps no room", () => {
    const bob = "---\nruntime: shell\noff: true\n---\n";
    const writer = "---\ntitle: Drop\nagent: ann\nevery: 30m\n---\n\necho\n";
    const one = world(records({ "agents/bob.md": bob, "tasks/drop.md": writer, "tasks/other.md": other }));
    const row = { from: "zoe", to: "bob", job: "x", at: at(0), depth: 1 };
    const old = Array.from({ length: 49 }, (_, n) => JSON.stringify({ id: `${n}`, ...row, text: `old ${n}` }));
    one.files.set("state/letters.ndjson", `${old.join("\n")}\n`);
    one.tick(at(0), () => done);
    one.tick(at(day), () => tell("bob", "the last that there is room for"));
    one.tick(at(2 * day), () => tell("bob", "too many"));
    one.tick(at(14 * day + 60), () => tell("bob", "fresh"));
    expect(one.files.get("state/letters.ndjson")?.match(/"text":"[^"]*"/g)).toEqual([
      '"text":"the last that there is room for"',
      '"text":"fresh"',
    ]);
    one.files.set("agents/bob.md", "---\nruntime: shell\n---\n");
    one.files.delete("tasks/drop.md");
    one.tick(at(16 * day), () => done);
    const [, last] = [...one.sent].find(([job]) => job.startsWith("other")) ?? [];
    expect(last?.assignment?.inbox?.map(({ text }) => text)).toEqual(["fresh"]);
  });

  test("to nobody, or from a loop of answers, are not taken, and it is told", () => {
    const one = world(records());
    one.tick(at(0), () => tell("zoe", "hello"));
    expect(only(one, "jobs")[1]).toContain("not understood: the message for zoe was not taken: there is no such agent");
    const two = world(records({ "tasks/drop.md": "---\ntitle: Drop\nagent: ann\nevery: 30m\n---\n\necho\n" }));
    for (let round = 0; round < 12; round++) two.tick(at(round * 30), () => tell("ann", `note ${round}`));
    const told = [...two.files.values()].filter((text) => text.includes("a person must step in"));
    expect(told.length).toBeGreaterThan(0);
  });
});
