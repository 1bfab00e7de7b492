// Which archives the dashboard opens: those of what it lists. Of older ones it says what their indexes say, and no more.
import type { ArchivedCost } from "./archive-costs.ts";
import type { Shelf } from "./archive-index.ts";

/** Older records that have a line on the site; those before them are at the forge only. */
export const most_listed = 150_000;
/** What other lists hold, as far as archives may have to fill them. */
const enough = { pupdates: 500, memos: 200, queue: 500 };

/** What closed archives hold. */
export interface Older {
  /** By the day of their paths, which is UTC's. `marks`: what the archives are, as git names them. */
  days: Map<string, { reflections: number; jobs: number; marks: string[] }>;
  /** Reflections by outcome. */
  outcomes: Map<string, number>;
  costs: ArchivedCost[];
}

/** Files of its own kind that lie in the ledger's folders. */
export type Recent = Record<"history" | "pupdates" | "memos" | "queue", number>;

const kindIn = ({ file }: Shelf) => file.split("/")[1] as string;
/** No day in the path: the first of its month. */
const dayIn = ({ file }: Shelf) => file.slice(file.indexOf("/", 8) + 1, -".ndjson".length).replace(/-\d+$/, "");
const isHistory = (shelf: Shelf) => ["jobs", "reflections"].includes(kindIn(shelf));

const newestFirst = (shelves: readonly Shelf[]) =>
  [...Map.groupBy(shelves, dayIn)].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, some]) => some);

/** An archive whose index is not its own is opened, however old: what it holds is not known otherwise. */
export function windowOf(shelves: readonly Shelf[], recent: Recent): { open: string[]; older: Older } {
  const open: string[] = [];
  const older: Older = { days: new Map(), outcomes: new Map(), costs: [] };
  let listed = recent.history;
  for (const some of newestFirst(shelves.filter(isHistory))) {
    const full = listed >= most_listed;
    for (const shelf of some) {
      if (!full || shelf.index === null) open.push(shelf.file);
      else close(older, shelf);
      listed += shelf.index?.records ?? 0;
    }
  }
  for (const kind of ["pupdates", "memos", "queue"] as const) {
    let n = recent[kind];
    for (const some of newestFirst(shelves.filter((one) => kindIn(one) === kind))) {
      if (n >= enough[kind]) break;
      open.push(...some.map(({ file }) => file));
      n += some.reduce((sum, { index }) => sum + (index?.records ?? 1), 0);
    }
  }
  return { open, older };
}

function close(older: Older, shelf: Shelf): void {
  const day = dayIn(shelf).replaceAll("/", "-").replace(/-00$/, "-01");
  const row = older.days.get(day) ?? { reflections: 0, jobs: 0, marks: [] };
  older.days.set(day, row);
  row[kindIn(shelf) as "jobs" | "reflections"] += shelf.index?.records ?? 0;
  row.marks.push(shelf.blob);
  for (const [outcome, n] of Object.entries(shelf.index?.outcomes ?? {}))
    older.outcomes.set(outcome, (older.outcomes.get(outcome) ?? 0) + n);
  older.costs.push(...(shelf.index?.costs ?? []));
}
