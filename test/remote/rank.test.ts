// A host's awk and the engine agree on every question of the written set, and on texts made to tell them apart.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { learnings, questions } from "../../bench/retrieval/read.ts";
import { type Lesson, lessonsOf, retrieve } from "../../src/core/retrieve.ts";
import { shipped } from "../../src/core/shipped.ts";

const program = fileURLToPath(new URL("../../src/remote/agent/rank.awk", import.meta.url));
const awks = [["mawk"], ["gawk"], ["busybox", "awk"]].map(([name = "", ...args]) => {
  const there = spawnSync(name, [...args, "BEGIN { exit }"]).error === undefined;
  return { name, args, there, title: there ? name : `${name}, needs ${name} (npm test -- --install)` };
});

describe.each(awks)("$title", ({ name, args, there }) => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "towline-rank-"));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** Of each question, the names and scores that it prints. */
  function ranked(lessons: readonly Lesson[], asked: readonly string[]): string[][] {
    const weights = join(dir, "weights");
    writeFileSync(weights, shipped(lessons) ?? "");
    const out = execFileSync(name, [...args, "-v", "each=1", "-f", program, weights, "-"], {
      input: asked.map((one) => `${one}\n`).join(""),
      env: { ...process.env, LC_ALL: "C" },
    }).toString();
    return out
      .split(/^hits: /m)
      .slice(1)
      .map((part) => {
        const [names = "", ...lines] = part.split("\n").filter(Boolean);
        const hits = lines.map((line) => line.slice(0, line.indexOf(": ")));
        expect(names).toBe(`[${hits.map((hit) => hit.replace(/ .*/, "")).join(", ")}]`);
        return hits;
      });
  }

  function engine(lessons: readonly Lesson[], asked: readonly string[]): string[][] {
    const all = lessonsOf(lessons);
    return asked.map((one) => retrieve(all, one).map(({ id, score }) => `${id} (${(score / 100).toFixed(2)})`));
  }

  test.skipIf(!there)("all questions of the written set", () => {
    const asked = [...questions("tuning"), ...questions("held-out")].map(({ text, paths }) =>
      [text, ...paths].join(" "),
    );
    expect(ranked(learnings(), asked)).toEqual(engine(learnings(), asked));
  });

  test.skipIf(!there)("texts made to tell them apart", () => {
    const letter = fc.oneof(
      fc.constantFrom(..."abesnABDSsinged019_-/.'\\\"%&{}[]()*?$` \t"),
      fc.constantFrom(
        "é",
        "É",
        "ß",
        "Ł",
        "Ж",
        "ж",
        "Σ",
        "日",
        "。",
        "…",
        "–",
        "\u0301",
        "\u00a0",
        "🚢",
        "\u200b",
        "\u3000",
      ),
    );
    const text = fc.array(letter, { maxLength: 60 }).map((all) => all.join(""));
    const texts = fc.sample(text, { numRuns: 300, seed: 7 });
    const lessons = texts.slice(0, 100).map((one, at) => ({ id: `t${at}`, text: one }));
    const long = ["x".repeat(70_000), `${"say ".repeat(400)}${texts[0]}`, `${"é".repeat(100)} ${"é".repeat(101)}`];
    const asked = [...texts, ...long].map((one) => one.replaceAll("\n", " "));
    expect(ranked(lessons, asked)).toEqual(engine(lessons, asked));
  });
});
