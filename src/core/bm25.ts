// One scorer for all texts that are found by words (learnings, signals, candidates): BM25 with the weights worked out
// beforehand and rounded to whole numbers. What is left to do for a question is a sum, which comes out alike in any awk.
import { type Word, words } from "./words.ts";

export interface Text {
  id: string;
  /** Text → how much each of its words counts. */
  fields: readonly (readonly [text: string, counts: number])[];
}

interface Term {
  /** What it says that a text has this word: the rarer, the more. */
  rare: number;
  /** By the text's place in the list. */
  weights: Map<number, number>;
}

export interface Index {
  ids: string[];
  terms: Map<string, Term>;
  /** Of a word that is in no text. */
  unknown: number;
}

export interface Shape {
  /** How soon more of the same word stops to count, and how much a long text loses. */
  k1: number;
  b: number;
  /** Words that a text keeps at most, those that say most. */
  terms: number;
}

/** Hundredths. */
const unit = 100;

/** Among a handful of texts every word would look common: how rare one is, is judged as if there were this many. */
const fewest = 60;

export function indexOf(texts: readonly Text[], { k1, b, terms }: Shape): Index {
  const counted = texts.map(countsOf);
  const lengths = counted.map((counts) => [...counts.values()].reduce((sum, one) => sum + one, 0));
  const mean = lengths.reduce((sum, one) => sum + one, 0) / Math.max(1, texts.length);
  const holders = new Map<string, number>();
  for (const counts of counted) for (const term of counts.keys()) holders.set(term, (holders.get(term) ?? 0) + 1);
  const all = Math.max(fewest, texts.length);
  const rarity = (held: number) => Math.log(1 + (all - held + 0.5) / (held + 0.5));
  const index: Index = { ids: texts.map(({ id }) => id), terms: new Map(), unknown: Math.round(unit * rarity(0)) };
  for (const [at, counts] of counted.entries()) {
    const norm = k1 * (1 - b + (b * (lengths[at] as number)) / Math.max(1, mean));
    const weighed = [...counts].map(([term, count]) => {
      const rare = rarity(holders.get(term) as number);
      return {
        term,
        rare: Math.round(unit * rare),
        weight: Math.round((unit * rare * count * (k1 + 1)) / (count + norm)),
      };
    });
    // Of equal ones, always the same are kept.
    weighed.sort((one, other) => other.weight - one.weight || (one.term < other.term ? -1 : 1));
    for (const { term, rare, weight } of weighed.slice(0, terms)) {
      if (weight <= 0) continue;
      const known = index.terms.get(term) ?? { rare, weights: new Map() };
      index.terms.set(term, known);
      known.weights.set(at, weight);
    }
  }
  return index;
}

function countsOf({ fields }: Text): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [text, worth] of fields)
    for (const word of words(text)) counts.set(word.text, (counts.get(word.text) ?? 0) + worth);
  return counts;
}

export interface Scores {
  /** By the text's place; texts without any of the words are left out. */
  sums: Map<number, number>;
  /** What all words of the question say together: a text that is about nothing else reaches about this. */
  whole: number;
}

/** `unknown`: what a word counts that is in no text. */
export function scores({ terms, ...index }: Index, asked: readonly Word[], unknown = index.unknown): Scores {
  const sums = new Map<number, number>();
  const seen = new Set<string>();
  let whole = 0;
  for (const word of asked) {
    const term = terms.get(word.text);
    if (seen.has(word.text) || (word.whole && term === undefined)) continue;
    seen.add(word.text);
    whole += term?.rare ?? unknown;
    for (const [at, weight] of term?.weights ?? []) sums.set(at, (sums.get(at) ?? 0) + weight);
  }
  return { sums, whole };
}
