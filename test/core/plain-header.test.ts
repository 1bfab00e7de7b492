// Headers that are read line by line: what is read is what the YAML engine reads, to the byte and in the same order.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plainHeader } from "../../src/core/plain-header.ts";
import { readYaml } from "../../src/core/split.ts";

function byYaml(header: string): unknown {
  try {
    return readYaml(header);
  } catch {
    return "fault";
  }
}
const same = (header: string) => {
  const read = plainHeader(header);
  if (read !== null) expect([header, JSON.stringify(read)]).toEqual([header, JSON.stringify(byYaml(header))]);
  return read !== null;
};

let seed = 20261128;
const random = (n: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};
const pick = <T>(list: readonly T[]) => list[random(list.length)] as T;

// Everything that has a meaning in YAML, and some that has none.
const pieces = [
  ..." -?:,[]{}#&*!|>'\"%@`~=.<\\/\t\r\u00a0\u0085\u2028\ufeffaé0…",
  ": ",
  " #",
  "---",
  "...",
  "null",
  "<<",
  "07",
  "1e3",
  "😀",
  "''",
  '""',
  "\\n",
];
const names = ["a", "b_c", "run", "x-1", "A", "__proto__", "constructor", "toString", "é", "1", "", "a b", "null", "~"];

test("whatever a header holds, the quick way reads what YAML reads, or leaves it alone", () => {
  let read = 0;
  for (let n = 0; n < 10_000; n++) {
    const lines = Array.from({ length: 1 + random(5) }, () => {
      const indent = pick(["", "", "", "", "", "  ", "  ", "    ", " ", "\t"]);
      const value = Array.from({ length: random(3) }, () => pick(pieces)).join("");
      return `${indent}${random(20) === 0 ? pick(["- ", "# ", ""]) : ""}${random(8) === 0 ? pick(names) : pick("abcdefgh".split(""))}:${random(8) === 0 ? "" : " "}${random(3) === 0 ? value : `v${value}`}`;
    });
    if (same(lines.join("\n"))) read++;
  }
  // Else nothing was tried.
  expect(read).toBeGreaterThan(500);
});

test("records that towline writes are read the quick way", () => {
  const root = "test/golden";
  const files = readdirSync(root, { recursive: true })
    .map(String)
    .filter((path) => /\/after\/(jobs|reflections)\/.*\.md$/.test(path));
  const headers = files.map((path) => readFileSync(join(root, path), "utf8").split("\n---")[0]?.slice(4) as string);
  expect(headers.length).toBeGreaterThan(10);
  expect(headers.filter(same).length / headers.length).toBeGreaterThan(0.6);
  for (const header of [
    "a: 1\n  b: 2",
    "a:",
    "a: x\na: y",
    "a:\n  b: 1\n c: 2",
    "a: b: c",
    "a: x #y",
    "a: *x",
    "a: !t x",
    "a: [x]",
    "",
    "a",
  ])
    expect([header, plainHeader(header)]).toEqual([header, null]);
});
