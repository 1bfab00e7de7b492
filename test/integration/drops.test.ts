// The same edits and hours, once with a tick after each, once with ticks dropped at random: the end is the same.
// Dropped or late CI events are the rule, not the exception; a tick reads everything, so none of them may matter.
import { expect, test } from "vitest";
import { parseEntry } from "../../src/core/entry.ts";
import { machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

type Files = Record<string, string | null>;
const hours = (n: number) => new Date(Date.parse("2026-11-20T06:10:00Z") + n * 3_600_000).toISOString();

/** Edits by hour. Each adds a fact that lasts: what was taken back before any tick saw it was never said. */
const edits: Record<number, Files> = {
  1: { "tasks/one.md": md("title: One shot", "x"), "tasks/two.md": md("title: Waits for one\nafter: [one]", "x") },
  2: { "tasks/all.md": md("title: On each\nhosts: all", "x"), "notes.txt": "unrelated\n" },
  3: { "tasks/fails.md": md("title: Fails", "x"), "tasks/behind.md": md("title: Behind it\nafter: [fails]", "x") },
  4: { "tasks/flaky.md": md("title: Twice no, then yes\nretries: 3", "x") },
  5: { "tasks/never.md": md("title: Always no\nretries: 2", "x") },
  6: {
    "tasks/broken.md": "---\ntitle: [\n---\n",
    "tasks/later.md": md("title: Later\ndue: 2026-11-20T15:00:00Z", "x"),
  },
  7: { "tasks/partial.md": md("title: Times out\ntimeout: 5s", "x") },
  8: { "tasks/paused.md": md("title: Paused\nstatus: paused", "x"), "notes.txt": null },
  9: { "tasks/one.md": md("title: One shot, in other words", "y") },
};
const start: Record<string, string> = {
  "tasks/hourly.md": md("title: Each hour\nevery: 1h\ncatch_up: all", "x"),
  "tasks/daily.md": md("title: The newest only\nevery: 4h\ncatch_up: once", "x"),
};
const last = 16;
/** These ticks run whatever is dropped: the first, with which schedules begin to count, and the last. */
const kept = (hour: number) => hour === 0 || hour >= last;

interface Lived {
  status: Record<string, object>;
  journal: string[];
  ticks: number;
}

const script: Script = (job, { epoch, day }) => {
  const at = `${day.replaceAll("/", "-")}T06:00:00.000Z`;
  if (job.startsWith("fails") || job.startsWith("never")) return { exit: 2, stderr: "no\n", at };
  if (job.startsWith("flaky") && epoch < 3) return { exit: 1, at };
  if (job.startsWith("partial")) return { end: "timeout", exit: null, stdout: "half of it\n", at };
  return { stdout: `answer of ${job}\n`, at };
};

/** Random numbers that a seed decides (mulberry32). */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function live(drop: (hour: number) => boolean): Promise<Lived> {
  const machines = { ann: machine({ slots: 8 }), bob: machine({ slots: 8 }) };
  const pack = testPack({ ...basics(["ann", "bob"]), ...start });
  let ticks = 0;
  try {
    for (let hour = 0; hour <= last + 1; hour++) {
      const edit = edits[hour];
      if (edit) pack.push(edit);
      if (!kept(hour) && drop(hour)) continue;
      ticks++;
      // The last hour is ticked until nothing new comes: at most three passes start work in one tick.
      const now = hours(Math.min(hour, last) + (hour > last ? 0.5 : 0));
      while ((await runTick(pack.clone, machines, script, { now })).commits.length > 0 && hour > last) ticks++;
    }
    const journal = [...machines.ann.journal, ...machines.bob.journal].sort();
    return { status: statusOf(pack), journal, ticks };
  } finally {
    pack.remove();
  }
}

/** Every status record without times, and without the rows of the one task that owes only its newest run. */
function statusOf(pack: TestPack): Record<string, object> {
  const paths = pack.at("ls-tree", "-r", "--name-only", "main", "status/").trim().split("\n");
  return Object.fromEntries(
    paths.map((path) => {
      const entry = parseEntry(path, "status", pack.file(path)).entry;
      if (!entry) throw new Error(`${path} cannot be read`);
      const { since: _s, seen: _e, jobs, reason, ...data } = entry.data;
      const rows = entry.id === "daily" ? jobs.slice(-1) : jobs;
      const said = rows.map(({ at: _a, path: _p, host: _h, ...row }) => row).sort((a, b) => (a.id < b.id ? -1 : 1));
      const answer = entry.id === "daily" ? "" : entry.body.replace(/## Jobs[\s\S]*$/, "");
      return [entry.id, { ...data, reason: reason?.replace(/\b(ann|bob)\b/g, "host"), jobs: said, answer }];
    }),
  );
}

test("ticks dropped at random leave the same end", async () => {
  const whole = await live(() => false);
  expect(
    Object.fromEntries(Object.entries(whole.status).map(([id, one]) => [id, (one as { state: string }).state])),
  ).toEqual({
    all: "done",
    behind: "blocked",
    daily: "done",
    fails: "failed",
    flaky: "done",
    hourly: "done",
    later: "done",
    never: "failed",
    one: "done",
    partial: "failed",
    paused: "paused",
    two: "done",
  });
  const counted = (journal: string[]) => journal.filter((key) => !key.startsWith("daily-"));
  for (const [seed, share] of [
    [1, 0.4],
    [2, 0.8],
    [3, 1],
  ] as const) {
    const roll = random(seed);
    const some = await live(() => roll() < share);
    expect(some.ticks).toBeLessThan(whole.ticks);
    expect({ seed, status: some.status }).toEqual({ seed, status: whole.status });
    expect({ seed, journal: counted(some.journal) }).toEqual({ seed, journal: counted(whole.journal) });
    expect(new Set(some.journal).size).toBe(some.journal.length);
    // The one that owes only its newest run starts no job that the undisturbed history would not have started.
    expect(whole.journal).toEqual(expect.arrayContaining(some.journal));
  }
}, 600_000);
