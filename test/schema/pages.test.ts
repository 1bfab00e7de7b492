// docs/records/: the tables are those of the schema, and the records that are shown as examples are fine together.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withFields } from "../../scripts/docs-records.ts";
import { fieldsOf } from "../../scripts/fields.ts";
import { schemas } from "../../scripts/schema.ts";
import { check } from "../../src/core/check.ts";
import { file } from "../check/pack.ts";

const folder = join(import.meta.dirname, "..", "..", "docs", "records");
const pages = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

describe("docs/records/", () => {
  test.each(pages)("$name: its tables are what `npm run docs` writes", ({ text }) =>
    expect(withFields(text)).toBe(text),
  );

  test("every kind of record has a page with its fields, and the first page leads there", () => {
    const kinds = Object.keys(schemas());
    const tables = pages.flatMap(({ name, text }) =>
      [...text.matchAll(/<!-- fields of ([a-z]+) -->/g)].map(([, kind]) => `${kind} in ${name}`),
    );
    expect(tables.sort()).toEqual(kinds.map((kind) => `${kind} in ${kind}.md`).sort());
    const first = pages.find(({ name }) => name === "README.md")?.text ?? "";
    expect(kinds.filter((kind) => !first.includes(`](${kind}.md)`))).toEqual([]);
  });

  test("every field says what it means", () => {
    const spared = /\b(budget|reserved)\./;
    const silent = Object.entries(schemas()).flatMap(([kind, schema]) =>
      fieldsOf(schema)
        .filter(({ name, node }) => node.description === undefined && !spared.test(name))
        .map(({ name }) => `${kind}: ${name}`),
    );
    expect(silent).toEqual([]);
  });
});

/** Blocks that stand below a line with a path. */
function examples(text: string): { path: string; text: string }[] {
  const found = text.matchAll(/^`([\w./-]+)`:\n\n(`{3,})[a-z]*\n([\s\S]*?\n)\2$/gm);
  return [...found].map(([, path, , inside]) => ({
    path: path as string,
    text: (inside as string).replaceAll("~~~", "```"),
  }));
}

describe("examples", () => {
  const shown = pages.flatMap(({ text }) => examples(text));
  const judged = (files: { path: string; text: string }[]) =>
    check({
      files: files.map(({ path, text }) => file(path, text)),
      runtimes: ["shell", "claude"],
    });

  test("each kind of record has one, and `towline check` has nothing to say about all of them together", () => {
    expect(new Set(shown.map(({ path }) => path)).size).toBe(shown.length);
    expect(shown.length).toBeGreaterThanOrEqual(Object.keys(schemas()).length);
    const { problems, records } = judged(shown);
    expect(problems).toEqual([]);
    expect(records).toBeGreaterThan(10);
  });

  test("a wrong one is seen", () => {
    const wrong = shown.map((one) => ({ ...one, text: one.text.replace("reflect: on_change", "reflect: sometimes") }));
    expect(judged(wrong).problems).toMatchObject([{ path: "tasks/count-the-errors.md" }]);
  });
});
