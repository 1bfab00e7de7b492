// Rules are predicates over pupdate fields. No model decides; the same pupdate always gets the same answer.
import type { Entry } from "./entry.ts";
import { parseDuration } from "./scalar.ts";
import type { Pupdate } from "./schema.ts";

/** One leaf of a predicate and how it was judged: what `towline why` prints. */
export interface Judged {
  field: string;
  operator: string;
  wanted: unknown;
  got: unknown;
  ok: boolean;
}

export interface Verdict {
  ok: boolean;
  leaves: Judged[];
}

type Compare = (got: unknown, wanted: unknown) => boolean;
// A map or list has no text of its own; its JSON does, whatever its prototype.
const text = (value: unknown): string =>
  value === undefined || value === null
    ? ""
    : typeof value === "object"
      ? (JSON.stringify(value) ?? "")
      : String(value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

/** A number, a time in ms or a duration in seconds, so that like is compared with like; null when it is neither. */
function measure(value: unknown): { kind: "number" | "time"; value: number } | null {
  if (typeof value === "number") return { kind: "number", value };
  const said = text(value);
  if (/^-?\d+(\.\d+)?%?$/.test(said)) return { kind: "number", value: Number(said.replace("%", "")) };
  const seconds = parseDuration(said);
  if (seconds !== null) return { kind: "number", value: seconds };
  const at = /^\d{4}-\d{2}-\d{2}/.test(said) ? Date.parse(said) : Number.NaN;
  return Number.isNaN(at) ? null : { kind: "time", value: at };
}

const ordered =
  (judge: (a: number, b: number) => boolean): Compare =>
  (got, wanted) => {
    const a = measure(got);
    const b = measure(wanted);
    return a !== null && b !== null && a.kind === b.kind && judge(a.value, b.value);
  };

/** Every operator of a field. An unknown one never matches, and `check` names it. */
export const operators: Record<string, Compare> = {
  equals: (got, wanted) => text(got) === text(wanted) && got !== undefined,
  gt: ordered((a, b) => a > b),
  gte: ordered((a, b) => a >= b),
  lt: ordered((a, b) => a < b),
  lte: ordered((a, b) => a <= b),
  has: (got, wanted) => list(wanted).every((one) => list(got).some((item) => text(item) === text(one))),
  in: (got, wanted) => got !== undefined && list(wanted).some((one) => text(one) === text(got)),
  prefix: (got, wanted) => got !== undefined && list(wanted).some((one) => text(got).startsWith(text(one))),
  contains: (got, wanted) => got !== undefined && text(got).toLowerCase().includes(text(wanted).toLowerCase()),
};

/** `data.age` of a pupdate; own properties only. */
export function fieldOf(pupdate: object, path: string): unknown {
  let value: unknown = pupdate;
  for (const step of path.split(".")) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** Judges a predicate and keeps every leaf, so that the answer can be explained field by field. */
export function judge(when: Record<string, unknown>, pupdate: object): Verdict {
  const leaves: Judged[] = [];
  const ok = all(when, pupdate, leaves) && understood(when);
  return { ok, leaves };
}

const nesting = new Set(["any", "all", "not"]);

/** A predicate with a part that means nothing never fires: below `not` such a part would turn into a yes. */
function understood(when: Record<string, unknown>): boolean {
  const parts = Object.entries(when);
  return parts.length > 0 && parts.every(([name, wanted]) => (nesting.has(name) ? nested(wanted) : known(wanted)));
}

const nested = (wanted: unknown) =>
  list(wanted).length > 0 && list(wanted).every((one) => isMap(one) && understood(one));

function known(wanted: unknown): boolean {
  const used = isMap(wanted) ? Object.keys(wanted) : ["equals"];
  return used.length > 0 && used.every((operator) => Object.hasOwn(operators, operator));
}

function all(when: Record<string, unknown>, pupdate: object, leaves: Judged[]): boolean {
  // Every part is judged, also after the first miss: an explanation names all that does not fit.
  const parts = Object.entries(when).map(([name, wanted]) => {
    if (name === "any")
      return branches(wanted)
        .map((one) => all(one, pupdate, leaves))
        .some(Boolean);
    if (name === "all")
      return branches(wanted)
        .map((one) => all(one, pupdate, leaves))
        .every(Boolean);
    if (name === "not")
      return !branches(wanted)
        .map((one) => all(one, pupdate, leaves))
        .every(Boolean);
    return field(name, wanted, fieldOf(pupdate, name), leaves);
  });
  return parts.length > 0 && parts.every(Boolean);
}

const branches = (value: unknown): Record<string, unknown>[] => list(value).filter(isMap);

function field(name: string, wanted: unknown, got: unknown, leaves: Judged[]): boolean {
  const tests = isMap(wanted) ? Object.entries(wanted) : [[Array.isArray(wanted) ? "in" : "equals", wanted] as const];
  const results = tests.map(([operator, value]) => {
    const ok = Object.hasOwn(operators, operator) && (operators[operator] as Compare)(got, value);
    leaves.push({ field: name, operator, wanted: value, got, ok });
    return ok;
  });
  return results.length > 0 && results.every(Boolean);
}

/** Operators in a predicate that do not exist, with the field they stand at. */
export function unknownOperators(when: Record<string, unknown>): { field: string; operator: string }[] {
  return Object.entries(when).flatMap(([name, wanted]) => {
    if (nesting.has(name)) return branches(wanted).flatMap(unknownOperators);
    return isMap(wanted)
      ? Object.keys(wanted)
          .filter((op) => !Object.hasOwn(operators, op))
          .map((operator) => ({ field: name, operator }))
      : [];
  });
}

/** The rules that fire for a pupdate, in order, up to the first that stops. */
export function firing(
  rules: Entry<"rule">[],
  pupdate: object,
  allowed: (rule: Entry<"rule">) => boolean,
): Entry<"rule">[] {
  const fired: Entry<"rule">[] = [];
  for (const rule of rules) {
    if (rule.data.off || !judge(rule.data.when, pupdate).ok || !allowed(rule)) continue;
    fired.push(rule);
    if (rule.data.stop) break;
  }
  return fired;
}

/** `{{field}}` replaced by the pupdate's values: values only, no expressions; unknown → `(unknown)`. */
export function fill(template: string, pupdate: Pupdate | object): string {
  return template.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, path: string) => {
    const value = fieldOf(pupdate, path);
    return value === undefined ? "(unknown)" : typeof value === "object" ? JSON.stringify(value) : String(value);
  });
}

/** The key that a cooldown or a limit counts by. */
export function firingKey(rule: Entry<"rule">, pupdate: object): string {
  const cooldown = rule.data.cooldown;
  const per = cooldown !== undefined && typeof cooldown === "object" ? cooldown.per : undefined;
  return text(
    per === undefined ? fieldOf(pupdate, "subject") : (fieldOf(pupdate, `data.${per}`) ?? fieldOf(pupdate, per)),
  );
}

/** What a rule does to a pupdate, in a word: the expected verdict in `## Examples`. */
export const actionOf = (action: Record<string, unknown>): string => Object.keys(action)[0] ?? "ignore";
