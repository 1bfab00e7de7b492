// Accounts that have reached their own limit: whatever is charged to them waits until the time that was told.
import type { Outcome } from "../ports.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { raise } from "./raise.ts";
import type { State } from "./state.ts";
import { oneLine } from "./text.ts";

const hour = 3_600_000;
/** Whoever says more must not stop an agent for ever: a limit that is longer is met once more. */
const longest = 8 * 24 * hour;
const shortest = 60_000;

/** An agent that names no account has one of its own. */
export const accountOf = ({ id, data }: Entry<"agent">) => data.account ?? `agent ${id}`;

const rowOf = (state: State, account: string) =>
  state.levels.find((row) => row.source === "towline" && row.family === "account" && row.subject === account);

/** The time until which nothing is started on that account, or null. */
export function pausedUntil(state: State, account: string, now: Date): string | null {
  const until = rowOf(state, account)?.state;
  return until !== undefined && Date.parse(until) > now.getTime() ? until : null;
}

/** When a limit ends that a run met: what the tool told of it, within reason; an hour from now where it told nothing. */
export function limitEnds({ until }: NonNullable<Outcome["limited"]>, now: Date): string {
  const told = Date.parse(until ?? "");
  const at = Number.isNaN(told) ? now.getTime() + hour : told;
  return new Date(Math.min(Math.max(at, now.getTime() + shortest), now.getTime() + longest)).toISOString();
}

/** One pupdate for each limit, however many runs met it. */
export function raiseLimited(draft: Draft, account: string, until: string, said: string): void {
  const known = pausedUntil(draft, account, draft.now);
  if (known !== null && known >= until) return;
  // Without a word of when it ends, each run that was under way would be news of its own.
  if (known !== null && Date.parse(until) - Date.parse(known) < hour) return void prolong(draft, account, until);
  const agents = [...draft.agents.values()].filter((agent) => accountOf(agent) === account).map(({ id }) => id);
  raise(draft, {
    source: "towline",
    subject: account,
    family: "account",
    kind: "account.limited",
    state: until,
    title: `${account} has reached its limit; nothing is started on it until ${until}`,
    data: { account, until, agents: agents.sort(), said: oneLine(said) },
  });
}

function prolong(draft: Draft, account: string, until: string): void {
  const row = rowOf(draft, account);
  draft.levels = draft.levels.map((one) => (one === row ? { ...one, state: until } : one));
}
