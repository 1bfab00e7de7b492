// Markdown of agents and outsiders → HTML that holds only what is listed here. Raw HTML is shown as text, images
// become words, and a link must be http, https or mailto. Every character of theirs goes through `escaped`.
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import { unified } from "unified";

interface Node {
  type: string;
  children?: Node[];
  value?: string;
  depth?: number;
  ordered?: boolean;
  start?: number | null;
  checked?: boolean | null;
  spread?: boolean | null;
  url?: string;
  alt?: string | null;
  align?: (string | null)[];
}

const parser = unified().use(remarkParse).use(remarkGfm);
// Text can nest quotes and lists as deep as it is long; pages and stacks cannot.
const deepest = 16;
const protocols = new Set(["http:", "https:", "mailto:"]);

/** Where a link between records leads, or null when it leads nowhere. */
type Local = (url: string) => string | null;

/** Safe HTML of one markdown text. */
export function prose(markdown: string, local: Local = () => null): string {
  // A run of openers costs the parser quadratic time; nobody writes that.
  if (/[>[*_`~!-]{400}|^(?:[ \t]*(?:[->*+]|\d+[.)])){60}/m.test(markdown)) return pre(markdown);
  return blocks(parser.parse(markdown) as Node, { level: 0, local });
}

/** Text as HTML that says the same and does nothing. */
export const escaped = (text: string) =>
  text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/\0/g, "\uFFFD");

const pre = (text: string) => `<pre tabindex="0"><code>${escaped(text)}</code></pre>`;

interface Place {
  level: number;
  local: Local;
}

function blocks(node: Node, { level, local }: Place): string {
  return (node.children ?? []).map((child) => html(child, { level: level + 1, local })).join("");
}

function html(node: Node, place: Place): string {
  if (place.level > deepest) return escaped(plain(node));
  const inner = () => blocks(node, place);
  switch (node.type) {
    case "paragraph":
      return `<p>${inner()}</p>`;
    case "heading":
      return `<p class="heading">${inner()}</p>`;
    case "text":
      return escaped(node.value ?? "");
    case "emphasis":
      return `<em>${inner()}</em>`;
    case "strong":
      return `<strong>${inner()}</strong>`;
    case "delete":
      return `<del>${inner()}</del>`;
    case "inlineCode":
      return `<code>${escaped(node.value ?? "")}</code>`;
    case "code":
      return pre(node.value ?? "");
    case "html":
      return `<code>${escaped(node.value ?? "")}</code>`;
    case "blockquote":
      return `<blockquote>${inner()}</blockquote>`;
    case "list":
      return node.ordered ? `<ol start="${Number(node.start ?? 1)}">${inner()}</ol>` : `<ul>${inner()}</ul>`;
    case "listItem":
      return item(node, place);
    case "break":
      return "<br>";
    case "thematicBreak":
      return "<hr>";
    case "link":
      return link(node.url ?? "", inner(), place.local);
    case "image":
      return `<span class="muted">[image: ${escaped(node.alt || "no description")}]</span>`;
    case "table":
      return table(node, place);
    case "definition":
      return "";
    default:
      return node.children ? inner() : escaped(node.value ?? node.alt ?? "");
  }
}

/** A tight item holds its words without a paragraph around them. */
function item(node: Node, place: Place): string {
  const box = typeof node.checked === "boolean" ? (node.checked ? "☑ " : "☐ ") : "";
  const open = box === "" ? "<li>" : '<li class="box">';
  const parts = (node.children ?? []).map((child) =>
    child.type === "paragraph" && !node.spread
      ? blocks(child, place)
      : html(child, { ...place, level: place.level + 1 }),
  );
  return `${open}${box}${parts.join("")}</li>`;
}

function link(url: string, inner: string, local: Local): string {
  const here = local(url);
  if (here !== null) return `<a href="${escaped(here)}">${inner}</a>`;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed || !protocols.has(parsed.protocol)) return inner;
  return `<a href="${escaped(parsed.href)}" rel="noopener noreferrer nofollow">${inner}</a>`;
}

function table(node: Node, place: Place): string {
  const row = (cells: Node, tag: string) =>
    `<tr>${(cells.children ?? []).map((cell) => `<${tag}>${blocks(cell, place)}</${tag}>`).join("")}</tr>`;
  const [head, ...rest] = node.children ?? [];
  const top = head ? `<thead>${row(head, "th")}</thead>` : "";
  return `<div class="wide" tabindex="0"><table>${top}<tbody>${rest.map((cells) => row(cells, "td")).join("")}</tbody></table></div>`;
}

/** All words below a node, without recursion. */
function plain(node: Node): string {
  const words: string[] = [];
  const stack = [node];
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (next.value) words.push(next.value);
    stack.push(...(next.children ?? []).toReversed());
  }
  return words.join(" ");
}
