// Findings for a terminal, for a program, and as annotations of the CI service.
import type { Checked } from "./check.ts";
import type { Problem } from "./entry.ts";
import { counted, oneLine } from "./text.ts";

export const formats = ["text", "json", "github"] as const;
export type Format = (typeof formats)[number];

const count = (problems: Problem[], level: Problem["level"]) => problems.filter((p) => p.level === level).length;

export function render(checked: Checked, format: Format): string {
  if (format === "json") return asJson(checked);
  const lines = format === "github" ? checked.problems.map(annotation) : checked.problems.flatMap(plain);
  return `${[...lines, closing(checked)].join("\n")}\n`;
}

/** `{version: 1, ok, errors, warnings, records, problems: [{path, line, column, level, code, message, fix}], touches?}`. */
function asJson({ problems, records, touches }: Checked): string {
  const errors = count(problems, "error");
  return `${JSON.stringify({ version: 1, ok: errors === 0, errors, warnings: count(problems, "warning"), records, problems, touches }, null, 2)}\n`;
}

/** A path at the start of a line must not read as a command to the CI service. */
const place = (path: string) => oneLine(path.startsWith(":") || path.startsWith("#") ? `./${path}` : path, 500);

const plain = (p: Problem) => [
  `${place(p.path)}:${p.line}:${p.column}: ${p.level}: ${oneLine(p.message, 500)}`,
  `    ${oneLine(p.fix, 500)}`,
];

function closing({ problems, records }: Checked): string {
  const all = counted(records, "record");
  if (problems.length === 0) return `${all} checked, nothing to mend`;
  return `${all} checked: ${counted(count(problems, "error"), "error")}, ${counted(count(problems, "warning"), "warning")}`;
}

const data = (text: string) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const property = (text: string) => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

const annotation = (p: Problem) =>
  `::${p.level} file=${property(p.path)},line=${p.line},col=${p.column},title=${property(`towline check: ${p.code}`)}::${data(`${p.message}\n${p.fix}`)}`;
