// `window:` of a host: when it takes new work, by the pack's clock. What runs there is collected at any time.
import { instantAt, localDay } from "./due.ts";

interface Window {
  /** Days on which it opens, 0 is Sunday. */
  days: ReadonlySet<number>;
  /** Minutes after local midnight; `to` at or before `from` lies on the next day. */
  from: number;
  to: number;
}

const names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const whole_day = 1440;
const form = "must be like 22:00-06:00, Mon-Fri 18:00-08:00 or Sat,Sun";

/** A message for people when this cannot be a window, or null. */
export function windowFault(text: string): string | null {
  const read = readWindow(text);
  return typeof read === "string" ? read : null;
}

/** The window, or what is wrong with it. */
function readWindow(text: string): Window | string {
  const words = text.trim().split(/\s+/);
  if (words.length > 2 || words[0] === "") return form;
  const hours = words.at(-1)?.includes(":") ? (words.pop() as string) : "00:00-24:00";
  const days = words[0] === undefined ? new Set(names.keys()) : readDays(words[0]);
  if (words.length > 1 || days === null) return form;
  const found = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/.exec(hours);
  if (!found) return form;
  const [h1, m1, h2, m2] = found.slice(1).map(Number) as [number, number, number, number];
  const [from, to] = [h1 * 60 + m1, h2 * 60 + m2];
  if (m1 > 59 || m2 > 59 || from >= whole_day || to > whole_day) return "must hold times from 00:00 to 24:00";
  if (from === to) return "must not begin and end at the same time: for the whole day, leave the hours out";
  return { days, from, to };
}

function readDays(text: string): Set<number> | null {
  const days = new Set<number>();
  for (const part of text.toLowerCase().split(",")) {
    const [first, last = first, ...more] = part.split("-").map((name) => names.indexOf(name));
    if (first === undefined || last === undefined || first < 0 || last < 0 || more.length > 0) return null;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return days;
}

/** A window belongs to the day on which it opens: `Fri 18:00-08:00` ends on Saturday. */
function holds({ days, from, to }: Window, weekday: number, minute: number): boolean {
  if (from < to) return days.has(weekday) && minute >= from && minute < to;
  return (days.has(weekday) && minute >= from) || (days.has((weekday + 6) % 7) && minute < to);
}

function isOpen(windows: Window[], zone: string, at: Date): boolean {
  const { day, time } = localDay(zone, at);
  const [hours, minutes] = time.split(":").map(Number) as [number, number];
  return windows.some((one) => holds(one, weekdayOf(day), hours * 60 + minutes));
}

const weekdayOf = (day: string) => new Date(`${day}T00:00:00Z`).getUTCDay();

/** When the host takes new work again; null: it does now. One that cannot be read never opens, and counts as no time at all. */
export function opensAt(windows: readonly string[] | undefined, zone: string, now: Date): Date | "never" | null {
  if (windows === undefined || windows.length === 0) return null;
  const read = windows.map(readWindow).filter((one) => typeof one !== "string");
  if (isOpen(read, zone, now)) return null;
  const today = Date.parse(`${localDay(zone, now).day}T00:00:00Z`);
  for (let ahead = 0; ahead <= 8; ahead++) {
    const day = new Date(today + ahead * 86_400_000).toISOString().slice(0, 10);
    const openings = read
      .filter((one) => one.days.has(weekdayOf(day)))
      .map((one) => firstOpen(read, zone, instantAt(zone, day, one.from), now.getTime()))
      .filter((opening) => opening !== null);
    if (openings.length > 0) return new Date(Math.min(...openings));
  }
  return "never";
}

/** The instant itself on all days but those on which the clocks are put forward over it: then the first open minute. */
function firstOpen(windows: Window[], zone: string, instant: number, after: number): number | null {
  const open = (at: number) => isOpen(windows, zone, new Date(at));
  if (instant > after && open(instant) && !open(instant - 60_000)) return instant;
  for (let at = instant - 120 * 60_000; at <= instant + 120 * 60_000; at += 60_000)
    if (at > after && open(at)) return at;
  return null;
}
