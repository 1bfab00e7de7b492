// What is found by words: how a text becomes words, which learnings apply, and that the written set is answered as well as
// the docs say.
import { describe, expect, test } from "vitest";
import { measure } from "../../bench/retrieval/measure.ts";
import { learnings, questions } from "../../bench/retrieval/read.ts";
import { lessonsOf, retrieve } from "../../src/core/retrieve.ts";
import { words } from "../../src/core/words.ts";

const found = (text: string) => words(text).map(({ text: word, whole }) => `${word}${whole ? "*" : ""}`);

describe("words", () => {
  test("parts of identifiers and paths, and what stands there as a whole", () => {
    expect(found("getUserName HTMLParser rawHTML userIDs")).toEqual(
      "nam getusernam* html parser htmlparser* raw html rawhtml* ids userid*".split(" "),
    );
    expect(found("src/db/0042_add_column.sql --dry-run")).toEqual(["src", "databas", "column", "sql", "dry", "run"]);
  });
  test("endings of English, marks of letters, short forms", () => {
    expect(found("migrate migrations migrated migrating")).toEqual(Array(4).fill("migrat"));
    expect(found("caches cached caching retries retried string speed")).toEqual(
      "cach cach cach retry retry string speed".split(" "),
    );
    expect(found("Größe ÉCOLE cafe\u0301 Москва 日本語 „naïve“")).toEqual([
      "gross",
      "ecol",
      "caf",
      "москва",
      "日本語",
      "naiv",
    ]);
    expect(found("auth config, py")).toEqual(found("authentication configuration python"));
  });
  test("no numbers, no single letters, nothing that says nothing; no end of them is too long", () => {
    expect(found("I am about to add the 2024 x")).toEqual([]);
    expect(found(`${"x".repeat(201)} ${"one two ".repeat(400)}`).length).toBe(0);
    expect(found("word ".repeat(1000))).toHaveLength(300);
  });
});

describe("learnings", () => {
  const some = lessonsOf([
    { id: "b-index", text: "Create an index concurrently.", applies: ["sql", "db/migrations/**"] },
    { id: "a-index", text: "Create an index concurrently.", applies: ["docs/**"] },
    { id: "retry", text: "Retries have back-off and jitter." },
  ]);
  const ids = (text: string, paths?: string[]) => retrieve(some, text, paths).map(({ id }) => id);

  test("those that apply with the best first; of equal ones by name", () => {
    expect(ids("creating indexes concurrently")).toEqual(["a-index", "b-index"]);
    expect(ids("jitter of a retry")).toEqual(["retry"]);
  });
  test("a named path tells between equal ones, by glob and by language", () => {
    expect(ids("creating indexes concurrently", ["db/migrations/1.up"])[0]).toBe("b-index");
    expect(ids("creating indexes concurrently", ["other/x.sql"])[0]).toBe("b-index");
    expect(ids("creating indexes concurrently", ["docs/x.md"])[0]).toBe("a-index");
  });
  test("nothing where nothing applies, and among none", () => {
    expect(ids("bake bread with less salt")).toEqual([]);
    expect(ids("")).toEqual([]);
    expect(retrieve(lessonsOf([]), "index", ["a.sql"])).toEqual([]);
  });
});

test("the written set: its size, and what its held-out part gets", () => {
  const all = learnings();
  const sets = [...questions("tuning"), ...questions("held-out")];
  const names = new Set(all.map(({ id }) => id));
  expect(names.size).toBe(200);
  expect(sets.length).toBeGreaterThanOrEqual(120);
  expect(sets.filter(({ grades }) => grades.size === 0).length).toBeGreaterThanOrEqual(30);
  expect(sets.flatMap(({ grades }) => [...grades.keys()].filter((id) => !names.has(id)))).toEqual([]);
  const lessons = lessonsOf(all);
  const quality = measure(questions("held-out"), ({ text, paths }) =>
    retrieve(lessons, text, paths).map(({ id }) => id),
  );
  expect(quality.ndcg).toBeGreaterThan(0.7);
  expect(quality.recall).toBeGreaterThan(0.65);
  expect(quality.precision).toBeGreaterThan(0.45);
  expect(quality.empty).toBeGreaterThan(0.7);
});
