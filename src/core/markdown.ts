// Reads markdown bodies: sections, examples, lists. Never writes: no stringifier keeps what people wrote.
import type { Code, Root, RootContent } from "mdast";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import { unified } from "unified";

const parser = unified().use(remarkParse).use(remarkGfm);
const parse = (body: string): Root => parser.parse(body);

/** Plain text of a node and all below it. */
function textOf(node: RootContent | Root): string {
  if ("value" in node) return node.value;
  return "children" in node ? node.children.map((child) => textOf(child as RootContent)).join("") : "";
}

/** Top-level blocks under each `## Heading`, by heading; blocks before the first stand under "". */
export function sections(body: string): Map<string, RootContent[]> {
  const found = new Map<string, RootContent[]>([["", []]]);
  let current = "";
  for (const node of parse(body).children) {
    if (node.type === "heading" && node.depth <= 2) {
      current = textOf(node).trim();
      if (!found.has(current)) found.set(current, []);
    } else found.get(current)?.push(node);
  }
  return found;
}

/** Fenced yaml blocks under `## Examples`, with the line of the body on which each starts (1-based). */
export function examples(body: string): { text: string; line: number }[] {
  const blocks = sections(body).get("Examples") ?? [];
  return blocks
    .filter((node): node is Code => node.type === "code" && (node.lang === "yaml" || node.lang === "yml"))
    .map((node) => ({ text: node.value, line: (node.position?.start.line ?? 0) + 1 }));
}

/** The first paragraph as plain text on one line, or "". */
export function firstParagraph(body: string): string {
  const node = parse(body).children.find((child) => child.type === "paragraph");
  return node ? textOf(node).replace(/\s+/g, " ").trim() : "";
}
