// What `towline reflections` asks: filters in words → a condition on the classic table. Days are days of the pack's zone.
import { localDay, startOfDay } from "./due.ts";
import { parseDuration } from "./scalar.ts";

export interface ReflectionFilter {
  /** An ISO time, a day, `today`, or a duration back from now (`7d`). */
  since?: string;
  /** `YYYY-MM-DD` */
  day?: string;
  domain?: string;
  outcome?: string;
  session?: string;
  limit: number;
}

export interface Query {
  sql: string;
  args: (string | number)[];
}

const a_day = /^\d{4}-\d{2}-\d{2}$/;
const half_day = 43_200_000;

/** The query, newest first, or a line that says which filter cannot be read and how to write it. */
export function reflectionQuery(filter: ReflectionFilter, zone: string, now: Date): Query | string {
  const conditions: string[] = [];
  const args: (string | number)[] = [];
  const where = (condition: string, value: string) => {
    conditions.push(condition);
    args.push(value);
  };
  if (filter.since !== undefined) {
    const from = instantOf(filter.since, zone, now);
    if (from === null) return `--since ${filter.since}: write an ISO time, a day, today, or a duration like 7d`;
    where("timestamp >= ?", new Date(from).toISOString());
  }
  if (filter.day !== undefined) {
    const from = filter.day === "today" ? startOfDay(zone, now) : dayStart(filter.day, zone);
    if (from === null) return `--day ${filter.day}: write it like 2026-11-21`;
    where("timestamp >= ?", new Date(from).toISOString());
    where("timestamp < ?", new Date(startOfDay(zone, new Date(from + 3 * half_day))).toISOString());
  }
  if (filter.domain !== undefined) where("domain = ? COLLATE NOCASE", filter.domain);
  if (filter.outcome !== undefined) where("outcome = ?", filter.outcome);
  if (filter.session !== undefined) where("session_id = ?", filter.session);
  const condition = conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "";
  return {
    sql: `SELECT * FROM reflections${condition} ORDER BY timestamp DESC, id LIMIT ?`,
    args: [...args, filter.limit],
  };
}

/** Instant of such a text, ms; null: it is none. */
export function instantOf(text: string, zone: string, now: Date): number | null {
  if (text === "today") return startOfDay(zone, now);
  if (a_day.test(text)) return dayStart(text, zone);
  const seconds = parseDuration(text);
  if (seconds !== null) return now.getTime() - seconds * 1000;
  const instant = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(instant) ? null : instant;
}

/** First instant of a day in a zone, or null when there is no such day. */
function dayStart(day: string, zone: string): number | null {
  const noon = a_day.test(day) ? Date.parse(`${day}T12:00:00Z`) : Number.NaN;
  if (Number.isNaN(noon) || new Date(noon).toISOString().slice(0, 10) !== day) return null;
  // Noon in UTC is another day already where the clocks are twelve hours or more ahead.
  const seen = localDay(zone, new Date(noon)).day;
  return startOfDay(zone, new Date(noon + (seen > day ? -2 : seen < day ? 2 : 0) * half_day));
}
