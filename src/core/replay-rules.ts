// What rules would have made of what happened: judged again in the order in which it was told, by the times of the ticks.
import { allRules } from "./builtin.ts";
import type { Entry } from "./entry.ts";
import { firing, memoryOf } from "./firing.ts";
import { actionOf } from "./rules.ts";
import type { Pupdate } from "./schema.ts";

export interface Fired {
  rule: string;
  /** How often, with cooldowns and limits. */
  count: number;
  /** Titles of what it fired for, the first few. */
  titles: string[];
}

/** A pupdate as it was told. `now`: of the tick that told it. */
export interface Told {
  pupdate: Pupdate;
  now: Date;
}

export interface Judged {
  id: string;
  verdict: string;
  rule?: string;
  /** All that fired, in order. */
  fired: string[];
}

/** The time of a tick, by the name of its file: `…/20261121t090000-1a2b3c4d-2.ndjson`; null: another name. */
export function tickTime(path: string): Date | null {
  const [, y, mo, d, h, mi, s] = /(?:^|\/)(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)[^/]*\.ndjson$/.exec(path) ?? [];
  const at = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  return Number.isNaN(at) ? null : new Date(at);
}

/** Files of pupdates in the order in which they were written: a tick's second pass after its first. */
export const byTick = (a: string, b: string): number => {
  const [x, y] = [a.replace(/\.ndjson$/, ""), b.replace(/\.ndjson$/, "")];
  return x < y ? -1 : x > y ? 1 : 0;
};

/**
 * Judges anew. `kept`: rules that are now what they were then; where such a one decides as it did, what it came to stands:
 * a task that was refused then is no task now.
 */
export function replay(
  rules: readonly Entry<"rule">[],
  history: readonly Told[],
  kept: (rule: string) => boolean = () => true,
): Judged[] {
  const all = allRules(rules);
  const memory = memoryOf([], []);
  return history.map(({ pupdate, now }) => {
    const { verdict: was, rule: before, made: _made, ...raw } = pupdate;
    if (isWord(pupdate)) return { id: pupdate.id, verdict: was ?? "ignored", rule: before, fired: [] };
    const fired = firing(all, raw, (one) => memory.may(one, raw, now));
    for (const one of fired) memory.note(one, raw, now);
    const rule = fired[0]?.id;
    const stands = rule !== undefined && rule === before && was !== undefined && kept(rule);
    return {
      ...{ id: pupdate.id, verdict: stands ? was : verdictOf(fired), rule },
      fired: fired.map(({ id }) => id),
    };
  });
}

/** A person's word on what a rule asked first: what came of it hangs on what was asked, not on rules. */
const isWord = ({ source, kind, verdict, rule }: Pupdate) =>
  source === "towline" && kind.startsWith("memo.") && rule !== undefined && verdict !== "ignored";

function verdictOf(fired: readonly Entry<"rule">[]): string {
  const words = fired.flatMap(({ data }) =>
    data.ask_first ? ["ask"] : data.then.map((action) => wordOf(actionOf(action as Record<string, unknown>))),
  );
  return words.find((word) => word !== "ignore") ?? words[0] ?? "ignored";
}

const wordOf = (action: string) => (action === "issue" ? "task" : action.includes(".") ? "plugin" : action);

const examples = 3;

/** By rule, all that fired at least once. */
export function replayRules(rules: readonly Entry<"rule">[], pupdates: readonly Pupdate[]): Map<string, Fired> {
  const history = pupdates
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
    .map((pupdate) => ({ pupdate, now: new Date(pupdate.at) }));
  return firedBy(replay(rules, history), pupdates);
}

export function firedBy(judged: readonly Judged[], pupdates: readonly Pupdate[]): Map<string, Fired> {
  const titles = new Map(pupdates.map(({ id, title }) => [id, title]));
  const found = new Map<string, Fired>();
  for (const { id, fired } of judged)
    for (const rule of fired) {
      const row = found.get(rule) ?? { rule, count: 0, titles: [] };
      row.count++;
      if (row.titles.length < examples) row.titles.push(titles.get(id) ?? id);
      found.set(rule, row);
    }
  return found;
}
