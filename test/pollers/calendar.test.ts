// Calendars as people and their programs write them: repetitions, exceptions, zones, and what must not hang a tick.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { settings } from "../../src/core/schema.ts";
import { eventsIn } from "../../src/pollers/calendar-read.ts";
import { createPollers } from "../../src/pollers/index.ts";
import type { Poller } from "../../src/ports.ts";
import { memory, news } from "./hub.ts";
import { type Web, web } from "./web.ts";

vi.setConfig({ testTimeout: 60_000 });

const event = (...lines: string[]) => ["BEGIN:VEVENT", ...lines, "END:VEVENT"].join("\r\n");
const ics = (...parts: string[]) => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\n${parts.join("\r\n")}\r\nEND:VCALENDAR\r\n`;
const berlin = (name: string, at: string) => `${name};TZID=Europe/Berlin:${at}`;
const daily = ["UID:d", berlin("DTSTART", "20261102T090000"), "SUMMARY:daily"];
const other =
  "BEGIN:VTIMEZONE\r\nTZID:Our Office\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0500\r\nTZOFFSETTO:+0500\r\nEND:STANDARD\r\nEND:VTIMEZONE";

const begins = async (text: string, from = "2026-11-20T00:00:00Z", to = "2026-11-21T00:00:00Z", limit = 60_000) => {
  const { events, left } = await eventsIn(text, {
    from: new Date(from),
    to: new Date(to),
    zone: "Europe/Berlin",
    limit,
  });
  const said = events.map((one) => `${one.start.toISOString().slice(5, 16)} ${one.title}`);
  return left.length > 0 ? [...said, `left out: ${left.join(", ")}`] : said;
};

test.each([
  [
    "a time without a zone is the pack's",
    ics(event("UID:1", "DTSTART:20261120T090000", "SUMMARY:a")),
    ["11-20T08:00 a"],
  ],
  ["UTC, and escaped words", ics(event("UID:1", "DTSTART:20261120T090000Z", "SUMMARY:a\\, b")), ["11-20T09:00 a, b"]],
  [
    "a zone by its name, without a word on it in the file",
    ics(event("UID:1", "DTSTART;TZID=America/New_York:20261120T090000", "SUMMARY:a")),
    ["11-20T14:00 a"],
  ],
  [
    "a zone of the file's own",
    ics(other, event("UID:1", "DTSTART;TZID=Our Office:20261120T090000", "SUMMARY:a")),
    ["11-20T04:00 a"],
  ],
  [
    "a whole day begins at the pack's midnight",
    ics(event("UID:1", "DTSTART;VALUE=DATE:20261121", "SUMMARY:a")),
    ["11-20T23:00 a"],
  ],
  ["every day", ics(event(...daily, "RRULE:FREQ=DAILY")), ["11-20T08:00 daily"]],
  ["a day that is left out", ics(event(...daily, "RRULE:FREQ=DAILY", berlin("EXDATE", "20261120T090000"))), []],
  [
    "one that was moved within the day",
    ics(
      event(...daily, "RRULE:FREQ=DAILY"),
      event("UID:d", berlin("RECURRENCE-ID", "20261120T090000"), berlin("DTSTART", "20261120T150000"), "SUMMARY:moved"),
    ),
    ["11-20T14:00 moved"],
  ],
  [
    "one that was moved from days later",
    ics(
      event(...daily, "RRULE:FREQ=DAILY"),
      event("UID:d", berlin("RECURRENCE-ID", "20261124T090000"), berlin("DTSTART", "20261120T150000"), "SUMMARY:moved"),
    ),
    ["11-20T08:00 daily", "11-20T14:00 moved"],
  ],
  [
    "one that was called off",
    ics(
      event(...daily, "RRULE:FREQ=DAILY"),
      event(
        "UID:d",
        berlin("RECURRENCE-ID", "20261120T090000"),
        berlin("DTSTART", "20261120T090000"),
        "STATUS:CANCELLED",
      ),
    ),
    [],
  ],
  ["a rule that ended", ics(event(...daily, "RRULE:FREQ=DAILY;COUNT=3")), []],
  [
    "two calendars in one file",
    ics(event("UID:1", "DTSTART:20261120T090000Z", "SUMMARY:a")) +
      ics(event("UID:2", "DTSTART:20261120T100000Z", "SUMMARY:b")),
    ["11-20T09:00 a", "11-20T10:00 b"],
  ],
  [
    "an event that cannot be read costs itself only",
    ics(event("UID:x", "DTSTART:2026112xT0900"), event("UID:2", "DTSTART:20261120T100000Z", "SUMMARY:b")),
    ["11-20T10:00 b", expect.stringMatching(/^left out: x: invalid/)],
  ],
  [
    "a day that never comes",
    ics(
      event("UID:1", "DTSTART:20200103T090000Z", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
      event("UID:2", "DTSTART:20261120T100000Z", "SUMMARY:b"),
    ),
    ["11-20T10:00 b"],
  ],
  [
    "each second is left out",
    ics(
      event("UID:s", "DTSTART:19700103T090000Z", "RRULE:FREQ=SECONDLY"),
      event("UID:2", "DTSTART:20261120T100000Z", "SUMMARY:b"),
    ),
    ["11-20T10:00 b", "left out: s"],
  ],
  [
    "each hour since the year 1 is left out",
    ics(event("UID:h", "DTSTART:00010103T090000Z", "RRULE:FREQ=HOURLY")),
    ["left out: h"],
  ],
])("%s", async (_, text, expected) => {
  expect(await begins(text)).toEqual(expected);
});

test("the same hour by the clock on both sides of a change of time", async () => {
  const text = ics(event("UID:1", berlin("DTSTART", "20261001T090000"), "RRULE:FREQ=DAILY", "SUMMARY:a"));
  const found = await begins(text, "2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z");
  expect(found).toEqual(["10-24T07:00 a", "10-25T08:00 a"]);
});

test("a rule whose next day is searched for without an end is ended, and is a fault of the source", async () => {
  const text = ics(event("UID:1", "DTSTART:20200103T090000Z", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31"));
  await expect(begins(text, undefined, undefined, 1000)).rejects.toThrow("reading it does not end within 1 s");
});

test.each([
  "hello",
  "",
  "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:2026",
  "BEGIN:VCARD\r\nEND:VCARD\r\n",
  "<html>sign in</html>",
])("%j is no calendar", async (text) => {
  await expect(begins(text)).rejects.toThrow(/it is no calendar that can be read/);
});

describe("what is about to begin", () => {
  let server: Web;
  let text = "";
  beforeAll(async () => {
    server = await web();
    server.answer = (_, response) => void response.end(text);
  });
  afterAll(() => server.close());
  const at = (clock: string) => new Date(`2026-11-${clock}Z`);
  const stage = () => {
    const of = settings.parse({ id: "p", pollers: { calendar: [{ name: "team", url: server.url }] } });
    const [one] = createPollers({ env: {}, origin: async () => null })(of);
    const ledger = memory();
    return { ledger, told: (clock: string) => news(one as Poller, of, ledger, at(clock)) };
  };
  const starting = [expect.stringMatching(/^calendar\.starting team\/[0-9a-f]{12}/)];

  test("is told once in its time before, or late, but not later than its grace", async () => {
    text = ics(event("UID:1", "DTSTART:20261120T090000Z", "SUMMARY:a"));
    const { told, ledger } = stage();
    expect(await told("20T08:44:00")).toEqual([]);
    expect(await told("20T08:46:00")).toEqual(starting);
    expect(ledger.raised[0]).toMatchObject({
      title: "a",
      data: { calendar: "team", uid: "1", start: "2026-11-20T09:00:00.000Z" },
    });
    for (const clock of ["20T08:50:00", "20T09:00:00", "20T09:59:00", "20T10:01:00", "21T09:00:00"])
      expect(await told(clock)).toEqual([]);
    expect(await stage().told("20T09:59:00")).toEqual(starting);
    expect(await stage().told("20T10:00:00")).toEqual([]);
  });

  test("each repetition is one event with an id of its own, and what is over is forgotten", async () => {
    text = ics(event("UID:1", "DTSTART:20261101T090000Z", "RRULE:FREQ=DAILY", "SUMMARY:a"));
    const { told, ledger } = stage();
    for (const day of ["20", "21", "22", "23"]) expect(await told(`${day}T08:50:00`)).toEqual(starting);
    expect(new Set(ledger.raised.map((one) => one.id)).size).toBe(4);
    expect(ledger.rows.filter((row) => row.family === "calendar")).toHaveLength(1);
  });

  test("moved to a later time it is told again; called off before, it is not", async () => {
    text = ics(event("UID:1", "DTSTART:20261120T090000Z", "SUMMARY:a"));
    const { told } = stage();
    expect(await told("20T08:50:00")).toEqual(starting);
    text = ics(event("UID:1", "DTSTART:20261120T110000Z", "SUMMARY:a"));
    expect(await told("20T08:55:00")).toEqual([]);
    expect(await told("20T10:50:00")).toEqual(starting);
    text = ics(event("UID:1", "DTSTART:20261120T130000Z", "STATUS:CANCELLED"));
    expect(await told("20T12:50:00")).toEqual([]);
  });

  test("one that was put in late is told, too", async () => {
    text = ics();
    const { told } = stage();
    expect(await told("20T08:55:00")).toEqual([]);
    text = ics(event("UID:1", "DTSTART:20261120T090000Z", "SUMMARY:a"));
    expect(await told("20T08:56:00")).toEqual(starting);
  });
});
