// What is wrong with a record's fields, in words: the fault, and what to write instead.
import type { z } from "zod";
import type { Problem } from "./entry.ts";
import { hasPath, locate } from "./locate.ts";
import { nearest } from "./nearest.ts";
import { type Kind, kinds } from "./schema.ts";

type Issue = z.core.$ZodIssue;

/** Findings of one sort that are told of one record: a file of nonsense must not cost a tick its time. */
const most = 20;

/** The first of them, and how many more there are. */
export function few<T>(all: readonly T[], path: string, told: (one: T) => Problem): Problem[] {
  const problems = all.slice(0, most).map(told);
  const [first] = problems;
  if (!first || all.length <= most) return problems;
  const rest = `${all.length - most} more findings like these are not listed`;
  return [...problems, { ...first, path, line: 1, column: 1, code: "more", message: rest, fix: "mend these first" }];
}

/** `kind`: of a record, or the file that holds the schema. */
export function schemaProblems(
  path: string,
  kind: Kind | { schema: string },
  text: string,
  data: unknown,
  error: z.ZodError,
): Problem[] {
  const form = typeof kind === "string" ? `schema/${kind}.schema.json` : kind.schema;
  return few(error.issues, path, (outer) => {
    const field = outer.path.join(".");
    const issue = told(outer);
    const value = outer.path.reduce<unknown>(
      (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
      data,
    );
    const absent = issue.code === "invalid_type" || issue.code === "invalid_value";
    const missing = absent && value === undefined && !hasPath(text, outer.path);
    const place = locate(text, missing ? outer.path.slice(0, -1) : outer.path);
    const [message, fix] = missing
      ? [`\`${field}\` is missing`, `add a line \`${outer.path.at(-1)?.toString()}: …\` (see ${form})`]
      : worded(field, issue, value);
    return { path, ...place, level: "error" as const, code: missing ? "missing" : "invalid", message, fix };
  });
}

/** A choice fails in each of its forms; what counts is the form that the value has. */
function told(issue: Issue): Issue {
  if (issue.code !== "invalid_union" || issue.message !== "Invalid input") return issue;
  const forms = issue.errors.map((form) => form[0]).filter((one) => one !== undefined);
  const best = forms.find((one) => one.code !== "invalid_type") ?? forms.at(-1);
  return best ? told(best as Issue) : issue;
}

const type_names: Record<string, string> = {
  string: "a text",
  array: "a list",
  object: "a map like `name: value`, each on a line of its own below the field",
  record: "a map like `name: value`, each on a line of its own below the field",
  number: "a number",
  boolean: "true or false",
};

/** What is wrong, and what to write: never the same words twice. */
function worded(field: string, issue: Issue, value: unknown): [message: string, fix: string] {
  const plain = typeof value === "string";
  const shown = plain
    ? `\`${value.length > 60 ? `${value.slice(0, 59)}…` : value}\``
    : Array.isArray(value)
      ? "a list"
      : "a map";
  const is = value === "" ? `\`${field}\` is empty` : `\`${field}\` is ${shown}`;
  const not = plain ? ", which is not " : ", not ";
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    const near = typeof value === "string" ? nearest(value, values) : null;
    return [
      `${is}${value === "" ? "" : ", which is not known"}`,
      `${near ? `did you mean \`${near}\`? ` : ""}write one of ${values.join(", ")}`,
    ];
  }
  const words =
    issue.code === "invalid_type" ? `must be ${type_names[issue.expected] ?? issue.expected}` : issue.message;
  const wanted = /^must be (.+)$/s.exec(words)?.[1];
  if (words === "must not be empty") return [is, "write something, or leave the line out"];
  if (wanted === undefined) return [`${is}: ${words}`, `see schema/ for what \`${field}\` takes`];
  if (/^at (least|most) /.test(wanted))
    return [`${is}, which is too ${wanted.startsWith("at least") ? "small" : "large"}`, `write ${wanted}`];
  const kind = wanted.split(" like ")[0] as string;
  return [value === "" ? is : `${is}${not}${kind}`, `write ${wanted}`];
}

export function unknownFields(path: string, kind: Kind, text: string, data: Record<string, unknown>): Problem[] {
  const known = Object.keys((kinds[kind] as unknown as { shape: object }).shape);
  const strange = Object.keys(data).filter((name) => !known.includes(name));
  return few(strange, path, (name) => {
    const near = nearest(name, known);
    const place = locate(text, [name]);
    return {
      path,
      line: place.line,
      column: 1,
      level: "warning" as const,
      code: "unknown-field",
      message: `\`${name}\` is not a field of a ${kind}`,
      fix: near ? `did you mean \`${near}\`?` : "remove it, or keep it: towline does not touch it",
    };
  });
}
