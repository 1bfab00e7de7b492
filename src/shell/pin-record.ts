// Writes what was deployed into a host's record, `runtimes: {picoclaw: "1.2.3 sha256:…"}`: every other byte stays.
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";
import { frontmatterOf } from "./fleet-record.ts";

type Node = { range?: [number, number, number] | null };
type Splice = { from: number; to: number; text: string };

const parsed = (header: string) => parseDocument(header, { schema: "failsafe" });

/**
 * The record's text with the pin set. null: it cannot be done without touching what people wrote around it. Throws a
 * configuration Fault for a text without frontmatter.
 */
export function setPin(text: string, runtime: string, pin: string): string | null {
  const { start, end, newline } = frontmatterOf(text);
  const header = text.slice(start, end);
  const splice = spliceFor(header, runtime, pin, newline);
  if (splice === null) return null;
  const changed = header.slice(0, splice.from) + splice.text + header.slice(splice.to);
  const document = parsed(changed);
  // Comments and line breaks can stand in odd places: only what reads as meant is taken.
  if (document.errors.length > 0 || document.getIn(["runtimes", runtime]) !== pin) return null;
  return text.slice(0, start) + changed + text.slice(end);
}

function spliceFor(header: string, runtime: string, pin: string, newline: string): Splice | null {
  const { contents } = parsed(header);
  const pair = isMap(contents) ? pairOf(contents, "runtimes") : undefined;
  const entry = `${keyText(runtime)}: ${JSON.stringify(pin)}`;
  if (!pair) return { from: header.length, to: header.length, text: `runtimes: {${entry}}${newline}` };
  if (isMap(pair.value)) return inMap(header, pair.value, runtime, pin, newline);
  // A list of names, or nothing yet: it becomes a map in which those names have no version.
  const range = (pair.value as Node | null)?.range;
  const names = listed(pair.value);
  if (!range || names === null || header.slice(range[0], range[1]).includes("#")) return null;
  const others = names.filter((name) => name !== runtime).map((name) => `${keyText(name)}: ""`);
  const [from, to] = placeOf(header, pair, range);
  return { from, to, text: `${gapAt(header, from)}{${[...others, entry].join(", ")}}` };
}

const pairOf = (map: YAMLMap, name: string): Pair | undefined =>
  map.items.find((item) => isScalar(item.key) && item.key.value === name);

const keyText = (name: string) => (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? name : JSON.stringify(name));

const gapAt = (header: string, at: number) => (/\s/.test(header[at - 1] ?? "") ? "" : " ");

function listed(value: unknown): string[] | null {
  if (value === null || value === undefined) return [];
  const items = isScalar(value) ? [value] : ((value as { items?: unknown[] }).items ?? null);
  if (items === null || !items.every((item) => isScalar(item))) return null;
  return items.map((item) => String((item as { value: unknown }).value ?? "")).filter((name) => name !== "");
}

/** A block list begins on the next line: the map takes the place of all of it. */
function placeOf(header: string, pair: Pair, [from, to]: [number, number, number]): [number, number] {
  const key = (pair.key as Node).range;
  if (!key || !header.slice(key[1], from).includes("\n")) return [from, to];
  return [header.indexOf(":", key[1]) + 1, header[to - 1] === "\n" ? to - 1 : to];
}

function inMap(header: string, map: YAMLMap, runtime: string, pin: string, newline: string): Splice | null {
  const known = pairOf(map, runtime);
  const entry = `${keyText(runtime)}: ${JSON.stringify(pin)}`;
  if (known) {
    const range = (known.value as Node | null)?.range;
    if (!isScalar(known.value) || !range) return null;
    return {
      from: range[0],
      to: range[1],
      text: (range[0] === range[1] ? gapAt(header, range[0]) : "") + JSON.stringify(pin),
    };
  }
  const range = map.range;
  if (!range) return null;
  if (map.flow === true) {
    const inside = header.slice(range[0] + 1, header.lastIndexOf("}", range[1])).trimEnd();
    const at = range[0] + 1 + inside.length;
    const sign = inside === "" ? "" : inside.endsWith(",") ? " " : ", ";
    return { from: at, to: at, text: sign + entry };
  }
  const first = (map.items[0]?.key as Node | undefined)?.range?.[0] ?? 0;
  const indent = /[ \t]*$/.exec(header.slice(0, first))?.[0] ?? "";
  const last = map.items.at(-1);
  const end = ((last?.value ?? last?.key) as Node | undefined)?.range?.[1] ?? first;
  const line = header.indexOf("\n", end);
  const at = line < 0 ? header.length : line + 1;
  return { from: at, to: at, text: `${indent}${entry}${newline}` };
}
