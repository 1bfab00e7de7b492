// Signals → groups → candidates, and what is turned down stays so.
import { describe, expect, test } from "vitest";
import { pairs } from "../../bench/retrieval/measure.ts";
import { signals } from "../../bench/retrieval/read.ts";
import { type Candidate, candidatesOf, dismiss, withEarlier, witnessesOf } from "../../src/core/candidates.ts";
import { doubted, knownRows } from "../../src/core/known.ts";
import type { Pupdate } from "../../src/core/schema.ts";
import { signalOf } from "../../src/core/signal-of.ts";
import { grouped, type Signal } from "../../src/core/signals.ts";

let count = 0;
const signal = (text: string, more: Partial<Signal> = {}): Signal => {
  const id = more.id ?? `s${String(++count).padStart(3, "0")}`;
  const at = `2026-11-20T10:${id.slice(-2)}:00Z`;
  return { id, at, kind: "review", text, origins: [`job ${id}`], link: `https://example.org/${id}`, ...more };
};
const sleep = [
  "Do not sleep in tests, wait for the condition.",
  "Wait for the condition here; a sleep in a test is too short or too long.",
  "No sleep in this test, please: wait for its condition.",
] as const;
const made = (all: Signal[], dismissed: Parameters<typeof candidatesOf>[1] = []) =>
  candidatesOf(grouped(all), dismissed);

describe("groups", () => {
  test("of the written set: what belongs together, and little else", () => {
    for (const part of ["tuning", "held-out"] as const) {
      const all = signals(part);
      const names = new Map(all.map((one) => [one.signal.id, one.group]));
      const groups = grouped(all.map((one) => one.signal)).map((group) =>
        group.map(({ id }) => names.get(id) as string),
      );
      const { precision, recall } = pairs(groups);
      expect([part, precision > 0.95, recall > 0.9]).toEqual([part, true, true]);
    }
  });
  test("the order in which they are given does not matter", () => {
    const all = signals("tuning").map((one) => one.signal);
    expect(grouped(all.toReversed())).toEqual(grouped(all));
  });
  test("the same rule says the same; the same path alone does not", () => {
    const [a, b] = [signal("Unused import.", { rule: "lint/x" }), signal("Weg damit!", { rule: "lint/x" })];
    expect(grouped([a, b])).toEqual([[a, b]]);
    const [c, d] = [signal("Typo.", { path: "a.ts" }), signal("Too slow.", { path: "a.ts" })];
    expect(grouped([c, d])).toEqual([[c], [d]]);
  });
});

describe("by what they mean", () => {
  const [a, b, c] = [
    signal("Do not sleep in tests."),
    signal("Abfragen statt einer festen Pause!"),
    signal("Poll."),
  ] as const;
  const vectors = new Map([
    [a.text, [1, 0]],
    [b.text, [0.9, 0.3]],
    [c.text, [0.6, 0.8]],
  ]);
  const meanings = { vectors, least: 60 };

  test("no word in common, and the same meaning; what is only about the same is not put together", () => {
    expect(grouped([a, b, c])).toEqual([[a], [b], [c]]);
    expect(grouped([a, b, c], meanings)).toEqual([[a, b], [c]]);
    expect(grouped([a, b, c], { vectors, least: 98 })).toEqual([[a], [b], [c]]);
  });
  test("words count as they do without a model: also where its vectors cannot be compared, or are missing", () => {
    const [one, two] = sleep.map((text) => signal(text)) as [Signal, Signal];
    const odd = new Map([
      [one.text, [1, 0]],
      [two.text, [0, 0, 1]],
    ]);
    expect(grouped([one, two], { vectors: odd, least: 1 })).toEqual([[one, two]]);
    expect(grouped([one, two], { vectors: new Map([[one.text, [0, 1]]]), least: 1 })).toEqual([[one, two]]);
  });
  test("what was turned down does not come back in words of another language", () => {
    const dropped = [{ id: "x", text: a.text, signals: [], at: "2026-11-21T00:00:00Z" }];
    const again = [b, signal(b.text)];
    expect(candidatesOf(grouped(again, meanings), dropped)).toHaveLength(1);
    expect(candidatesOf(grouped(again, meanings), dropped, meanings)).toEqual([]);
  });
  test("what a model put together stays while it cannot be asked, until people turn it down or a signal leaves", () => {
    const found = candidatesOf(grouped([a, b, c], meanings), [], meanings);
    const none = candidatesOf(grouped([a, b, c]), []);
    expect([found.length, none.length]).toEqual([1, 0]);
    expect(withEarlier(none, found, [a, b, c], [])).toEqual(found);
    expect(withEarlier(found, found, [a, b, c], [])).toEqual(found);
    expect(withEarlier(none, found, [b, c], [])).toEqual([]);
    expect(withEarlier(none, found, [a, b, c], dismiss([], found, b.at))).toEqual([]);
  });
});

describe("candidates", () => {
  const [a, b, c] = sleep.map((text) => signal(text)) as [Signal, Signal, Signal];

  test("one witness is none; a second one makes it, a third joins it under the same id", () => {
    expect(made([a])).toEqual([]);
    const [two] = made([a, b]);
    expect(two).toMatchObject({ sources: [a.link, b.link], signals: [a.id, b.id], since: b.at, witnesses: 2 });
    expect(two?.text).toBe(b.text);
    expect(made([a, b, c])).toMatchObject([{ id: two?.id, witnesses: 3, since: b.at, text: c.text }]);
  });
  test("two of one job or of one pull request are one witness, also by way of a third", () => {
    const of = (...origins: string[]) => signal("x", { origins });
    expect(witnessesOf([of("job 1", "pr 7"), of("job 2", "pr 7")])).toBe(1);
    expect(witnessesOf([of("job 1"), of("pr 7"), of("job 1", "pr 7")])).toBe(1);
    expect(witnessesOf([of("job 1"), of("job 2"), of()])).toBe(2);
    expect(made([a, { ...b, origins: a.origins }])).toEqual([]);
  });
  test("what was turned down never returns: not with more witnesses, not with others, not in other words", () => {
    const dropped = dismiss([], made([a, b]), "2026-11-21T00:00:00Z");
    expect(dropped).toHaveLength(1);
    expect(made([a, b, c], dropped)).toEqual([]);
    expect(made([b, c], dropped)).toEqual([]);
    const others = sleep.map((text) => signal(`${text} Really.`));
    expect(made(others, dropped)).toEqual([]);
    expect(dismiss(dropped, made([a, b]), "2026-12-01T00:00:00Z")).toEqual(dropped);
    const other = [signal("Quote variables in shell."), signal("Quote this shell variable.")];
    expect(made([a, b, ...other], dropped)).toHaveLength(1);
  });
  test("hidden characters are shown, and texts are bounded", () => {
    const evil = `Wait for the condition in tests, no sleep.\u202e\u200b\u001b[2J ${"x ".repeat(2000)}`;
    const [one] = made([a, b, signal(evil)]) as [Candidate];
    expect(one.text).toContain("⟨U+202E⟩⟨U+200B⟩");
    expect(one.text).not.toContain("\u001b");
    expect(one.text.length).toBeLessThanOrEqual(2000);
    expect(one.id).toMatch(/^[a-z0-9-]+-[0-9a-f]{8}$/);
  });
});

describe("pupdates that teach", () => {
  const pupdate = (kind: string, data: Record<string, unknown>): Pupdate => ({
    id: "p1",
    at: "2026-11-20T10:00:00Z",
    source: "towline",
    kind,
    subject: "count",
    title: "t",
    data,
  });
  test("a confession, a failure, a remark; with what they came out of", () => {
    expect(signalOf(pupdate("job.confessed", { job: "j", text: "I erred" }))).toMatchObject({
      kind: "confession",
      text: "I erred",
      origins: ["job j"],
    });
    expect(signalOf(pupdate("job.failed", { job: "j", why: "exit 1", detail: "a\nnpm ci failed\n" }))?.text).toBe(
      "exit 1: npm ci failed",
    );
    expect(signalOf(pupdate("pr.commented", { job: "j", pr: "o/r#7", text: "No", path: "a.ts" }))).toMatchObject({
      kind: "review",
      origins: ["job j", "pr o/r#7"],
      path: "a.ts",
    });
  });
  test("not what says nothing, is about people's own work, or is of another kind", () => {
    expect(signalOf(pupdate("job.confessed", { job: "j", text: " " }))).toBeNull();
    expect(signalOf(pupdate("pr.commented", { text: "No" }))).toBeNull();
    expect(signalOf(pupdate("job.finished", { job: "j", text: "x" }))).toBeNull();
    expect(signalOf(pupdate("constructor", { job: "j", text: "x" }))).toBeNull();
  });
});

describe("what is known", () => {
  const present = new Map([
    ["learnings/a.md", "2026-06-01T00:00:00Z"],
    ["insights/b.md", "2026-06-01T00:00:00Z"],
  ]);
  const none = { present, hits: [], confirmed: [] };

  test("hits and confirmations count, whatever order they come in; records that are gone are forgotten", () => {
    const first = knownRows([], none);
    expect(first.map(({ path, confirmed, hits }) => [path, confirmed, hits])).toEqual([
      ["insights/b.md", "2026-06-01T00:00:00Z", 0],
      ["learnings/a.md", "2026-06-01T00:00:00Z", 0],
    ]);
    const hit = (at: string) => ({ path: "learnings/a.md", at });
    const next = knownRows(first, {
      present: new Map([["learnings/a.md", "2026-06-01T00:00:00Z"]]),
      hits: [hit("2026-08-02T00:00:00Z"), hit("2026-08-01T00:00:00Z")],
      confirmed: [hit("2026-07-01T00:00:00Z")],
    });
    expect(next).toEqual([
      { path: "learnings/a.md", confirmed: "2026-07-01T00:00:00Z", last_hit: "2026-08-02T00:00:00Z", hits: 2 },
    ]);
  });
  test("whether it still holds is asked after 90 days without a hit, and of insights at their end", () => {
    const rows = knownRows([], none);
    const asked = (now: string, expires = new Map<string, string>()) =>
      doubted(rows, expires, new Date(now)).map(({ path }) => path);
    expect(asked("2026-08-29T00:00:00Z")).toEqual([]);
    expect(asked("2026-08-30T00:00:00Z")).toEqual(["learnings/a.md"]);
    expect(asked("2026-07-01T00:00:00Z", new Map([["insights/b.md", "2026-07-01T00:00:00Z"]]))).toEqual([
      "insights/b.md",
    ]);
  });
});
