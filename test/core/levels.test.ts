// What a level is worth: as the first of its family, as a change, and as the end of its subject.
import { describe, expect, test } from "vitest";
import type { Draft } from "../../src/core/draft.ts";
import type { Entry } from "../../src/core/entry.ts";
import { closeMemos } from "../../src/core/memos.ts";
import { raise } from "../../src/core/raise.ts";
import type { Level } from "../../src/ports.ts";

const draftAt = (now = "2026-11-20T10:00:00Z") =>
  ({
    levels: [],
    raised: [],
    hosts: new Map(),
    status: new Map(),
    memos: new Map(),
    written: new Map(),
    now: new Date(now),
  }) as unknown as Draft;
const level = (family: string, kind: string, more: Partial<Level> = {}): Level => ({
  source: "hub",
  subject: "a/b#1",
  family,
  kind,
  title: kind,
  ...more,
});
const rows = (draft: Draft) => draft.levels.map((row) => [row.family, row.kind, row.state]);
const kinds = (draft: Draft) => draft.raised.map((event) => event.kind);
const ids = (draft: Draft) => draft.raised.map((event) => event.id);

describe("the first level of a family", () => {
  test("is news and remembered", () => {
    const draft = draftAt();
    for (let i = 0; i < 2; i++) raise(draft, level("pr", "pr.opened"));
    expect([kinds(draft), rows(draft)]).toEqual([["pr.opened"], [["pr", "pr.opened", undefined]]]);
  });

  test("that is calm is neither, and is news after another one", () => {
    const draft = draftAt();
    raise(draft, level("check", "check.recovered", { first: "calm" }));
    expect([kinds(draft), rows(draft)]).toEqual([[], []]);
    raise(draft, level("check", "check.failed", { state: "a" }));
    raise(draft, level("check", "check.recovered", { first: "calm" }));
    expect(kinds(draft)).toEqual(["check.failed", "check.recovered"]);
  });

  test("that is noted is remembered without a word, and its change is news", () => {
    const draft = draftAt();
    const head = (state: string) => level("pr.head", "pr.updated", { state, first: "noted" });
    raise(draft, head("a"));
    expect([kinds(draft), rows(draft)]).toEqual([[], [["pr.head", "pr.updated", "a"]]]);
    raise(draft, head("b"));
    raise(draft, head("a"));
    expect(kinds(draft)).toEqual(["pr.updated", "pr.updated"]);
    expect(new Set(ids(draft)).size).toBe(2);
  });
});

describe("the end of a subject", () => {
  const full = () => {
    const draft = draftAt();
    raise(draft, level("pr", "pr.opened"));
    raise(draft, level("pr.head", "pr.updated", { state: "a", first: "noted" }));
    raise(draft, level("check", "check.failed", { state: "a" }));
    raise(draft, level("pr", "pr.opened", { subject: "a/b#2" }));
    raise(draft, level("pr", "pr.opened", { source: "other" }));
    return draft;
  };

  test("for good forgets all of it, and of nothing else; told again, it is no news", () => {
    const draft = full();
    const merged = level("pr", "pr.merged", { first: "calm", ends: "for-good" });
    for (let i = 0; i < 2; i++) raise(draft, merged);
    expect(kinds(draft).filter((kind) => kind === "pr.merged")).toHaveLength(1);
    expect(draft.levels.map((row) => [row.source, row.subject])).toEqual([
      ["hub", "a/b#2"],
      ["other", "a/b#1"],
    ]);
  });

  test("that may return keeps itself, so that the same happening again has another id", () => {
    const draft = full();
    const closed = level("pr", "pr.closed", { first: "calm", ends: "may-return" });
    for (let i = 0; i < 2; i++) {
      raise(draft, closed);
      raise(draft, level("pr", "pr.opened"));
    }
    raise(draft, closed);
    const mine = draft.raised.filter((event) => event.subject === "a/b#1" && event.source === "hub");
    expect(mine.map((event) => event.kind)).toEqual(
      "pr.opened check.failed pr.closed pr.opened pr.closed pr.opened pr.closed".split(" "),
    );
    expect(new Set(mine.map((event) => event.id)).size).toBe(mine.length);
    expect(draft.levels.filter((row) => row.subject === "a/b#1" && row.source === "hub")).toHaveLength(1);
  });
});

test("a memo about a level that stands stays, and closes with its end; one about an end stays", () => {
  const memo = (event: string) =>
    ({
      path: `memos/2026/11/${event}.md`,
      id: event,
      data: { event, subject: "a/b#1", status: "open", expires: "2027-01-01T00:00:00Z" },
    }) as Entry<"memo">;
  const draft = draftAt();
  for (const event of ["pr.opened", "pr.stale", "check.failed", "pr.merged"]) draft.memos.set(event, memo(event));
  raise(draft, level("pr", "pr.opened"));
  raise(draft, level("pr.age", "pr.stale", { state: "t" }));
  raise(draft, level("check", "check.failed", { state: "a" }));
  const open = () => {
    closeMemos(draft);
    return [...draft.memos.values()].filter((one) => one.data.status === "open").map((one) => one.id);
  };
  expect(open()).toEqual(["pr.opened", "pr.stale", "check.failed", "pr.merged"]);
  raise(draft, level("pr.age", "pr.active", { first: "calm" }));
  expect(open()).toEqual(["pr.opened", "check.failed", "pr.merged"]);
  raise(draft, level("pr", "pr.merged", { first: "calm", ends: "for-good" }));
  expect(open()).toEqual(["pr.merged"]);
});
