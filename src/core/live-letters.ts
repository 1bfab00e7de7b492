// Messages for an agent that is at work, and whose session hears them while it is. First they are claimed for one run;
// only once that claim is won its host is told. What the run was not shown for certain is an unread message again.
import { type Draft, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { epochOf, isOver } from "./jobs.ts";
import { fresh, type LetterRow } from "./letters.ts";
import type { HostAnswer } from "./place.ts";
import type { State } from "./state.ts";
import { withdrawn } from "./withdraw.ts";

/** Runtimes with such sessions. */
const hearing: ReadonlySet<string> = new Set(["tmux"]);
/** Messages that one run is given, those at its start among them. */
const most = 20;

/** Claims what is unread for runs that hear it. Answers how many. */
export function claimForLive(draft: Draft, answers: ReadonlyMap<string, HostAnswer>): number {
  const unread = fresh(draft).filter((row) => isUnread(draft, row));
  if (unread.length === 0) return 0;
  const claimed = new Map<string, LetterRow>();
  for (const [agent, letters] of Map.groupBy(unread, ({ to }) => to)) {
    const job = [...draft.jobs.values()]
      .filter((one) => one.data.agent === agent && hears(draft, one, answers))
      .sort((a, b) => (a.id < b.id ? -1 : 1))[0];
    if (!job) continue;
    const room = most - draft.letters.filter(({ given }) => given === job.id).length;
    const mine = letters.slice(0, Math.max(0, room));
    for (const row of mine) claimed.set(row.id, { ...row, given: job.id, live: epochOf(job) });
    const depth = Math.max(job.data.run.depth ?? 0, ...mine.map((row) => row.depth));
    if (mine.length > 0) putJob(draft, { ...job, data: { ...job.data, run: { ...job.data.run, depth } } });
  }
  draft.letters = draft.letters.map((row) => claimed.get(row.id) ?? row);
  return claimed.size;
}

function isUnread(draft: Draft, { given }: LetterRow): boolean {
  const holder = given === undefined ? undefined : draft.jobs.get(given);
  return holder === undefined || isOver(holder);
}

function hears(draft: Draft, job: Entry<"job">, answers: ReadonlyMap<string, HostAnswer>): boolean {
  if (job.data.state !== "started" || !hearing.has(job.data.run.runtime ?? "")) return false;
  const answer = answers.get(job.data.host ?? "");
  if (!answer || "fault" in answer || withdrawn(draft, job, draft.now) !== null) return false;
  return answer.facts.held.some(
    (held) => held.job === job.id && held.epoch === epochOf(job) && held.state === "running" && held.hears === true,
  );
}

/** What is claimed for the run of this job that counts now, and not known to have been shown. */
export const claimedFor = ({ letters }: State, job: Entry<"job">): LetterRow[] =>
  letters.filter(({ given, live }) => given === job.id && live === epochOf(job));

/** What runs were shown is theirs, as if they had been started with it. */
export function settleShown(draft: Draft, shown: ReadonlySet<string>): void {
  if (shown.size > 0)
    draft.letters = draft.letters.map((row) => (shown.has(row.id) ? { ...row, live: undefined } : row));
}
