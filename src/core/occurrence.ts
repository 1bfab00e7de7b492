// Which run of a task is owed now. An occurrence names the run: its id cannot be made twice.
import { dueBetween, everyFault, nextDue } from "./due.ts";
import type { Entry } from "./entry.ts";

export interface Owed {
  occurrence: string;
  /** The instant it was due; for a run on demand, now. */
  due: Date;
  requested_by: string;
}

const catch_up_limit = 24;

/** Runs owed, oldest first. Only the first may start while another run of the task is open. */
export function owed(
  task: Entry<"task">,
  status: Entry<"status"> | undefined,
  zone: string,
  now: Date,
  every: number,
): Owed[] {
  const { data } = task;
  const onDemand = data.run === undefined ? [] : [{ occurrence: `run-${data.run}`, due: now, requested_by: "run" }];
  if (data.every !== undefined)
    return [...onDemand, ...recurring(task, status, zone, now, every)].filter((one) => !known(status, one.occurrence));
  const due = data.due === undefined ? now : new Date(data.due);
  if (due > now) return [];
  // The next value of `run:` asks for it again, as of any other.
  if (data.asked_by !== undefined && data.born_of !== undefined && data.run === undefined) {
    const asked = `dispatch-${data.born_of}`;
    return known(status, asked) ? [] : [{ occurrence: asked, due, requested_by: data.asked_by }];
  }
  const occurrence =
    data.born_of && (data.run ?? 1) <= 1
      ? `pupdate-${data.born_of}`
      : data.run !== undefined
        ? `run-${data.run}`
        : data.due
          ? due.toISOString()
          : "run-1";
  return known(status, occurrence)
    ? []
    : [{ occurrence, due, requested_by: data.born_of ? "rule" : data.due ? "due" : "run" }];
}

function recurring(
  task: Entry<"task">,
  status: Entry<"status"> | undefined,
  zone: string,
  now: Date,
  every: number,
): Owed[] {
  const rhythm = task.data.every as string;
  // First sight starts the count; what was missed before that was never promised.
  if (!status || everyFault(rhythm)) return [];
  if (wasIdle(status)) return [];
  const after = new Date(status.data.last_due ?? status.data.seen);
  const missed = dueBetween(rhythm, zone, after, now, catch_up_limit);
  const kept = task.data.catch_up === "all" ? missed : missed.slice(-1);
  const timely =
    task.data.catch_up === "skip" ? kept.filter((at) => now.getTime() - at.getTime() <= 2000 * every) : kept;
  return timely.map((at) => ({ occurrence: at.toISOString(), due: at, requested_by: "schedule" }));
}

/** It was paused, a draft or cancelled when last folded: that time is not owed afterwards. */
export const wasIdle = (status: Entry<"status"> | undefined) =>
  status !== undefined &&
  status.data.held === undefined &&
  ["paused", "draft", "cancelled"].includes(status.data.state);

const known = (status: Entry<"status"> | undefined, occurrence: string) =>
  status?.data.last_occurrence === occurrence ||
  (status?.data.jobs.some((job) => job.occurrence === occurrence) ?? false);

/** The instant at which the task is next owed a run (in the past: it is owed now), or null. */
export function nextOwed(
  task: Entry<"task">,
  lastDue: string | undefined,
  seen: string,
  zone: string,
  now: Date,
): Date | null {
  if (task.data.every !== undefined)
    return everyFault(task.data.every) ? null : nextDue(task.data.every, zone, new Date(lastDue ?? seen));
  return task.data.due !== undefined && new Date(task.data.due) > now ? new Date(task.data.due) : null;
}
