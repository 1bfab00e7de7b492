// Writes single values into the frontmatter of a record that belongs to people: every other byte stays as it is.
import { isMap, isScalar, parseDocument } from "yaml";
import { configuration } from "../errors.ts";

/** The text with these fields set; a field that is not there becomes a line before the closing `---`. */
export function setFields(text: string, fields: Record<string, string>): string {
  let changed = text;
  for (const [name, value] of Object.entries(fields)) changed = setField(changed, name, value);
  return changed;
}

/** The text without this field, where it has a line of its own; with a comment beside it, it says `false`. */
export function dropField(text: string, name: string): string {
  const { start, end, pair } = fieldIn(text, name);
  if (!pair) return text;
  const line = new RegExp(`^${name}:[ \\t]*(?:[^#\\r\\n"']*|"[^"\\r\\n]*"|'[^'\\r\\n]*')[ \\t]*\\r?\\n`, "m");
  const found = line.exec(text.slice(start, end));
  if (!found) return setField(text, name, "false");
  const from = start + found.index;
  return text.slice(0, from) + text.slice(from + found[0].length);
}

/** Where the frontmatter begins and ends, and the field in it. */
function fieldIn(text: string, name: string) {
  const { start, end, newline } = frontmatterOf(text);
  const document = parseDocument(text.slice(start, end), { schema: "failsafe" });
  const pair = isMap(document.contents)
    ? document.contents.items.find((item) => isScalar(item.key) && item.key.value === name)
    : undefined;
  return { start, end, newline, pair };
}

function setField(text: string, name: string, value: string): string {
  const { start, end, newline, pair } = fieldIn(text, name);
  if (!pair) return `${text.slice(0, end)}${name}: ${plain(value)}${newline}${text.slice(end)}`;
  if (!isScalar(pair.value) || !pair.value.range)
    throw configuration(`\`${name}\` is not a plain value`, `write \`${name}: …\` on one line`);
  const [from, to] = pair.value.range;
  const gap = from === to && !/\s/.test(text[start + from - 1] ?? "") ? " " : "";
  return `${text.slice(0, start + from)}${gap}${plain(value)}${text.slice(start + to)}`;
}

/** Where the fields stand in the text of a record. Throws a configuration Fault. */
export function frontmatterOf(text: string): { start: number; end: number; newline: string } {
  const opening = /^\uFEFF?---[ \t]*\r?\n/.exec(text)?.[0];
  const closing = opening && /^---[ \t]*\r?$/m.exec(text.slice(opening.length));
  if (!opening || !closing)
    throw configuration("the record has no frontmatter", "start it with `---`, the fields, `---`");
  const start = opening.length;
  return { start, end: start + closing.index, newline: opening.endsWith("\r\n") ? "\r\n" : "\n" };
}

/** As YAML: plain where that means the same text, else in double quotes. */
const plain = (value: string) => (/^[A-Za-z0-9][A-Za-z0-9:/+=._@-]*$/.test(value) ? value : JSON.stringify(value));
