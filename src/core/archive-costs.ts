// What archived jobs cost, as small rows beside their archive: the months on the dashboard need no record of them.
import { z } from "zod";
import { type CostRow, costRow, costsBy, rowOf } from "./costs.ts";
import { localDay } from "./due.ts";
import type { Entry } from "./entry.ts";
import { expensesOf } from "./spent.ts";

const sides = ["task", "agent", "host", "rule", "requester"] as const;
export type Side = (typeof sides)[number];
const sum = z.number().nonnegative();

/** Month, `all` or of which side, name; then runs, good ones, dollars, dollars by list price, tokens, minutes. */
export const archived_cost = z.tuple([
  z.string().regex(/^\d{4}-\d\d$/),
  z.enum(["all", ...sides]),
  z.string(),
  ...([sum, sum, sum, sum, sum, sum] as const),
]);
export type ArchivedCost = z.infer<typeof archived_cost>;

export function costsOf(jobs: readonly Entry<"job">[], zone: string): ArchivedCost[] {
  const months = new Map<number, string>();
  // Asking a zone for its day is slow, and clocks differ from UTC by whole quarters of an hour.
  const monthOf = (at: string) => {
    const quarter = Math.floor(Date.parse(at) / 900_000);
    const month = months.get(quarter) ?? localDay(zone, new Date(at)).day.slice(0, 7);
    months.set(quarter, month);
    return month;
  };
  const expenses = Map.groupBy(jobs.flatMap(expensesOf), ({ at }) => monthOf(at));
  return [...expenses]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([month, list]) => [
      lineOf(month, "all", costRow("", list)),
      ...sides.flatMap((by) => {
        const some = by === "rule" ? list.filter((one) => one.rule !== undefined) : list;
        return costsBy(some, by, zone).map((row) => lineOf(month, by, row));
      }),
    ]);
}

const lineOf = (month: string, by: ArchivedCost[1], row: CostRow): ArchivedCost => [
  month,
  by,
  row.name,
  row.runs,
  row.accepted,
  row.usd,
  row.list_usd,
  row.tokens,
  row.minutes,
];

/** Rows of one side, out of those of a month. */
export const archivedRows = (costs: readonly ArchivedCost[], side: ArchivedCost[1]): CostRow[] =>
  costs
    .filter(([, by]) => by === side)
    .map(([, , name, runs, accepted, usd, list_usd, tokens, minutes]) =>
      rowOf(name, { runs, accepted, usd, list_usd, tokens, minutes, reserved_usd: 0 }),
    );
