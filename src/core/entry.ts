// One markdown text → one entry. Knows nothing of disks or git; every complaint has a place and a remedy.
import matter from "gray-matter";
import { FAILSAFE_SCHEMA, load, YAMLException } from "js-yaml";
import { isMap, isSeq, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { type Fields, folders, type Kind, kinds } from "./schema.ts";

export interface Problem {
  path: string;
  line: number;
  column: number;
  /** `error` keeps the record out; `warning` does not. */
  level: "error" | "warning";
  code: string;
  message: string;
  /** What to write instead. */
  fix: string;
}

export interface Entry<K extends Kind = Kind> {
  path: string;
  /** Stem of the path. */
  id: string;
  kind: K;
  data: Fields<K>;
  body: string;
  /** Line of the file on which the body starts (1-based). */
  bodyLine: number;
}

export type Parsed<K extends Kind = Kind> = {
  entry: Entry<K> | null;
  problems: Problem[];
  /** Without the fields that are wrong; only for looking at the others. */
  partial?: Entry<K>;
};

export const max_bytes = 1 << 20;
const max_header = 64 << 10;
const max_depth = 12;
const fence = /^(?:\uFEFF)?---[ \t]*(\r?\n|\r)/;

type Wrong = { line: number; column: number; code: string; message: string; fix: string };

/** YAML 1.2, every scalar a string, no aliases, no tags, bounded depth. Throws YAMLException. */
export function readYaml(text: string): unknown {
  return load(text, { schema: FAILSAFE_SCHEMA, maxAliases: 0, maxDepth: max_depth });
}

const denied = () => {
  throw new Error("only yaml frontmatter is read");
};
// Options are always given: without them gray-matter caches by content and evaluates `---js`.
const splitting = {
  language: "yaml",
  engines: {
    yaml: (text: string) => (text.trim() === "" ? {} : (readYaml(text) as object)),
    js: denied,
    javascript: denied,
    json: denied,
    coffee: denied,
    coffeescript: denied,
    cson: denied,
    toml: denied,
  },
};

/** Frontmatter as plain strings, lists and maps, and the body, or what is wrong with the text. */
export function split(text: string): { data: Record<string, unknown>; body: string; bodyLine: number } | Wrong {
  if (text.length > max_bytes)
    return at(
      1,
      1,
      "too-big",
      `the file is over ${max_bytes >> 20} MiB`,
      "move long text to an attachment or another file",
    );
  const opening = fence.exec(text);
  if (!opening) {
    const tag = /^\uFEFF?---\s*([A-Za-z]+)/.exec(text);
    if (tag)
      return at(
        1,
        4,
        "language",
        `frontmatter in ${tag[1]} is never evaluated`,
        "write a plain `---` line and YAML below it",
      );
    return at(
      1,
      1,
      "no-frontmatter",
      "the file does not start with a `---` line",
      "start it with `---`, the fields, and a second `---`",
    );
  }
  const lines = text.split(/\r\n|\n|\r/);
  const end = lines.indexOf("---", 1);
  if (end < 0)
    return at(lines.length, 1, "unclosed", "the frontmatter is not closed", "add a line `---` after the last field");
  const marker = lines.some((l) => l.startsWith(">>>>>>> ")) ? lines.findIndex((l) => l.startsWith("<<<<<<< ")) : -1;
  if (marker >= 0)
    return at(
      marker + 1,
      1,
      "conflict",
      "a merge conflict was committed into this file",
      "keep one side and remove the <<<<<<< ======= >>>>>>> lines",
    );
  if (text.includes("\0"))
    return at(
      lines.findIndex((l) => l.includes("\0")) + 1,
      1,
      "binary",
      "the file has a NUL byte",
      "save it as UTF-8 text",
    );
  const header = lines.slice(1, end).join("\n");
  if (header.length > max_header)
    return at(1, 1, "too-big", "the frontmatter is over 64 KiB", "move long values to the body");
  try {
    const read = matter(`---\n${header}\n---\n`, splitting as never);
    if (read.data === null || typeof read.data !== "object" || Array.isArray(read.data))
      return at(
        2,
        1,
        "not-a-map",
        "the frontmatter is not a list of `field: value` lines",
        "write `field: value` on each line",
      );
    return {
      data: read.data as Record<string, unknown>,
      body: lines
        .slice(end + 1)
        .join("\n")
        .replace(/^\n+/, ""),
      bodyLine: end + 2,
    };
  } catch (thrown) {
    return openQuote(header, 1) ?? yamlFault(thrown, 1);
  }
}

/** A value that opens a quote and does not close it: what YAML says of it comes lines later, in other words. */
function openQuote(header: string, above: number): Wrong | null {
  for (const [index, line] of header.split("\n").entries()) {
    const opened = /^\s*(?:- +)?(?:[\w-]+: +)?\[?(["'])/.exec(line);
    if (!opened) continue;
    const quote = opened[1] as string;
    const rest = line.slice(opened[0].length).replace(quote === '"' ? /\\./g : /''/g, "");
    const count = rest.split(quote).length - 1;
    if (count % 2 === 0)
      return at(
        index + 1 + above,
        opened[0].length,
        "quote",
        `a quote ${quote} is opened here and not closed`,
        `add the closing ${quote} at the end of the value, or leave both out`,
      );
  }
  return null;
}

function yamlFault(thrown: unknown, above: number): Wrong {
  if (!(thrown instanceof YAMLException))
    return at(1, 1, "yaml", String((thrown as Error).message ?? thrown), "write plain YAML");
  const said = thrown.reason.toLowerCase();
  const [code, fix] = said.includes("alias")
    ? ["alias", "aliases (`*name`) are off: write the value out in each place"]
    : said.includes("tag")
      ? ["tag", "remove the `!tag`: values are plain text, numbers, lists and maps"]
      : said.includes("duplicate")
        ? ["duplicate-key", "keep one of the two lines"]
        : said.includes("depth") || said.includes("nesting")
          ? ["too-deep", "flatten the value"]
          : ["yaml", "check indentation, and quote values that hold `: ` or start with a special character"];
  return at(
    (thrown.mark?.line ?? 0) + 1 + above,
    (thrown.mark?.column ?? 0) + 1,
    code as string,
    thrown.reason,
    fix as string,
  );
}

const at = (line: number, column: number, code: string, message: string, fix: string): Wrong => ({
  line,
  column,
  code,
  message,
  fix,
});

/** The record's id: the stem of its path. */
export const idOf = (path: string) => (path.split("/").at(-1) as string).replace(/\.(md|ndjson)$/, "");

/** Kind of a record by its path, or null when towline does not read it. */
export function kindOf(path: string): Kind | null {
  if (path === "STOP.md") return "stop";
  if (!path.endsWith(".md") || !path.includes("/")) return null;
  const folder = path.slice(0, path.indexOf("/"));
  if (/(^|\/)README\.md$/.test(path) || path.includes(".d/")) return null;
  return Object.hasOwn(folders, folder) ? (folders[folder] as Kind) : null;
}

/** Reads one record of a known kind. Never throws; a record with an error has no entry. */
export function parseEntry<K extends Kind>(path: string, kind: K, text: string): Parsed<K> {
  const parts = kind === "stop" && !fence.test(text) ? { data: {}, body: text, bodyLine: 1 } : split(text);
  if ("code" in parts) return { entry: null, problems: [{ path, level: "error", ...parts }] };
  const read = kinds[kind].safeParse(parts.data);
  const problems = unknownFields(path, kind, text, parts.data);
  const entryOf = (data: unknown): Entry<K> => ({
    path,
    id: idOf(path),
    kind,
    data: data as Fields<K>,
    body: parts.body,
    bodyLine: parts.bodyLine,
  });
  if (read.success) return { entry: entryOf(read.data), problems };
  const rest = without(parts.data, read.error, kind);
  const again = kinds[kind].safeParse(rest);
  return {
    entry: null,
    problems: [...problems, ...schemaProblems(path, kind, text, parts.data, read.error)],
    partial: again.success ? entryOf(again.data) : undefined,
  };
}

/** The fields that are right. A title is always there: nothing hangs on its words. */
function without(data: Record<string, unknown>, error: z.ZodError, kind: Kind): Record<string, unknown> {
  const wrong = new Set(error.issues.map((issue) => issue.path[0]));
  const right = Object.fromEntries(Object.entries(data).filter(([name]) => !wrong.has(name)));
  return kind === "task" && wrong.has("title") ? { title: "?", ...right } : right;
}

type Issue = z.core.$ZodIssue;

function schemaProblems(path: string, kind: Kind, text: string, data: unknown, error: z.ZodError): Problem[] {
  return error.issues.map((outer) => {
    const field = outer.path.join(".");
    const issue = told(outer);
    const value = outer.path.reduce<unknown>(
      (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
      data,
    );
    const missing = issue.code === "invalid_type" && value === undefined && !hasPath(text, outer.path);
    const place = locate(text, missing ? outer.path.slice(0, -1) : outer.path);
    const [message, fix] = missing
      ? [
          `\`${field}\` is missing`,
          `add a line \`${outer.path.at(-1)?.toString()}: …\` (see schema/${kind}.schema.json)`,
        ]
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

function hasPath(text: string, path: PropertyKey[]): boolean {
  return nodeAt(text, path) !== undefined;
}

function nodeAt(text: string, path: PropertyKey[]) {
  const counter = new LineCounter();
  const header = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  const end = header.indexOf("\n---", 3);
  const document = parseDocument(header.slice(header.indexOf("\n") + 1, end + 1), {
    lineCounter: counter,
    schema: "failsafe",
  });
  let node: unknown = document.contents;
  let key: unknown = null;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown })?.value) === String(step));
      if (!pair) return undefined;
      key = pair.key;
      node = pair.value;
    } else if (isSeq(node)) node = node.items[Number(step)];
    else return undefined;
  }
  return { counter, node, key };
}

/** Line and column (1-based) of a field's value, or of its nearest parent that is there. */
export function locate(text: string, path: PropertyKey[]): { line: number; column: number } {
  for (let length = path.length; length > 0; length--) {
    const found = nodeAt(text, path.slice(0, length));
    const range = ((found?.node as { range?: number[] } | null)?.range ??
      (found?.key as { range?: number[] } | null)?.range) as number[] | undefined;
    if (!found || !range) continue;
    const place = found.counter.linePos(range[0] as number);
    return { line: place.line + 1, column: place.col };
  }
  return { line: 1, column: 1 };
}

function unknownFields(path: string, kind: Kind, text: string, data: Record<string, unknown>): Problem[] {
  const known = Object.keys((kinds[kind] as unknown as { shape: object }).shape);
  return Object.keys(data)
    .filter((name) => !known.includes(name))
    .map((name) => {
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

/** The closest of the candidates within two edits (one for short words), or null. */
export function nearest(word: string, candidates: string[]): string | null {
  const limit = word.length < 5 ? 1 : 2;
  let best: [string, number] | null = null;
  for (const candidate of candidates) {
    const distance = edits(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit && (!best || distance < best[1])) best = [candidate, distance];
  }
  return best ? best[0] : null;
}

/** Letters put in, left out, changed, or swapped with their neighbour. */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (next[j - 1] as number) + 1,
        (row[j] as number) + 1,
        (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j] as number, (before[j - 2] as number) + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
