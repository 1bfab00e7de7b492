// The collections are the export documents, under the very schemas that the engine reads records with.

import { defineCollection } from "astro:content";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type DocumentName, documents } from "../../src/core/exported.ts";

const folder = process.env.TOWLINE_SITE_DATA ?? "data";

/** One JSON file of the export. `order` keeps its order, which a collection does not. */
const collection = (name: DocumentName) =>
  defineCollection({
    loader: async () => {
      const read = JSON.parse(await readFile(join(folder, `${name}.json`), "utf8"));
      const rows = Array.isArray(read) ? read : [read];
      return rows.map((row, order) => ({ id: row.id as string, order, row }));
    },
    schema: z.object({ id: z.string(), order: z.number(), row: documents[name] as z.ZodType }),
  });

const names = Object.keys(documents) as DocumentName[];
export const collections = Object.fromEntries(names.map((name) => [name, collection(name)]));
