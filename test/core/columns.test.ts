// What stands where in a terminal, for every script.
import { expect, test } from "vitest";
import { cutTo, padTo, tabled, widthOf, wrapTo } from "../../src/core/columns.ts";

test.each([
  ["plain", 5],
  ["zażółć", 6],
  ["e\u0301", 1],
  ["日本語", 6],
  ["한국", 4],
  ["ＡＢ", 4],
  ["✓ ok", 4],
  ["🚀", 2],
  ["👩‍💻", 2],
  ["✔️", 2],
  ["🇩🇪", 2],
  ["", 0],
])("%s takes %i columns", (text, columns) => {
  expect(widthOf(text)).toBe(columns);
  expect(widthOf(padTo(text, 10))).toBe(10);
});

test("cut and wrapped, no line is wider, and no letter is cut in two", () => {
  const text =
    "  ◆ 日本語のとても長い名前 is 👩‍💻👩‍💻👩‍💻 waiting for somebody who answers it until 2026-11-29T08:00:00Z";
  for (const columns of [33, 40, 60, 80]) {
    expect(widthOf(cutTo(text, columns))).toBeLessThanOrEqual(columns);
    const lines = wrapTo(text, columns, "      ").split("\n");
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    expect(lines.join(" ").replace(/ +/g, " ")).toBe(text.replace(/ +/g, " "));
  }
  expect(cutTo("👩‍💻👩‍💻", 3)).toBe("👩‍💻…");
  expect(wrapTo("short", 60, "  ")).toBe("short");
});

test("a table fits its terminal; in a pipe nothing is left out", () => {
  const rows = [
    ["✓ 日本", "done", "ok"],
    [`✕ ${"long-".repeat(12)}`, "failed", "it did not work, and this is why"],
  ];
  expect(tabled(rows)[1]).toContain("long-".repeat(12));
  const narrow = tabled(rows, 60);
  expect(narrow[0]).toBe(`${padTo("✓ 日本", 30)}  done    ok`);
  for (const line of narrow) expect(widthOf(line)).toBeLessThanOrEqual(60);
});
