// One markdown text → one entry. Knows nothing of disks or git; every complaint has a place and a remedy.
import type { z } from "zod";
import { schemaProblems, unknownFields } from "./entry-problems.ts";
import { type Fields, folders, type Kind, kinds } from "./schema.ts";
import { fence, split } from "./split.ts";

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
