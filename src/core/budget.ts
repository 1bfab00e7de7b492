// What may be spent in a day or a month, by whom, and what that leaves for work that is due. Nothing is claimed beyond a
// limit: what a claim may take is reserved in its record, and so in the commit that wins.
import type { Draft } from "./draft.ts";
import { instantAt, localDay, startOfDay } from "./due.ts";
import type { Entry } from "./entry.ts";
import type { Amounts } from "./schema.ts";
import {
  amount,
  type Expense,
  expensesIn,
  expensesOf,
  mostOf,
  nothing,
  plus,
  type Sum,
  type Unit,
  units,
} from "./spent.ts";
import type { State } from "./state.ts";

export type Period = "day" | "month";
const periods: Period[] = ["day", "month"];
const scopes = ["pack", "task", "agent", "account", "rule", "requester", "host"] as const;
type Scope = (typeof scopes)[number];

export interface Limit {
  /** Names it for people: `agent scout, usd a day`. */
  id: string;
  scope: Scope;
  name: string;
  period: Period;
  unit: Unit;
  most: number;
  /** File that says so, and where in it. */
  path: string;
  field: string[];
}

type Spans = Partial<Record<Period, Amounts>>;

type Records = Pick<State, "settings" | "agents" | "rules" | "hosts" | "tasks">;

/** All limits of the pack. */
export function limitsOf(state: Records): Limit[] {
  const found: Limit[] = [];
  const add = (scope: Scope, name: string, path: string, spans: Spans | undefined, above: string[] = []) => {
    for (const period of spans ? periods : [])
      for (const unit of units) {
        const most = spans?.[period]?.[unit];
        const who = scope === "pack" ? "the pack" : `${scope} ${name}`;
        const field = [...above, "budget", period, unit];
        if (most !== undefined)
          found.push({ id: `${who}, ${unit} a ${period}`, scope, name, period, unit, most, path, field });
      }
  };
  const { budget, accounts, requesters } = state.settings;
  add("pack", "", "towline.yml", budget);
  for (const [name, one] of Object.entries(accounts ?? {}))
    add("account", name, "towline.yml", one.budget, ["accounts", name]);
  for (const [name, one] of Object.entries(requesters ?? {}))
    add("requester", name, "towline.yml", one.budget, ["requesters", name]);
  for (const { id, path, data } of state.agents.values()) add("agent", id, path, data.budget);
  for (const { id, path, data } of state.rules) add("rule", id, path, data.budget);
  for (const { id, path, data } of state.hosts.values()) add("host", id, path, data.budget);
  for (const { id, path, data } of state.tasks.values()) add("task", id, path, data.budget);
  return found;
}

/** Work that is to be claimed. */
export interface Want {
  task: Entry<"task">;
  agent: Entry<"agent">;
  requester: string;
  /** Seconds that each job may run. */
  deadline: number;
  /** Jobs that are claimed at once; absent: one. */
  count?: number;
  /** The job that is claimed again: what it holds itself stands in nobody's way. */
  job?: Entry<"job">;
  /** Where it would run; absent: not known yet. */
  host?: string;
}

/** Why work may not be claimed now. `limit` null: what was spent is not known. */
export interface Shortage {
  reason: string;
  limit: Limit | null;
  /** When it passes by itself; null: it does not. */
  until: Date | null;
  /** It passes once the records are read. */
  unread?: true;
}

export interface Purse {
  short(want: Want): Shortage | null;
  /** The same for what only that host says. */
  shortOn(want: Want, host: string): Shortage | null;
  /** What a claim holds counts from now on. `old`: the record that it replaces. */
  put(job: Entry<"job">, old?: Entry<"job">): void;
  /** What counts against each limit of which that is known. */
  totals(): { limit: Limit; spent: number; reserved: number }[];
  /** Whether it was asked about a time whose records were not read. */
  missed(): boolean;
}

type Total = { spent: Sum; reserved: Sum };
const free: Purse = { short: () => null, shortOn: () => null, put: () => {}, totals: () => [], missed: () => false };

type Subject = Partial<Record<Exclude<Scope, "pack">, string>>;

const subjectOf = ({ task, agent, requester, host }: Want): Subject => ({
  task: task.id,
  agent: agent.id,
  account: agent.data.account,
  rule: task.data.rule,
  requester,
  host,
});

const applies = ({ scope, name }: Limit, subject: Subject) => scope === "pack" || subject[scope] === name;

/** The work that counts against a limit wherever it runs. */
export const wantsOf = (limit: Limit, wants: Want[]) => wants.filter((want) => applies(limit, subjectOf(want)));

/** Whether this work may count against the limit; where it will run is not known yet. */
export const applicable = (limit: Limit, want: Want) => limit.scope === "host" || applies(limit, subjectOf(want));

/** When the period began that `now` is in, and when the next one does. */
export function bounds(period: Period, zone: string, now: Date): { from: Date; to: Date } {
  const from = startOfDay(zone, now);
  if (period === "day")
    return { from: new Date(from), to: new Date(startOfDay(zone, new Date(from + 36 * 3_600_000))) };
  const month = localDay(zone, now).day.slice(0, 7);
  const [year = 0, at = 0] = month.split("-").map(Number);
  const next = at === 12 ? `${year + 1}-01` : `${year}-${String(at + 1).padStart(2, "0")}`;
  return { from: new Date(instantAt(zone, `${month}-01`, 0)), to: new Date(instantAt(zone, `${next}-01`, 0)) };
}

/**
 * Whether an ended job belongs to a month, or to a day that is limited, whose folders do not hold its record: it was claimed
 * again after its own. It stays among the records that every tick reads until that time is over.
 */
export function isCarried(draft: Records & Pick<Draft, "now">, job: Entry<"job">): boolean {
  const folder = job.path.slice("jobs/".length, "jobs/".length + 10).replaceAll("/", "-");
  const { claimed_at } = job.data.run;
  if (claimed_at.slice(0, 10) === folder) return false;
  const { settings, now } = draft;
  const before = (period: Period) => {
    const { from } = bounds(period, settings.zone, now);
    return folder < from.toISOString().slice(0, 10) && Date.parse(claimed_at) >= from.getTime();
  };
  return before("month") || (before("day") && limitsOf(draft).some(({ period }) => period === "day"));
}

/** Names the period that is going on: `2026-11-28`, `2026-11`. */
export const periodName = (period: Period, zone: string, now: Date) =>
  localDay(zone, now).day.slice(0, period === "day" ? 10 : 7);

export function purseOf(draft: Draft): Purse {
  const limits = limitsOf(draft);
  if (limits.length === 0) return free;
  const { zone } = draft.settings;
  const span = { day: bounds("day", zone, draft.now), month: bounds("month", zone, draft.now) };
  const totals = new Map<Limit, Total>(limits.map((limit) => [limit, { spent: nothing, reserved: nothing }]));
  const counts = (limit: Limit, one: Expense) =>
    applies(limit, one) && Date.parse(one.at) >= span[limit.period].from.getTime();
  const add = (one: Expense, sign: 1 | -1) => {
    for (const [limit, total] of totals) {
      if (!counts(limit, one)) continue;
      total.spent = plus(total.spent, one.spent, sign);
      total.reserved = plus(total.reserved, one.reserved, sign);
    }
  };
  for (const one of expensesIn(draft)) add(one, 1);
  const broken = brokenOf(draft);
  let missed = false;
  const first = (want: Want, some: (limit: Limit) => boolean): Shortage | null => {
    const subject = subjectOf(want);
    const apply = limits.filter((limit) => some(limit) && applies(limit, subject));
    if (apply.length === 0) return null;
    if (broken !== null) return broken;
    if (apply.some(({ period }) => !isKnown(draft, span[period].from))) {
      missed = true;
      return unread;
    }
    const most = mostOf(draft, want, want.deadline);
    const own = want.job ? expensesOf(want.job).filter(({ reserved }) => reserved !== nothing) : [];
    for (const limit of apply) {
      const { spent, reserved } = totals.get(limit) as Total;
      const held = own.filter((one) => counts(limit, one)).reduce((sum, one) => sum + one.reserved[limit.unit], 0);
      const taken = { spent: spent[limit.unit], reserved: reserved[limit.unit] - held };
      const short = shortage(limit, taken, most[limit.unit], { count: want.count ?? 1, to: span[limit.period].to });
      if (short) return short;
    }
    return null;
  };
  return {
    short: (want) => first(want, ({ scope }) => scope !== "host"),
    shortOn: (want, host) => first({ ...want, host }, ({ scope }) => scope === "host"),
    put: (job, old) => {
      for (const one of old ? expensesOf(old) : []) add(one, -1);
      for (const one of expensesOf(job)) add(one, 1);
    },
    totals: () =>
      [...totals]
        .filter(([{ period }]) => broken === null && isKnown(draft, span[period].from))
        .map(([limit, { spent, reserved }]) => ({
          limit,
          spent: spent[limit.unit],
          reserved: reserved[limit.unit],
        })),
    missed: () => missed,
  };
}

/** Whether records were read as far back as that. */
const isKnown = ({ spent }: State, from: Date) => spent !== undefined && spent.from <= from;

/** A limit over a time that nobody looked into would be none. */
const unread: Shortage = {
  reason: "what was spent before was not looked up",
  limit: null,
  until: null,
  unread: true,
};

/** Nobody knows what stands in a record that cannot be read. */
function brokenOf({ spent, problems }: State): Shortage | null {
  const open = problems.find(({ level, path }) => level === "error" && path.startsWith("jobs/"));
  const path = spent?.broken[0] ?? open?.path;
  if (path === undefined) return null;
  const reason = `what was spent is not known: ${path} cannot be read; restore it from its last good commit`;
  return { reason, limit: null, until: null };
}

/** Fractions of cents add up otherwise than on paper. */
const slack = 1e-9;

function shortage(
  limit: Limit,
  { spent, reserved }: { spent: number; reserved: number },
  most: number | undefined,
  { count, to }: { count: number; to: Date },
): Shortage | null {
  const { unit, path, period } = limit;
  const taken = spent + reserved;
  // Where nobody knows what a run may take, the limit holds once it is reached.
  if (most === undefined ? taken < limit.most - slack : most === 0 || taken + most * count <= limit.most + slack)
    return null;
  const whose = limit.scope === "account" || limit.scope === "requester" ? ` ${limit.scope} ${limit.name}` : "";
  const allows = `${path} allows${whose} ${amount(unit, limit.most)} a ${period}`;
  const asks = `${count === 1 ? "a run of it" : `its ${count} runs`} may take ${amount(unit, (most ?? 0) * count)}`;
  if ((most ?? 0) * count > limit.most + slack)
    return { reason: `${allows}, and ${asks}: raise the one or lower the other`, limit, until: null };
  const held = reserved > slack ? `, ${amount(unit, reserved)} reserved by open jobs` : "";
  const frees = `${to.toISOString().slice(0, 16)}Z${held === "" ? "" : ", or when those end for less"}`;
  const next = most === undefined || (unit === "runs" && count === 1) ? "" : `, and ${asks}`;
  return { reason: `${allows}: ${amount(unit, spent)} spent${held}${next}; frees at ${frees}`, limit, until: to };
}
