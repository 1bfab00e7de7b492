// What teaches: remarks on agents' work, confessed mistakes, failures, surprises, reverted merges. Signals that say the same
// are put together by their words, and by what they mean where the settings name a model for that.
import { type Index, indexOf, scores } from "./bm25.ts";
import { type Meanings, sameMeaning } from "./meaning.ts";
import { words } from "./words.ts";

export interface Signal {
  /** Of the pupdate that it came with. */
  id: string;
  at: string;
  kind: "review" | "confession" | "failure" | "surprise" | "reverted";
  text: string;
  /** Whatever it came out of: its job, its pull request. Two that share one are no independent witnesses. */
  origins: readonly string[];
  /** Where people can read it. */
  link: string;
  path?: string | undefined;
  /** The check or rule that named it: the same one says the same. */
  rule?: string | undefined;
}

/** Signals that say the same, the oldest first. */
export type Group = readonly [Signal, ...Signal[]];

const shape = { k1: 1.2, b: 0.4, terms: 60 };

/** Percent of what each says of itself that both say, in the mean. Tuned on bench/retrieval/signals.txt. */
export const alike = { text: 28, samePath: 20 };

/** In the order in which they came, so that a group never loses one when more come. */
export function grouped(signals: readonly Signal[], meanings?: Meanings, by = alike): Group[] {
  const sorted = [...signals].sort((one, other) => compare(one.at, other.at) || compare(one.id, other.id));
  const texts = sorted.map(({ text }) => text);
  const likeness = likenessOf(texts);
  const meaning = sameMeaning(texts, meanings);
  const groups: number[][] = [];
  for (const [at, signal] of sorted.entries()) {
    let best: { group: number[]; like: number } | undefined;
    for (const group of groups) {
      const like = mean(
        group.map((other) =>
          Math.max(likeOf(signal, sorted[other] as Signal, likeness(at, other), by), meaning(at, other)),
        ),
      );
      if (like >= 100 && (best === undefined || like > best.like)) best = { group, like };
    }
    if (best) best.group.push(at);
    else groups.push([at]);
  }
  return groups.map((group) => group.map((at) => sorted[at]) as unknown as Group);
}

/** From 100 on they say the same. */
function likeOf(one: Signal, other: Signal, like: number, by: typeof alike): number {
  if (one.rule !== undefined && one.rule === other.rule) return 1000;
  return (100 * like) / (one.path !== undefined && one.path === other.path ? by.samePath : by.text);
}

/** Of two texts by their places, in percent. */
export function likenessOf(texts: readonly string[]): (one: number, other: number) => number {
  const index: Index = indexOf(
    texts.map((text, at) => ({ id: String(at), fields: [[text, 1] as const] })),
    shape,
  );
  // Of those that are asked about only: most of what was ever turned down has no word in common with anything new.
  const known = new Map<number, ReadonlyMap<number, number>>();
  const sumsOf = (one: number) => {
    const sums = known.get(one) ?? scores(index, words(texts[one] ?? "")).sums;
    known.set(one, sums);
    return sums;
  };
  const part = (one: number, other: number) => (100 * (sumsOf(one).get(other) ?? 0)) / (sumsOf(one).get(one) || 1);
  return (one, other) => {
    const there = part(one, other);
    // No word in common, in neither direction.
    return there === 0 ? 0 : (there + part(other, one)) / 2;
  };
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);
