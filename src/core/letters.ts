// Messages from agent to agent. They wait in the ledger until the one they are for is started, and are gone once a run
// that was given them has come to its result.
import type { Letter } from "../ports.ts";
import { type Draft, isoNow, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { digest } from "./hash.ts";
import { isOver } from "./jobs.ts";
import type { Message } from "./schema.ts";

export const letters_path = "state/letters.ndjson";

/** A line of state/letters.ndjson. */
export interface LetterRow {
  id: string;
  from: string;
  to: string;
  /** The job that sent it. */
  job: string;
  at: string;
  /** Messages that this one answers, one upon another: where agents only answer each other, somebody must stop. */
  depth: number;
  text: string;
  /** The job that it was given to. */
  given?: string;
  /** The epoch of that job whose running session it is for, as long as it is not known to have been shown there. */
  live?: number;
}

const deepest = 6;
const most_waiting = 50;
const most_rows = 500;
const life = 14 * 86_400_000;

/** Takes what the job's agent tells others. Answers, a line each, what could not be taken. */
export function post(draft: Draft, job: Entry<"job">, messages: Message[]): string[] {
  const depth = (job.data.run.depth ?? 0) + 1;
  const refused: string[] = [];
  draft.letters = fresh(draft);
  for (const [at, { to = "", text }] of messages.filter(({ verb }) => verb === "tell").entries()) {
    const why = obstacle(draft, to, depth);
    if (why === null) {
      const id = digest(job.id, String(job.data.run.epoch), String(at)).slice(0, 16);
      const row = { id, from: job.data.agent ?? "", to, job: job.id, at: isoNow(draft), depth, text };
      draft.letters = [...draft.letters, row];
    } else refused.push(`the message for ${to} was not taken: ${why}`);
  }
  return refused;
}

function obstacle(draft: Draft, to: string, depth: number): string | null {
  if (!draft.agents.has(to)) return "there is no such agent";
  if (depth > deepest) return `it is the ${depth}th answer to an answer: a person must step in`;
  if (draft.letters.filter((row) => row.to === to).length >= most_waiting) return `${most_waiting} wait for it already`;
  return draft.letters.length < most_rows ? null : "too many messages wait";
}

export const fresh = (draft: Draft) => draft.letters.filter((row) => draft.now.getTime() - Date.parse(row.at) < life);

/** Gives a job that is about to start what waits for its agent: also what a run was given that never came to a result. */
export function deliver(draft: Draft, job: Entry<"job">): Letter[] {
  const mine = fresh(draft).filter(({ to, given }) => to === job.data.agent && free(draft, job, given));
  if (mine.length === 0) return [];
  const ids = new Set(mine.map((row) => row.id));
  draft.letters = draft.letters.map((row) => (ids.has(row.id) ? { ...row, given: job.id, live: undefined } : row));
  const depth = Math.max(...mine.map((row) => row.depth));
  putJob(draft, { ...job, data: { ...job.data, run: { ...job.data.run, depth } } });
  return mine.map(({ from, at, text }) => ({ from, at, text }));
}

function free(draft: Draft, job: Entry<"job">, given: string | undefined): boolean {
  const holder = given === undefined || given === job.id ? undefined : draft.jobs.get(given);
  return holder === undefined || isOver(holder);
}

/** A job came to its result: what it was given was heard. What it may not have been shown waits for another. */
export function heard(draft: Draft, job: string): void {
  if (!draft.letters.some((row) => row.given === job)) return;
  const kept = draft.letters.filter((row) => row.given !== job || row.live !== undefined);
  draft.letters = kept.map((row) => (row.given === job ? { ...row, given: undefined, live: undefined } : row));
}
