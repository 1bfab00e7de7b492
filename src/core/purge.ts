// What must change in the ledger so that a leak is gone from its tip: by the leaked text, or all that one job said.
import type { Changes } from "../ports.ts";
import { conversations_path } from "./conversations.ts";
import { type Entry, parseEntry } from "./entry.ts";
import { answerOf } from "./job-text.ts";
import { maskOf, redacted, shortest } from "./mask.ts";
import { render } from "./render.ts";
import type { Kind } from "./schema.ts";

/** Text with the leak replaced. Equal to its input: the leak is not in it. */
export type Leak = (text: string) => string;

const gone = redacted("purged");

/** These values, in every spelling that the mask knows. Values that it would not look for are left out. */
export function leakOf(values: string[]): Leak {
  const mask = maskOf(values.map((value) => ({ name: "purged", value })));
  return (text) => mask.text(text);
}

/** Whatever has this shape. */
export const shapeOf =
  (pattern: RegExp): Leak =>
  (text) =>
    text.replace(new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, "")}g`), (found) =>
      found === "" ? found : gone,
    );

/** Every file and every name of a file that holds the leak. A file that is no text is deleted. */
export function purgeLeak(files: ReadonlyMap<string, string | Uint8Array>, leak: Leak): Changes {
  const changes: Changes = new Map();
  for (const [path, content] of files) {
    const name = leak(path);
    const text = typeof content === "string" ? content : latin(content);
    const clean = leak(text);
    if (name === path && clean === text) continue;
    if (name !== path) changes.set(path, null);
    if (typeof content === "string") changes.set(name, clean);
    else if (clean !== text) changes.set(path, null);
    else changes.set(name, content);
  }
  return changes;
}

const latin = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/**
 * All that the job at `path` said: its record keeps what happened and when, and loses every word of the run; its
 * attachments go; so do those words in its task's status, its reflection, and in memos, events and the overview.
 * Null: there is no readable record at that path.
 */
export function purgeJob(files: ReadonlyMap<string, string | Uint8Array>, path: string): Changes | null {
  const text = files.get(path);
  const job = typeof text === "string" ? parseEntry(path, "job", text).entry : null;
  if (!job) return null;
  const { id } = job;
  const { run_id, why, surprise, technique, told, proposal, ...run } = job.data.run;
  const said = wordsOf(job);
  const changes: Changes = new Map([[path, render("job", { ...job.data, run: { ...run, run_id } }, gone)]]);
  const status = `status/${job.data.task}.md`;
  for (const [other, content] of files) {
    if (other.startsWith(`${path.slice(0, -3)}.d/`)) changes.set(other, null);
    if (other === path || typeof content !== "string") continue;
    const about =
      [status, "OVERVIEW.md", conversations_path].includes(other) || content.includes(id) || content.includes(run_id);
    const clean = about ? emptied(other, content, job, status, said) : content;
    if (clean !== content) changes.set(other, clean);
  }
  return changes;
}

/** Each line that the run said, long enough to be told from others. */
function wordsOf(job: Entry<"job">): Leak {
  const { why, surprise, technique } = job.data.run;
  const lines = `${answerOf(job.body)}\n${job.body}`.split("\n").filter((line) => !/^(#|`{3,}|_)/.test(line));
  const texts = [why, surprise, technique, ...lines].filter((text) => text !== undefined);
  const words = texts.map((text) => text.trim()).filter((text) => text.length >= shortest);
  return leakOf(words);
}

function emptied(path: string, text: string, { id, data }: Entry<"job">, status: string, said: Leak): string {
  const read = <K extends Kind>(kind: K) => parseEntry(path, kind, text).entry;
  if (path === status) {
    const entry = read("status");
    if (entry) {
      const jobs = entry.data.jobs.map(({ told, proposal, ...row }) =>
        row.id === id ? row : { ...row, told, proposal },
      );
      return render("status", { ...entry.data, jobs, reason: entry.data.reason && said(entry.data.reason) }, gone);
    }
  }
  if (path.startsWith("reflections/")) {
    const entry = read("reflection");
    if (entry?.data.session_id === data.run.run_id)
      return render("reflection", { ...entry.data, surprise: undefined, technique: undefined }, gone);
  }
  return said(text);
}
