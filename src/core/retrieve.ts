// The handful of learnings that apply to what somebody is about to do, or none: by words, then by path and language.
import { type Index, indexOf, type Shape, scores, type Text } from "./bm25.ts";
import type { Entry } from "./entry.ts";
import { onPaths } from "./knowledge.ts";
import { clean } from "./text.ts";
import { words } from "./words.ts";

/** What is looked at of a learning. */
export interface Lesson {
  id: string;
  text: string;
  applies?: readonly string[] | undefined;
}

export interface Hit {
  id: string;
  score: number;
  /** It was found by its meaning; percent of likeness. `score` is 0 where no words found it. */
  close?: number;
  /** It is for one of the paths that were named; undefined: none was, or it is for all. */
  onPath?: boolean;
}

export const shape: Shape & { name: number; applies: number } = { k1: 1.2, b: 0.4, terms: 24, name: 1.5, applies: 1 };

/** All in whole numbers, so that any awk comes to the same. Tuned on bench/retrieval/tuning.txt. */
export interface Limits {
  /** As many at most, and none with less than so many percent of the best. */
  hits: number;
  near: number;
  /** Percent of what one word that nobody wrote down counts: less than so many says nothing. */
  least: number;
  /** Percent of all that the question says, of which words that nobody wrote down are this many percent. */
  share: number;
  unknown: number;
  /** Percent of a score that is for a named path, and for others; and of what words of the path add. */
  inside: number;
  outside: number;
  path: number;
}

export const limits: Limits = {
  hits: 5,
  near: 50,
  least: 100,
  share: 35,
  unknown: 30,
  inside: 180,
  outside: 60,
  path: 50,
};

export interface Lessons {
  index: Index;
  byPlace: readonly Lesson[];
}

/** Those that are active, as they are looked at. */
export const lessonsIn = (learnings: readonly Entry<"learning">[]): Lesson[] =>
  learnings
    .filter(({ data }) => data.status === "active")
    .map(({ id, body, data: { applies } }) => ({ id, text: clean(body).trim(), applies }));

/** In the order of their names, whatever order they come in. */
export function lessonsOf(lessons: readonly Lesson[], as = shape): Lessons {
  const byPlace = [...lessons].sort((one, other) => (one.id < other.id ? -1 : 1));
  return {
    index: indexOf(
      byPlace.map((one) => textOf(one, as)),
      as,
    ),
    byPlace,
  };
}

const textOf = ({ id, text, applies = [] }: Lesson, as: typeof shape): Text => ({
  id,
  fields: [
    [id, as.name],
    [text, 1],
    [applies.join(" "), as.applies],
  ],
});

/** Best first; equal ones in the order of their names. */
export function retrieve(
  { index, byPlace }: Lessons,
  asked: string,
  paths: readonly string[] = [],
  by = limits,
): Hit[] {
  const unknown = percent(index.unknown, by.unknown);
  const said = scores(index, words(asked), unknown);
  const places = scores(index, words(paths.join(" ")));
  const hits = byPlace.flatMap(({ id, applies }, at): Hit[] => {
    const sum = said.sums.get(at) ?? 0;
    if (paths.length === 0) return sum > 0 ? [{ id, score: sum }] : [];
    const score = sum + percent(places.sums.get(at) ?? 0, by.path);
    if (score === 0 || applies === undefined || applies.length === 0) return score > 0 ? [{ id, score }] : [];
    const onPath = onPaths(applies, paths);
    return [{ id, score: percent(score, onPath ? by.inside : by.outside), onPath }];
  });
  hits.sort((one, other) => other.score - one.score || (one.id < other.id ? -1 : 1));
  const best = hits[0]?.score ?? 0;
  const enough = (score: number) =>
    score * 100 >= index.unknown * by.least && score * 100 >= said.whole * by.share && score * 100 >= best * by.near;
  return hits.filter(({ score }) => enough(score)).slice(0, by.hits);
}

/** All of them, those first that are most about what is asked. */
export function byRelevance(learnings: readonly Entry<"learning">[], asked: string): Entry<"learning">[] {
  const { index, byPlace } = lessonsOf(lessonsIn(learnings));
  const { sums } = scores(index, words(asked));
  const score = new Map(byPlace.map(({ id }, at) => [id, sums.get(at) ?? 0]));
  return [...learnings].sort((one, other) => (score.get(other.id) ?? 0) - (score.get(one.id) ?? 0));
}

const percent = (of: number, part: number) => Math.floor((of * part) / 100);
