// What a proposed change touches, by whom it belongs to: the first thing that a reviewer wants to know.
import { type PathClass, pathClass } from "./schema.ts";
import { cell, oneLine } from "./text.ts";

export type Touched = Record<PathClass, string[]>;

/** Paths that each class may name in a text for people; the rest are counted. */
const most = 20;

export function touchedBy(paths: readonly string[]): Touched {
  const touched: Touched = { policy: [], work: [], ledger: [] };
  for (const path of paths) touched[pathClass(path)].push(path);
  return touched;
}

const owners: [PathClass, string][] = [
  ["policy", "policy: decides who works where and what it may cost"],
  ["work", "work: tasks and reviews of people"],
  ["ledger", "ledger: towline's own records, of which people may change a few fields"],
];

/** Markdown: a line for each class that is touched. */
export function touchedText(touched: Touched): string {
  const lines = owners.flatMap(([name, words]) => {
    const paths = touched[name];
    if (paths.length === 0) return [];
    const shown = paths.slice(0, most).map((path) => cell(oneLine(path, 200)));
    const rest = paths.length > most ? [`and ${paths.length - most} more`] : [];
    return [`- **${words}** (${paths.length}): ${[...shown, ...rest].join(", ")}`];
  });
  return lines.length === 0 ? "" : `What it touches:\n\n${lines.join("\n")}\n`;
}
