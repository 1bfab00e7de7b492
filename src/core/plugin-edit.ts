// Names a plugin in the text of towline.yml, beside whatever else people wrote there.
import { isMap, isScalar, parseDocument } from "yaml";
import type { PluginSettings } from "./schema.ts";

type Values = Readonly<Record<string, string | string[]>>;

/** The new text; null where it is written in a way that is better changed by hand. */
export function withPlugin(text: string, name: string, settings: Values): string | null {
  const document = parseDocument(text, { schema: "failsafe", prettyErrors: false });
  const top = document.contents;
  if (document.errors.length > 0 || (top !== null && !isMap(top))) return null;
  const rows = Object.entries(settings).map(([key, value]) => `    ${key}: ${written(value)}`);
  const entry = rows.length === 0 ? [`  ${name}: {}`] : [`  ${name}:`, ...rows];
  const end = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const pair = top?.items.find(({ key }) => isScalar(key) && key.value === "plugins");
  if (!pair) return `${end}plugins:\n${entry.join("\n")}\n`;
  const below = pair.value;
  const from = (pair.key as { range?: [number, number, number] }).range?.[0] ?? 0;
  const empty = below === null || (isScalar(below) && below.value === "") || (isMap(below) && below.items.length === 0);
  if (empty) return replaceLine(end, from, `plugins:\n${entry.join("\n")}`);
  if (!isMap(below) || below.flow) return null;
  const own = below.items.find(({ key }) => isScalar(key) && key.value === name);
  const indent = " ".repeat(columnOf(end, startOf(below.items[0]?.key)));
  if (!own) return insertAfterLine(end, from, entry.map((line) => indent + line.slice(2)).join("\n"));
  if (rows.length === 0) return end;
  const bare =
    own.value === null ||
    (isScalar(own.value) && own.value.value === "") ||
    (isMap(own.value) && own.value.items.length === 0);
  if (!bare) return null;
  return replaceLine(end, startOf(own.key), entry.map((line) => indent + line.slice(2)).join("\n"));
}

const startOf = (node: unknown) => (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? 0;
const columnOf = (text: string, at: number) => at - (text.lastIndexOf("\n", at - 1) + 1);

function replaceLine(text: string, at: number, by: string): string {
  const from = text.lastIndexOf("\n", at - 1) + 1;
  return `${text.slice(0, from)}${by}\n${text.slice(text.indexOf("\n", at) + 1)}`;
}

function insertAfterLine(text: string, at: number, line: string): string {
  const end = text.indexOf("\n", at) + 1;
  return `${text.slice(0, end)}${line}\n${text.slice(end)}`;
}

const written = (value: string | string[]): string =>
  Array.isArray(value)
    ? `[${value.map(written).join(", ")}]`
    : /^[A-Za-z0-9_./-]+$/.test(value)
      ? value
      : JSON.stringify(value);

/** What a person writes by hand where the text is not changed for them. */
export const byHand = (name: string, settings: Values) =>
  `plugins: {${name}: {${Object.entries(settings)
    .map(([key, value]) => `${key}: ${written(value)}`)
    .join(", ")}}}`;

/** Settings of a plugin and what a person adds to them, as towline.yml would have it. */
export const merged = (settings: PluginSettings | undefined, more: Values): PluginSettings =>
  ({ ...settings, ...more }) as PluginSettings;
