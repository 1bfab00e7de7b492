import { styleText } from "node:util";
import type { Report } from "../ports.ts";

type Place = { path: string; line?: number; column?: number };
const place = (at?: Place) =>
  at ? `${at.path}${at.line ? `:${at.line}${at.column ? `:${at.column}` : ""}` : ""}: ` : "";

/** Plain lines for a terminal or a pipe; colour only on terminals (NO_COLOR honoured). */
export function terminalReport(stream: NodeJS.WriteStream): Report {
  const style = (format: "dim" | "yellow" | "red", text: string) => styleText(format, text, { stream });
  return {
    progress: (line) => void stream.write(`${style("dim", line)}\n`),
    note: (line) => void stream.write(`${line}\n`),
    warning: (line, at) => void stream.write(`${place(at)}${style("yellow", "warning:")} ${line}\n`),
    error: (line, at) => void stream.write(`${place(at)}${style("red", "error:")} ${line}\n`),
    summary: async () => {},
  };
}
