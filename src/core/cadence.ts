// How often ticks should come: as often as the minutes allow that a service gives away, with room for events.
const hour = 60;
/** Minutes between two ticks; each divides a day. */
const steps = [15, 30, hour, 2 * hour, 3 * hour, 4 * hour, 6 * hour, 12 * hour, 24 * hour];
/** Part of the minutes that the schedule may take: the rest is for events and the dashboard. */
const share = 0.8;

export interface Cadence {
  /** Minutes. */
  every: number;
  /** Odd minutes: the full and half hours are when schedules are dropped. */
  cron: string;
}

/** `included`: free minutes a month, null where all are. `billed`: minutes that a tick is billed. */
export function cadenceFor(included: number | null, billed: number): Cadence {
  const month = 30 * 24 * hour;
  const fits = (every: number) => included === null || (month / every) * billed <= included * share;
  const every = steps.find(fits) ?? (steps.at(-1) as number);
  return { every, cron: cronOf(every) };
}

/** null: such a rhythm is no cron of one line. `every`: minutes. */
export const cronFor = (every: number): string | null => (steps.includes(every) ? cronOf(every) : null);

function cronOf(every: number): string {
  const minutes = Array.from({ length: Math.max(1, hour / every) }, (_, n) => 7 + n * every);
  const hours = every <= hour ? "*" : every === 24 * hour ? "5" : `*/${every / hour}`;
  return `${minutes.join(",")} ${hours} * * *`;
}
