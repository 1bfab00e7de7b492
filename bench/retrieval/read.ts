// The written set: learnings, and questions with what is worth to find for each.
import { readFileSync } from "node:fs";
import type { Lesson } from "../../src/core/retrieve.ts";
import type { Signal } from "../../src/core/signals.ts";

export interface Question {
  text: string;
  paths: string[];
  /** Name of a learning → 2: it applies, 1: worth knowing. Empty: nothing applies. */
  grades: Map<string, number>;
}

const rows = (name: string) =>
  readFileSync(new URL(`./${name}.txt`, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(/ \|(?= |$)/).map((cell) => cell.trim()));

export const learnings = (): Lesson[] =>
  rows("learnings").map(([id = "", applies = "", text = ""]) => ({
    id,
    text,
    ...(applies === "" ? {} : { applies: applies.split(/, */) }),
  }));

export const questions = (part: "tuning" | "held-out"): Question[] =>
  rows(part).map(([text = "", paths = "", grades = ""]) => ({
    text,
    paths: paths.split(" ").filter(Boolean),
    grades: new Map(
      grades
        .split(" ")
        .filter(Boolean)
        .map((one) => one.split(":") as [string, string])
        .map(([id, grade]) => [id, Number(grade)]),
    ),
  }));

/** Written signals of a part, and the group that each belongs to. */
export function signals(part: "tuning" | "held-out"): { signal: Signal; group: string }[] {
  const all = rows("signals").map(([group = "", kind = "", path = "", text = ""], at) => ({
    group: group === "-" ? `- ${at}` : group,
    signal: {
      id: String(at).padStart(3, "0"),
      at: `2026-11-20T10:00:00.${String(at).padStart(3, "0")}Z`,
      kind: kind as Signal["kind"],
      text,
      origins: [`job-${at}`],
      link: `jobs/job-${at}.md`,
      ...(path === "" ? {} : { path }),
    },
  }));
  const split = all.findIndex(({ group }) => group.startsWith("n-"));
  return part === "tuning" ? all.slice(0, split) : all.slice(split);
}
