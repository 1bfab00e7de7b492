import type { Command } from "commander";
import { draftOf } from "../core/draft.ts";
import { type Entry, parseEntry } from "../core/entry.ts";
import { nextRun } from "../core/explain.ts";
import { nearest } from "../core/nearest.ts";
import type { State } from "../core/state.ts";
import { configuration, usage } from "../errors.ts";
import { setFields } from "../shell/fleet-record.ts";
import { openLocal } from "../shell/pack.ts";
import { type Edited, editedLine, editRecord, whereOf } from "../shell/person-edit.ts";
import { followOrigin, pushFile } from "../shell/person-push.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface ChangeFlags extends Common {
  push?: boolean;
  pr?: boolean;
}

interface Change {
  description: string;
  fields(state: State, task: Entry<"task">, now: Date): Record<string, string>;
  said(id: string): string;
}

const status = (value: string, said: (id: string) => string, description: string): Change => ({
  description,
  fields: () => ({ status: value }),
  said,
});

const changes: Record<string, Change> = {
  run: {
    description: "ask for one more run of a task: raises its `run:`",
    fields: (state, task, now) => ({ run: String(nextRun(draftOf(state, now, "run"), task)), status: "ready" }),
    said: (id) => `✓ ${id} is to run once more`,
  },
  pause: status(
    "paused",
    (id) => `‖ ${id} is paused: no run of it is started`,
    "start no run of a task until `task ready`",
  ),
  ready: status("ready", (id) => `✓ ${id} is ready`, "let a paused task, or a draft, go on"),
  cancel: status(
    "cancelled",
    (id) => `– ${id} is cancelled: what runs of it is ended`,
    "cancel a task: what runs of it is ended, and nothing more is started",
  ),
};

/** Adds `towline task run|pause|ready|cancel ID`. */
export function changingTasks(group: Command, wire: Wire): void {
  for (const [name, change] of Object.entries(changes))
    group
      .command(`${name} <id>`)
      .description(change.description)
      .option("--push", "change origin at once, that file and nothing else")
      .option("--pr", "propose it as a branch to merge")
      .option("--repo <dir>", "the pack repository", ".")
      .option("--json", "print what was changed as JSON")
      .action((id: string, flags: ChangeFlags) => apply(wire, flags, { ...change, name }, id));
}

async function apply(wire: Wire, flags: ChangeFlags, change: Change & { name: string }, said: string): Promise<void> {
  const dir = repoDir(wire, flags);
  const { repo, tips, top } = await openLocal(dir, wire);
  const state = await readWorkTree(repo, top, tips);
  const task = taskNamed(state, said);
  const fields = change.fields(state, task, wire.clock.now());
  const message = `${task.id}: ${change.name}`;
  const edit = (text: string | null) => {
    if (text === null) throw configuration(`${task.path} is not there any more`, "towline task list");
    return edited(task.path, text, fields);
  };
  const made = task.path.startsWith("queue/")
    ? await inLedger(wire, flags, dir, { path: task.path, edit, message })
    : await editRecord(top, wire, whereOf(flags), { path: task.path, edit, message });
  if (flags.json) wire.out(`${JSON.stringify({ task: task.id, ...fields, ...made }, null, 2)}\n`);
  else wire.out(`${change.said(task.id)}\n${editedLine(made, message)}\n`);
}

/** Tasks of the queue stand in the ledger: there is no copy of them that a person would commit. */
async function inLedger(
  wire: Wire,
  { pr }: ChangeFlags,
  dir: string,
  { path, edit, message }: { path: string; edit(text: string | null): string; message: string },
): Promise<Edited> {
  if (pr) throw usage(`${path} stands in the ledger, and no branch is proposed for that`, "leave --pr away");
  const commit = await pushFile(dir, wire, { path, among: "ledger", edit, message });
  return { path, changed: commit !== null, commit, here: await followOrigin(dir, wire.env) };
}

/** Only what must change: a field that says so already, or by default, stays as it is. */
function edited(path: string, text: string, fields: Record<string, string>): string {
  const { entry, problems } = parseEntry(path, "task", text);
  const wrong = problems.find(({ level }) => level === "error");
  if (!entry) throw configuration(`${path}:${wrong?.line ?? 1}: ${wrong?.message ?? "is no task"}`, wrong?.fix);
  const data = entry.data as unknown as Record<string, unknown>;
  const needed = Object.entries(fields).filter(([name, value]) => String(data[name]) !== value);
  return needed.length === 0 ? text : setFields(text, Object.fromEntries(needed));
}

/** A record's path, as the shell completes it, stands for its name. */
export const plainName = (said: string) => said.replace(/^.*\//, "").replace(/\.md$/, "");

/** Throws a usage Fault that names what was probably meant. */
export function taskNamed(state: State, said: string): Entry<"task"> {
  const id = plainName(said);
  const task = state.tasks.get(id);
  if (task) return task;
  const near = nearest(id, [...state.tasks.keys()]);
  throw usage(`there is no task ${said}`, near ? `did you mean ${near}?` : "`towline task list` names the tasks");
}
