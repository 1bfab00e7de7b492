// How reflections are spread over pages: the newest on one, each day on its own.
import type { Exported } from "../../src/core/exported.ts";
import { folderOf } from "./folder.ts";
import { page } from "./link.ts";

type Row = Exported<"reflections">;

/** The first page shows whole days until it has this many, and never more than the second number. */
const enough = 60;
const most = 150;
/** A day's page shows so many with their text; of the others their titles. */
export const most_a_day = 300;
/** A list of one domain, outcome, agent or host. */
export const most_in_list = 200;

export const byDay = (rows: readonly Row[]): [string, Row[]][] => [...Map.groupBy(rows, (row) => row.day)];

export function newestDays(rows: readonly Row[]): [string, Row[]][] {
  const days: [string, Row[]][] = [];
  let shown = 0;
  for (const [day, list] of byDay(rows)) {
    if (shown >= enough) break;
    days.push([day, list.slice(0, most - shown)]);
    shown += list.length;
  }
  return days;
}

export const dayPage = (day: string) => page(`reflections/${day}/`);
/** `domain/INFRA` → where its list stands. */
export const listPage = (id: string) => page(`reflections/${folderOf(id)}/`);
