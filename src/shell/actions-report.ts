// The CI service's side of Report: annotations with places, a job summary, masks. Everything else in the log is
// text from outside sooner or later, so the runner is told to read no commands but the ones sent here.
import * as core from "@actions/core";
import type { Report } from "../ports.ts";

const summary_limit = 900 << 10;
const secret_name = /(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASS|CREDENTIALS?)(_|$)/i;

/**
 * Text that the runner cannot take for a workflow command, whoever wrote it. `::name::` counts at the start of a
 * line, after any blanks; the old form `##[name]` counts anywhere; a lone carriage return starts a line.
 */
export function neutralise(text: string): string {
  return text
    .split(/\r\n|[\r\n]/)
    .map((line) =>
      line
        .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]/g, "")
        .replace(/^\s*::/, "| $&")
        .replaceAll("##[", "## ["),
    )
    .join("\n");
}

/** The parts of the environment that must never be seen in a log: values of secret-named variables, and private keys. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  const found = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (!value || !(secret_name.test(name) || value.includes("PRIVATE KEY-----"))) continue;
    found.add(value);
    // The runner compares line by line; very short or well-known lines would black out innocent text.
    for (const line of value.split(/\r\n|[\r\n]/))
      if (line.trim().length >= 6 && !/^-----(BEGIN|END) /.test(line)) found.add(line.trim());
  }
  return [...found].filter((value) => value.length >= 6);
}

/** Annotations and lines on stdout. `token` must be random: whoever knows it can send commands again. */
export function actionsReport(token: string): Report & { mask(values: string[]): void; end(): void } {
  const stop = () => void process.stdout.write(`::stop-commands::${token}\n`);
  const resume = () => void process.stdout.write(`::${token}::\n`);
  const command = (send: () => void) => {
    resume();
    send();
    stop();
  };
  const line = (text: string) => void process.stdout.write(`${neutralise(text)}\n`);
  let written = 0;
  stop();
  return {
    progress: line,
    note: line,
    warning: (text, at) => command(() => core.warning(text, place(at))),
    error: (text, at) => command(() => core.error(text, place(at))),
    summary: async (markdown) => {
      const text = cut(markdown, summary_limit - written);
      written += Buffer.byteLength(text);
      if (text !== "") await core.summary.addRaw(text, true).write();
    },
    mask: (values) => {
      for (const value of values) command(() => core.setSecret(value));
    },
    end: resume,
  };
}

const place = (at?: { path: string; line?: number; column?: number }) =>
  at ? { file: at.path, startLine: at.line, startColumn: at.column } : {};

const more = "\n\n… cut here: the summary is full. The rest is in the repository's records.\n";

/** At most `limit` bytes of the text, ended at a line and with a note when something was cut. */
export function cut(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  const room = limit - Buffer.byteLength(more);
  if (room <= 0) return "";
  const head = Buffer.from(text).subarray(0, room).toString("utf8");
  const end = head.lastIndexOf("\n");
  return `${head.slice(0, Math.max(end, 0))}${more}`;
}
