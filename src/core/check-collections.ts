// Collections: a folder that can be one, a schema that can be read, and rows that keep to it.
import type { Pack } from "./check-pack.ts";
import { problem } from "./check-pack.ts";
import { type Collection, collectionsOf, formOf, rowsOf } from "./collections.ts";
import type { Problem } from "./entry.ts";
import { schemaProblems } from "./entry-problems.ts";
import { locate } from "./locate.ts";
import { folders, pathClass } from "./schema.ts";

const sample = `{"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}`;

export function collectionProblems(pack: Pack): Problem[] {
  return collectionsOf(pack.settings?.collections).flatMap((one) => {
    const wrong = folderProblem(pack, one);
    if (wrong) return [wrong];
    const form = formOf(pack.texts.get(one.schema));
    const rows = rowsOf(one, form, pack.texts).flatMap(({ path, text, data, wrong, error }): Problem[] => {
      if (wrong) return [{ path, level: "error", ...wrong }];
      const found = error ? schemaProblems(path, { schema: one.schema }, text, data, error) : [];
      return found.map((fault) => ({ ...fault, fix: fault.fix.replace("see schema/ for", `see ${one.schema} for`) }));
    });
    if (!("fault" in form)) return rows;
    const message = `the JSON Schema of the collection \`${one.name}\` cannot be used: ${form.fault}`;
    return [problem(one.schema, "collection-schema", message, `write one like ${sample}`), ...rows];
  });
}

/** Towline's own folders have forms of their own, and no collection may look into the ledger. */
function folderProblem(pack: Pack, { name, folder }: Collection): Problem | null {
  const first = folder.split("/", 1)[0] as string;
  const own = Object.hasOwn(folders, first) || pathClass(`${first}/x`) !== "policy";
  if (!own && !first.startsWith(".")) return null;
  const text = pack.texts.get("towline.yml") ?? "";
  const place = locate(`---\n${text}\n---\n`, ["collections", name]);
  const message = `the collection \`${name}\` cannot live in \`${folder}/\`: that folder is ${own ? "towline's" : "hidden"}`;
  const found = problem(
    "towline.yml",
    "collection-folder",
    message,
    `write \`folder:\` with another one, like \`${name}s\``,
  );
  return { ...found, line: Math.max(1, place.line - 1), column: place.column };
}
