// What work cost, summed up for people: by task, agent, host, day and so on, and for each run that came to a good end.
import { localDay } from "./due.ts";
import { amount, type Expense, nothing, plus, type Sum } from "./spent.ts";

export const groupings = ["task", "agent", "host", "account", "rule", "requester", "day", "month"] as const;
export type Grouping = (typeof groupings)[number];

export interface CostRow {
  /** Of the task, agent, …; `-` where there is none. */
  name: string;
  runs: number;
  /** Runs that brought their job to a good end. */
  accepted: number;
  usd: number;
  /** null: there is no such run. */
  usd_per_accepted: number | null;
  /** By the list price: a subscription pays it. */
  list_usd: number;
  tokens: number;
  minutes: number;
  /** Held back for runs that are under way. */
  reserved_usd: number;
}

/** Sums of money and time without the noise of binary fractions. */
const exact = (value: number) => Math.round(value * 1e6) / 1e6;

export function costRow(name: string, expenses: readonly Expense[]): CostRow {
  const sum = (of: (one: Expense) => Sum) => expenses.reduce<Sum>((all, one) => plus(all, of(one)), nothing);
  const spent = sum((one) => one.spent);
  return rowOf(name, {
    runs: spent.runs,
    accepted: expenses.filter((one) => one.accepted).length,
    usd: spent.usd,
    list_usd: expenses.reduce((all, one) => all + one.list, 0),
    tokens: spent.tokens,
    minutes: spent.minutes,
    reserved_usd: sum((one) => one.reserved).usd,
  });
}

/** A row of these sums. */
export function rowOf(name: string, sums: Omit<CostRow, "name" | "usd_per_accepted">): CostRow {
  const { runs, accepted, usd, list_usd, tokens, minutes, reserved_usd } = sums;
  const each = accepted === 0 ? null : exact(usd / accepted);
  return {
    ...{ name, runs, accepted, usd: exact(usd), usd_per_accepted: each, list_usd: exact(list_usd), tokens },
    ...{ minutes: exact(minutes), reserved_usd: exact(reserved_usd) },
  };
}

/** Rows of the same name put together, dearest first. */
export const mergedRows = (rows: readonly CostRow[]): CostRow[] =>
  [...Map.groupBy(rows, ({ name }) => name)]
    .map(([name, list]) => {
      const total = (key: Exclude<keyof CostRow, "name" | "usd_per_accepted">) =>
        list.reduce((all, row) => all + row[key], 0);
      return rowOf(name, {
        ...{ runs: total("runs"), accepted: total("accepted"), usd: total("usd"), list_usd: total("list_usd") },
        ...{ tokens: total("tokens"), minutes: total("minutes"), reserved_usd: total("reserved_usd") },
      });
    })
    .sort(dearestFirst);

/** Dearest first; days and months in order. Attempts that were under way when this was read are in `reserved_usd` only. */
export function costsBy(expenses: readonly Expense[], by: Grouping, zone: string): CostRow[] {
  const key = (one: Expense) =>
    by === "day" || by === "month"
      ? localDay(zone, new Date(one.at)).day.slice(0, by === "day" ? 10 : 7)
      : (one[by] ?? "-");
  const rows = [...Map.groupBy(expenses, key)].map(([name, list]) => costRow(name, list));
  return rows.sort(by === "day" || by === "month" ? byName : dearestFirst);
}

const byName = (a: CostRow, b: CostRow) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
const dearestFirst = (a: CostRow, b: CostRow) =>
  b.usd - a.usd || b.list_usd - a.list_usd || b.runs - a.runs || byName(a, b);

/** Aligned columns, for a terminal. Columns that hold nothing are left out. */
export function costTable(by: Grouping, rows: readonly CostRow[], total: CostRow): string[] {
  const all = [...rows, total];
  const some = (of: (row: CostRow) => number) => all.some((row) => of(row) > 0);
  const money = (value: number) => (value === 0 ? "-" : amount("usd", value));
  const columns: [string, (row: CostRow) => string][] = [
    [by, (row) => row.name],
    ["runs", (row) => String(row.runs)],
    ["good", (row) => String(row.accepted)],
    ["cost", (row) => money(row.usd)],
    ["a good run", (row) => money(row.usd_per_accepted ?? 0)],
  ];
  if (some((row) => row.list_usd)) columns.push(["list price", (row) => money(row.list_usd)]);
  if (some((row) => row.reserved_usd)) columns.push(["reserved", (row) => money(row.reserved_usd)]);
  if (some((row) => row.tokens)) columns.push(["tokens", (row) => String(row.tokens)]);
  columns.push(["minutes", (row) => row.minutes.toFixed(1)]);
  const lines = [columns.map(([head]) => head), ...all.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => (line[at] as string).length)));
  return lines.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number)))
      .join("  ")
      .trimEnd(),
  );
}
