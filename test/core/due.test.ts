// When recurring work is due: over the days on which clocks change, and what is caught up after silence.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dueBetween, everyFault, localDay, nextDue, startOfDay } from "../../src/core/due.ts";
import type { Entry } from "../../src/core/entry.ts";
import { parseEntry } from "../../src/core/entry.ts";
import { nextOwed, owed } from "../../src/core/occurrence.ts";

const hour = 3_600_000;
const zones = ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"];
const local = (zone: string, at: Date | null) => {
  if (!at) return "never";
  const { day, time } = localDay(zone, at);
  return `${day} ${time}`;
};
const days = (every: string, zone: string, from: string, to: string) =>
  dueBetween(every, zone, new Date(from), new Date(to), 1000).map((at) => local(zone, at));

describe("clock changes", () => {
  // Europe/Berlin 2026: 29 March 02:00 → 03:00, 25 October 03:00 → 02:00. New York: 8 March and 1 November.
  test.each([
    ["Europe/Berlin", "2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00", ["28", "29", "30"]],
    ["Europe/Berlin", "2026-10-24T00:00:00+02:00", "2026-10-27T00:00:00+01:00", ["24", "25", "26"]],
    ["America/New_York", "2026-03-07T00:00:00-05:00", "2026-03-10T00:00:00-04:00", ["07", "08", "09"]],
    ["America/New_York", "2026-10-31T00:00:00-04:00", "2026-11-03T00:00:00-05:00", ["31", "01", "02"]],
  ])("%s from %s: a daily cron line runs once each local day", (zone, from, to, expected) => {
    for (const line of ["0 7 * * *", "30 2 * * *", "0 0 * * *", "15 1 * * *", "59 23 * * *"]) {
      const found = days(line, zone, new Date(Date.parse(from) - 1).toISOString(), to).filter(
        (one) => one.slice(8, 10) !== to.slice(8, 10),
      );
      expect([line, found.map((one) => one.slice(8, 10))]).toEqual([line, expected]);
    }
  });

  test("seven in the morning stays seven in the morning", () => {
    expect(days("0 7 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z")).toEqual([
      "2026-10-25 07:00",
      "2026-10-26 07:00",
    ]);
    expect(nextDue("0 7 * * *", "Europe/Berlin", new Date("2026-10-24T12:00:00Z"))?.toISOString()).toBe(
      "2026-10-25T06:00:00.000Z",
    );
  });

  test("a duration starts anew at each local midnight, on short and long days too", () => {
    expect(days("6h", "Europe/Berlin", "2026-03-28T22:59:59Z", "2026-03-29T22:00:00Z")).toEqual([
      "2026-03-29 00:00",
      "2026-03-29 07:00",
      "2026-03-29 13:00",
      "2026-03-29 19:00",
      "2026-03-30 00:00",
    ]);
    const long = days("12h", "America/New_York", "2026-11-01T03:59:59Z", "2026-11-02T05:00:00Z");
    expect(long[0]).toBe("2026-11-01 00:00");
    expect(long.at(-1)).toBe("2026-11-02 00:00");
  });

  test("whole days count calendar days", () => {
    const found = days("2d", "Europe/Berlin", "2026-10-20T00:00:00Z", "2026-11-05T00:00:00Z");
    expect(found.every((one) => one.endsWith(" 00:00"))).toBe(true);
    const numbers = found.map((one) => Date.parse(`${one.slice(0, 10)}T00:00:00Z`) / 86_400_000);
    expect(new Set(numbers.slice(1).map((n, i) => n - (numbers[i] as number)))).toEqual(new Set([2]));
  });
});

describe("properties, in every zone", () => {
  const instant = fc.date({
    min: new Date("2026-01-01T00:00:00Z"),
    max: new Date("2027-06-01T00:00:00Z"),
    noInvalidDate: true,
  });
  const zone = fc.constantFrom(...zones);
  const duration = fc.constantFrom("45m", "1h", "5h", "6h", "7h", "24h", "1d", "2d", "7d");
  const cron = fc.constantFrom("*/40 * * * *", "0 7 * * 1-5", "30 2 * * *", "0 0 1 * *", "0 */6 * * *", "5 1 * * 0");
  const every = fc.oneof(duration, cron);

  test("a day begins at or before each of its instants, and its first instant is its own", () => {
    fc.assert(
      fc.property(zone, instant, (where, at) => {
        const start = startOfDay(where, at);
        expect(start).toBeLessThanOrEqual(at.getTime());
        expect(at.getTime() - start).toBeLessThan(25 * hour);
        expect(localDay(where, new Date(start)).day).toBe(localDay(where, at).day);
        expect(localDay(where, new Date(start - 1)).day).not.toBe(localDay(where, at).day);
        expect(startOfDay(where, new Date(start))).toBe(start);
      }),
      { numRuns: 300 },
    );
  });

  test("the next instant lies ahead, and nothing is due before it", () => {
    fc.assert(
      fc.property(every, zone, instant, (rhythm, where, at) => {
        const next = nextDue(rhythm, where, at) as Date;
        expect(next.getTime()).toBeGreaterThan(at.getTime());
        expect(dueBetween(rhythm, where, at, new Date(next.getTime() - 1), 5)).toEqual([]);
        expect(dueBetween(rhythm, where, at, next, 5)).toEqual([next]);
      }),
      { numRuns: 150 },
    );
  });

  test("a stretch of time holds the same instants however it is cut", () => {
    fc.assert(
      fc.property(every, zone, instant, fc.nat(40), fc.nat(40), (rhythm, where, from, a, b) => {
        const middle = new Date(from.getTime() + a * hour);
        const to = new Date(middle.getTime() + b * hour);
        const whole = dueBetween(rhythm, where, from, to, 200);
        const parts = [...dueBetween(rhythm, where, from, middle, 200), ...dueBetween(rhythm, where, middle, to, 200)];
        expect(whole.map((at) => at.toISOString())).toEqual(parts.map((at) => at.toISOString()));
      }),
      { numRuns: 60 },
    );
  });

  test("a limit keeps the newest", () => {
    fc.assert(
      fc.property(every, zone, instant, fc.integer({ min: 1, max: 24 }), (rhythm, where, from, limit) => {
        const to = new Date(from.getTime() + 60 * hour);
        const all = dueBetween(rhythm, where, from, to, 1000);
        expect(dueBetween(rhythm, where, from, to, limit)).toEqual(all.slice(-limit));
      }),
      { numRuns: 60 },
    );
  });
});

test("a rhythm of seconds after a long silence is counted quickly", () => {
  const began = performance.now();
  const found = dueBetween(
    "1s",
    "Europe/Berlin",
    new Date("2026-01-01T00:00:00Z"),
    new Date("2026-06-01T00:00:00Z"),
    24,
  );
  expect(found).toHaveLength(24);
  expect(found.at(-1)?.toISOString()).toBe("2026-06-01T00:00:00.000Z");
  expect(performance.now() - began).toBeLessThan(500);
});

test.each([
  ["0s", "at least 1s"],
  ["36h", "whole days"],
  ["soon", "neither a duration"],
  ["61 * * * *", "neither a duration"],
  ["0 7 * *", "neither a duration"],
])("%s is refused in words", (every, words) => expect(everyFault(every)).toContain(words));
test.each(["1s", "6h", "24h", "2d", "0 7 * * 1-5", "*/5 * * * * *", "0 7 * * MON"])("%s is taken", (every) =>
  expect(everyFault(every)).toBeNull(),
);

describe("what is owed", () => {
  const task = (fields: string) =>
    parseEntry("tasks/t.md", "task", `---\ntitle: T\n${fields}\n---\n`).entry as Entry<"task">;
  const status = (fields: string) =>
    parseEntry(
      "status/t.md",
      "status",
      `---\ntitle: T\nstate: queued\nsince: 2026-11-20T00:00:00Z\nseen: 2026-11-20T00:00:00Z\n${fields}\n---\n`,
    ).entry as Entry<"status">;
  const at = (fields: string, seen: string | undefined, now: string) =>
    owed(task(fields), seen === undefined ? undefined : status(seen), "UTC", new Date(now), 1800).map(
      (one) => one.occurrence,
    );

  test("nothing before the first sight, the newest only after silence", () => {
    expect(at("every: 6h", undefined, "2026-11-20T13:00:00Z")).toEqual([]);
    expect(at("every: 6h", "", "2026-11-20T05:59:59Z")).toEqual([]);
    expect(at("every: 6h", "", "2026-11-20T13:00:00Z")).toEqual(["2026-11-20T12:00:00.000Z"]);
    expect(at("every: 6h", "last_due: 2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z")).toEqual([]);
  });
  test("catch_up: all owes each, oldest first, at most 24", () => {
    expect(at("every: 6h\ncatch_up: all", "", "2026-11-20T13:00:00Z")).toEqual([
      "2026-11-20T06:00:00.000Z",
      "2026-11-20T12:00:00.000Z",
    ]);
    expect(at("every: 1h\ncatch_up: all", "", "2026-12-20T13:00:00Z")).toHaveLength(24);
  });
  test("catch_up: skip owes only what is fresh", () => {
    expect(at("every: 6h\ncatch_up: skip", "", "2026-11-20T12:30:00Z")).toEqual(["2026-11-20T12:00:00.000Z"]);
    expect(at("every: 6h\ncatch_up: skip", "", "2026-11-20T13:30:00Z")).toEqual([]);
  });
  test("the time that it was paused, a draft or cancelled is not owed", () => {
    for (const state of ["paused", "draft", "cancelled"])
      expect(
        owed(
          task("every: 6h"),
          parseEntry(
            "status/t.md",
            "status",
            `---\ntitle: T\nstate: ${state}\nsince: 2026-11-20T00:00:00Z\nseen: 2026-11-20T00:00:00Z\n---\n`,
          ).entry as Entry<"status">,
          "UTC",
          new Date("2026-11-20T13:00:00Z"),
          1800,
        ),
      ).toEqual([]);
  });
  test("a one-shot runs once a value of run, and not before it is due", () => {
    expect(at("", undefined, "2026-11-20T13:00:00Z")).toEqual(["run-1"]);
    expect(at("", "last_occurrence: run-1", "2026-11-20T13:00:00Z")).toEqual([]);
    expect(at("run: 1", "last_occurrence: run-1", "2026-11-20T13:00:00Z")).toEqual([]);
    expect(at("run: 2", "last_occurrence: run-1", "2026-11-20T13:00:00Z")).toEqual(["run-2"]);
    expect(at("due: 2026-11-21T09:00:00+01:00", undefined, "2026-11-21T07:59:59Z")).toEqual([]);
    expect(at("due: 2026-11-21T09:00:00+01:00", undefined, "2026-11-21T08:00:00Z")).toEqual([
      "2026-11-21T08:00:00.000Z",
    ]);
  });
  test("bumping run on a recurring task asks for one run more", () => {
    expect(at("every: 6h\nrun: 1", "", "2026-11-20T13:00:00Z")).toEqual(["run-1", "2026-11-20T12:00:00.000Z"]);
  });
  test("what is next due is what will be owed", () => {
    fc.assert(
      fc.property(fc.constantFrom("1h", "6h", "0 7 * * *"), fc.nat(2000), (every, minutes) => {
        const now = new Date(Date.parse("2026-11-20T00:00:00Z") + minutes * 60_000);
        const one = task(`every: ${every}`);
        const next = nextOwed(one, undefined, now.toISOString(), "Europe/Berlin", now) as Date;
        const seen = { ...status(""), data: { ...status("").data, seen: now.toISOString() } };
        expect(owed(one, seen, "Europe/Berlin", new Date(next.getTime() - 1), 1800)).toEqual([]);
        expect(owed(one, seen, "Europe/Berlin", next, 1800).map((o) => o.occurrence)).toEqual([next.toISOString()]);
      }),
      { numRuns: 50 },
    );
  });
});
