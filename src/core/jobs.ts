// The life of a job, in one table, and what follows from a state.
import type { Entry } from "./entry.ts";
import type { JobState } from "./schema.ts";

/** What the result of a run may make of its job. */
const results = [
  "finished",
  "failed",
  "timeout",
  "empty",
  "lost",
  "cancelled",
  "asking",
  "review",
  "reworking",
] as const satisfies readonly JobState[];

/** From → the states that may follow. Anything else is illegal, for towline and for people. */
export const transitions: Record<JobState, readonly JobState[]> = {
  claimed: ["claimed", "started", ...results, "released", "unknown"],
  started: [...results, "unknown"],
  unknown: ["started", ...results, "claimed"],
  asking: ["claimed", "cancelled", "finished", "failed"],
  review: ["reworking", "finished", "cancelled"],
  reworking: ["claimed", "review", "finished", "failed", "cancelled"],
  released: ["claimed", "cancelled", "failed"],
  failed: ["claimed", "cancelled"],
  timeout: ["claimed", "cancelled"],
  empty: ["claimed", "cancelled"],
  lost: ["claimed", "finished", "failed", "timeout", "empty", "cancelled", "review", "reworking"],
  finished: [],
  cancelled: [],
};

const ended: ReadonlySet<JobState> = new Set(["finished", "failed", "timeout", "empty", "lost", "cancelled"]);

/** Nothing more will come of it by itself. */
export const isOver = (job: Entry<"job">) => ended.has(job.data.state) && job.data.run.retry_at === undefined;
/** It holds a host: its agent may be running. */
export const isLive = (job: Entry<"job">) =>
  job.data.state === "claimed" || job.data.state === "started" || job.data.state === "unknown";

/** Its last run was collected and the job is not over: it waits for people, or for a host to go on on. */
export const isAtRest = ({ data }: Entry<"job">) =>
  data.state === "asking" || data.state === "review" || data.state === "reworking";

/** The epoch whose result counts. */
export const epochOf = (job: Entry<"job">) => job.data.run.started_epoch ?? job.data.run.epoch;

export const glyphs: Record<string, string> = {
  draft: "○",
  queued: "○",
  running: "●",
  waiting: "◆",
  review: "◆",
  done: "✓",
  failed: "✕",
  lost: "?",
  blocked: "‖",
  paused: "‖",
  cancelled: "–",
  claimed: "●",
  started: "●",
  finished: "✓",
  timeout: "◐",
  empty: "✕",
  released: "○",
  asking: "◆",
  reworking: "●",
  unknown: "?",
};

/** Open jobs of each task, in id order. */
export function jobsByTask(jobs: Iterable<Entry<"job">>): Map<string, Entry<"job">[]> {
  const found = new Map<string, Entry<"job">[]>();
  for (const job of [...jobs].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const list = found.get(job.data.task);
    if (list) list.push(job);
    else found.set(job.data.task, [job]);
  }
  return found;
}
