// What people track besides: a folder of markdown files and a JSON Schema for their fields, named in towline.yml. No rule
// and no agent reads them; they are checked, and shown as a table.
import { z } from "zod";
import { idOf } from "./entry.ts";
import type { Settings } from "./schema.ts";
import { isMap, split, type Wrong } from "./split.ts";

type Collections = Settings["collections"];

export interface Collection {
  name: string;
  title: string;
  folder: string;
  /** Path of its JSON Schema. */
  schema: string;
  /** Fields to show; empty: those of the schema. */
  columns: string[];
}

export interface CollectionRow {
  path: string;
  id: string;
  text: string;
  data: Record<string, unknown>;
  body: string;
  /** It cannot be read at all. */
  wrong?: Wrong;
  /** What its schema says against it. */
  error?: z.ZodError;
}

type Json = Record<string, unknown>;

/** By name; a folder is called like its collection unless it says otherwise. */
export function collectionsOf(settings: Collections): Collection[] {
  return Object.entries(settings ?? {})
    .map(([name, { folder = name, schema, title, columns }]) => ({
      name,
      title: title ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " "),
      folder,
      schema: schema ?? `${folder}/schema.json`,
      columns: columns ?? [],
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The collection that a file belongs to: one of its rows, or its schema. */
export function collectionOf(path: string, settings: Collections): Collection | null {
  return collectionsOf(settings).find((one) => path === one.schema || isRow(path, one)) ?? null;
}

const isRow = (path: string, { folder }: Collection) =>
  path.startsWith(`${folder}/`) && path.endsWith(".md") && !/(^|\/)README\.md$/.test(path);

export interface Form {
  /** As it is written. */
  json: Json;
  judge: z.ZodType;
}

/** The form of a collection's rows, or why there is none. */
export function formOf(text: string | undefined): Form | { fault: string } {
  if (text === undefined) return { fault: "there is no such file" };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return { fault: `it is no JSON: ${(thrown as Error).message}` };
  }
  if (!isMap(json) || !isMap(json.properties)) return { fault: "it names no `properties`" };
  try {
    return { json, judge: z.fromJSONSchema(json) as z.ZodType };
  } catch (thrown) {
    return { fault: (thrown as Error).message };
  }
}

/** Its rows by path, each with what is wrong with it. */
export function rowsOf(
  collection: Collection,
  form: Form | { fault: string },
  files: ReadonlyMap<string, string>,
): CollectionRow[] {
  return [...files]
    .filter(([path]) => isRow(path, collection))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, text]) => {
      const parts = split(text);
      const row = { path, id: idOf(path), text, data: {}, body: "" };
      if ("code" in parts) return { ...row, wrong: parts };
      if ("fault" in form) return { ...row, data: parts.data, body: parts.body };
      const data = typed(parts.data, form.json) as Json;
      const read = form.judge.safeParse(data);
      return { ...row, data, body: parts.body, ...(read.success ? {} : { error: read.error }) };
    });
}

/** Frontmatter is text; a number or a yes is made of it where the schema asks for one, and `007` stays text elsewhere. */
function typed(value: unknown, schema: unknown): unknown {
  if (!isMap(schema)) return value;
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (Array.isArray(value)) return value.map((one) => typed(one, schema.items));
  if (isMap(value)) {
    const fields = isMap(schema.properties) ? schema.properties : {};
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, typed(one, Object.hasOwn(fields, name) ? fields[name] : null)]),
    );
  }
  if (typeof value !== "string") return value;
  if (/^-?\d+(\.\d+)?$/.test(value) && (types.includes("number") || types.includes("integer"))) return Number(value);
  if (types.includes("boolean") && (value === "true" || value === "false")) return value === "true";
  if (types.includes("null") && (value === "" || value === "null" || value === "~")) return null;
  return value;
}
