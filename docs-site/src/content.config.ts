// Pages are the markdown files of the checkout, as they are: no frontmatter, no copies.

import { defineCollection } from "astro:content";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { docsSchema } from "@astrojs/starlight/schema";
import type { Loader } from "astro/loaders";
import { pageOf } from "./links.ts";
import { addressOf, root, sources } from "./sources.ts";

const checkout: Loader = {
  name: "checkout",
  async load({ store, parseData, renderMarkdown, config }) {
    const all = sources();
    const pages = new Map([...all].map(([path, id]) => [path, addressOf(id)]));
    const base = `${config.base.replace(/\/$/, "")}/`;
    const exists = (path: string) => existsSync(join(root, path));
    store.clear();
    for (const [path, id] of all) {
      const place = { path, pages, exists, base, files: process.env.TOWLINE_DOCS_FILES };
      const { title, body } = pageOf(readFileSync(join(root, path), "utf8"), place);
      const data = await parseData({ id, data: { title, editUrl: false } });
      const rendered = await renderMarkdown(body, { fileURL: pathToFileURL(join(root, path)) });
      const assetImports = rendered.metadata?.imagePaths as string[];
      store.set({ id, data, body, filePath: `../${path}`, rendered, assetImports });
    }
  },
};

export const collections = { docs: defineCollection({ loader: checkout, schema: docsSchema() }) };
