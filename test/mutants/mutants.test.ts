// That guards which are switched off are noticed: a few here, all of them with `npm run test:mutants`.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { mutants, quick } from "./table.ts";
import { copyOfTree, misfit, removeCopy, tryMutant } from "./try.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let dir: string;
beforeAll(() => {
  dir = copyOfTree();
});
afterAll(() => removeCopy(dir));

test("every change still fits its source", () => {
  expect(mutants.flatMap((mutant) => misfit(mutant) ?? [])).toEqual([]);
  expect(new Set(mutants.map(({ guard }) => guard)).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(25);
});

describe("a guard that is switched off is noticed", () => {
  test.each(mutants.filter(({ guard }) => quick.includes(guard)))("$guard", (mutant) => {
    expect(tryMutant(dir, mutant)).toHaveProperty("caught");
  });
});

test("a change that changes nothing that counts is not taken for caught", () => {
  const idle = { ...(mutants.find(({ guard }) => guard === quick[1]) as (typeof mutants)[number]) };
  idle.edits = [["src/core/place.ts", "// Which host gets which job", "// Which host gets which of the jobs"]];
  expect(tryMutant(dir, idle)).toHaveProperty("survived");
});
