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
  const after = new Date(status.data.last_due ?? status.data.seen);
  const missed = dueBetween(rhythm, zone, after, now, catch_up_limit);
  const kept = task.data.catch_up === "all" ? missed : missed.slice(-1);
  const timely =
    task.data.catch_up === "skip" ? kept.filter((at) => now.getTime() - at.getTime() <= 2000 * every) : kept;
  return timely.map((at) => ({ occurrence: at.toISOString(), due: at, requested_by: "schedule" }));
}

const known = (status: Entry<"status"> | undefined, occurrence: string) =>
  status?.data.last_occurrence === occurrence ||
  (status?.data.jobs.some((job) => job.occurrence === occurrence) ?? false);

/** The next instant at which the task will be owed a run, or null. */
export function nextOwed(
  task: Entry<"task">,
  lastDue: string | undefined,
  seen: string,
  zone: string,
  now: Date,
): Date | null {
  if (task.data.every !== undefined) {
    if (everyFault(task.data.every)) return null;
    const after = new Date(lastDue ?? seen);
    const next = nextDue(task.data.every, zone, after);
    return next && next <= now && task.data.catch_up !== "all" ? nextDue(task.data.every, zone, now) : next;
  }
  return task.data.due !== undefined && new Date(task.data.due) > now ? new Date(task.data.due) : null;
}
