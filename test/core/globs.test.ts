// Whether two globs can name one path, against what the matcher says of many paths.
import { expect, test } from "vitest";
import { matcher, meet } from "../../src/core/globs.ts";

test.each([
  ["src/a.ts", "src/a.ts", true],
  ["src/a.ts", "src/b.ts", false],
  ["src/", "src/core/*.ts", true],
  ["src/", "./src/x", true],
  ["src/*.ts", "src/core/*.ts", false],
  ["src/**/x.ts", "src/*/y/*", true],
  ["a*c", "*b*", true],
  ["a?", "abc", false],
  ["*.md", "docs/**", true],
  ["/*.md", "docs/**", false],
  ["**", "x", true],
  ["**/a", "b/**", true],
  ["x*y", "x**z", false],
])("%s and %s: %s", (one, other, answer) => {
  expect([meet(one, other), meet(other, one)]).toEqual([answer, answer]);
});

test("globs meet where a path is named by both", () => {
  const parts = ["a", "b", "ab", "*", "**", "?", "a*", "*b"];
  const globs = [
    ...parts,
    ...parts.flatMap((one) => parts.map((other) => `${one}/${other}`)),
    "a/",
    "**/a/b",
    "/a",
    "a/**/b",
  ];
  const names = ["a", "b", "ab", "ba"];
  const two = names.flatMap((one) => names.map((other) => `${one}/${other}`));
  const paths = [...names, ...two, ...two.flatMap((one) => names.map((other) => `${one}/${other}`))];
  const named = globs.map((glob) => new Set(paths.filter(matcher([glob]))));
  for (const [i, one] of globs.entries())
    for (const [j, other] of globs.entries())
      if ([...(named[i] ?? [])].some((path) => named[j]?.has(path)))
        expect([one, other, meet(one, other)]).toEqual([one, other, true]);
      else if (named[i]?.size && named[j]?.size) expect([one, other, meet(one, other)]).toEqual([one, other, false]);
});

test("what was written to be slow is not", () => {
  const slow = `${"*a".repeat(90)}b`;
  expect(meet(slow, `${"a*".repeat(90)}c`)).toBe(false);
});
