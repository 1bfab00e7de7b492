// Pages of plugins, as the ledger holds them.
import type { PageFiles } from "./export-lines.ts";
import { fragment } from "./export-world.ts";
import type { Exported } from "./exported.ts";
import { plugin_pages, readPage } from "./plugin-pages.ts";

export const isPluginPage = (path: string) =>
  path.startsWith(`${plugin_pages}/`) && /^[A-Za-z0-9._-]+\.json$/.test(path.slice(plugin_pages.length + 1));

export function pluginRows(files: PageFiles): Exported<"plugins">[] {
  return [...files]
    .filter(([path]) => isPluginPage(path))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, text]) => {
      const page = readPage(text);
      return page ? [{ id: fragment(path.slice(plugin_pages.length + 1, -".json".length)), ...page }] : [];
    });
}
