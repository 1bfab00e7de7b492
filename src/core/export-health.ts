// Whether the pack is well: what it listens to, how late work is taken up, what the limits leave, and what it did day by day.
import { bounds, type Limit, limitsOf } from "./budget.ts";
import { dayOf, instant, of, type World } from "./export-world.ts";
import type { Exported } from "./exported.ts";
import { pluginNames, pluginSource } from "./plugins.ts";
import type { Settings } from "./schema.ts";
import { type Expense, expensesOf, part } from "./spent.ts";
import type { LevelRow } from "./state.ts";

type Health = Exported<"health">;

const days = { late: 30, activity: 26 * 7 };

export interface HealthInput {
  settings: Settings;
  levels: LevelRow[];
  tips: { at: string | null };
  forecast?: { day: string; line: string } | null;
  database?: Health["database"];
}

export function healthDocument(world: World, input: HealthInput): Health {
  return {
    id: "health",
    sources: sourceRows(world, input),
    late: lateRows(world),
    every: input.settings.tick.every,
    budgets: budgetRows(world, input),
    forecast: input.forecast ?? undefined,
    database: input.database,
    activity: activityRows(world),
  };
}

function sourceRows(world: World, { levels, settings }: Pick<HealthInput, "levels" | "settings">): Health["sources"] {
  const told = new Map(world.pupdates.map((one) => [one.id, one]));
  const rows = levels.filter((row) => /^source\.(failed|ok)$/.test(row.kind));
  // Of a plugin that never failed the ledger knows nothing: it is well.
  const silent = pluginNames(settings).map(pluginSource);
  const well = silent.filter((source) => !rows.some((row) => row.source === source));
  return rows
    .map((row) => {
      const pupdate = told.get(row.pupdate);
      const why = pupdate?.data?.why;
      return {
        source: row.source,
        subject: row.subject,
        ok: row.kind === "source.ok",
        at: pupdate?.at,
        why: typeof why === "string" && row.kind !== "source.ok" ? why : undefined,
      };
    })
    .concat(well.map((source) => ({ source, subject: source, ok: true, at: undefined, why: undefined })))
    .sort((a, b) => Number(a.ok) - Number(b.ok) || (`${a.source} ${a.subject}` < `${b.source} ${b.subject}` ? -1 : 1));
}

/** From the instant for which a run was due to its claim. Runs that a person asked for have no such instant. */
function lateRows(world: World): Health["late"] {
  const found = world.jobs.flatMap(({ id, data: { run } }) => {
    const due = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(run.occurrence) ? Date.parse(run.occurrence) : Number.NaN;
    // An attempt that is claimed again was not late: its first one may have been on time.
    const late = (instant(run.claimed_at) - due) / 1000;
    if (Number.isNaN(late) || late < 0 || run.epoch > 1) return [];
    return [{ day: dayOf(world, run.claimed_at), job: id, late: Math.round(late) }];
  });
  return [...Map.groupBy(found, (one) => one.day)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(-days.late)
    .map(([day, list]) => {
      const sorted = list.sort((a, b) => a.late - b.late || (a.job < b.job ? -1 : 1));
      const worst = sorted.at(-1);
      const median = sorted[Math.floor((sorted.length - 1) / 2)]?.late ?? 0;
      return { day, n: sorted.length, median, worst: worst?.late ?? 0, job: worst?.job };
    });
}

/** Of the day and the month that the newest record is in. Work under way counts with the most that it may take. */
function budgetRows(world: World, { settings, tips }: HealthInput): Health["budgets"] {
  if (tips.at === null) return [];
  const now = new Date(tips.at);
  const shelf = <K extends "agent" | "host" | "task">(kind: K) =>
    new Map(of(world.entries, kind).map((one) => [one.id, one]));
  const records = { settings, agents: shelf("agent"), hosts: shelf("host"), tasks: shelf("task") };
  const expenses = world.jobs.flatMap(expensesOf);
  return limitsOf({ ...records, rules: of(world.entries, "rule") }).map((limit) => {
    const { from, to } = bounds(limit.period, world.zone, now);
    const mine = expenses.filter((one) => isFor(limit, one));
    const within = mine.filter((one) => instant(one.at) >= from.getTime() && instant(one.at) < to.getTime());
    const spent = exact(within.reduce((sum, one) => sum + one.spent[limit.unit], 0));
    const reserved = exact(mine.reduce((sum, one) => sum + one.reserved[limit.unit], 0));
    const { id, path, unit, period, most } = limit;
    return { id, path, unit, period, most, spent, reserved, words: part(unit, spent, most) };
  });
}

const exact = (value: number) => Math.round(value * 1e6) / 1e6;

const isFor = ({ scope, name }: Limit, one: Expense) => scope === "pack" || one[scope] === name;

function activityRows(world: World): Health["activity"] {
  const ended = world.jobs.filter((job) => job.data.run.ended_at !== undefined || job.data.state === "lost");
  const byDay = Map.groupBy(ended, (job) => dayOf(world, job.data.run.claimed_at));
  return [...byDay]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(-days.activity)
    .map(([day, jobs]) => {
      const n = (state: string) => jobs.filter((job) => job.data.state === state).length;
      return { day, jobs: jobs.length, good: n("finished"), failed: jobs.length - n("finished") - n("cancelled") };
    });
}
