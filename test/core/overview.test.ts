// OVERVIEW.md: a short read whose sentences lead to records that are there, and tables that fit a phone.
import { describe, expect, test } from "vitest";
import type { FakeRun } from "../fakes/fleet.ts";
import { basics, md } from "../fakes/pack.ts";
import { type World, world } from "../fakes/world.ts";

const at = (minutes: number) => new Date(Date.parse("2026-11-20T22:30:00Z") + minutes * 60_000).toISOString();
const good = (): FakeRun => ({ stdout: "fine\n" });
const bad = (): FakeRun => ({ stdout: "", exit: 1, stderr: "no such table\n" });
const overview = (w: World) => w.files.get("OVERVIEW.md") ?? "";
/** The paragraphs between the title and the first heading below it. */
const read = (w: World) => overview(w).split("\n## ")[0]?.split("\n\n").slice(1).join("\n\n").trim() ?? "";
const targets = (text: string) => [...text.matchAll(/\]\(([^)]+)\)/g)].map((one) => one[1] as string);
const anchors = (text: string) =>
  [...text.matchAll(/^## (.+)$/gm)].map((one) => `#${one[1]?.toLowerCase().replaceAll(" ", "-")}`);

const night = () => {
  const w = world({
    ...basics(["ann", "bob"]),
    "tasks/fine.md": md("title: Count the logs", "x"),
    "tasks/table.md": md("title: Add a | table", "x"),
    "tasks/after.md": md("title: Tell everybody\nafter: [table]", "x"),
    "tasks/daily.md": md("title: Look round\nevery: 0 7 * * *", "x"),
    "queue/asked-q0123abcd.md": md("title: What eve asked for\nasked_by: eve\nborn_of: p1", "x"),
  });
  w.tick(at(0), (job) => (/^(table|asked)/.test(job) ? bad() : good()));
  return w;
};

test("how it went, what to look at first, and what waits for whom; each sentence leads to records that are there", () => {
  const w = night();
  const text = overview(w);
  expect(read(w)).toMatch(
    /^Rough night: \[2 failed\]\(#tasks\), \[1 blocked\]\(status\/after\.md\), .*; \*\*\[2 wait for you\]\(#waits-for-you\)\.\*\*\n/,
  );
  expect(read(w)).toContain(
    "I would look at [What eve asked for](status/asked-q0123abcd.md) first: failed, exit 1: no such table.",
  );
  expect(read(w)).toContain("Then at [Add a \\| table](status/table.md): failed, exit 1: no such table.");
  expect(read(w)).toContain("And at [Tell everybody](status/after.md): blocked, waits for table, which failed.");
  expect(read(w)).toContain("Done: [Count the logs](status/fine.md).");
  expect(read(w)).toContain("Next comes [Look round](status/daily.md), 11-21 07:00.");
  expect(text).toMatch(/^- \[asked-q0123abcd failed on .*\]\(memos\/.*\) · needs a look, by eve if they can$/m);
  const known = new Set([...w.files.keys(), ...anchors(text)]);
  expect(targets(text).filter((one) => !known.has(one))).toEqual([]);
  for (const sentence of read(w).split(/(?<=[.!?]\**)\s+(?=[A-Z[])/)) {
    if (sentence !== "Nothing waits for you.") expect(sentence).toContain("](");
  }
});

test("three narrow columns", () => {
  const w = night();
  const heads = overview(w).match(/^\| (Task|Host) .*$/gm);
  expect(heads).toEqual(["| Task | State | Next |", "| Host | State | Slots |"]);
  expect(overview(w)).toContain("| [Add a \\| table](tasks/table.md) | [✕ failed](status/table.md) |  |");
});

test("a quiet night says so, and an hour later the same", () => {
  const w = world({ ...basics(["ann"]), "tasks/fine.md": md("title: Count the logs", "x") });
  w.tick(at(0), good);
  expect(read(w)).toBe(
    "Quiet night: [1 done](status/fine.md). Nothing waits for you.\n\nDone: [Count the logs](status/fine.md).",
  );
  expect(w.tick(at(600), good)).toEqual([]);
});

test("where no work went wrong, what waits for a word is what to look at first", () => {
  const memo = (title: string, kind: string, created: string) =>
    md(`kind: ${kind}\ntitle: ${title}\nsubject: x\ncreated: ${created}\nexpires: 2027-01-01T00:00:00Z`, "About x.");
  const w = world({
    ...basics(["ann"]),
    "tasks/fine.md": md("title: Count the logs", "x"),
    "memos/2026/11/old.md": memo("The disk is nearly full", "warning", "2026-11-18T00:00:00Z"),
    "memos/2026/11/ask.md": memo("Shall I `rm -r x`?", "ask", "2026-11-19T00:00:00Z"),
    "state/open.ndjson": '{"memo":"old","path":"memos/2026/11/old.md"}\n{"memo":"ask","path":"memos/2026/11/ask.md"}\n',
  });
  w.tick(at(0), good);
  expect(read(w)).toMatch(
    /^Quiet night: .*\n\nI would look at \[Shall I rm -r x\?\]\(memos\/2026\/11\/ask\.md\) first\. Done:/,
  );
  expect(overview(w)).toContain("- [Shall I rm -r x?](memos/2026/11/ask.md) · needs an answer");
});

test("of many, three are named and the rest is counted; a table ends where nobody reads on", () => {
  const tasks = Object.fromEntries(
    Array.from({ length: 230 }, (_, n) => [`tasks/t${1000 + n}.md`, md("title: T\nhosts: nowhere", "x")]),
  );
  const w = world({ ...basics(["ann"]), ...tasks });
  w.tick(at(0), good);
  expect(read(w)).toContain("[230 blocked](#tasks)");
  expect(read(w)).toContain("After that there are [227 more](#tasks).");
  expect(overview(w).match(/^\| \[T\]/gm)).toHaveLength(200);
  expect(overview(w)).toContain("… and 30 more in [status/](status/).");
});

describe("the campfire", () => {
  const candidates = [{ name: "a" }, { name: "b" }];
  const row = (more: object) => `${JSON.stringify({ id: "2026-11-20", state: "open", candidates, ...more })}\n`;
  const said = (text: string) => {
    const w = world({ ...basics(["ann"]), "state/campfire.ndjson": text });
    w.tick(at(0), good);
    return read(w);
  };
  test.each([
    [
      "its address",
      row({ proposal: { branch: "b", url: "https://example.org/pull/3" } }),
      "has [2 candidates](https://example.org/pull/3) for you.",
    ],
    [
      "its branch",
      row({ proposal: { branch: "towline/campfire" } }),
      "has [2 candidates](state/campfire/2026-11-20.md) for you, on the branch towline/campfire.",
    ],
    ["no address that is none", row({ proposal: { branch: "b", url: "javascript:x" } }), "for you, on the branch b."],
    ["nothing when it is over", row({ state: "merged" }), "Nothing here yet. Nothing waits for you."],
    ["nothing of a torn line", '{"state":"open"', "Nothing here yet. Nothing waits for you."],
  ])("leads to %s", (_, text, words) => {
    expect(said(text)).toContain(words);
    if (!words.includes("candidates") && !words.includes("branch")) expect(said(text)).not.toContain("campfire");
  });
});
