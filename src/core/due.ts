// When a recurring task is due. `every` is a cron line in the pack's zone, or a duration counted from local midnight.
import { Cron } from "croner";
import { parseDuration } from "./scalar.ts";

const day = 86_400_000;

const lines = new Map<string, Cron>();
/** Reading a cron line costs more than asking it, and each tick asks every recurring task several times. */
function cron(every: string, zone: string): Cron {
  const key = `${zone} ${every}`;
  const known = lines.get(key);
  if (known) return known;
  const made = new Cron(every, { timezone: zone, mode: "5-or-6-parts" });
  lines.set(key, made);
  return made;
}

/** A message for people when `every` cannot be understood, or null. */
export function everyFault(every: string): string | null {
  const seconds = parseDuration(every);
  if (seconds !== null) {
    if (seconds < 1) return "must be at least 1s";
    if (seconds > 366 * 86400) return "must be at most 366d";
    return seconds > 86400 && seconds % 86400 !== 0 ? "over a day, only whole days (2d, 7d) are counted" : null;
  }
  try {
    new Cron(every, { mode: "5-or-6-parts" });
    return null;
  } catch (thrown) {
    return `is neither a duration (6h) nor a cron line (0 7 * * 1-5): ${(thrown as Error).message.replace(/^CronPattern: /, "")}`;
  }
}

/** The first instant after `after`, or null when there is none. */
export function nextDue(every: string, zone: string, after: Date): Date | null {
  const seconds = parseDuration(every);
  if (seconds === null) return cron(every, zone).nextRun(after);
  if (seconds >= 86400) return nextWholeDays(seconds / 86400, zone, after);
  const midnight = startOfDay(zone, after);
  const step = seconds * 1000;
  const candidate = midnight + (Math.floor((after.getTime() - midnight) / step) + 1) * step;
  const tomorrow = startOfDay(zone, new Date(midnight + 1.5 * day));
  return new Date(Math.min(candidate, tomorrow));
}

/** Instants in (after, until], newest last; at most the `limit` newest. */
export function dueBetween(every: string, zone: string, after: Date, until: Date, limit: number): Date[] {
  const seconds = parseDuration(every);
  if (seconds === null) return cronBetween(cron(every, zone), after, until, limit);
  const found: Date[] = [];
  // No gap is longer than the step (a day may have 25 hours): after a long silence only the last stretch counts.
  const reach = Math.ceil(seconds * 1000 * (limit + 1) * (25 / 24));
  let from = new Date(Math.max(after.getTime(), until.getTime() - reach));
  for (let next = nextDue(every, zone, from); next && next <= until; next = nextDue(every, zone, from)) {
    found.push(next);
    if (found.length > limit) found.shift();
    from = next;
  }
  return found;
}

function cronBetween(line: Cron, after: Date, until: Date, limit: number): Date[] {
  const first = line.nextRun(after);
  if (!first || first > until) return [];
  const found: Date[] = [];
  // A reference has whole seconds and is itself left out.
  let reference = new Date(Math.floor(until.getTime() / 1000) * 1000 + 1000);
  while (found.length < limit) {
    const [run] = line.previousRuns(1, reference);
    if (!run || run <= after) break;
    found.unshift(run);
    reference = run;
  }
  return found;
}

function nextWholeDays(days: number, zone: string, after: Date): Date {
  let midnight = startOfDay(zone, after);
  for (let guard = 0; guard <= days + 1; guard++) {
    midnight = startOfDay(zone, new Date(midnight + 1.5 * day));
    const number = Math.round((midnight + offset(zone, midnight)) / day);
    if (number % days === 0) break;
  }
  return new Date(midnight);
}

const formats = new Map<string, Intl.DateTimeFormat>();
function format(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  formats.set(zone, made);
  return made;
}

/** Milliseconds that local time is ahead of UTC at an instant. */
export function offset(zone: string, instant: number): number {
  const part = Object.fromEntries(
    format(zone)
      .formatToParts(instant)
      .map((p) => [p.type, Number(p.value)]),
  ) as Record<string, number>;
  const local = Date.UTC(
    part.year as number,
    (part.month as number) - 1,
    part.day,
    part.hour,
    part.minute,
    part.second,
  );
  return local - Math.floor(instant / 1000) * 1000;
}

/** The instant at which the local day of `at` began. */
export function startOfDay(zone: string, at: Date): number {
  const local = at.getTime() + offset(zone, at.getTime());
  const midnight = Math.floor(local / day) * day;
  const guess = midnight - offset(zone, midnight - offset(zone, at.getTime()));
  return guess;
}

/** The instant of a local time, in minutes after midnight. One that the clocks leave out comes after the gap or before it. */
export function instantAt(zone: string, date: string, minutes: number): number {
  const local = Date.parse(`${date}T00:00:00Z`) + minutes * 60_000;
  return local - offset(zone, local - offset(zone, local));
}

/** `2026-11-21` and `09:05` of an instant in a zone. */
export function localDay(zone: string, at: Date): { day: string; time: string } {
  const local = new Date(at.getTime() + offset(zone, at.getTime())).toISOString();
  return { day: local.slice(0, 10), time: local.slice(11, 16) };
}
