// A table of each collection: what people track besides, as its schema says.
import { type Collection, type CollectionRow, collectionsOf, type Form, formOf, rowsOf } from "./collections.ts";
import { schemaProblems } from "./entry-problems.ts";
import type { PageFiles } from "./export-lines.ts";
import { capped, fragment } from "./export-world.ts";
import type { Exported } from "./exported.ts";
import type { Settings } from "./schema.ts";
import { oneLine } from "./text.ts";

type Row = Exported<"collections">;

const most = { rows: 500, columns: 8, cell: 300 };

export function collectionRows(settings: Settings, files: PageFiles): Row[] {
  return collectionsOf(settings.collections).map((one) => {
    const form = formOf(files.get(one.schema));
    const rows = rowsOf(one, form, files);
    const columns = columnsOf(one, form);
    const { name, title, folder, schema } = one;
    const shown = rows.slice(0, most.rows).map((row) => tableRow(row, columns, schema));
    return { id: fragment(name), title, folder, schema, columns, rows: shown, more: rows.length - shown.length };
  });
}

/** The fields that the settings name, else those of the schema that fit into a cell. */
function columnsOf({ columns }: Collection, form: Form | { fault: string }): Row["columns"] {
  const fields = "fault" in form ? {} : (form.json.properties as Record<string, Record<string, unknown> | undefined>);
  const named = columns.length > 0 ? columns : Object.keys(fields).filter((name) => fields[name]?.type !== "object");
  return named.slice(0, most.columns).map((name) => {
    const title = Object.hasOwn(fields, name) ? fields[name]?.title : undefined;
    return { name, title: oneLine(typeof title === "string" ? title : name.replaceAll("_", " "), 60) };
  });
}

function tableRow(
  { path, id, text, data, body, wrong, error }: CollectionRow,
  columns: Row["columns"],
  schema: string,
): Row["rows"][number] {
  const cells = columns.flatMap(({ name }) => {
    const value = Object.hasOwn(data, name) ? data[name] : undefined;
    return value === undefined || value === null ? [] : [[name, words(value)]];
  });
  const found = wrong ? [wrong] : error ? schemaProblems(path, { schema }, text, data, error) : [];
  const faults = found.slice(0, 5).map(({ message, fix }) => `${message} (${fix})`);
  return {
    id: fragment(path),
    path,
    cells: { "": id, ...Object.fromEntries(cells) },
    faults,
    body: capped(body.trim()).text,
  };
}

const words = (value: unknown): string =>
  oneLine(
    Array.isArray(value) ? value.map(words).join(", ") : isText(value) ? String(value) : JSON.stringify(value),
    most.cell,
  );
const isText = (value: unknown) => typeof value !== "object";
