// Which rules fire for a pupdate: by their conditions, and by what fired and matched before.
import type { Entry } from "./entry.ts";
import { fieldOf, matches } from "./rules.ts";
import { isMap } from "./split.ts";
import type { FiredRow } from "./state.ts";

type Rule = Entry<"rule">;

/** A line of state/rules.ndjson: when what a rule with `within` is about has happened, in seconds, oldest first. */
export interface WindowRow {
  rule: string;
  key: string;
  times: number[];
}

/** Keys that one rule counts for; of more, those that were quiet longest are forgotten. */
const most_keys = 1000;
/** A row that is older says nothing any more. */
const fired_life = 90 * 86_400;

const word = (value: unknown) =>
  value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
const named = (pupdate: object, per: string) => word(fieldOf(pupdate, `data.${per}`) ?? fieldOf(pupdate, per));

/** The key that a cooldown counts by. */
export function firingKey({ data: { cooldown } }: Rule, pupdate: object): string {
  const per = cooldown !== undefined && typeof cooldown === "object" ? cooldown.per : undefined;
  return per === undefined ? word(fieldOf(pupdate, "subject")) : named(pupdate, per);
}

/** Written once for all that is judged at one time. */
function written(): (now: Date) => { at: string; day: string } {
  let [last, at] = [Number.NaN, ""];
  return (now) => {
    if (now.getTime() !== last) [last, at] = [now.getTime(), now.toISOString()];
    return { at, day: at.slice(0, 10) };
  };
}

/** By the second: what is told again from the records has no finer time. */
const seconds = (now: Date | string) => Math.floor((typeof now === "string" ? Date.parse(now) : now.getTime()) / 1000);

export interface Memory {
  /** Whether it may fire now. Counts what matched, for rules that want it to happen several times. */
  may(rule: Rule, pupdate: object, now: Date): boolean;
  note(rule: Rule, pupdate: object, now: Date): void;
  /** As they are to be kept. The same lists as were given while nothing is new. */
  fired(now: Date): FiredRow[];
  windows(): WindowRow[];
}

/** What fired and matched before, found by rule and key. */
export function memoryOf(fired: FiredRow[], windows: WindowRow[]): Memory {
  const rows = nested(fired);
  const counts = nested(windows);
  const days = new Map<string, { day: string; count: number }>();
  const write = written();
  let noted = false;
  let matched = false;
  const today = (rule: string, day: string) => {
    const known = days.get(rule);
    if (known?.day === day) return known;
    let count = 0;
    for (const row of rows.get(rule)?.values() ?? []) if (row.at.startsWith(day)) count += row.count;
    const made = { day, count };
    days.set(rule, made);
    return made;
  };
  return {
    may: (rule, pupdate, now) => {
      if (rule.data.within) matched = true;
      if (!often(counts, rule, pupdate, seconds(now))) return false;
      const { cooldown, limit } = rule.data;
      const rest = cooldown === undefined ? 0 : typeof cooldown === "number" ? cooldown : cooldown.for;
      const before = rest > 0 ? rows.get(rule.id)?.get(firingKey(rule, pupdate)) : undefined;
      const since = before ? seconds(now) - seconds(before.at) : Number.POSITIVE_INFINITY;
      if (since < Math.min(rest, fired_life)) return false;
      return today(rule.id, write(now).day).count < limit;
    },
    note: (rule, pupdate, now) => {
      noted = true;
      const { at, day } = write(now);
      const key = firingKey(rule, pupdate);
      today(rule.id, day).count++;
      const before = rows.get(rule.id)?.get(key);
      const count = before?.at.startsWith(day) ? before.count + 1 : 1;
      put(rows, { rule: rule.id, key, at, count });
      // It has happened as often as was asked for: counting begins anew.
      if (rule.data.within) counts.get(rule.id)?.delete(windowKey(rule, pupdate));
    },
    fired: (now) => (noted ? flat(rows).filter((row) => seconds(now) - seconds(row.at) < fired_life) : fired),
    windows: () => (matched ? flat(counts) : windows),
  };
}

type Nested<Row> = Map<string, Map<string, Row>>;

function nested<Row extends { rule: string; key: string }>(list: Row[]): Nested<Row> {
  const made: Nested<Row> = new Map();
  for (const row of list) put(made, row);
  return made;
}

function put<Row extends { rule: string; key: string }>(rows: Nested<Row>, row: Row): void {
  const own = rows.get(row.rule);
  if (own) own.set(row.key, row);
  else rows.set(row.rule, new Map([[row.key, row]]));
}

const flat = <Row>(rows: Nested<Row>): Row[] => [...rows.values()].flatMap((own) => [...own.values()]);

const windowKey = ({ data: { within } }: Rule, pupdate: object) =>
  within?.per === undefined ? "" : named(pupdate, within.per);

/** Whether what the rule is about has happened as often as it wants, with this once more. */
function often(counts: Nested<WindowRow>, rule: Rule, pupdate: object, now: number): boolean {
  const { within } = rule.data;
  if (!within) return true;
  const key = windowKey(rule, pupdate);
  const own = counts.get(rule.id) ?? new Map<string, WindowRow>();
  const times = (own.get(key)?.times ?? []).filter((at) => now - at < within.in);
  times.push(now);
  if (times.length > within.count) times.shift();
  own.delete(key); // the newest stands last
  own.set(key, { rule: rule.id, key, times });
  for (const [other, row] of own)
    if (own.size > most_keys || now - (row.times.at(-1) ?? 0) >= within.in) own.delete(other);
    else break;
  counts.set(rule.id, own);
  return times.length >= within.count;
}

/** The rules that fire for a pupdate, in order, up to the first that stops. */
export function firing(rules: readonly Rule[], pupdate: object, allowed: (rule: Rule) => boolean): Rule[] {
  const fired: Rule[] = [];
  for (const rule of candidates(rules, word(fieldOf(pupdate, "kind")))) {
    if (!matches(rule.data.when, pupdate) || !allowed(rule)) continue;
    fired.push(rule);
    if (rule.data.stop) break;
  }
  return fired;
}

interface Index {
  kinds: ReadonlyMap<string, Rule[]>;
  /** Rules that look at no certain kind: all that a kind without rules of its own has. */
  others: Rule[];
}
const indexes = new WeakMap<readonly Rule[], Index>();

function candidates(rules: readonly Rule[], kind: string): Rule[] {
  const index = indexes.get(rules) ?? indexOf(rules.filter((rule) => !rule.data.off));
  indexes.set(rules, index);
  return index.kinds.get(kind) ?? index.others;
}

/** The rules that can fire for a kind, in their order. */
function indexOf(rules: Rule[]): Index {
  const wanted = rules.map((rule) => ({ rule, kinds: kindsOf(rule.data.when) }));
  const all = new Set(wanted.flatMap(({ kinds }) => [...(kinds ?? [])]));
  const mine = (kind: string) =>
    wanted.filter(({ kinds }) => kinds === null || kinds.has(kind)).map(({ rule }) => rule);
  return {
    kinds: new Map([...all].map((kind) => [kind, mine(kind)])),
    others: wanted.filter(({ kinds }) => kinds === null).map(({ rule }) => rule),
  };
}

/** The kinds that a condition can be true for; null: any. */
export function kindsOf(when: Record<string, unknown>): ReadonlySet<string> | null {
  for (const [name, wanted] of Object.entries(when)) {
    if (name === "kind") {
      const said = isMap(wanted) ? (wanted.equals ?? wanted.in) : wanted;
      if (said !== undefined) return new Set([said].flat().map(word));
    } else if (name === "any" || name === "all") {
      const parts = [wanted].flat().map((one) => (isMap(one) ? kindsOf(one) : new Set<string>()));
      if (name === "any" && !parts.includes(null)) return new Set(parts.flatMap((one) => [...(one ?? [])]));
      const certain = parts.find((one) => one !== null);
      if (name === "all" && certain) return certain;
    }
  }
  return null;
}
