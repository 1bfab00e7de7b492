// The reader's own limits, one at a time: what is refused, and with which words.
import { expect, test } from "vitest";
import { parseEntry } from "../../src/core/entry.ts";
import { readSettings } from "../../src/core/state.ts";

const codes = (header: string) =>
  parseEntry("tasks/x.md", "task", `---\ntitle: x\n${header}\n---\n`).problems.map(({ code }) => code);

test.each([
  ["aliases", "hosts: &a [x]\nafter: *a", "alias"],
  ["tags", "due: !!timestamp 2026-11-20", "tag"],
  ["deep nesting", `repo: ${"[".repeat(20)}x${"]".repeat(20)}`, "too-deep"],
  ["a field twice", "status: ready\nstatus: ready", "duplicate-key"],
])("%s are refused", (_, header, code) => expect(codes(header)).toEqual([code]));

test("scalars are the text that stands there", () => {
  const { entry } = parseEntry("tasks/x.md", "task", "---\ntitle: 007\nagent: no\n---\n");
  expect([entry?.data.title, entry?.data.agent]).toEqual(["007", "no"]);
});

test("thousands of strange fields and wrong items are told in few words, and in time", () => {
  const fields = Array.from({ length: 5000 }, (_, i) => `k${i}: 1`).join("\n");
  const from = performance.now();
  const { problems } = parseEntry("tasks/x.md", "task", `---\ntitle: x\n${fields}\n---\n`);
  expect(problems).toHaveLength(21);
  expect(problems.at(-1)).toMatchObject({ code: "more", message: "4980 more findings like these are not listed" });
  expect(problems[1]).toMatchObject({ line: 4, message: "`k1` is not a field of a task" });
  const rows = "- {id: 1}\n".repeat(5000);
  const status = parseEntry("status/x.md", "status", `---\ntitle: x\nstate: done\njobs:\n${rows}---\n`);
  expect(status.entry).toBeNull();
  expect(status.problems).toHaveLength(21);
  // A hang limit: it took hours.
  expect(performance.now() - from).toBeLessThan(10_000);
});

test("settings of a megabyte are refused unread", () => {
  const { settings, problems } = readSettings(`id: x\nowners:\n${"- x\n".repeat(250_000)}`);
  expect(settings).toBeNull();
  expect(problems).toMatchObject([{ message: "the file is too large", fix: "keep settings short" }]);
});
