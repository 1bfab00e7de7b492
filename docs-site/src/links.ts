// Pages are written for a reader on the forge: links go from file to file. Here they become those of the site.
import { posix } from "node:path";
import remarkParse from "remark-parse";
import { unified } from "unified";

export interface Place {
  /** The file in the checkout, like docs/start.md. */
  path: string;
  /** Every page: its file → its address on the site. */
  pages: ReadonlyMap<string, string>;
  /** Whether the checkout holds this file or folder. */
  exists(path: string): boolean;
  /** Path that the site is served under, like /towline/. */
  base: string;
  /** Where files can be read that are no page, like https://github.com/OWNER/towline/blob/main/. */
  files?: string | undefined;
}

type Node = {
  type: string;
  url?: string;
  depth?: number;
  children?: Node[];
  position: { start: { offset: number; line: number }; end: { offset: number } };
};

const parser = unified().use(remarkParse);

/**
 * Its title is its first heading, which the site writes above the page; its links lead to pages of the site.
 * Throws where there is no title, or where a link leads nowhere.
 */
export function pageOf(text: string, place: Place): { title: string; body: string } {
  const tree = parser.parse(text) as Node;
  const first = tree.children?.find((node) => node.type === "heading");
  if (first?.depth !== 1) throw new Error(`${place.path}: begin with a heading, like \`# Title\``);
  const found: Node[] = [first];
  const walk = (node: Node): void => {
    if (node.url !== undefined) found.push(node);
    node.children?.forEach(walk);
  };
  for (const node of tree.children ?? []) if (node !== first) walk(node);
  let body = text;
  for (const node of found.toSorted((a, b) => b.position.start.offset - a.position.start.offset)) {
    const { start, end } = node.position;
    const instead = node === first ? "" : moved(node, sourceOf(node, text), place, start.line);
    body = body.slice(0, start.offset) + instead + body.slice(end.offset);
  }
  return { title: sourceOf(first, text).replace(/^#\s+/, "").replace(/[`*]/g, "").trim(), body };
}

const sourceOf = ({ position: { start, end } }: Node, text: string) => text.slice(start.offset, end.offset);

function moved(node: Node, source: string, place: Place, line: number): string {
  const url = node.url as string;
  if (node.type === "image" || /^([a-z]+:|#|\/\/)/i.test(url)) return source;
  const [file = "", anchor] = url.split("#");
  const path = posix.join(posix.dirname(place.path), decodeURI(file)).replace(/\/$/, "");
  if (!place.exists(path)) throw new Error(`${place.path}:${line}: the link leads to ${path}, which is not there`);
  const page = place.pages.get(path) ?? place.pages.get(`${path}/README.md`);
  const fragment = anchor === undefined ? "" : `#${anchor}`;
  const at = source.lastIndexOf(url);
  const to = page !== undefined ? `${place.base}${page}${fragment}` : place.files && `${place.files}${path}${fragment}`;
  if (to) return source.slice(0, at) + to + source.slice(at + url.length);
  // Nobody said where the checkout can be read: the words stay.
  return node.type === "link" ? source.slice(1, source.lastIndexOf("](")) : source;
}
