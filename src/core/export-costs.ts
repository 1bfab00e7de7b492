// What each month cost, for the dashboard.
import { costRow, costsBy } from "./costs.ts";
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

/** Months in which something was paid, or is reserved, newest first. */
export function costRows(world: World): Exported<"costs">[] {
  const expenses = world.jobs.flatMap(expensesOf);
  const found = [...Map.groupBy(expenses, (one) => dayOf(world, one.at).slice(0, 7))];
  const newest = found.sort(([a], [b]) => (a < b ? 1 : -1)).slice(0, months);
  return newest.flatMap(([month, list]) => {
    const total = row(costRow(month, list));
    if (total.usd + total.list_usd + total.reserved_usd === 0) return [];
    const by = (what: "task" | "agent" | "host" | "rule" | "requester", of: Expense[]) =>
      costsBy(of, what, world.zone).slice(0, most_rows).map(row);
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
