// A run that has gone quiet and that no nudge woke: one memo, three choices, and what each makes of the job.
import { describe, expect, test } from "vitest";
import { draftOf } from "../../src/core/draft.ts";
import { readChoice } from "../../src/core/stuck.ts";
import { withdrawn } from "../../src/core/withdraw.ts";
import type { FakeRun } from "../fakes/fleet.ts";
import { world } from "../fakes/world.ts";

const records = (task = "") => ({
  "towline.yml": "id: pack\n",
  "agents/ann.md": "---\nruntime: shell\n---\n",
  "hosts/one.md": "---\naddress: one\ntransport: local\n---\n",
  "tasks/drop.md": `---\ntitle: Drop it\nagent: ann\n${task}---\n\necho hi\n`,
});
const at = (minutes: number) => new Date(Date.parse("2026-11-20T10:00:00Z") + minutes * 60_000).toISOString();
const cancelled: FakeRun = { end: "cancelled", exit: null };
const done: FakeRun = { stdout: "dropped" };

type World = ReturnType<typeof world>;
const all = (one: World, folder: string) => [...one.files].filter(([path]) => path.startsWith(`${folder}/`));
const only = (one: World, folder: string) => {
  expect(all(one, folder)).toHaveLength(1);
  return all(one, folder)[0] as [string, string];
};
const jobOf = (one: World) => [...one.state().jobs.values()][0];
const status = (one: World) => one.files.get("status/drop.md") ?? "";
const answer = (one: World, words: string) => {
  const [path, memo] = only(one, "memos");
  one.files.set(path, memo.replace("status: open", `status: answered\nanswer: ${words}`));
};

/** A world in which the run of `drop` has gone quiet, and people were told. */
function quiet(task?: string) {
  const one = world(records(task));
  one.tick(at(0), () => null);
  one.silent.add(jobOf(one)?.id ?? "");
  one.tick(at(30), () => null);
  return one;
}
/** Whether the next tick that reaches its host ends the run. */
const ends = (one: World) => withdrawn(one.state(), jobOf(one) as never, new Date(at(60)));

test("people hear of it once, with the choices; a quiet tick changes nothing", () => {
  const one = quiet();
  const [, memo] = only(one, "memos");
  expect(memo).toContain("kind: ask");
  expect(memo).toContain("event: job.stuck");
  for (const word of ["`hold`", "`retry`", "`give up`"]) expect(memo).toContain(word);
  expect(status(one)).toMatch(/reason: .*gone quiet: its memo waits for an answer/);
  expect(ends(one)).toBeNull();
  expect(one.tick(at(35), () => null)).toEqual([]);
  // It woke up and fell asleep again: it is the same run.
  one.silent.clear();
  expect(one.tick(at(40), () => null)).toEqual([]);
  one.silent.add(jobOf(one)?.id ?? "");
  expect(one.tick(at(45), () => null)).toEqual([]);
  const events = all(one, "pupdates").flatMap(([, text]) => text.match(/"kind":"job.stuck"/g) ?? []);
  expect(events).toHaveLength(1);
});

test("it closes by itself when the run has ended", () => {
  const one = quiet();
  one.tick(at(60), () => done);
  expect(only(one, "memos")[1]).toContain("closed by itself: that run has ended");
  expect(status(one)).toContain("state: done");
});

describe("hold", () => {
  test.each(["answered\nanswer: Hold.", "dismissed"])("leaves it alone for good (%s)", (how) => {
    const one = quiet();
    const [path, memo] = only(one, "memos");
    one.files.set(path, memo.replace("status: open", `status: ${how}`));
    expect(ends(one)).toBeNull();
    one.tick(at(60), () => null);
    expect(status(one)).toContain("it is left alone until its time is over");
    expect(one.tick(at(70), () => null)).toEqual([]);
    expect(ends(one)).toBeNull();
    one.tick(at(90), () => ({ end: "timeout", exit: 143 }));
    expect(status(one)).toContain("state: failed");
    expect(one.starts).toHaveLength(1);
  });
});

describe("retry", () => {
  test("ends the run, and the same job is started anew in its next epoch; it may go quiet anew", () => {
    const one = quiet();
    answer(one, "Retry it!");
    expect(ends(one)).toContain("answered with `retry`");
    // Its host does not get to it at once: nothing is started beside it.
    one.tick(at(60), () => null);
    expect(one.starts).toHaveLength(1);
    expect(ends(one)).toContain("answered with `retry`");
    expect(status(one)).toContain("it is to be started anew");
    one.silent.clear();
    one.tick(at(70), () => cancelled);
    expect(jobOf(one)?.data.state).toBe("failed");
    expect(status(one)).toContain("state: queued");
    expect(all(one, "memos")).toHaveLength(1);
    one.tick(at(75), () => null);
    const [first = "", second = ""] = one.starts;
    expect([first.split(" ")[0], second.split(" ")[0]]).toEqual([`${jobOf(one)?.id}/1`, `${jobOf(one)?.id}/2`]);
    expect(jobOf(one)?.data.run).toMatchObject({ epoch: 2, attempt: 1 });
    expect(jobOf(one)?.data.run.stuck).toBeUndefined();
    expect(ends(one)).toBeNull();
    one.silent.add(jobOf(one)?.id ?? "");
    one.tick(at(100), () => null);
    expect(all(one, "memos")).toHaveLength(2);
    one.tick(at(130), () => done);
    expect(status(one)).toContain("state: done");
    expect(one.starts).toHaveLength(2);
  });

  test("counts as no attempt: those that its task has are left", () => {
    const one = quiet("retries: 1\n");
    answer(one, "again");
    one.silent.clear();
    one.tick(at(60), () => cancelled);
    for (const minutes of [65, 75, 85]) one.tick(at(minutes), () => ({ exit: 1 }));
    expect(one.starts).toHaveLength(3);
    expect(status(one)).toContain("state: failed");
  });

  test("comes too late for a run that has ended well, and in time for one that has not", () => {
    const well = quiet();
    answer(well, "retry");
    well.tick(at(60), () => done);
    expect(status(well)).toContain("state: done");
    const late = quiet();
    answer(late, "retry");
    late.tick(at(60), () => ({ end: "timeout", exit: 143 }));
    late.tick(at(65), () => done);
    expect(late.starts).toHaveLength(2);
    expect(status(late)).toContain("state: done");
  });

  test("starts nothing that nobody wants any more", () => {
    const one = quiet();
    answer(one, "retry");
    one.files.set("tasks/drop.md", records("status: cancelled\n")["tasks/drop.md"]);
    for (const minutes of [60, 70]) one.tick(at(minutes), () => cancelled);
    expect(one.starts).toHaveLength(1);
    expect(jobOf(one)).toBeUndefined();
    expect(status(one)).toContain("state: cancelled");
  });
});

describe("give up", () => {
  test("ends the run and the job, and its task says why", () => {
    const one = quiet("retries: 3\n");
    answer(one, "give_up");
    expect(ends(one)).toContain("answered with `give up`");
    one.tick(at(60), () => null);
    expect(status(one)).toContain("it was given up");
    for (const minutes of [70, 80]) one.tick(at(minutes), () => cancelled);
    expect(status(one)).toMatch(
      /state: cancelled\nreason: .*it had gone quiet, and its memo was answered with `give up`/,
    );
    expect(one.starts).toHaveLength(1);
  });

  test("is not tried again either when the run ended badly before it was reached", () => {
    const one = quiet("retries: 3\n");
    answer(one, "cancel");
    for (const minutes of [60, 70, 80]) one.tick(at(minutes), () => ({ exit: 1 }));
    expect(one.starts).toHaveLength(1);
  });
});

describe("words", () => {
  test.each([
    ["hold", "hold"],
    ["  WAIT. ", "hold"],
    ["leave it", "hold"],
    ["Retry", "retry"],
    ["'try again'", "retry"],
    ["start-over!", "retry"],
    ["Give Up", "give up"],
    ["giveup", "give up"],
    ["abort", "give up"],
    ["", null],
    ["yes", null],
    ["don't retry", null],
    ["retry or give up", null],
    ["не retry", null],
    ["constructor", null],
  ])("`%s` means %s", (said, choice) => {
    expect(readChoice(said)).toBe(choice);
  });

  test("that are none of them are told so in the memo, which stays open; the next answer counts", () => {
    const one = quiet();
    answer(one, "'`maybe` **later**'");
    expect(ends(one)).toBeNull();
    one.tick(at(60), () => null);
    const [, memo] = only(one, "memos");
    expect(memo).toContain("status: open");
    expect(memo).not.toMatch(/^answer:/m);
    expect(memo).toContain("**Not understood:** `'maybe' **later**` is none of the choices");
    expect(one.tick(at(65), () => null)).toEqual([]);
    answer(one, "perhaps");
    one.tick(at(70), () => null);
    expect(only(one, "memos")[1].match(/Not understood/g)).toHaveLength(1);
    expect(only(one, "memos")[1]).toContain("`perhaps` is none");
    answer(one, "give up");
    expect(ends(one)).toContain("give up");
  });

  test("count for the run that they were said of, and for no later one", () => {
    const one = quiet();
    answer(one, "give up");
    const draft = draftOf(one.state(), new Date(at(60)), "x");
    const job = jobOf(one);
    if (!job) throw new Error("no job");
    const next = { ...job, data: { ...job.data, run: { ...job.data.run, epoch: 2 } } };
    expect(withdrawn(draft, next, new Date(at(60)))).toBeNull();
  });
});
