import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../ports.ts";

/** The machine's clock; `fixed` (ISO) pins the time of day, as `--now` does. */
export function systemClock(fixed?: string): Clock {
  return {
    now: () => (fixed === undefined ? new Date() : new Date(fixed)),
    tick: () => performance.now(),
    sleep: (ms, signal) => delay(ms, undefined, { signal }),
  };
}
