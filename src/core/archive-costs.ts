// What archived jobs cost, as small rows beside their archive: the months on the dashboard need no record of them.
import { z } from "zod";
import { type CostRow, costRow, costsBy } from "./costs.ts";
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

const exact = (value: number) => Math.round(value * 1e6) / 1e6;

/** Rows of one side, out of those of a month. */
export function archivedRows(costs: readonly ArchivedCost[], side: ArchivedCost[1]): CostRow[] {
  return costs
    .filter(([, by]) => by === side)
    .map(([, , name, runs, accepted, usd, list_usd, tokens, minutes]) => {
      const each = accepted === 0 ? null : exact(usd / accepted);
      return { name, runs, accepted, usd, usd_per_accepted: each, list_usd, tokens, minutes, reserved_usd: 0 };
    });
}

/** Rows of the same name put together, in the order of `costsBy`. */
export function mergedRows(rows: readonly CostRow[]): CostRow[] {
  const merged = [...Map.groupBy(rows, ({ name }) => name)].map(([name, list]): CostRow => {
    if (list.length === 1) return list[0] as CostRow;
    const total = (of: (row: CostRow) => number) => exact(list.reduce((all, row) => all + of(row), 0));
    const [accepted, usd] = [total((row) => row.accepted), total((row) => row.usd)];
    return {
      name,
      runs: total((row) => row.runs),
      accepted,
      usd,
      usd_per_accepted: accepted === 0 ? null : exact(usd / accepted),
      list_usd: total((row) => row.list_usd),
      tokens: total((row) => row.tokens),
      minutes: total((row) => row.minutes),
      reserved_usd: total((row) => row.reserved_usd),
    };
  });
  return merged.sort(
    (a, b) => b.usd - a.usd || b.list_usd - a.list_usd || b.runs - a.runs || (a.name < b.name ? -1 : 1),
  );
}
