// Days as the pictures name them.
const short = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** `2026-11-21` → `21 Nov`. */
export const dayShort = (day: string) => (Number.isNaN(Date.parse(day)) ? day : short.format(new Date(day)));
