// `npm run bench:retrieval`: how well what applies is found, beside looking for the words as they stand and plain BM25.
import { indexOf, scores } from "../../src/core/bm25.ts";
import { lessonsOf, retrieve, shape } from "../../src/core/retrieve.ts";
import { grouped } from "../../src/core/signals.ts";
import { words } from "../../src/core/words.ts";
import { measure, pairs } from "./measure.ts";
import { learnings, type Question, questions, signals } from "./read.ts";

const all = learnings();
const lessons = lessonsOf(all);
const plain = indexOf(
  all.map(({ id, text }) => ({ id, fields: [[text, 1]] as const })),
  { ...shape, terms: Number.POSITIVE_INFINITY },
);

/** The most words of the question that stand in it as they are. */
function bySubstring({ text }: Question): string[] {
  const asked = [...new Set(text.toLowerCase().split(/\s+/))].filter((word) => word.length > 3);
  const found = all.map((one) => ({
    id: one.id,
    score: asked.filter((word) => one.text.toLowerCase().includes(word)).length,
  }));
  return best(found);
}

function byPlainWords({ text }: Question): string[] {
  const { sums } = scores(plain, words(text));
  return best([...sums].map(([at, score]) => ({ id: all[at]?.id as string, score })));
}

const best = (found: { id: string; score: number }[]) =>
  found
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score || (one.id < other.id ? -1 : 1))
    .map(({ id }) => id);

const ways: Record<string, (question: Question) => string[]> = {
  substring: bySubstring,
  "plain BM25": byPlainWords,
  "towline learn, no paths": ({ text }) => retrieve(lessons, text).map(({ id }) => id),
  "towline learn --paths": ({ text, paths }) => retrieve(lessons, text, paths).map(({ id }) => id),
};

const width = Math.max(...Object.keys(ways).map((name) => name.length));
for (const part of ["tuning", "held-out"] as const) {
  const set = questions(part);
  const none = set.filter(({ grades }) => grades.size === 0).length;
  const heads = ["precision@5", "recall@5", "nDCG@5", "empty on none", "empty on some"];
  process.stdout.write(
    `\n${part}: ${set.length} questions over ${all.length} learnings, ${none} to which nothing applies\n` +
      `  ${" ".repeat(width)}${heads.map((head) => head.padStart(15)).join("")}\n`,
  );
  for (const [name, way] of Object.entries(ways)) {
    const { precision, recall, ndcg, empty, missed } = measure(set, way);
    const cells = [precision, recall, ndcg, empty, missed].map((value) => value.toFixed(2).padStart(15));
    process.stdout.write(`  ${name.padEnd(width)}${cells.join("")}\n`);
  }
}

process.stdout.write("\nsignals that say the same, by pairs\n");
for (const part of ["tuning", "held-out"] as const) {
  const set = signals(part);
  const names = new Map(set.map(({ signal, group }) => [signal.id, group]));
  const groups = grouped(set.map(({ signal }) => signal));
  const { precision, recall } = pairs(groups.map((group) => group.map(({ id }) => names.get(id) as string)));
  process.stdout.write(
    `  ${part.padEnd(9)} ${set.length} signals: precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}\n`,
  );
}
