import { styleText } from "node:util";
import { clean } from "../core/text.ts";
import type { Report } from "../ports.ts";

type Place = { path: string; line?: number; column?: number };
const place = (at?: Place) =>
  at ? `${at.path}${at.line ? `:${at.line}${at.column ? `:${at.column}` : ""}` : ""}: ` : "";

/** A finding that has a place is one line, whatever its record holds. */
const said = (line: string, at?: Place) => (at ? clean(line).replace(/\s+/g, " ") : clean(line));

/** Plain lines for a terminal or a pipe; colour only on terminals (NO_COLOR honoured). No text may steer the terminal. */
export function terminalReport(stream: NodeJS.WriteStream): Report {
  const style = (format: "dim" | "yellow" | "red", text: string) => styleText(format, text, { stream });
  return {
    progress: (line) => void stream.write(`${style("dim", clean(line))}\n`),
    note: (line) => void stream.write(`${clean(line)}\n`),
    warning: (line, at) => void stream.write(`${clean(place(at))}${style("yellow", "warning:")} ${said(line, at)}\n`),
    error: (line, at) => void stream.write(`${clean(place(at))}${style("red", "error:")} ${said(line, at)}\n`),
    summary: async () => {},
  };
}
