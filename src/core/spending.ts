// What work that is due asks of accounts and limits, and what holds it back there.
import { accountOf, pausedUntil } from "./account.ts";
import type { Purse, Shortage, Want } from "./budget.ts";
import { deadlineOf } from "./claim.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import type { Candidate, Hold } from "./gate.ts";
import type { Obstacle } from "./place.ts";
import { runSpent } from "./spent.ts";
import type { State } from "./state.ts";

/** What a candidate asks of the limits. */
export const wantOf = (draft: State, { task, run, agent }: Pick<Candidate, "task" | "run" | "agent">): Want => ({
  task,
  agent,
  requester: run.requested_by,
  deadline: deadlineOf(draft, task, agent),
});

/** What a job asks of them that is claimed again. */
export const wantAgain = (draft: State, job: Entry<"job">, task: Entry<"task">, agent: Entry<"agent">): Want => ({
  task,
  agent,
  requester: job.data.run.requested_by ?? "",
  deadline: deadlineOf(draft, task, agent, job),
  job,
});

/** What a host's own limits say, for the question where work may go. */
export const onHost =
  (purse: Purse, want: Want) =>
  (host: string): Obstacle | null => {
    const short = purse.shortOn(want, host);
    if (short === null) return null;
    if (short.until === null) return short.unread ? { wait: short.reason } : { blocked: short.reason };
    return { wait: short.reason, until: short.until };
  };

/** Why no money, time or account is there for this work, or null. */
export function spendingHold(draft: Draft, purse: Purse, want: Want): Hold | null {
  const account = accountOf(want.agent);
  const until = pausedUntil(draft, account, draft.now);
  if (until !== null)
    return {
      state: "blocked",
      on: "account",
      reason: `${account} has reached its own limit; work on it goes on at ${until}`,
      person: false,
      until: new Date(until),
    };
  const never = runSpent(draft, want);
  if (never !== null) return { state: "blocked", on: "budget", reason: never, person: true };
  return heldBy(purse.short(want));
}

function heldBy(short: Shortage | null): Hold | null {
  if (short === null) return null;
  const { reason, until, limit } = short;
  return {
    state: "blocked",
    on: "budget",
    reason,
    person: until === null && !short.unread,
    ...(until === null ? {} : { until }),
    ...(limit === null ? {} : { limit }),
  };
}
