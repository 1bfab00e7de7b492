import { type Command, Option } from "commander";
import { bounds, purseOf } from "../core/budget.ts";
import { type CostRow, costRow, costsBy, costTable, type Grouping, groupings } from "../core/costs.ts";
import { draftOf } from "../core/draft.ts";
import { allFrom } from "../core/look-back.ts";
import { instantOf } from "../core/reflection-query.ts";
import { amount, expensesIn, part, type Unit } from "../core/spent.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import { openLocal } from "../shell/pack.ts";
import { readWorkTree } from "../shell/read.ts";
import { spentSince } from "../shell/spent.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface CostFlags extends Common {
  by: Grouping;
  since?: string;
}

interface Limited {
  limit: string;
  path: string;
  unit: Unit;
  most: number;
  spent: number;
  reserved: number;
  frees: string;
}

interface Costs {
  since: string;
  by: Grouping;
  rows: CostRow[];
  total: CostRow;
  limits: Limited[];
  /** Job records that cannot be read: what they say is not in the sums. */
  broken: string[];
}

/** Adds `towline costs`: what runs cost, and how much of the limits is left. Reads this clone, no network. */
export function costs(program: Command, wire: Wire): void {
  program
    .command("costs")
    .description("what runs cost, by task, agent, host or day, and what is left of the limits (from this clone)")
    .option("--repo <dir>", "the pack repository", ".")
    .addOption(new Option("--by <what>", "sum up by this").choices(groupings).default("task"))
    .option("--since <when>", "an ISO time, a day, today, or a duration back from now like 7d (default: this month)")
    .option("--json", "print the sums as JSON")
    .action(async (flags: CostFlags) => {
      const found = await costsOf(wire, flags);
      for (const path of found.broken) wire.report.warning(`${path} cannot be read: what it cost is not in the sums`);
      wire.out(flags.json ? `${JSON.stringify(found, null, 2)}\n` : `${lines(found).join("\n")}\n`);
    });
}

async function costsOf(wire: Wire, flags: CostFlags): Promise<Costs> {
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  const state = await readWorkTree(repo, top, tips);
  const { zone } = state.settings;
  const now = wire.clock.now();
  const from =
    flags.since === undefined ? bounds("month", zone, now).from.getTime() : instantOf(flags.since, zone, now);
  if (from === null)
    throw usage(`--since ${flags.since} cannot be read`, "write an ISO time, a day, today, or a duration like 7d");
  const limited = allFrom(draftOf(state, now, "costs"))?.getTime() ?? from;
  state.spent = await spentSince(repo, tips, new Date(Math.min(from, limited)), now);
  const expenses = expensesIn(state).filter(({ at }) => Date.parse(at) >= from);
  return {
    since: new Date(from).toISOString(),
    by: flags.by,
    rows: costsBy(expenses, flags.by, zone),
    total: costRow("all", expenses),
    limits: limitsNow(state, now),
    broken: state.spent.broken,
  };
}

function limitsNow(state: State, now: Date): Limited[] {
  const { zone } = state.settings;
  return purseOf(draftOf(state, now, "costs"))
    .totals()
    .map(({ limit, spent, reserved }) => ({
      limit: limit.id,
      path: limit.path,
      unit: limit.unit,
      most: limit.most,
      spent,
      reserved,
      frees: bounds(limit.period, zone, now).to.toISOString(),
    }));
}

function lines({ since, by, rows, total, limits }: Costs): string[] {
  const from = since.slice(0, 16);
  const short = rows.map((row) => ({ ...row, name: oneLine(row.name, 48) }));
  const sums =
    rows.length === 0
      ? [`No run since ${from}Z. \`--since 90d\` looks further back.`]
      : [`since ${from}Z`, ...costTable(by, short, total)];
  return [...sums, ...(limits.length > 0 ? ["", ...limits.map(limitLine)] : [])];
}

function limitLine({ limit, path, unit, most, spent, reserved, frees }: Limited): string {
  const held = reserved > 0 ? `, ${amount(unit, reserved)} reserved` : "";
  const glyph = spent + reserved >= most ? "‖" : "○";
  return `${glyph} ${limit}: ${part(unit, spent, most)} spent${held}; anew at ${frees.slice(0, 16)}Z (${path})`;
}
