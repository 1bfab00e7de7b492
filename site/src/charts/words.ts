// Days as the pictures name them.
const short = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** `2026-11-21` → `21 Nov`. */
export const dayShort = (day: string) => (Number.isNaN(Date.parse(day)) ? day : short.format(new Date(day)));

/** Seconds as short as a hairline wants them: `30 min`, `2 h`. */
export function spanShort(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 360) / 10} h` : `${Math.round(seconds / 86_400)} d`;
}
