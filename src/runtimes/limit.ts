// An account's usage limit, in the words of the tools that run into it, and the moment when it ends.
import { offset } from "../core/due.ts";
import { oneLine } from "../core/text.ts";
import type { Limited } from "../ports.ts";

const limit_text = /hit your (?:[\w-]+ )*limit|usage limit reached|out of (?:extra )?usage|limit reached .*resets?/i;
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const day = 24 * 3600_000;
/** Longer than any plan counts: a later moment was misread. */
const longest = 35 * day;

/**
 * What `text` says of a reached limit; null when it is about something else. `at`: ISO time at which it was said. `zone`:
 * of the machine, for tools that tell the time by its clock.
 */
export function limitOf(text: string, at: string, zone?: string): Limited | null {
  if (!limit_text.test(text)) return null;
  const ended = Date.parse(at);
  const [, epoch] = /\|(\d{10})(?:\d{3})?\s*$/.exec(text) ?? [];
  if (epoch !== undefined) return limited(new Date(Number(epoch) * 1000).toISOString(), Number(epoch) * 1000, ended);
  const [, clock] = /(?:resets?|try again)\s+(?:at\s+)?(.{1,60}?)\.?$/i.exec(text) ?? [];
  const said = oneLine(clock ?? "", 60);
  return limited(said, /^in\s/i.test(said) ? ended + span(said) : momentOf(said, ended, zone), ended);
}

/** A moment that cannot be is none. */
function limited(said: string, until: number, ended: number): Limited {
  const fits = until > ended && until - ended <= longest;
  return { said, ...(fits ? { until: new Date(until).toISOString() } : {}) };
}

/** For people. */
export const limitText = ({ said }: Limited): string =>
  `the account's usage limit is reached${said === "" ? "" : `, resets ${said}`}`;

const units: Record<string, number> = { d: day, h: 3600_000, m: 60_000, s: 1000 };

/** Milliseconds of `in 2 days 5 hours 3 minutes`; NaN for anything else. */
function span(said: string): number {
  const parts = [...said.matchAll(/(\d{1,4})\s*(d|h|m|s)[a-z]*/gi)];
  const sum = parts.reduce((ms, [, n, unit]) => ms + Number(n) * (units[(unit as string).toLowerCase()] as number), 0);
  return parts.length === 0 ? Number.NaN : sum;
}

const clock_time =
  /^(?:([a-z]{3})[a-z]*\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(?:\d{4},?\s+)?(?:at\s+)?)?(\d{1,2})(?::(\d\d))?\s*([ap]m)(?:\s*\(([A-Za-z0-9_+/-]{1,40})\))?$/i;

/** `3pm (Europe/Rome)` or `Jul 26, 5:59am (UTC)`: the next such moment. NaN without a zone: whose clock it is nobody knows. */
function momentOf(said: string, after: number, machine = ""): number {
  const [, name, date, hour, minute = "0", half = "", zone = machine] = clock_time.exec(said) ?? [];
  const month = months.indexOf((name ?? "").toLowerCase());
  if (zone === "" || hour === undefined || (name !== undefined && month < 0) || Number(hour) > 12) return Number.NaN;
  try {
    const local = new Date(after + offset(zone, after));
    const hours = (Number(hour) % 12) + (/p/i.test(half) ? 12 : 0);
    const of = (years: number, days: number) =>
      utc(
        zone,
        Date.UTC(
          local.getUTCFullYear() + years,
          name === undefined ? local.getUTCMonth() : month,
          (name === undefined ? local.getUTCDate() : Number(date)) + days,
          hours,
          Number(minute),
        ),
      );
    const today = of(0, 0);
    return today > after ? today : name === undefined ? of(0, 1) : of(1, 0);
  } catch {
    return Number.NaN;
  }
}

/** The instant at which the clocks of a zone show this. */
function utc(zone: string, shown: number): number {
  const near = shown - offset(zone, shown);
  return shown - offset(zone, near);
}
