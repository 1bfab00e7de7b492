// Pages are written for a reader on the forge: links go from file to file. Here they become those of the site.
import { posix } from "node:path";
import remarkGfm from "remark-gfm";
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

const parser = unified().use(remarkParse).use(remarkGfm);

/** A page's title is its first heading, which the site writes above it. */
export function titled(text: string, place: Place): { title: string; body: string } {
  const first = (parser.parse(text) as Node).children?.find((node) => node.type === "heading");
  if (first?.depth !== 1) throw new Error(`${place.path}: begin with a heading, like \`# Title\``);
  const { start, end } = first.position;
  const title = text.slice(start.offset, end.offset).replace(/^#\s+/, "").replace(/[`*]/g, "").trim();
  // The line stays, empty: line numbers in messages are those of the file.
  return { title, body: text.slice(0, start.offset) + text.slice(end.offset) };
}

/** The same text with links that lead to pages of the site. Throws where one leads nowhere. */
export function linked(text: string, place: Place): string {
  const found: Node[] = [];
  const walk = (node: Node): void => {
    if (node.url !== undefined) found.push(node);
    node.children?.forEach(walk);
  };
  walk(parser.parse(text) as Node);
  let out = text;
  for (const node of found.toReversed()) {
    const { start, end } = node.position;
    const source = text.slice(start.offset, end.offset);
    out = out.slice(0, start.offset) + moved(node, source, place, start.line) + out.slice(end.offset);
  }
  return out;
}

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
