// What texts mean, as a model's vectors for them. Whoever asks for those is elsewhere; without them words have to do.
import { closeness } from "./fuse.ts";
import { clean } from "./text.ts";

export interface Meanings {
  /** By what was said, as `saidIn` has it. */
  vectors: ReadonlyMap<string, readonly number[]>;
  /** Percent of likeness from which on a pack's model finds two texts to be about the same. */
  least: number;
}

/**
 * Percent of likeness from which on two say the same. More than it takes to find a learning (60): common small models put
 * a rule and its paraphrase at 75 to 95, two rules about the same thing at 50 to 70. A model that finds everything alike
 * is told so by `embeddings.least`, which counts here where it is more.
 */
export const same_meaning = 75;

/** Texts that are asked about at most, the newest. */
const most = { signals: 1000, dismissed: 200 };

/** A text as it is asked about: the same for a signal and for the candidate that it becomes. */
export const saidIn = (text: string) => clean(text).trim();

/** What a model is to be asked about, so that these can be put together. */
export function textsToMean(signals: readonly { text: string }[], dismissed: readonly { text: string }[]): string[] {
  const asked = [...signals.slice(-most.signals), ...dismissed.slice(-most.dismissed)];
  return [...new Set(asked.map(({ text }) => saidIn(text)))].filter((text) => text !== "");
}

/** Of two texts by their places: from 100 on they mean the same, and 0 below. Not quite alike weighs nothing at all. */
export function sameMeaning(texts: readonly string[], meanings?: Meanings): (one: number, other: number) => number {
  if (!meanings || meanings.vectors.size === 0) return () => 0;
  const vectors = texts.map((text) => meanings.vectors.get(saidIn(text)) ?? []);
  const least = Math.max(same_meaning, meanings.least);
  return (one, other) => {
    const close = closeness(vectors[one] as readonly number[], vectors[other] as readonly number[]);
    return close >= least ? (100 * close) / least : 0;
  };
}
