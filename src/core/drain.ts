// What is still open on a machine that is to be taken out of service.

import { isLive } from "./jobs.ts";
import type { HostAnswer } from "./place.ts";
import type { State } from "./state.ts";

export interface StillOpen {
  job: string;
  /** In words: where it is known from. */
  state: string;
}

export interface Drained {
  /** The records that ticks read say that it takes no work. */
  cordoned: boolean;
  /** It runs, or its answer was not collected by a tick yet. */
  open: StillOpen[];
  /** Answers of unrecorded dispatches that the machine still keeps. */
  left: number;
  /** Why the machine cannot be asked; null: it was. */
  silent: string | null;
}

/** `state`: as origin has it. */
export function drainOf(state: State, host: string, answer: HostAnswer): Drained {
  const record = state.hosts.get(host);
  const held = "facts" in answer ? answer.facts.held : [];
  const open = new Map<string, StillOpen>();
  for (const job of state.jobs.values())
    if (job.data.host === host && isLive(job))
      open.set(job.id, {
        job: job.id,
        state: held.some((one) => one.job === job.id && one.state !== "running")
          ? "has ended; the next tick collects it"
          : job.data.state === "started"
            ? "runs"
            : job.data.state,
      });
  for (const { job, state: how } of held)
    if (how === "running" && !open.has(job)) open.set(job, { job, state: "runs, not in the ledger" });
  const left = held.filter(({ job, state: how, day }) => how !== "running" && day === "" && !open.has(job)).length;
  return {
    cordoned: record === undefined || record.data.off === true || Boolean(record.data.cordon),
    open: [...open.values()].sort((a, b) => (a.job < b.job ? -1 : 1)),
    left,
    silent: "fault" in answer ? answer.message : null,
  };
}
