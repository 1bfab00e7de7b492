// Rules are predicates over pupdate fields. No model decides; the same pupdate always gets the same answer.
import { parseDuration } from "./scalar.ts";
import type { Pupdate } from "./schema.ts";
import { isMap } from "./split.ts";
import { globTest, longest_glob } from "./text-glob.ts";

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

type Test = (got: unknown) => boolean;
/** What is wanted is read once, and compared with many. */
type Maker = (wanted: unknown) => Test;

const ordered =
  (judge: (a: number, b: number) => boolean): Maker =>
  (wanted) => {
    const b = measure(wanted);
    return (got) => {
      const a = b === null ? null : measure(got);
      return a !== null && b !== null && a.kind === b.kind && judge(a.value, b.value);
    };
  };

const anyText =
  (judge: (got: string, one: string) => boolean): Maker =>
  (wanted) => {
    const texts = list(wanted).map(text);
    return (got) => got !== undefined && texts.some((one) => judge(text(got), one));
  };

const makers: Record<string, Maker> = {
  equals: (wanted) => {
    const one = text(wanted);
    return (got) => got !== undefined && text(got) === one;
  },
  gt: ordered((a, b) => a > b),
  gte: ordered((a, b) => a >= b),
  lt: ordered((a, b) => a < b),
  lte: ordered((a, b) => a <= b),
  has: (wanted) => {
    const all = list(wanted).map(text);
    return (got) => {
      const items = list(got).map(text);
      return all.every((one) => items.includes(one));
    };
  },
  in: anyText((got, one) => got === one),
  prefix: anyText((got, one) => got.startsWith(one)),
  contains: (wanted) => {
    const part = text(wanted).toLowerCase();
    return (got) => got !== undefined && text(got).toLowerCase().includes(part);
  },
  glob: (wanted) => {
    const tests = list(wanted).map((one) => globTest(text(one)));
    return (got) => got !== undefined && tests.some((test) => test(text(got)));
  },
  exists: (wanted) => (got) => (got !== undefined && got !== null) === (text(wanted) === "true"),
};

/** Every operator of a field. An unknown one never matches, and `check` names it. */
export const operators: Record<string, Compare> = Object.fromEntries(
  Object.entries(makers).map(([name, make]) => [name, (got, wanted) => make(wanted)(got)]),
);

/** What an operator takes; a value that it cannot take means nothing. null: it can. */
export function valueFault(operator: string, wanted: unknown): string | null {
  if (operator === "exists" && !/^(true|false)$/.test(text(wanted))) return "`exists` is true or false";
  if (operator === "glob" && list(wanted).some((one) => text(one).length > longest_glob))
    return `a glob has at most ${longest_glob} characters`;
  return null;
}

/** `data.age` of a pupdate; own properties only. */
export const fieldOf = (pupdate: object, path: string): unknown => valueAt(pupdate, path.split("."));

function valueAt(pupdate: unknown, path: readonly string[]): unknown {
  let value = pupdate;
  for (const step of path) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

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
  const used = isMap(wanted) ? Object.entries(wanted) : [["equals", wanted] as const];
  return (
    used.length > 0 &&
    used.every(([operator, value]) => Object.hasOwn(operators, operator) && valueFault(operator, value) === null)
  );
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

const tests = new WeakMap<object, Test>();

/** The answer of `judge`, without its reasons: for many pupdates, fast. */
export function matches(when: Record<string, unknown>, pupdate: object): boolean {
  let test = tests.get(when);
  if (!test) {
    test = understood(when) ? compiled(when) : () => false;
    tests.set(when, test);
  }
  return test(pupdate);
}

function compiled(when: Record<string, unknown>): Test {
  const parts = Object.entries(when).map(([name, wanted]): Test => {
    if (!nesting.has(name)) return compiledField(name, wanted);
    const inner = branches(wanted).map(compiled);
    if (name === "any") return (got) => inner.some((test) => test(got));
    const every: Test = (got) => inner.every((test) => test(got));
    return name === "not" ? (got) => !every(got) : every;
  });
  return (got) => parts.every((test) => test(got));
}

function compiledField(name: string, wanted: unknown): Test {
  const path = name.split(".");
  const used = isMap(wanted) ? Object.entries(wanted) : [[Array.isArray(wanted) ? "in" : "equals", wanted] as const];
  const made = used.map(([operator, value]) => (makers[operator] as Maker)(value));
  return (pupdate) => {
    const got = valueAt(pupdate, path);
    return made.every((test) => test(got));
  };
}

/** `{{field}}` replaced by the pupdate's values: values only, no expressions; unknown → `(unknown)`. */
export function fill(template: string, pupdate: Pupdate | object): string {
  return template.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, path: string) => {
    const value = fieldOf(pupdate, path);
    return value === undefined ? "(unknown)" : typeof value === "object" ? JSON.stringify(value) : String(value);
  });
}

/** What a rule does to a pupdate, in a word: the expected verdict in `## Examples`. */
export const actionOf = (action: Record<string, unknown>): string => Object.keys(action)[0] ?? "ignore";
