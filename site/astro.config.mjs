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
  vite: {
    build: { assetsInlineLimit: 0 },
    // Astro 7.3.0 imports this from itself without exporting it; 7.3.1 and later do neither.
    resolve: {
      alias: {
        "astro/_internal/logger": new URL("../node_modules/astro/dist/core/logger/core.js", import.meta.url).pathname,
      },
    },
  },
  devToolbar: { enabled: false },
});
