// The tables of fields in docs/records/: `npm run docs`. A page is written by hand; what stands between `<!-- fields of
// KIND -->` and `<!-- end -->` comes out of the schema that the records are read with.
import { type Field, fieldsOf, formOf, type Json } from "./fields.ts";
import { schemas } from "./schema.ts";

const table = /(<!-- fields of ([a-z]+) -->\n)[\s\S]*?(<!-- end -->)/g;

/** The page with its tables as they are to be. Throws for a kind that there is not. */
export function withFields(page: string): string {
  return page.replace(
    table,
    (_all, begin: string, kind: string, end: string) => `${begin}\n${fieldsTable(kind)}\n\n${end}`,
  );
}

function fieldsTable(kind: string): string {
  const schema = schemas()[kind];
  if (!schema) throw new Error(`docs/records: there is no kind of record \`${kind}\``);
  const rows = fieldsOf(schema as Json).filter(({ name }, _at, all) => !all.some((one) => isInAmounts(name, one)));
  const lines = rows.map(({ name, node, required }) => {
    const value = [form(node), required ? "**required**" : initial(node)].filter((part) => part !== "").join("; ");
    const cells = [`\`${name}\``, value, String(node.description ?? "")];
    return `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return ["| Field | Value | Meaning |", "|---|---|---|", ...lines].join("\n");
}

const parts = (node: Json) => (node.properties ?? {}) as Json;
const isAmounts = (node: Json) => "tokens" in parts(node) && !("at" in parts(node));
const isSpans = (node: Json) => "day" in parts(node) && "month" in parts(node);
/** Amounts are explained once, in the page about all records. */
const isInAmounts = (name: string, { name: above, node }: Field) =>
  (isAmounts(node) || isSpans(node)) && name.startsWith(`${above}.`);

function form(node: Json): string {
  if (isAmounts(node)) return "[amounts](README.md#amounts)";
  if (isSpans(node)) return "[amounts](README.md#amounts) by `day`, `month`";
  return formOf(node);
}

function initial({ default: value }: Json): string {
  if (value === undefined || JSON.stringify(value) === "{}" || JSON.stringify(value) === "[]") return "";
  return `without it \`${Array.isArray(value) ? value.join(", ") : String(value)}\``;
}
