// When a host takes new work: by the pack's clock, over midnight, over the days when clocks are put forward and back.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Entry, parseEntry } from "../../src/core/entry.ts";
import { obstacle, type Placing, place } from "../../src/core/place.ts";
import { opensAt, windowFault } from "../../src/core/window.ts";

const opening = (windows: string[], at: string, zone = "UTC") => {
  const opens = opensAt(windows, zone, new Date(at));
  return opens instanceof Date ? opens.toISOString().slice(0, 16) : opens;
};

describe("open and shut", () => {
  test.each([
    // 2026-11-20 is a Friday.
    [["22:00-06:00"], "2026-11-20T21:59:59Z", "2026-11-20T22:00"],
    [["22:00-06:00"], "2026-11-20T22:00:00Z", null],
    [["22:00-06:00"], "2026-11-21T05:59:59Z", null],
    [["22:00-06:00"], "2026-11-21T06:00:00Z", "2026-11-21T22:00"],
    [["Mon-Fri 18:00-08:00"], "2026-11-21T07:00:00Z", null], // Friday's, until Saturday morning
    [["Mon-Fri 18:00-08:00"], "2026-11-21T08:00:00Z", "2026-11-23T18:00"],
    [["Mon-Fri 18:00-08:00"], "2026-11-23T07:00:00Z", "2026-11-23T18:00"], // none began on Sunday
    [["Sat,Sun"], "2026-11-20T23:59:00Z", "2026-11-21T00:00"],
    [["Sat,Sun"], "2026-11-22T23:59:00Z", null],
    [["sat-mon 09:00-24:00"], "2026-11-23T23:59:00Z", null],
    [["Fri 10:00-11:00"], "2026-11-20T11:00:00Z", "2026-11-27T10:00"],
    [["12:00-13:00", "Sun 10:00-11:00"], "2026-11-22T09:00:00Z", "2026-11-22T10:00"],
    [["00:00-12:00", "12:00-24:00"], "2026-11-22T12:00:00Z", null],
    [[], "2026-11-22T12:00:00Z", null],
  ])("%j at %s", (windows, at, wanted) => expect(opening(windows, at)).toBe(wanted));

  test("in the pack's zone", () => {
    expect(opening(["22:00-06:00"], "2026-11-20T20:59:00Z", "Europe/Berlin")).toBe("2026-11-20T21:00");
    expect(opening(["22:00-06:00"], "2026-11-20T21:00:00Z", "Europe/Berlin")).toBe(null);
    expect(opening(["Sat"], "2026-11-20T13:00:00Z", "Pacific/Auckland")).toBe(null);
  });

  test("when the clocks are put forward over its opening, it opens after the gap", () => {
    expect(opening(["02:30-04:00"], "2026-03-29T00:30:00Z", "Europe/Berlin")).toBe("2026-03-29T01:00");
    expect(opening(["02:15-02:45"], "2026-03-29T00:30:00Z", "Europe/Berlin")).toBe("2026-03-30T00:15");
    expect(opening(["22:00-06:00"], "2026-03-28T20:00:00Z", "Europe/Berlin")).toBe("2026-03-28T21:00");
    expect(opening(["22:00-06:00"], "2026-03-29T04:00:00Z", "Europe/Berlin")).toBe("2026-03-29T20:00");
  });

  test("when they are put back, the hour that comes twice counts twice", () => {
    for (const at of ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"])
      expect(opening(["02:00-03:00"], at, "Europe/Berlin")).toBe(null);
    expect(opening(["02:00-03:00"], "2026-10-25T02:00:00Z", "Europe/Berlin")).toBe("2026-10-26T01:00");
  });

  test("what is named as the opening is open, and nothing between is", () => {
    const zones = fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu");
    const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, "0"));
    const clock = fc.tuple(two(23), two(59)).map(([h, m]) => `${h}:${m}`);
    const days = fc.constantFrom("", "Mon ", "Sat,Sun ", "Fri-Mon ", "Wed,Fri-Sat ");
    const one = fc
      .tuple(days, clock, clock)
      .filter(([, from, to]) => from !== to)
      .map(([day, from, to]) => `${day}${from}-${to}`);
    const time = fc.date({ min: new Date("2026-01-01"), max: new Date("2027-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 3 }), zones, time, (windows, zone, now) => {
        expect(windows.map(windowFault)).toEqual(windows.map(() => null));
        const opens = opensAt(windows, zone, now);
        if (opens === null) return;
        expect(opens).toBeInstanceOf(Date);
        const at = opens as Date;
        expect(opensAt(windows, zone, at)).toBeNull();
        const span = at.getTime() - now.getTime();
        expect(span).toBeGreaterThan(0);
        for (const part of [0.1, 0.5, 0.9])
          expect(opensAt(windows, zone, new Date(now.getTime() + span * part))).toEqual(at);
        expect(opensAt(windows, zone, new Date(at.getTime() - 1))).toEqual(at);
      }),
      { numRuns: 150 },
    );
  });
});

describe("as it is written", () => {
  test.each([
    "",
    "22:00",
    "25:00-26:00",
    "9-17",
    "22:00-22:00",
    "Mon",
    "Moon 10:00-11:00",
    "Mon-Fri-Sun 1:00-2:00",
    "Mon 10:00-11:00 x",
    "24:00-01:00",
  ])("%j", (text) => expect(windowFault(text) === null).toBe(text === "Mon"));
  test("a record says where it is wrong; one with a good window is a host", () => {
    const read = (window: string) => parseEntry("hosts/a.md", "host", `---\naddress: a\nwindow: ${window}\n---\n`);
    expect(read("[22:00-06:00, always]").problems[0]).toMatchObject({ level: "error", line: 3 });
    expect(read("[22:00-06:00, always]").problems[0]?.message).toContain("Mon-Fri 18:00-08:00");
    expect(read("Mon-Fri 18:00-08:00").entry?.data.window).toEqual(["Mon-Fri 18:00-08:00"]);
    expect(read("[22:00-06:00, Sat]").entry?.data.window).toEqual(["22:00-06:00", "Sat"]);
  });
});

describe("a host outside its window", () => {
  const host = (id: string, window = "") =>
    parseEntry(`hosts/${id}.md`, "host", `---\naddress: a\n${window && `window: ${window}`}\n---\n`)
      .entry as Entry<"host">;
  const at = (hosts: Entry<"host">[], now: string): Placing => ({
    hosts,
    answers: new Map(),
    given: new Map(),
    runtime: "shell",
    of: { pack: "p", runtime: "shell" },
    networks: ["public"],
    zone: "UTC",
    now: new Date(now),
  });
  test("waits, and says until when", () => {
    const night = host("night", "22:00-06:00");
    const asked = at([night], "2026-11-20T10:00:00Z");
    const until = new Date("2026-11-20T22:00:00Z");
    expect(obstacle(night, asked)).toEqual({ wait: "night takes new work from 2026-11-20T22:00Z on (window)", until });
    expect(place(asked)).toEqual({ wait: "night takes new work from 2026-11-20T22:00Z on (window)", until });
    expect(place(at([night, host("early", "20:00-21:00")], "2026-11-20T10:00:00Z"))).toMatchObject({
      until: new Date("2026-11-20T20:00:00Z"),
    });
    expect(place(at([night, host("free")], "2026-11-20T10:00:00Z"))).not.toHaveProperty("until");
    expect(obstacle(night, at([night], "2026-11-20T23:00:00Z"))).toEqual({ wait: "night was not asked" });
  });
});
