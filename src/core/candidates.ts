// Signals → candidates: what two independent witnesses say and nobody has turned down. A candidate is a proposal to people;
// its text is data of whoever said it, and it is in no prompt before somebody has merged it.
import { digest } from "./hash.ts";
import { slugOf } from "./ids.ts";
import { type Meanings, sameMeaning } from "./meaning.ts";
import { alike, type Group, likenessOf, type Signal } from "./signals.ts";
import { clean } from "./text.ts";

export interface Candidate {
  /** The same as long as its first signal is: also when more join it. */
  id: string;
  /** What the newest witness says, with hidden characters shown. */
  text: string;
  /** Links to what was said, the oldest first. */
  sources: string[];
  signals: string[];
  /** When the second witness came. */
  since: string;
  /** Witnesses that have nothing to do with each other. */
  witnesses: number;
  /** Files that it was said of. */
  paths: string[];
}

/** A line of state/dismissed.ndjson: what people turned down. */
export interface Dismissed {
  id: string;
  text: string;
  signals: string[];
  at: string;
}

const most = { text: 2000, sources: 20, paths: 20 };

/** The oldest first. */
export function candidatesOf(
  groups: readonly Group[],
  dismissed: readonly Dismissed[],
  meanings?: Meanings,
): Candidate[] {
  const found = groups.flatMap((group): Candidate[] => {
    const since = secondAt(group);
    return since === null ? [] : [candidate(group, since)];
  });
  const wanted = found.filter(notDismissed(found, dismissed, meanings));
  return wanted.sort(bySecond);
}

const bySecond = (one: Candidate, other: Candidate) =>
  one.since < other.since || (one.since === other.since && one.id < other.id) ? -1 : 1;

/** What a model once put together stays a candidate while it cannot be asked: its witnesses still said it. */
export function withEarlier(
  made: readonly Candidate[],
  before: readonly Candidate[],
  signals: readonly Signal[],
  dismissed: readonly Dismissed[],
): Candidate[] {
  const known = new Set(signals.map(({ id }) => id));
  const taken = new Set(made.flatMap((one) => one.signals));
  const whole = before.filter((one) => one.signals.every((id) => known.has(id) && !taken.has(id)));
  return [...made, ...whole.filter(notDismissed(whole, dismissed))].sort(bySecond);
}

function candidate(group: Group, since: string): Candidate {
  const text = clean((group.at(-1) as Signal).text)
    .trim()
    .slice(0, most.text)
    .toWellFormed();
  return {
    id: `${slugOf(clean(group[0].text))}-${digest("candidate", group[0].id).slice(0, 8)}`,
    text,
    sources: [...new Set(group.map(({ link }) => link))].slice(0, most.sources),
    signals: group.map(({ id }) => id),
    since,
    witnesses: witnessesOf(group),
    paths: [...new Set(group.flatMap(({ path }) => path ?? []))].sort().slice(0, most.paths),
  };
}

/** When there were two at first; null: there is one. */
function secondAt(group: Group): string | null {
  if (witnessesOf(group) < 2) return null;
  const at = group.findIndex((_, end) => witnessesOf(group.slice(0, end + 1)) >= 2);
  return (group[at] as Signal).at;
}

/** How many there are that share no origin, also not by way of others. One without an origin is nobody's word. */
export function witnessesOf(signals: readonly Signal[]): number {
  let apart: Set<string>[] = [];
  for (const { origins } of signals) {
    if (origins.length === 0) continue;
    const mine = new Set(origins);
    const joined = apart.filter((one) => origins.some((origin) => one.has(origin)));
    for (const one of joined) for (const origin of one) mine.add(origin);
    apart = [...apart.filter((one) => !joined.includes(one)), mine];
  }
  return apart.length;
}

/** Neither itself, nor with a signal of one that was turned down, nor in other words. */
function notDismissed(
  found: readonly Candidate[],
  dismissed: readonly Dismissed[],
  meanings?: Meanings,
): (one: Candidate) => boolean {
  const ids = new Set(dismissed.map(({ id }) => id));
  const signals = new Set(dismissed.flatMap((one) => one.signals));
  const texts = [...dismissed, ...found].map(({ text }) => text);
  const like = likenessOf(texts);
  const meaning = sameMeaning(texts, meanings);
  const said = (one: Candidate) => {
    const at = dismissed.length + found.indexOf(one);
    return dismissed.some((_, other) => like(at, other) >= alike.text || meaning(at, other) >= 100);
  };
  return (one) => !ids.has(one.id) && !one.signals.some((id) => signals.has(id)) && !said(one);
}

/** With what was turned down now. Nothing ever leaves the list. */
export function dismiss(rows: readonly Dismissed[], dropped: readonly Candidate[], at: string): Dismissed[] {
  const known = new Set(rows.map(({ id }) => id));
  const more = dropped
    .filter(({ id }) => !known.has(id))
    .map(({ id, text, signals }) => ({ id, text, signals: [...signals], at }));
  return [...rows, ...more];
}
