// YAML and JSON of other tools, with the line of everything. Nothing in it is evaluated; tags are not followed.
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";

export interface Lined {
  line: number;
  /** A plain text. */
  text?: string;
  map?: [name: string, value: Lined][];
  list?: Lined[];
  /** It has a tag, like `!vault`: its value is another tool's business. */
  tagged?: boolean;
}

const max_depth = 24;
/** Nodes at most: aliases can make much out of little. */
const max_nodes = 200_000;

/** The document as lined values, or what is wrong with it. */
export function readLined(text: string): Lined | { line: number; message: string } {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: "failsafe",
    prettyErrors: false,
    // The search for twins takes the square of the number of names; who is named twice is one machine anyway.
    uniqueKeys: false,
    logLevel: "silent",
  });
  const [fault] = document.errors;
  if (fault) return { line: lines.linePos(fault.pos[0]).line || 1, message: fault.message.split("\n", 1)[0] as string };
  const walk = { document, lines, left: max_nodes };
  const read = lined(walk, document.contents, 0, 1);
  return walk.left <= 0 ? { line: 1, message: "it is too big, or its aliases make it so" } : read;
}

function lined(
  walk: { document: Document; lines: LineCounter; left: number },
  node: unknown,
  depth: number,
  line: number,
): Lined {
  walk.left--;
  if (walk.left <= 0 || depth > max_depth) return { line };
  if (isAlias(node)) return { ...lined(walk, node.resolve(walk.document), depth + 1, line), line };
  const start = (node as { range?: [number] } | null)?.range?.[0];
  const at = start === undefined ? line : walk.lines.linePos(start).line || line;
  if (isScalar(node)) {
    const tag = node.tag !== undefined && !node.tag.startsWith("tag:yaml.org");
    return tag ? { line: at, tagged: true } : { line: at, text: String(node.value ?? "") };
  }
  if (isSeq(node)) return { line: at, list: node.items.map((item) => lined(walk, item, depth + 1, at)) };
  if (!isMap(node)) return { line: at, text: "" };
  const map = node.items.map(({ key, value }): [string, Lined] => {
    const own = isScalar(key) && key.range ? walk.lines.linePos(key.range[0]).line : at;
    const inner = lined(walk, value, depth + 1, own);
    // A map is where its name stands; so is a value.
    return [isScalar(key) ? String(key.value) : "", { ...inner, line: own }];
  });
  return { line: at, map };
}

export const field = (value: Lined | undefined, name: string): Lined | undefined =>
  value?.map?.find(([key]) => key === name)?.[1];
