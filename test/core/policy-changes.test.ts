import { expect, test } from "vitest";
import { concernsPack } from "../../src/core/policy-changes.ts";

test.each([
  [["src2/a.ts", "README.md"], false],
  [["count.txt"], false],
  [["count.txt", "tasks/a.md"], true],
  [["memos/2026/11/a.md"], true],
  [[".github/workflows/x.yml"], true],
  [["agents/a.md"], true],
  [["STOP.md"], true],
  [["src/tick.ts"], true],
])("whether ticks, agents or CI read any of %j: %s", (paths, read) => expect(concernsPack(paths)).toBe(read));
