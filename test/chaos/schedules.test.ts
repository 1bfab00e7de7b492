// The same edits and days, lived with a tick each hour, and lived with gaps of days, repeated ticks and runners whose
// clocks are off by up to a day: the end is the same, and a repeated tick changes nothing.
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { parseEntry } from "../../src/core/entry.ts";
import type { FakeRun } from "../fakes/fleet.ts";
import { basics, md } from "../fakes/pack.ts";
import { type World, world } from "../fakes/world.ts";
import { random, shard, size, tell, watchProgress } from "./kit/sizes.ts";

const lives = size(24, 10_000);
const days = 7;
const end = days * 24;
const at = (hours: number) => new Date(Date.parse("2026-11-20T06:10:00Z") + hours * 3_600_000).toISOString();

type Edits = [hour: number, path: string, text: string | null][];

/** What people do, by true hour. Nothing in the last three days, so that any schedule sees all of it in time. */
const edits: Edits = [
  [1, "tasks/one.md", md("title: One shot", "x")],
  [1, "tasks/two.md", md("title: Waits\nafter: [one]", "x")],
  [2, "tasks/all.md", md("title: On each\nhosts: any\nspread: each", "x")],
  [3, "tasks/fails.md", md("title: Fails", "x")],
  [3, "tasks/behind.md", md("title: Behind it\nafter: [fails]", "x")],
  [5, "tasks/flaky.md", md("title: Once no, then yes\nretries: 2", "x")],
  [6, "tasks/later.md", md("title: Later\ndue: 2026-11-23T15:00:00Z", "x")],
  [8, "tasks/paused.md", md("title: Paused\nstatus: paused", "x")],
  [30, "tasks/one.md", md("title: One shot, in other words", "y")],
  [40, "tasks/long.md", md("title: Takes long", "x")],
  [50, "tasks/dropped.md", md("title: Taken back\nstatus: cancelled", "x")],
];
const begin = {
  ...basics(["ann", "bob"]),
  "tasks/steady.md": md("title: Each six hours\nevery: 6h\ncatch_up: all", "x"),
  "tasks/newest.md": md("title: The newest only\nevery: 4h\ncatch_up: once", "x"),
};

interface Moment {
  /** True hours since the beginning. */
  hour: number;
  /** What the runner's clock adds to it. */
  skew: number;
  repeats: number;
}

interface Lived {
  status: Record<string, object>;
  starts: string[];
  ticks: number;
  /** Ticks that changed something although the one before, in the same moment, had found nothing to do. */
  restless: number;
}

function live(moments: Moment[]): Lived {
  const made = world(begin);
  let hour = 0;
  const began = new Map<string, number>();
  const attempts = new Map<string, number>();
  /** Runs end by true time: a long one takes five hours, any other ends before the tick does. */
  const run = (job: string): FakeRun | null => {
    const first = began.get(job) ?? hour;
    began.set(job, first);
    if (job.startsWith("long") && hour < first + 5) return null;
    if (job.startsWith("fails")) return { exit: 2 };
    if (job.startsWith("flaky")) {
      attempts.set(job, (attempts.get(job) ?? 0) + 1);
      return { exit: attempts.get(job) === 1 ? 1 : 0 };
    }
    return { stdout: `said ${job}\n` };
  };
  let done = 0;
  let ticks = 0;
  let restless = 0;
  for (const moment of moments) {
    hour = moment.hour;
    for (let edit = edits[done]; edit && edit[0] <= hour; edit = edits[++done])
      made.files.set(edit[1], String(edit[2]));
    let rests = false;
    for (let repeat = 0; repeat < moment.repeats; repeat++) {
      ticks++;
      const changed = made.tick(at(hour + moment.skew), run).length > 0;
      if (changed && rests) restless++;
      // A tick is a function of what it reads: after two that changed nothing, each further one says the same.
      if (!changed && rests) break;
      rests = !changed;
    }
  }
  return { status: statusOf(made), starts: made.starts, ticks, restless };
}

/**
 * What each task has come to, and the runs that were started for it; of the task that owes only its newest run, just that
 * one. The ten rows in a status are left out: a clock that is off may put another old run among them.
 */
function statusOf({ files, starts }: World): Record<string, object> {
  const ran = [...new Set(starts.map((one) => one.split("/")[0] as string))].sort();
  const found = [...files].filter(([path]) => path.startsWith("status/"));
  return Object.fromEntries(
    found.sort().map(([path, text]) => {
      const { entry } = parseEntry(path, "status", text);
      if (!entry) throw new Error(`${path} cannot be read`);
      const own = ran.filter((job) => job.slice(0, -11) === entry.id);
      const newest = entry.data.jobs.slice(-1).map(({ id, state }) => `${id} ${state}`);
      return [entry.id, { state: entry.data.state, newest, runs: entry.id === "newest" ? [] : own }];
    }),
  );
}

/** The last ticks come one after another with right clocks, so that what was put off is done. */
const finish: Moment[] = [0, 1, 2, 3, 6].map((more) => ({ hour: end + more / 10, skew: 0, repeats: 3 }));
const first: Moment = { hour: 0, skew: 0, repeats: 1 };

function schedule(roll: () => number): Moment[] {
  const moments: Moment[] = [first];
  for (let hour = 0; ; ) {
    hour += roll() < 0.3 ? roll() : roll() * 72;
    if (hour >= end) return [...moments, ...finish];
    const skew = roll() < 0.5 ? 0 : (roll() * 2 - 1) * 24;
    // A clock that is past the end would run what the punctual life does not live to see.
    moments.push({ hour, skew: Math.min(skew, end - hour), repeats: 1 + Math.floor(roll() * 10) });
  }
}

test(
  `${lives} schedules with gaps, repeats and skew end as the punctual one does`,
  async () => {
    const from = performance.now();
    const punctual = live([
      first,
      ...Array.from({ length: end - 1 }, (_, hour) => ({ hour: hour + 1, skew: 0, repeats: 1 })),
      ...finish,
    ]);
    const sums = { ticks: 0, twice: 0, restless: 0, other: 0 };
    const wrong: object[] = [];
    let done = 0;
    const numbers = () => ({
      schedules: done,
      ticks: sums.ticks,
      twice: sums.twice,
      "with another end": sums.other,
      "changes after a quiet tick": sums.restless,
      seconds: (performance.now() - from) / 1000,
    });
    const endOfWatch = watchProgress("schedules", numbers);
    for (let seed = shard.index; seed <= lives; seed += shard.count, done++) {
      await turn();
      const lived = live(schedule(random(seed)));
      const twice = lived.starts.length - new Set(lived.starts.map((one) => one.split(" ")[0])).size;
      const same = JSON.stringify(lived.status) === JSON.stringify(punctual.status);
      sums.ticks += lived.ticks;
      sums.twice += twice;
      sums.restless += lived.restless;
      sums.other += same ? 0 : 1;
      if (twice > 0 || lived.restless > 0 || !same)
        wrong.push({ seed, twice, restless: lived.restless, status: lived.status });
    }
    endOfWatch();
    tell("schedules", numbers());
    expect(
      Object.fromEntries(Object.entries(punctual.status).map(([id, one]) => [id, (one as { state: string }).state])),
    ).toEqual({
      all: "done",
      behind: "blocked",
      dropped: "cancelled",
      fails: "failed",
      flaky: "done",
      later: "done",
      long: "done",
      newest: "done",
      one: "done",
      paused: "paused",
      steady: "done",
      two: "done",
    });
    for (const { seed, status, ...rest } of wrong.slice(0, 3) as { seed: number; status: object }[])
      expect({ seed, status, ...rest }).toEqual({ seed, status: punctual.status, twice: 0, restless: 0 });
    expect(wrong).toEqual([]);
  },
  size(900_000, 3_600_000),
);
