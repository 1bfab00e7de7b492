// One setting of towline.yml in another form: its own lines are written anew, every other byte stays.
import { isMap, isScalar, parseDocument } from "yaml";

/** `text` with `field: value` in it; null: without the field. `value`: how it stands there, in one line. */
export function withSetting(text: string, field: string, value: string | null): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const line = value === null ? "" : `${field}: ${value}${eol}`;
  const span = spanOf(text, field);
  if (span) return text.slice(0, span[0]) + line + text.slice(span[1]);
  if (line === "") return text;
  return `${text === "" || text.endsWith("\n") ? text : text + eol}${line}`;
}

/** From the start of the field's line to the start of the next one that is not its own. */
function spanOf(text: string, field: string): [number, number] | null {
  const { contents } = parseDocument(text, { schema: "failsafe", prettyErrors: false, uniqueKeys: false });
  const pair = isMap(contents) ? contents.items.find(({ key }) => isScalar(key) && key.value === field) : undefined;
  const start = (pair?.key as { range?: [number, number, number] } | undefined)?.range?.[0];
  if (start === undefined) return null;
  const value = pair?.value as { range?: [number, number, number] } | null | undefined;
  // The value's end without what follows it: comments below belong to what comes next.
  const end = value?.range?.[1] ?? start + field.length;
  const next = text.indexOf("\n", Math.max(start, end - 1));
  return [start, next < 0 ? text.length : next + 1];
}
