// Frontmatter scalars arrive as strings (YAML failsafe schema), so that `007` and a 20-digit id stay
// what the author wrote. These zod types give each its meaning, and accept the typed value too, so
// that the same schema reads an export or a database row. `.meta({type})` is what editors see.
import { z } from "zod";

const duration_units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of `90s`, `15m`, `2h`, `3d` (a fraction is allowed: `1.5s`), or null. */
export function parseDuration(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text.trim());
  return found ? Number(found[1]) * (duration_units[found[2] as string] as number) : null;
}

/** The shortest of the same forms: 5400 → `90m`, 12.34 → `12.3s`. */
export function formatDuration(seconds: number): string {
  if (!Number.isInteger(seconds)) return `${Math.round(seconds * 10) / 10}s`;
  for (const [unit, size] of [
    ["d", 86400],
    ["h", 3600],
    ["m", 60],
  ] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  return `${seconds}s`;
}

const iso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

export const text = z.string();
export const line = z.string().regex(/^[^\r\n]*$/, "must be one line");
export const flag = z
  .union([z.boolean(), z.enum(["true", "false"]).transform((v) => v === "true")], { error: "must be true or false" })
  .meta({ type: "boolean" });

const number_text = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/, "must be a number")
  .transform(Number);
export const number = z.union([z.number(), number_text], { error: "must be a number" }).meta({ type: "number" });
export const int = (min: number, max: number) =>
  z
    .union([z.number(), number_text], { error: "must be a whole number" })
    .pipe(
      z.number().int("must be a whole number").min(min, `must be at least ${min}`).max(max, `must be at most ${max}`),
    )
    .meta({ type: "integer", minimum: min, maximum: max });

export const time = z
  .string()
  .refine(
    (v) => iso.test(v) && !Number.isNaN(Date.parse(v)),
    "must be a time with a zone, like 2026-11-21T09:00:00+01:00",
  )
  .meta({ type: "string", format: "date-time" });

/** Seconds. Written `90s`, `15m`, `2h`, `3d`. */
export const duration = z
  .union([
    z.number().nonnegative(),
    z.string().transform((v, ctx) => {
      const seconds = parseDuration(v);
      if (seconds !== null) return seconds;
      ctx.addIssue({ code: "custom", message: "must be a duration like 90s or 5m" });
      return z.NEVER;
    }),
  ])
  .meta({ type: "string", pattern: "^\\d+(\\.\\d+)?(s|m|h|d)$" });

/** So many, or a part of all: `3`, `10%`. */
export const share = z
  .union([z.number().transform(String), z.string()], { error: "must be a number or a percentage, like 3 or 10%" })
  .transform((v, ctx) => {
    const found = /^(\d+(?:\.\d+)?)(%?)$/.exec(v.trim());
    const size = Number(found?.[1]);
    if (found && size > 0 && (found[2] ? size <= 100 : Number.isInteger(size))) return v.trim();
    ctx.addIssue({
      code: "custom",
      message: "must be a number of hosts (3) or a part of them (10%): a whole number from 1, or above 0% up to 100%",
    });
    return z.NEVER;
  })
  .meta({
    anyOf: [
      { type: "integer", minimum: 1 },
      { type: "string", pattern: "^\\d+(\\.\\d+)?%?$" },
    ],
  });

/** One string or a list of them → a list. */
export const strings = z
  .union([z.array(z.string()), z.string().transform((v) => (v === "" ? [] : [v]))], {
    error: "must be a text or a list of texts",
  })
  .meta({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] });

/** `true`, or a reason in words (which means true). `false` → null. */
export const reason = z
  .union([z.boolean(), z.string()])
  .transform((v) =>
    v === false || v === "false" || v === "" ? null : v === true || v === "true" ? "no reason given" : v,
  )
  .meta({ anyOf: [{ type: "boolean" }, { type: "string" }] });

/** Ids are path stems. Never numeric, never dotted, never a name that some file system keeps for itself. */
export const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, "must be lower-case letters, digits and dashes, at most 64")
  .refine((v) => !/^\d+$/.test(v), "must not be only digits")
  .refine((v) => !/^(con|prn|aux|nul|com\d|lpt\d)$/.test(v), "is a name that Windows keeps for itself");

/** Whether this is a time zone that is known here, like `Europe/Berlin`. */
export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
