// What each month cost, for the dashboard.
import { type ArchivedCost, archivedRows, type Side } from "./archive-costs.ts";
import { type CostRow, costRow, costsBy, mergedRows } from "./costs.ts";
import { dayOf, type World } from "./export-world.ts";
import type { Exported } from "./exported.ts";
import { type Expense, expensesOf } from "./spent.ts";

const months = 12;
const most_rows = 20;

type Row = Exported<"costs">["total"];
const row = ({ usd_per_accepted, ...one }: ReturnType<typeof costRow>): Row => ({
  ...one,
  usd_per_accepted: usd_per_accepted ?? undefined,
});

/** Months in which something was paid, or is reserved, newest first. `older`: of archives that were not opened. */
export function costRows(world: World, older: readonly ArchivedCost[] = []): Exported<"costs">[] {
  const expenses = Map.groupBy(world.jobs.flatMap(expensesOf), (one) => dayOf(world, one.at).slice(0, 7));
  const archived = Map.groupBy(older, ([month]) => month);
  const newest = [...new Set([...expenses.keys(), ...archived.keys()])].sort().reverse().slice(0, months);
  return newest.flatMap((month) => {
    const [list, past] = [expenses.get(month) ?? [], archived.get(month) ?? []];
    const all = archivedRows(past, "all").map((one) => ({ ...one, name: month }));
    const total = row(mergedRows([...(list.length > 0 ? [costRow(month, list)] : []), ...all])[0] as CostRow);
    if (total.usd + total.list_usd + total.reserved_usd === 0) return [];
    const by = (what: Side, of: Expense[]) =>
      mergedRows([...costsBy(of, what, world.zone), ...archivedRows(past, what)])
        .slice(0, most_rows)
        .map(row);
    const ruled = list.filter((one) => one.rule !== undefined);
    return [
      {
        id: month,
        total,
        by: {
          task: by("task", list),
          agent: by("agent", list),
          host: by("host", list),
          rule: by("rule", ruled),
          requester: by("requester", list),
        },
      },
    ];
  });
}

const days = 60;

/** Days that cost something, newest first: by the day of the claim, as limits count them. */
export function spendingRows(world: World): Exported<"spending">[] {
  const expenses = world.jobs.flatMap(expensesOf);
  return costsBy(expenses, "day", world.zone)
    .filter((one) => one.usd + one.list_usd > 0)
    .slice(-days)
    .reverse()
    .map(({ name, runs, accepted, usd, list_usd, tokens }) => ({ id: name, runs, accepted, usd, list_usd, tokens }));
}
