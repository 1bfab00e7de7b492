// What runs took, and what open ones may take: a fold over job records. There is no counter that could be lost.
import type { Entry } from "./entry.ts";
import type { Agent, Amounts } from "./schema.ts";
import type { State } from "./state.ts";

export const units = ["usd", "tokens", "minutes", "runs"] as const;
export type Unit = (typeof units)[number];
export type Sum = Record<Unit, number>;

/** One attempt, or round, of a job. */
export interface Expense {
  /** When it was claimed: it counts on that day, whenever it ends. */
  at: string;
  task: string;
  agent?: string;
  account?: string;
  rule?: string;
  host?: string;
  requester?: string;
  spent: Sum;
  /** The most that it may take, while that is open. */
  reserved: Sum;
  /** US dollars by the list price, which a subscription pays. */
  list: number;
  /** It brought its job to a good end. */
  accepted: boolean;
}

/** What records that are not open work say. `broken`: paths of those that cannot be read. */
export interface Spent {
  /** Nothing is known of the time before. */
  from: Date;
  /** By job. */
  expenses: Map<string, Expense[]>;
  broken: string[];
}

/**
 * What a runtime says of a run: `free`, there is none of it; `told`, it is in the result; nothing here, it is not told.
 * A test holds this against the runtimes.
 */
const meters: Record<string, Partial<Record<Unit, "free" | "told">>> = {
  shell: { usd: "free", tokens: "free" },
  ollama: { usd: "free", tokens: "told" },
  claude: { usd: "told", tokens: "told" },
  codex: { tokens: "told" },
};

export const meterOf = (runtime: string, unit: Unit) =>
  unit === "minutes" || unit === "runs" ? "told" : meters[runtime]?.[unit];

export const nothing: Readonly<Sum> = { usd: 0, tokens: 0, minutes: 0, runs: 0 };

export function plus(a: Readonly<Sum>, b: Readonly<Sum>, sign: 1 | -1 = 1): Sum {
  return {
    usd: a.usd + sign * b.usd,
    tokens: a.tokens + sign * b.tokens,
    minutes: a.minutes + sign * b.minutes,
    runs: a.runs + sign * b.runs,
  };
}

/** What was said before in the same session is read again with each turn: that is no new use of the model. */
const told = (tokens: Record<string, unknown>): number =>
  Object.entries(tokens)
    .filter(([name, count]) => name !== "cache_read" && Number.isFinite(Number(count)))
    .reduce((sum, [, count]) => sum + Number(count), 0);

/** Each attempt of a job that was started, or is claimed for a start. */
export function expensesOf({ data }: Entry<"job">): Expense[] {
  const { task, agent, host, run } = data;
  const whose = { task, agent, host, account: run.account, rule: run.rule, requester: run.requested_by };
  const before = (run.earlier ?? []).map(({ at, list, ...took }) => ({
    ...whose,
    at,
    spent: { ...nothing, ...amountsIn(took) },
    reserved: nothing,
    list: list ?? 0,
    accepted: false,
  }));
  const now = currentOf(data);
  return now ? [...before, { ...whose, ...now }] : before;
}

type Data = Entry<"job">["data"];
type Current = Pick<Expense, "at" | "spent" | "reserved" | "list" | "accepted">;

function currentOf({ state, run, cost, took, started_at }: Data): Current | null {
  const minutes = run.deadline / 60;
  const base = { at: run.claimed_at, list: 0, accepted: false };
  if (state === "claimed" || state === "started" || state === "unknown")
    return { ...base, spent: nothing, reserved: { ...nothing, ...amountsIn(run.reserved ?? {}), minutes, runs: 1 } };
  const ran = run.result !== undefined || started_at !== undefined || state === "lost";
  if (state === "released" || !ran) return null;
  // What nobody told counts with the most that it may have been.
  const usd = run.list_price ? 0 : (cost ?? run.reserved?.usd ?? 0);
  const tokens = run.tokens === undefined ? (run.reserved?.tokens ?? 0) : told(run.tokens);
  const runs = run.limited === undefined ? 1 : 0;
  return {
    ...base,
    spent: { usd, tokens, minutes: took === undefined ? minutes : took / 60, runs },
    reserved: nothing,
    list: run.list_price ? (cost ?? 0) : 0,
    accepted: state === "finished",
  };
}

function amountsIn(amounts: Amounts): Partial<Sum> {
  return Object.fromEntries(units.flatMap((unit) => (amounts[unit] === undefined ? [] : [[unit, amounts[unit]]])));
}

const cents = (value: number) => Math.round(value * 1e6) / 1e6;

/** `run.earlier` of the job's next claim: nothing that was spent is forgotten with the attempt that is replaced. */
export function earlierOf(job: Entry<"job">): Data["run"]["earlier"] {
  const kept = job.data.run.earlier ?? [];
  const now = currentOf(job.data);
  if (!now || now.reserved !== nothing) return kept.length > 0 ? kept : undefined;
  const took = Object.fromEntries(units.filter((unit) => now.spent[unit] > 0).map((u) => [u, cents(now.spent[u])]));
  return [...kept, { at: now.at, ...took, ...(now.list > 0 ? { list: now.list } : {}) }];
}

/** What the earlier attempts of a job took. */
const spentBefore = (job: Entry<"job"> | undefined): Sum =>
  (job ? (earlierOf(job) ?? []) : []).reduce<Sum>((sum, one) => plus(sum, { ...nothing, ...amountsIn(one) }), nothing);

/** Every attempt that is known: of open work as it is now, of the rest as its records say. */
export function expensesIn(state: State): Expense[] {
  const open = [...state.jobs.values()].flatMap(expensesOf);
  const closed = [...(state.spent?.expenses ?? [])].flatMap(([id, list]) => (state.jobs.has(id) ? [] : list));
  return [...closed, ...open];
}

type Records = Pick<State, "settings" | "rules">;

/** Whose run it is. `job`: the one that is claimed again. */
export interface RunOf {
  task: Entry<"task">;
  agent: Entry<"agent">;
  job?: Entry<"job">;
}

/** Where the limit for one run is written, and what it is. */
interface RunLimit {
  path: string;
  most: number;
}

/** The task's own word goes before its rule's, its agent's and the pack's. */
function runLimit(state: Records, { task, agent }: Pick<RunOf, "task" | "agent">, unit: Unit): RunLimit | null {
  const rule = state.rules.find(({ id }) => id === task.data.rule);
  const { budget } = state.settings.defaults;
  const named: [string, Amounts | undefined][] = [
    [task.path, task.data.budget],
    [rule?.path ?? "", rule?.data.budget],
    [agent.path, agent.data.budget],
    ["towline.yml (defaults.budget)", budget],
  ];
  for (const [path, amounts] of named) {
    const most = amounts?.[unit];
    if (most !== undefined) return { path, most };
  }
  return null;
}

export const isListPrice = ({ auth, runtime }: Agent) => auth === "host" && meterOf(runtime, "usd") !== "free";

/** What is left of the limit for one run; null: it has none. */
export function leftOfRun(state: Records, run: RunOf, unit: Unit): number | null {
  const limit = runLimit(state, run, unit);
  return limit && Math.max(0, cents(limit.most - spentBefore(run.job)[unit]));
}

/** The most that the next attempt may take, as far as anybody says; minutes are its time limit. */
export function mostOf(state: Records, run: RunOf, deadline: number): Partial<Sum> {
  const { agent } = run;
  const usd = () => {
    if (isListPrice(agent.data)) return 0;
    const price = agent.data.price?.run;
    if (price !== undefined && meterOf(agent.data.runtime, "usd") !== "told") return price;
    if (meterOf(agent.data.runtime, "usd") === "free") return 0;
    return leftOfRun(state, run, "usd") ?? price;
  };
  const free = meterOf(agent.data.runtime, "tokens") === "free";
  const tokens = free ? 0 : (leftOfRun(state, run, "tokens") ?? undefined);
  return { usd: usd(), tokens, minutes: deadline / 60, runs: 1 };
}

/** What a claim's record says of it; nothing where nothing is known. */
export function reservedIn({ usd = 0, tokens = 0 }: Partial<Sum>): Amounts | undefined {
  const some = { ...(usd > 0 ? { usd } : {}), ...(tokens > 0 ? { tokens } : {}) };
  return Object.keys(some).length > 0 ? some : undefined;
}

/** Why there is nothing left for one more attempt of this run, or null. */
export function runSpent(state: Records, run: RunOf): string | null {
  const before = spentBefore(run.job);
  for (const unit of units) {
    const limit = runLimit(state, run, unit);
    if (!limit || (unit === "usd" && isListPrice(run.agent.data)) || meterOf(run.agent.data.runtime, unit) === "free")
      continue;
    if (before[unit] < limit.most) continue;
    return `${limit.path} allows ${amount(unit, limit.most)} a run${before[unit] > 0 ? `, and ${amount(unit, before[unit])} ${unit === "usd" ? "is" : "are"} spent` : ""}`;
  }
  return null;
}

const rounded = (value: number) => String(Math.round(value * 10) / 10);

/** `$0.50`, `12000 tokens`, `3 runs`. */
export function amount(unit: Unit, value: number): string {
  if (unit === "usd") return `$${value > 0 && value < 0.005 ? value.toPrecision(1) : value.toFixed(2)}`;
  const shown = unit === "minutes" ? rounded(value) : String(Math.round(value));
  return `${shown} ${shown === "1" ? unit.slice(0, -1) : unit}`;
}

/** `$0.50 of $1.00`, `2 of 3 runs`. */
export const part = (unit: Unit, value: number, most: number): string =>
  unit === "usd"
    ? `${amount(unit, value)} of ${amount(unit, most)}`
    : `${unit === "minutes" ? rounded(value) : Math.round(value)} of ${amount(unit, most)}`;
