// Which rules would have fired for what happened, under one set of rules and under another.
import { builtin_rules } from "./builtin.ts";
import type { Entry } from "./entry.ts";
import { firing } from "./rules.ts";
import type { Pupdate } from "./schema.ts";
import { type Firing, mayFire, noteFired } from "./triage.ts";

export interface Fired {
  rule: string;
  /** How often, with cooldowns and limits. */
  count: number;
  /** Titles of what it fired for, the first few. */
  titles: string[];
}

const examples = 3;

/** By rule, all that fired at least once. */
export function replayRules(rules: readonly Entry<"rule">[], pupdates: readonly Pupdate[]): Map<string, Fired> {
  const all = [...rules, ...builtin_rules];
  const found = new Map<string, Fired>();
  let rows: Firing["fired"] = [];
  for (const { verdict, rule: _rule, made, ...pupdate } of pupdates.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    const then: Firing = { now: new Date(pupdate.at), fired: rows };
    for (const rule of firing(all, pupdate, (one) => mayFire(then, one, pupdate))) {
      noteFired(then, rule, pupdate);
      const row = found.get(rule.id) ?? { rule: rule.id, count: 0, titles: [] };
      row.count++;
      if (row.titles.length < examples) row.titles.push(pupdate.title);
      found.set(rule.id, row);
    }
    rows = then.fired;
  }
  return found;
}
