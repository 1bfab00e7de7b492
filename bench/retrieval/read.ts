// The written set: learnings, and questions with what is worth to find for each.
import { readFileSync } from "node:fs";
import type { Lesson } from "../../src/core/retrieve.ts";

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
