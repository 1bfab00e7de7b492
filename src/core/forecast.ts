// What a month and a year of this pack come to, from its schedule and from what it did lately.
import { cadenceFor } from "./cadence.ts";
import type { Finding } from "./doctor.ts";
import { startsOf } from "./doctor-schedule.ts";
import type { Settings } from "./schema.ts";
import { tick_workflow } from "./tick-env.ts";

export interface Lately {
  /** The days that this is about. */
  days: number;
  /** What the repository grew by; `about`: by what lies in it. */
  bytes: number;
  about: boolean;
  /** Ticks that wrote something. */
  busy: number;
  usd: number;
}

export interface Forecast {
  /** Billed minutes of the CI service a month, and how many are free; `of` null: all of them. */
  minutes: { month: number; of: number | null } | null;
  usd: { month: number; of: number | null };
  growth: { year: number; about: boolean };
}

interface Given {
  workflow: string | null;
  settings: Settings;
  lately: Lately;
  /** Minutes a month that cost nothing; null: none does. */
  included: number | null;
  now: Date;
}

const month = 30;

export function forecastOf({ workflow, settings, lately, included, now }: Given): Forecast {
  const { days, bytes, about, busy, usd } = lately;
  const scale = (amount: number, to: number) => (amount / Math.max(days, 1)) * to;
  const starts = workflow === null ? 0 : startsOf(workflow, now, 7).length / 7;
  const billed = billedFor(settings);
  // The job that publishes the dashboard is billed by itself.
  const pages = settings.site && (settings.site.publish ?? "pages") === "pages" ? scale(busy, month) : 0;
  const limit = settings.budget?.month?.usd ?? (settings.budget?.day?.usd ?? Number.NaN) * month;
  return {
    minutes: workflow === null ? null : { month: Math.round(starts * month * billed + pages), of: included },
    usd: { month: Math.round(scale(usd, month) * 100) / 100, of: Number.isNaN(limit) ? null : limit },
    growth: { year: Math.round(scale(bytes, 365)), about },
  };
}

/** More than is free, and how often it could be. */
export function costFindings({ minutes }: Forecast, settings: Settings): Finding[] {
  if (minutes === null || minutes.of === null || minutes.month <= minutes.of) return [];
  const { every, cron } = cadenceFor(minutes.of, billedFor(settings));
  return [
    {
      level: "warning",
      code: "minutes",
      message: `a month takes about ${number(minutes.month)} minutes, and ${number(minutes.of)} are free`,
      fix: `write \`cron: "${cron}"\` here and \`tick: {every: ${every}m}\` in towline.yml, or pay for more`,
      path: tick_workflow,
      line: 1,
    },
  ];
}

const billedFor = ({ tick }: Settings) => Math.ceil(tick.job / 60);

const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 0 });
const size = (bytes: number) =>
  bytes < 1e6
    ? `${number(Math.ceil(bytes / 1e3))} kB`
    : bytes < 1e9
      ? `${number(bytes / 1e6)} MB`
      : `${(bytes / 1e9).toFixed(1)} GB`;

/** `1,090 of 2,000 min, $3.20 of $10, 41 MB a year`. */
export function forecastLine({ minutes, usd, growth }: Forecast): string {
  const money = (value: number) => `$${Number.isInteger(value) ? value : value.toFixed(2)}`;
  const parts = [
    ...(minutes === null
      ? []
      : [`${number(minutes.month)}${minutes.of === null ? " free" : ` of ${number(minutes.of)}`} min`]),
    `${money(usd.month)}${usd.of === null ? "" : ` of ${money(usd.of)}`}`,
    `${growth.about ? "about " : ""}${size(growth.year)} a year`,
  ];
  return parts.join(", ");
}
