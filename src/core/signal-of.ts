// Pupdate → signal, where it teaches something. What it says is data.
import type { Pupdate } from "./schema.ts";
import type { Signal } from "./signals.ts";
import { clean, oneLine } from "./text.ts";

const kinds: Record<string, Signal["kind"]> = {
  "pr.changes_requested": "review",
  "pr.commented": "review",
  "job.remarked": "review",
  "job.confessed": "confession",
  "job.failed": "failure",
  "reflection.surprised": "surprise",
  "pr.reverted": "reverted",
};

const longest = 2000;

/** null: it teaches nothing, says nothing, or is not about the work of an agent. */
export function signalOf({ id, at, kind, url, data = {} }: Pupdate): Signal | null {
  const signal = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (signal === undefined) return null;
  const [job, pr, path, rule] = ["job", "pr", "path", "rule"].map((name) => textIn(data[name]));
  const text = textOf(signal, data);
  // People's own pull requests have no job.
  if (text === "" || job === undefined) return null;
  return {
    id,
    at,
    kind: signal,
    text,
    origins: [`job ${job}`, ...(pr === undefined ? [] : [`pr ${pr}`])],
    link: url ?? pr ?? `job ${job}`,
    ...(path === undefined ? {} : { path: oneLine(path) }),
    ...(rule === undefined ? {} : { rule: oneLine(rule) }),
  };
}

/** Of a failure: why, and the last line of what it printed; what is the same each time is found by its words. */
function textOf(kind: Signal["kind"], data: Record<string, unknown>): string {
  const parts = kind === "failure" ? [data.why, lastLine(data.detail)] : [data.text ?? data.surprise];
  const said = parts.flatMap((part) => textIn(part) ?? []).join(": ");
  return clean(said).trim().slice(0, longest).toWellFormed();
}

const textIn = (value: unknown) => (typeof value === "string" && value.trim() !== "" ? value : undefined);
const lastLine = (value: unknown) => textIn(value)?.trim().split("\n").at(-1);
