// Writes schema/<kind>.schema.json for editors from the one schema in src/core/schema.ts: `npm run schema`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { formatDuration } from "../src/core/scalar.ts";
import { kinds, pupdate, settings } from "../src/core/schema.ts";
import { fieldsOf, type Json } from "./fields.ts";
import { hints } from "./hints.ts";

type Node = { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema; path: (string | number)[] };

/** Kind → JSON Schema (draft 2020-12) of what people write, ready to be printed. */
export function schemas(): Record<string, Json> {
  const all = { ...kinds, settings, pupdate };
  return Object.fromEntries(
    Object.entries(all).map(([kind, schema]) => [kind, schemaOf(kind as keyof typeof all, schema)]),
  );
}

function schemaOf(kind: keyof typeof hints, schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", override: tidy }) as Json;
  const fields = new Map(fieldsOf(rest).map(({ name, node }) => [name, node]));
  for (const [name, description] of Object.entries(hints[kind])) {
    const node = fields.get(name);
    if (!node) throw new Error(`scripts/hints.ts: a ${kind} has no field ${name}`);
    const said = { ...node };
    for (const key of Object.keys(node)) delete node[key];
    Object.assign(node, { description, ...said });
  }
  const title = kind === "settings" ? "towline.yml" : `towline: ${kind}`;
  return { $schema, $id: `${kind}.schema.json`, title, ...rest };
}

/** Editors get the one form that people write; the schema also takes the typed values of exports and rows. */
function tidy({ zodSchema, jsonSchema }: Node): void {
  const node = jsonSchema as Json;
  const definition = zodSchema._zod.def;
  if (definition.type === "default") {
    const value = definition.defaultValue;
    node.default = String(node.pattern ?? "").includes("(s|m|h|d)") ? formatDuration(Number(value)) : value;
  }
  if (definition.type === "prefault") delete node.default;
  if (node.type !== undefined && node.anyOf !== undefined) delete node.anyOf;
  if (node.pattern === "^[^\\r\\n]*$") delete node.pattern;
  delete node.propertyNames;
  if (definition.type === "string" && node.pattern === undefined && node.format === undefined)
    // Every scalar is read as text: `title: 2026` and `model: 4.1` are fine, and no editor should say otherwise.
    node.type = ["string", "number", "boolean"];
}

export const print = (schema: Json) => `${JSON.stringify(schema, null, 2)}\n`;

if (import.meta.main) {
  const folder = join(import.meta.dirname, "..", "schema");
  mkdirSync(folder, { recursive: true });
  for (const [kind, schema] of Object.entries(schemas()))
    writeFileSync(join(folder, `${kind}.schema.json`), print(schema));
}
