// When a run began and ended, by our clock: a host's calendar may be off by days, and what is due next hangs on it.
import type { RawResult } from "../ports.ts";

/** Seconds of skew that are nothing to speak of. */
const usual = 60;

/** `skew`: seconds that the host's clock is ahead, where that is known. How long the run took is the host's uptime's. */
export function ourTimes(
  { started_at, ended_at, took }: Pick<RawResult, "started_at" | "ended_at" | "took">,
  skew: number,
  now: Date,
): { started_at: string; ended_at: string } {
  const said = Date.parse(ended_at);
  const shifted = Math.abs(skew) < usual ? said : said - skew * 1000;
  // Nothing that was collected ended later than now: the clock was put right in between.
  const ended = shifted > now.getTime() + usual * 1000 ? now.getTime() : shifted;
  if (ended === said) return { started_at, ended_at };
  const iso = (ms: number) => new Date(ms).toISOString();
  return { started_at: iso(ended - Math.round(took * 1000)), ended_at: iso(ended) };
}
