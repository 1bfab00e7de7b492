// How good what was found is: averages over the questions to which something applies, and how often nothing was said to the
// others.
import type { Question } from "./read.ts";

export interface Quality {
  precision: number;
  recall: number;
  ndcg: number;
  /** Of questions to which nothing applies: how many got no answer. */
  empty: number;
  /** The same of the others: they should have got one. */
  missed: number;
}

export function measure(questions: readonly Question[], find: (question: Question) => readonly string[]): Quality {
  const found = questions.map((question) => ({ question, ids: find(question).slice(0, 5) }));
  const some = found.filter(({ question }) => question.grades.size > 0);
  const none = found.filter(({ question }) => question.grades.size === 0);
  return {
    precision: mean(some.map(({ question, ids }) => share(right(question, ids), ids.length))),
    recall: mean(some.map(({ question, ids }) => share(right(question, ids), Math.min(5, question.grades.size)))),
    ndcg: mean(some.map(({ question, ids }) => ndcg(question, ids))),
    empty: mean(none.map(({ ids }) => Number(ids.length === 0))),
    missed: mean(some.map(({ ids }) => Number(ids.length === 0))),
  };
}

const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);
const right = ({ grades }: Question, ids: readonly string[]) => ids.filter((id) => grades.has(id)).length;
/** Nothing found is nothing right. */
const share = (part: number, of: number) => (of === 0 ? 0 : part / of);

function ndcg({ grades }: Question, ids: readonly string[]): number {
  const gain = (list: number[]) => list.reduce((sum, grade, at) => sum + (2 ** grade - 1) / Math.log2(at + 2), 0);
  const best = [...grades.values()].sort((one, other) => other - one).slice(0, 5);
  return gain(ids.map((id) => grades.get(id) ?? 0)) / gain(best);
}

/** Of the pairs that were put together: how many belong together, and of those that belong together: how many were. */
export function pairs(groups: readonly (readonly string[])[]): { precision: number; recall: number } {
  const all = groups.flatMap((names, group) => names.map((name) => ({ name, group })));
  let right = 0;
  let made = 0;
  let wanted = 0;
  for (const [at, one] of all.entries())
    for (const other of all.slice(at + 1)) {
      if (one.group === other.group) made++;
      if (one.name === other.name) wanted++;
      if (one.group === other.group && one.name === other.name) right++;
    }
  return { precision: made === 0 ? 1 : right / made, recall: wanted === 0 ? 1 : right / wanted };
}
