// What was spent, out of the job records of a pair of commits: read only where a limit asks for it, each record once.
import { draftOf } from "../core/draft.ts";
import { type Entry, idOf } from "../core/entry.ts";
import { allFrom, dueFrom, jobFolders, readExpenses } from "../core/look-back.ts";
import type { Expense, Spent } from "../core/spent.ts";
import { max_bytes } from "../core/split.ts";
import type { State } from "../core/state.ts";
import type { Repo, Tips } from "../ports.ts";
import { textOf } from "./pack-files.ts";

/** By blob: passes of one tick, and tries after a lost push, read what they have not read yet. */
const known = new WeakMap<Repo, Map<string, Expense[] | null>>();

interface Look {
  now: Date;
  runtimes: ReadonlySet<string>;
  /** Tasks that are no records yet. */
  tasks?: Entry<"task">[];
  /** For every limit there is: results that came in may have reached any of them. */
  all?: boolean;
}

/** Adds to the state what its limits must know, where any of them is asked. `tips`: where jobs are recorded. */
export async function addSpent(
  repo: Repo,
  state: State,
  { now, runtimes, tasks = [], all }: Look,
  tips = state.tips,
): Promise<void> {
  const draft = draftOf(state, now, "look");
  for (const task of tasks) draft.tasks.set(task.id, task);
  const from = all ? allFrom(draft) : dueFrom(draft, runtimes);
  if (from !== null) state.spent = await spentSince(repo, tips, from, now);
}

/** What the records say of all jobs that were first claimed since then. */
export async function spentSince(repo: Repo, tips: Tips, from: Date, now: Date): Promise<Spent> {
  const spent: Spent = { from, expenses: new Map(), broken: [] };
  if (tips.ledger === null) return spent;
  const items = (await repo.tree(tips.ledger, jobFolders(from, now))).filter(({ path }) =>
    /^jobs\/[\d/]{10}\/[^/]+\.md$/.test(path),
  );
  const seen = known.get(repo) ?? new Map<string, Expense[] | null>();
  known.set(repo, seen);
  const blobs = await repo.blobs(
    [...new Set(items.map(({ blob }) => blob).filter((blob) => !seen.has(blob)))],
    max_bytes,
  );
  for (const { path, blob, mode } of items) {
    const bytes = blobs.get(blob);
    const text = bytes && mode.startsWith("100") ? textOf(bytes) : null;
    const told = seen.has(blob) ? (seen.get(blob) ?? null) : readExpenses(path, text);
    seen.set(blob, told);
    if (told === null) spent.broken.push(path);
    else spent.expenses.set(idOf(path), told);
  }
  return spent;
}
