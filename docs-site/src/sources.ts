// Which markdown files are pages of the documentation, and what their addresses are.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..", "..");

/** Files outside of docs/ that people read, too. */
const project = ["README", "SECURITY", "CONTRIBUTING", "CHANGELOG", "DECISIONS", "RELIABILITY", "AGENTS"];

/** Path in the checkout → address of its page below the site's base. docs/README.md is the first page. */
export function sources(checkout = root): Map<string, string> {
  const docs = readdirSync(join(checkout, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .sort();
  const found = new Map(docs.map((path) => [`docs/${path}`, idOf(path.replaceAll("\\", "/"))]));
  for (const name of project)
    if (existsSync(join(checkout, `${name}.md`))) found.set(`${name}.md`, `project/${name.toLowerCase()}`);
  return found;
}

const idOf = (path: string) => path.replace(/\.md$/, "").replace(/(^|\/)README$/, "$1index");

/** Where a page is served: `index` of a folder is the folder. */
export const addressOf = (id: string) => id.replace(/(^|\/)index$/, "$1").replace(/([^/])$/, "$1/");
