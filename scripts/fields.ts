// The fields of a JSON Schema, with names as people would point at them: `guard.allow`, `jobs[].id`, `releases.NAME.url`.
export type Json = Record<string, unknown>;
export interface Field {
  name: string;
  node: Json;
  required: boolean;
}

const below = (node: Json, key: string) => (node[key] ?? {}) as Json;

export function fieldsOf(schema: Json, at = ""): Field[] {
  const required = new Set((schema.required as string[] | undefined) ?? []);
  const own = Object.entries(below(schema, "properties") as Record<string, Json>).flatMap(([key, node]) => {
    const name = at === "" ? key : `${at}.${key}`;
    return [{ name, node, required: required.has(key) }, ...fieldsOf(node, name)];
  });
  const choices = ((schema.anyOf ?? []) as Json[]).flatMap((one) => fieldsOf(one, at));
  const items = schema.items === undefined ? [] : fieldsOf(below(schema, "items"), `${at}[]`);
  const named =
    at === "" || !schema.additionalProperties ? [] : fieldsOf(below(schema, "additionalProperties"), `${at}.NAME`);
  return [...own, ...choices, ...items, ...named];
}

/** What may be written there, in words. */
export function formOf(node: Json): string {
  if (Array.isArray(node.enum)) return node.enum.map((one) => `\`${one}\``).join(", ");
  if (Array.isArray(node.anyOf)) return [...new Set(choicesOf(node).map(formOf))].join(" or ");
  if (Array.isArray(node.type) || node.type === undefined) return node.properties ? "map" : "text";
  if (node.type === "array") return `list of ${listed(below(node, "items"))}`;
  if (node.type === "object") return "map";
  if (node.type === "boolean") return "`true` or `false`";
  if (node.type === "integer") return ranged(node);
  if (node.format === "date-time") return "time with zone";
  if (String(node.pattern ?? "").includes("(s|m|h|d)")) return "duration";
  return node.type === "number" ? "number" : "text";
}

const choicesOf = (node: Json): Json[] =>
  Array.isArray(node.anyOf) ? (node.anyOf as Json[]).flatMap(choicesOf) : [node];

const listed = (node: Json) => (node.enum ? formOf(node) : formOf(node) === "map" ? "maps" : `${formOf(node)}s`);

function ranged({ minimum, maximum }: Json): string {
  const most = Number(maximum);
  if (minimum === undefined) return "whole number";
  return most >= 1e6 || maximum === undefined ? `whole number from ${minimum}` : `whole number, ${minimum} to ${most}`;
}
