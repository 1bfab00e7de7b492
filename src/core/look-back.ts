// How far back records must be read before anything is decided. Where no limit over a time is asked: not at all.
import { applicable, bounds, type Limit, limitsOf } from "./budget.ts";
import { reclaimable } from "./claim.ts";
import type { Draft } from "./draft.ts";
import { parseEntry } from "./entry.ts";
import { agentOf, candidates } from "./gate.ts";
import { wantAgain, wantOf } from "./spending.ts";
import { type Expense, expensesOf } from "./spent.ts";

/** The time from which on all that was spent must be known; null: nothing that is due is limited. */
export function dueFrom(draft: Draft, runtimes: ReadonlySet<string>): Date | null {
  const limits = limitsOf(draft);
  if (limits.length === 0) return null;
  // As if nothing had been spent: what is held back by something else needs no look.
  const { ready } = candidates({ ...draft, spent: { from: new Date(0), expenses: new Map(), broken: [] } }, runtimes);
  const again = reclaimable(draft).flatMap((job) => {
    const task = draft.tasks.get(job.data.task);
    const agent = task && agentOf(draft, task);
    return agent ? [wantAgain(draft, job, task, agent)] : [];
  });
  const wants = [...ready.map((one) => wantOf(draft, one)), ...again];
  return since(
    draft,
    limits.filter((limit) => wants.some((want) => applicable(limit, want))),
  );
}

/** The same for all limits that there are: what has just ended may have reached one. */
export const allFrom = (draft: Draft): Date | null => since(draft, limitsOf(draft));

function since({ settings: { zone }, now }: Draft, limits: Limit[]): Date | null {
  if (limits.length === 0) return null;
  const period = limits.some((limit) => limit.period === "month") ? "month" : "day";
  return bounds(period, zone, now).from;
}

/** Folders of the job records that were first claimed since then. */
export function jobFolders(from: Date, now: Date): string[] {
  const first = Math.floor(from.getTime() / 86_400_000);
  const last = Math.floor(now.getTime() / 86_400_000);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const day = new Date((first + index) * 86_400_000).toISOString().slice(0, 10);
    return `jobs/${day.replaceAll("-", "/")}`;
  });
}

/** What one record tells; null: it cannot be read. */
export function readExpenses(path: string, text: string | null): Expense[] | null {
  const entry = text === null ? null : parseEntry(path, "job", text).entry;
  return entry && expensesOf(entry);
}
