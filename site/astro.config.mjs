// Where things are comes from the build's own environment (src/shell/site.ts); the defaults serve `astro dev`.
import { defineConfig } from "astro/config";

const given = process.env;

export default defineConfig({
  output: "static",
  trailingSlash: "always",
  base: given.TOWLINE_SITE_BASE ?? "/",
  site: given.TOWLINE_SITE_URL || undefined,
  outDir: given.TOWLINE_SITE_OUT ?? "./dist",
  // One stylesheet and no inline anything: the content security policy allows only files of this site.
  build: { inlineStylesheets: "never", assets: "assets" },
  vite: { build: { assetsInlineLimit: 0 } },
  devToolbar: { enabled: false },
});
