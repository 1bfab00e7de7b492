// Pages of plugins: data for the dashboard, never a component. The ledger holds the newest one of each.
import type { z } from "zod";
import { page } from "./plugin-page.ts";
import { type Judged, pluginNames, wrong } from "./plugins.ts";
import type { Brought } from "./samples.ts";
import type { Settings } from "./schema.ts";

/** A file each, named by the plugin. */
export const plugin_pages = "state/plugins";

export type PluginPage = z.infer<typeof page>;

export function judgePage(said: unknown): Judged<PluginPage> {
  const read = page.safeParse(said);
  return read.success ? { value: read.data } : { fault: wrong("its page is amiss", read.error) };
}

export const pageText = (page: PluginPage) => `${JSON.stringify(page, null, 1)}\n`;

/** A page as it was written; null: it is none. */
function readPage(text: string): PluginPage | null {
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

/** The pages of plugins that are switched on, by name. */
export const pageRows = (settings: Settings, files: ReadonlyMap<string, string>) =>
  pluginNames(settings)
    .sort()
    .flatMap((id) => {
      const read = readPage(files.get(`${plugin_pages}/${id}.json`) ?? "");
      return read === null ? [] : [{ id, ...read }];
    });
