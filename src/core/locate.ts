// Where a field stands in a record's text. The slow, exact parser: for findings only.
import { type Document, isMap, isSeq, LineCounter, parseDocument } from "yaml";

/** Longer headers are no people's work: in those only the line of the outermost field is looked for. */
const max_exact = 16 << 10;

export function hasPath(text: string, path: PropertyKey[]): boolean {
  return isLong(text) ? fieldLine(text, path) > 0 : nodeAt(text, path) !== undefined;
}

const headerEnd = (text: string) => text.search(/[\r\n]---[ \t]*(?:[\r\n]|$)/);
const isLong = (text: string) => text.length > max_exact && headerEnd(text) > max_exact;

/** 0: it is nowhere. */
function fieldLine(text: string, path: PropertyKey[]): number {
  const lines = text.slice(0, headerEnd(text)).split(/\r\n?|\n/);
  return lines.findIndex((line) => line.startsWith(`${String(path[0])}:`)) + 1;
}

// A record with many findings asks for many places in one text.
let last: { text: string; document: Document; counter: LineCounter } | undefined;

function documentOf(text: string): { document: Document; counter: LineCounter } {
  if (last?.text === text) return last;
  const counter = new LineCounter();
  const header = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  const end = header.indexOf("\n---", 3);
  const document = parseDocument(header.slice(header.indexOf("\n") + 1, end + 1), {
    lineCounter: counter,
    schema: "failsafe",
    // The fast parser has refused twins already; here their search would take the square of the number of fields.
    uniqueKeys: false,
    prettyErrors: false,
  });
  last = { text, document, counter };
  return last;
}

function nodeAt(text: string, path: PropertyKey[]) {
  const { document, counter } = documentOf(text);
  let node: unknown = document.contents;
  let key: unknown = null;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown })?.value) === String(step));
      if (!pair) return undefined;
      key = pair.key;
      node = pair.value;
    } else if (isSeq(node)) node = node.items[Number(step)];
    else return undefined;
  }
  return { counter, node, key };
}

/** Line and column (1-based) of a field's value, or of its nearest parent that is there. */
export function locate(text: string, path: PropertyKey[]): { line: number; column: number } {
  if (isLong(text)) return { line: Math.max(1, fieldLine(text, path)), column: 1 };
  for (let length = path.length; length > 0; length--) {
    const found = nodeAt(text, path.slice(0, length));
    const range = ((found?.node as { range?: number[] } | null)?.range ??
      (found?.key as { range?: number[] } | null)?.range) as number[] | undefined;
    if (!found || !range) continue;
    const place = found.counter.linePos(range[0] as number);
    return { line: place.line + 1, column: place.col };
  }
  return { line: 1, column: 1 };
}
