// Times as people read them, always in the pack's zone.
const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
  formats.set(key, known);
  return known;
}

/** `09:12` */
export const clock = (at: string, zone: string) =>
  format(zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));

/** `Sat 21 Nov` */
export const shortDay = (at: string, zone: string) =>
  format(zone, { weekday: "short", day: "numeric", month: "short" }).format(new Date(at)).replace(",", "");

/** `Sat 21 Nov, 09:12` */
export const moment = (at: string, zone: string) => `${shortDay(at, zone)}, ${clock(at, zone)}`;

/** `Sat 21 Nov, 09:12:45` */
export const second = (at: string, zone: string) =>
  `${moment(at, zone)}:${format(zone, { second: "2-digit" }).format(new Date(at)).padStart(2, "0")}`;

/** `Saturday 21 November 2026` with its zone, for the tooltip. */
export const whole = (at: string, zone: string) =>
  `${format(zone, { dateStyle: "full" }).format(new Date(at))}, ${clock(at, zone)} (${zone})`;

/** A day like `2026-11-21` → `Saturday 21 November`; with its year when that is not the year of `beside`. */
export function dayName(day: string, beside: string): string {
  const year = day.slice(0, 4) === beside.slice(0, 4) ? {} : ({ year: "numeric" } as const);
  const options = { weekday: "long", day: "numeric", month: "long", ...year } as const;
  return format("UTC", options)
    .format(new Date(`${day}T12:00:00Z`))
    .replace(",", "");
}

/** Seconds → `under 0.1 s`, `0.4 s`, `12 s`, `1 min 23 s`, `2 h 05 min`. */
export function span(seconds: number): string {
  if (seconds < 0.05) return "under 0.1 s";
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes < 60) return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export const dollars = (cost: number) => `$${cost < 0.1 ? cost.toFixed(3) : cost.toFixed(2)}`;

/** Bytes → `812 B`, `16 KiB`, `2.4 MiB`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${Math.round(kib)} KiB` : `${Math.round(kib / 102.4) / 10} MiB`;
}

/** A limit as people call it. */
export const limitName = ({ id, unit }: { id: string; unit: string }) =>
  unit === "usd" ? id.replace(", usd a ", ", dollars a ") : id;

/** `1 run`, `2 runs` */
export const plural = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
