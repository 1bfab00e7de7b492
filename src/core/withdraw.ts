// Runs that nobody wants any more: who said so, and what becomes of those that are not running.
import { end } from "./claim.ts";
import type { Draft } from "./draft.ts";
import { putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { type Stop, stopOf } from "./gate.ts";
import { isAtRest, isLive, isOver } from "./jobs.ts";
import { raiseJob } from "./raise.ts";
import type { State } from "./state.ts";
import { chosen } from "./stuck.ts";

/** Who no longer wants this run, in words for its record; null: it is wanted. STOP.md only holds back what has not begun. */
export function unwanted(state: State, job: Entry<"job">): string | null {
  const { cancel, occurrence } = job.data.run;
  if (cancel) return `asked for by ${cancel.by} at ${cancel.at}`;
  if (chosen(state, job) === "give up") return "it had gone quiet, and its memo was answered with `give up`";
  const task = state.tasks.get(job.data.task);
  if (task?.data.status === "cancelled") return `${task.path} says \`status: cancelled\``;
  return task && replaced(task, occurrence) ? `${task.path} says \`run: ${task.data.run}\`, a new run` : null;
}

/** Why a run is ended whose job goes on. */
export const startedAnew = "it had gone quiet, and its memo was answered with `retry`";

/** The same for a run that has begun: STOP.md with `cancel: true` ends those, too. */
export function withdrawn(state: State, job: Entry<"job">, now: Date): string | null {
  const stop = stopOf(state, now);
  const ends = unwanted(state, job) ?? (stop?.cancel ? saysCancel(state, stop) : null);
  return ends ?? (chosen(state, job) === "retry" ? startedAnew : null);
}

const saysCancel = ({ stop }: State, { words }: Stop) =>
  stop?.data.cancel ? "STOP.md says `cancel: true`" : `${words} ends what runs`;

/** A higher `run:` asks for a new run in place of this one. What a schedule started is not replaced by one on demand. */
function replaced({ data }: Entry<"task">, occurrence: string): boolean {
  if (data.run === undefined) return false;
  const asked = /^run-(\d+)$/.exec(occurrence)?.[1];
  if (asked !== undefined) return data.run > Number(asked);
  return data.every === undefined && data.run > (data.born_of === undefined ? 0 : 1);
}

/** Open jobs that no host is at work on end at once: released ones, and those that wait for another attempt. */
export function withdraw(draft: Draft): void {
  for (const job of [...draft.jobs.values()]) {
    if (isOver(job) || isLive(job)) continue;
    const why = unwanted(draft, job);
    if (why === null) continue;
    const { state } = job.data;
    const when =
      state === "asking" ? "while it waited for an answer" : isAtRest(job) ? "while its work waited" : "before it ran";
    const ended = end(job, "cancelled", `cancelled ${when}: ${why}`);
    putJob(draft, ended);
    raiseJob(draft, ended, "job.cancelled", why);
  }
}
