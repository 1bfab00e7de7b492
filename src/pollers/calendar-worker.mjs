// A thread of its own for reading a calendar: anybody who sends an invitation writes in it, and a rule of repetition that
// never ends is ended with its thread. Plain JavaScript, as in shell/scan-worker.mjs.

import { parentPort, workerData } from "node:worker_threads";
import ICAL from "ical.js";

/** A local time may be this far from the same words in UTC, ms. */
const apart = 26 * 3_600_000;
/** Repetitions of one event that are counted through. */
const most_steps = 50_000;
/** What is found in one window. */
const most_found = 500;

const { text, from, to } = /** @type {{text: string, from: number, to: number}} */ (workerData);

/** @typedef {InstanceType<typeof ICAL.Time>} Time */
/** @typedef {InstanceType<typeof ICAL.Event>} Event */

/** The words of a local time as if they were UTC, ms. @param {Time} time */
const wall = (time) => Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);

/** Zone by name as the file gives it, `utc`, or `floating`; `instant` where the file itself says what its zone is. */
const moment = (/** @type {Time} */ time, /** @type {string | undefined} */ tzid) => {
  if (time.isDate) return { wall: wall(time), zone: "floating", date: true };
  if (time.zone === ICAL.Timezone.utcTimezone) return { wall: wall(time), zone: "utc" };
  const own = time.zone && time.zone !== ICAL.Timezone.localTimezone;
  return { wall: wall(time), zone: tzid ?? "floating", ...(own ? { instant: time.toUnixTime() * 1000 } : {}) };
};

const found = /** @type {object[]} */ ([]);
const left = /** @type {string[]} */ ([]);

/** @param {Event} item @param {Time} start @param {Time | null} end @param {string} recurrence */
function add(item, start, end, recurrence) {
  if (String(item.component.getFirstPropertyValue("status") ?? "").toUpperCase() === "CANCELLED") return;
  if (found.length >= most_found) throw new Error(`more than ${most_found} events begin at this time`);
  const property = item.component.getFirstProperty("dtstart");
  const tzid = property?.getFirstParameter("tzid");
  const value = (/** @type {string} */ name) => {
    const held = item.component.getFirstPropertyValue(name);
    return held === null || held === undefined ? undefined : String(held).slice(0, 2000);
  };
  found.push({
    uid: value("uid") ?? "",
    recurrence,
    start: moment(start, tzid),
    ...(end ? { end: moment(end, tzid) } : {}),
    title: value("summary"),
    location: value("location"),
    url: value("url"),
    organizer: value("organizer"),
  });
}

const near = (/** @type {Time} */ time) => wall(time) >= from - apart && wall(time) <= to + apart;

/** @param {Event} event @param {Set<string>} moved */
function expand(event, moved) {
  const start = event.startDate;
  if (!start) return;
  const recurrence = event.recurrenceId;
  if (recurrence || !event.isRecurring()) {
    if (near(start)) add(event, start, event.endDate, recurrence ? recurrence.toString() : "");
    return;
  }
  const often = event.component
    .getAllProperties("rrule")
    .some((rule) =>
      /^(SECONDLY|MINUTELY)$/.test(String(/** @type {{freq?: unknown} | null} */ (rule.getFirstValue())?.freq)),
    );
  if (often) {
    left.push(event.uid);
    return;
  }
  const repeated = event.iterator();
  for (let step = 0; ; step++) {
    const next = repeated.next();
    if (!next || wall(next) > to + apart) return;
    if (step >= most_steps) {
      left.push(event.uid);
      return;
    }
    if (wall(next) < from - apart || moved.has(`${event.uid} ${next.toString()}`)) continue;
    const { startDate, endDate, item } = event.getOccurrenceDetails(next);
    add(item, startDate, endDate, next.toString());
  }
}

const parsed = /** @type {unknown[]} */ (/** @type {unknown} */ (ICAL.parse(text)));
const calendars = (Array.isArray(parsed[0]) ? parsed : [parsed]).map(
  (one) => new ICAL.Component(/** @type {string} */ (one)),
);
if (calendars.some((one) => one.name !== "vcalendar")) throw new Error("it is no calendar");
for (const calendar of calendars) {
  for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  const parts = calendar.getAllSubcomponents("vevent");
  const uidOf = (/** @type {(typeof parts)[number]} */ part) => String(part.getFirstPropertyValue("uid") ?? "");
  // Handed over by uid: left to itself, each event looks through all others for its own.
  const single = Map.groupBy(
    parts.filter((part) => part.hasProperty("recurrence-id")),
    uidOf,
  );
  const events = parts.map(
    (part) =>
      new ICAL.Event(part, { exceptions: part.hasProperty("recurrence-id") ? [] : (single.get(uidOf(part)) ?? []) }),
  );
  // Those that were moved stand for themselves, wherever they were moved to.
  const moved = new Set(
    events.flatMap((event) => (event.recurrenceId ? `${event.uid} ${event.recurrenceId.toString()}` : [])),
  );
  for (const event of events) {
    try {
      expand(event, moved);
    } catch (thrown) {
      left.push(`${event.uid}: ${/** @type {Error} */ (thrown).message}`);
    }
  }
}
parentPort?.postMessage({ found, left: left.slice(0, 5).map((one) => String(one).slice(0, 200)) });
