// What many hosts answered to one question: equal answers once, others by how they differ.
import { structuredPatch } from "diff";
import type { Job } from "./schema.ts";

/** `unreachable`: its host was never spoken to. `waiting`: it was not begun. `skipped`: its host takes no work. */
export type AnswerState = Job["state"] | "unreachable" | "waiting" | "skipped";

export interface Answer {
  task: string;
  title: string;
  /** null: no host was found for it. */
  host: string | null;
  job: string | null;
  state: AnswerState;
  /** It did what was asked. */
  good: boolean;
  /** There is an answer, but not the whole of it. */
  partial: boolean;
  answer: string;
  why: string | null;
  /** Seconds. */
  took: number | null;
  /** US dollars. */
  cost: number | null;
}

/** Hosts that said the same. */
export interface Group {
  same: Answer[];
  /** How it differs from what most said: lines with ` `, `-`, `+` in front. null: there is no such group, or this is it, or the answer itself is shorter. */
  differs: string[] | null;
}

export interface Folded {
  /** The largest of at least two equal good answers, when there is one largest. */
  majority: Group | null;
  /** The other good ones. */
  others: Group[];
  failures: Group[];
}

const most_lines = 12;
/** Longer answers are not compared line by line. */
const most_text = 200_000;

/** Answers to one question, in the order of their hosts' names. */
export function foldAnswers(answers: Answer[]): Folded {
  const sorted = answers.toSorted((a, b) => ((a.host ?? "") < (b.host ?? "") ? -1 : 1));
  const good = grouped(
    sorted.filter((one) => one.good),
    (one) => one.answer.trimEnd(),
  );
  const failures = grouped(
    sorted.filter((one) => !one.good),
    (one) => JSON.stringify([one.state, one.why?.replaceAll(one.host ?? "\0", ""), one.answer.trimEnd()]),
  );
  const sizes = good.map((group) => group.length).sort((a, b) => b - a);
  const [first = 0, second = 0] = sizes;
  const most = first >= 2 && first > second ? good.find((group) => group.length === first) : undefined;
  const usual = most?.[0]?.answer;
  return {
    majority: most ? { same: most, differs: null } : null,
    others: good
      .filter((group) => group !== most)
      .map((same) => ({ same, differs: usual === undefined ? null : difference(usual, same[0]?.answer ?? "") })),
    failures: failures.map((same) => ({ same, differs: null })),
  };
}

const grouped = (answers: Answer[], key: (one: Answer) => string) => [...Map.groupBy(answers, key).values()];

/** The changed lines with one line around them, or null where the answer itself is as short. */
function difference(from: string, to: string): string[] | null {
  if (from.length + to.length > most_text) return null;
  const patch = structuredPatch("", "", `${from.trimEnd()}\n`, `${to.trimEnd()}\n`, "", "", {
    context: 1,
    maxEditLength: 2000,
  });
  if (!patch) return null;
  const lines = patch.hunks.flatMap((hunk, at) => [...(at > 0 ? ["…"] : []), ...hunk.lines]);
  if (lines.length > to.trimEnd().split("\n").length) return null;
  const over = lines.length - most_lines;
  return over > 1 ? [...lines.slice(0, most_lines), `… ${over} more lines differ`] : lines;
}

/** `3 done`, `287 hosts agree, 9 differ, 4 failed` */
export function countLine({ majority, others, failures }: Folded): string {
  const size = (groups: Group[]) => groups.reduce((sum, { same }) => sum + same.length, 0);
  const of = (state: AnswerState) => size(failures.filter(({ same }) => same[0]?.state === state));
  const apart = size(others);
  const [away, late, skipped] = [of("unreachable"), of("timeout"), of("skipped")];
  const failed = size(failures) - away - late - skipped;
  const said = [
    majority ? `${majority.same.length} hosts agree` : "",
    apart > 0 ? `${apart} ${majority ? (apart === 1 ? "differs" : "differ") : "done"}` : "",
    failed > 0 ? `${failed} failed` : "",
    late > 0 ? `${late} timed out` : "",
    away > 0 ? `${away} unreachable` : "",
    skipped > 0 ? `${skipped} skipped` : "",
  ].filter(Boolean);
  return said.length === 0 ? "nothing was asked" : said.join(", ");
}

/** 0: all of it was done. 4: nobody could be reached. 1: something failed, timed out or was not begun. */
export function verdictOf(answers: Answer[]): 0 | 1 | 4 {
  const asked = answers.filter((one) => one.state !== "skipped");
  if (asked.length > 0 && asked.every((one) => one.good)) return 0;
  return asked.length > 0 && asked.every((one) => one.state === "unreachable") ? 4 : 1;
}
