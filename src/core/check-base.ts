// What people changed in the ledger since a base, field by field. Most of it is towline's to write.
import type { CheckFile } from "./check-pack.ts";
import { problem } from "./check-pack.ts";
import { kindOf, type Problem } from "./entry.ts";
import { transitions } from "./jobs.ts";
import { locate } from "./locate.ts";
import { type JobState, job_states, pathClass } from "./schema.ts";
import { split } from "./split.ts";

export interface Base {
  /** How the base is called in messages. */
  name: string;
  /** Paths that differ from the base. */
  changed: string[];
  /** Those of them that were there at the base, as they were. */
  files: CheckFile[];
}

// What a person may change, by folder.
const open_fields: Record<string, string[]> = { memos: ["status", "answer"], queue: ["status", "run"] };

export function baseProblems(base: Base, now: ReadonlyMap<string, CheckFile>): Problem[] {
  const before = new Map(base.files.map((file) => [file.path, file]));
  return base.changed
    .filter((path) => pathClass(path) === "ledger" && !/(^|\/)(README\.md|\.git\w+)$/.test(path))
    .flatMap((path) => changeProblems(path, before.get(path) ?? null, now.get(path) ?? null, base.name));
}

function changeProblems(path: string, old: CheckFile | null, file: CheckFile | null, base: string): Problem[] {
  const folder = path.split("/", 1)[0] as string;
  const undo = `take the change back: git restore --source=${base} -- ${/^[\w./-]+$/.test(path) ? path : JSON.stringify(path)}`;
  if (!file) return old ? [problem(path, "ledger", "only towline removes its records", undo)] : [];
  if (!old) {
    if (folder === "reflections" && kindOf(path)) return [];
    return [
      problem(
        path,
        "ledger",
        "only towline adds files here",
        folder === "queue" ? "a person's task belongs in tasks/" : "take the file out again",
      ),
    ];
  }
  if (old.mode !== file.mode) return [problem(path, "ledger", "only towline changes its files", undo)];
  if (old.text !== null && old.text === file.text) return [];
  const parts = old.text === null || file.text === null || !kindOf(path) ? null : [split(old.text), split(file.text)];
  const [was, is] = parts ?? [];
  if (!was || !is || "code" in was || "code" in is)
    return [
      problem(
        path,
        "ledger",
        Object.hasOwn(open_fields, folder)
          ? "the record cannot be compared with what it was"
          : "only towline changes this file",
        undo,
      ),
    ];
  return fieldChanges(path, folder, was, is, file.text as string, undo);
}

type Parts = { data: Record<string, unknown>; body: string; bodyLine: number };

function fieldChanges(path: string, folder: string, was: Parts, is: Parts, text: string, undo: string): Problem[] {
  const allowed = open_fields[folder] ?? [];
  const names = [...new Set([...Object.keys(was.data), ...Object.keys(is.data)])];
  const changed = names.filter((name) => JSON.stringify(was.data[name]) !== JSON.stringify(is.data[name]));
  const may =
    allowed.length > 0
      ? `people may change ${allowed.map((name) => `\`${name}\``).join(" and ")} here`
      : "nothing in this record is for people to change";
  const problems = changed
    .filter((name) => !allowed.includes(name))
    .map((name) => ({
      ...problem(path, "ledger", `\`${name}\` belongs to towline; ${may}`, undo),
      ...locate(text, [name]),
    }));
  if (was.body !== is.body)
    problems.push({
      ...problem(path, "ledger", `the text below the fields belongs to towline; ${may}`, undo),
      line: is.bodyLine,
    });
  return folder === "jobs" ? [...problems, ...illegalMove(path, was.data.state, is.data.state, text, undo)] : problems;
}

function illegalMove(path: string, from: unknown, to: unknown, text: string, undo: string): Problem[] {
  const isState = (state: unknown): state is JobState => (job_states as readonly unknown[]).includes(state);
  if (!isState(from) || !isState(to) || from === to || transitions[from].includes(to)) return [];
  const after = transitions[from].length === 0 ? "nothing follows it" : `after it come ${transitions[from].join(", ")}`;
  return [
    {
      ...problem(path, "transition", `a job cannot go from ${from} to ${to}: ${after}`, undo),
      ...locate(text, ["state"]),
    },
  ];
}
