// The documentation as a site: `npm run docs:site`. Where things are comes from the build's own environment.
import starlight from "@astrojs/starlight";
import { defineConfig, passthroughImageService } from "astro/config";
import { sidebar } from "./sidebar.ts";

const given = process.env;

export default defineConfig({
  output: "static",
  trailingSlash: "always",
  base: given.TOWLINE_DOCS_BASE ?? "/",
  site: given.TOWLINE_DOCS_URL || undefined,
  outDir: given.TOWLINE_DOCS_OUT ?? "./dist",
  devToolbar: { enabled: false },
  // Starlight wants js-yaml 4, towline has 5: the build must take each from where it is imported.
  vite: { environments: { prerender: { resolve: { noExternal: ["js-yaml"] } } } },
  image: { service: passthroughImageService() },
  integrations: [
    starlight({
      title: "Towline",
      description: "A fleet of AI agents run from a git repository.",
      sidebar: sidebar(),
      lastUpdated: false,
      credits: false,
      customCss: ["./src/docs.css"],
      // Records are prose below their frontmatter: their lines are long.
      expressiveCode: { defaultProps: { wrap: true, overridesByLang: { text: { wrap: false } } } },
      tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 3 },
    }),
  ],
});
