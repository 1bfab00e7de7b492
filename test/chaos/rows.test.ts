// The table of SSH faults cannot rot: every row is in it, and every test that it names is there.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Row, rows } from "./rows.ts";

const root = join(import.meta.dirname, "..", "..");
const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A literal that begins so, or a case of that key; of a test that is not skipped for good. */
function holds(source: string, name: string): boolean {
  const plain = source.replace(/\b(test|it|describe)\.(skip|todo)\([^)]*/g, "");
  return new RegExp(`["'\`]${quoted(name)}|^\\s*${quoted(name)}: \\{`, "m").test(plain);
}

const missing = ({ shown }: Row) =>
  Object.entries(shown).flatMap(([file, names]) => {
    const path = join(root, file);
    if (!existsSync(path)) return [`${file} is not there`];
    const source = readFileSync(path, "utf8");
    return names.filter((name) => !holds(source, name)).map((name) => `${file} has no test called ${name}`);
  });

describe("faults of SSH and of hosts", () => {
  test("all rows are there, in their order", () => {
    expect(rows.map((row) => row.id)).toEqual(Array.from({ length: 42 }, (_, i) => `D${i + 1}`));
  });

  test.each(rows)("$id $fault", (row) => {
    expect(Object.values(row.shown).flat().length).toBeGreaterThan(0);
    expect(missing(row)).toEqual([]);
  });

  test("a test that was renamed, removed or skipped is noticed", () => {
    const source = 'test.skip("away", () => {});\ntest("here and there", () => {});\n  key: {\n';
    expect(["here", "key", "away", "gone", "there"].map((name) => holds(source, name))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(missing({ id: "D0", fault: "", must: "", shown: { "test/none.test.ts": ["x"] } })).toEqual([
      "test/none.test.ts is not there",
    ]);
  });
});
