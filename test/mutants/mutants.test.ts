// That guards which are switched off are noticed: a few here, all of them with `npm run test:mutants`.
import { existsSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { mutants, quick } from "./table.ts";
import { copyOfTree, misfit, removeCopy, row, tryMutant } from "./try.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

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
  test.each(mutants.filter(({ guard }) => quick.includes(guard)))("$guard", async (mutant) => {
    expect(await tryMutant(dir, mutant)).toHaveProperty("caught");
  });
});

test("a change that changes nothing that counts is not taken for caught", async () => {
  const idle = { ...(mutants.find(({ guard }) => guard === quick[1]) as (typeof mutants)[number]) };
  idle.edits = [["src/core/place.ts", "// Which host gets which job", "// Which host gets which of the jobs"]];
  expect(await tryMutant(dir, idle)).toHaveProperty("survived");
});

test("a row that hangs is ended with its processes, one that cannot be tried is told, and both let the next come", async () => {
  writeFileSync(
    join(dir, "test/core/hangs.test.ts"),
    'import { test } from "vitest";\ntest("hangs", () => { for (;;); });\n',
  );
  const hangs = { guard: "x", edits: [], tests: ["test/core/hangs.test.ts"] };
  expect(await row(dir, hangs, 6000)).toEqual({ survived: "the tests did not come to an end" });
  const running = existsSync("/proc") ? readdirSync("/proc") : [];
  expect(running.filter((pid) => /^\d+$/.test(pid) && cwdOf(pid) === dir)).toEqual([]);
  const gone: (typeof mutants)[number] = { ...hangs, edits: [["src/no-such.ts", "a", "b"]] };
  expect(await row(dir, gone)).toEqual({ survived: "src/no-such.ts is not there" });
});

function cwdOf(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}
