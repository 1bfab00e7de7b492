// Pages of plugins: data for the dashboard, never a component. The ledger holds the newest one of each.
import { z } from "zod";
import { type Judged, wrong } from "./plugins.ts";
import type { Brought } from "./samples.ts";
import { clean } from "./text.ts";

/** A file each, named by the plugin. */
export const plugin_pages = "state/plugins";

const line = z.string().transform((v) => clean(v));
const text = line.pipe(z.string().max(4000));
const cell = (most: number) => line.pipe(z.string().max(most));
const block = z.union([
  z.strictObject({ text }),
  z.strictObject({ facts: z.record(cell(100), cell(500)) }),
  z.strictObject({
    table: z.object({
      columns: z.array(cell(100)).min(1).max(12),
      rows: z.array(z.array(cell(500)).max(12)).max(500),
    }),
  }),
  z.strictObject({
    bars: z.array(z.object({ label: cell(100), value: z.number(), says: cell(200).optional() })).max(100),
  }),
]);
const page = z.object({ title: cell(300), blocks: z.array(block).max(40) });
export type PluginPage = z.infer<typeof page>;

export function judgePage(said: unknown): Judged<PluginPage> {
  const read = page.safeParse(said);
  return read.success ? { value: read.data } : { fault: wrong("its page is amiss", read.error) };
}

export const pageText = (page: PluginPage) => `${JSON.stringify(page, null, 1)}\n`;

/** A page as it was written; null: it is none. */
export function readPage(text: string): PluginPage | null {
  try {
    return page.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Pages that differ come along with a commit that is made anyway, the first one of a plugin makes one. */
export function bringPages(
  texts: ReadonlyMap<string, string>,
  pages: ReadonlyMap<string, string>,
  brought: Brought,
): Brought {
  const files = new Map(brought.files);
  let { pressing } = brought;
  for (const [name, text] of pages) {
    const path = `${plugin_pages}/${name}.json`;
    if (texts.get(path) === text) continue;
    files.set(path, text);
    pressing ||= !texts.has(path);
  }
  return { ...brought, files, pressing };
}
