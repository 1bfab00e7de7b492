// Where a field stands in a record's text. The slow, exact parser: for findings only.
import { isMap, isSeq, LineCounter, parseDocument } from "yaml";

export function hasPath(text: string, path: PropertyKey[]): boolean {
  return nodeAt(text, path) !== undefined;
}

function nodeAt(text: string, path: PropertyKey[]) {
  const counter = new LineCounter();
  const header = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  const end = header.indexOf("\n---", 3);
  const document = parseDocument(header.slice(header.indexOf("\n") + 1, end + 1), {
    lineCounter: counter,
    schema: "failsafe",
  });
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
