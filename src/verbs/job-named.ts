import type { Entry } from "../core/entry.ts";
import { isOver } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import type { State } from "../core/state.ts";
import { outside, usage } from "../errors.ts";
import type { Repo, Tips } from "../ports.ts";
import { addRecords, addRolled, jobPaths } from "../shell/read.ts";
import { plainName } from "./task-change.ts";

/** The run of this id; of a task of this name the one that is open, else its newest. Throws a usage Fault. */
export async function jobIn(repo: Repo, tips: Tips, state: State, said: string): Promise<Entry<"job">> {
  const name = plainName(said);
  await addRolled(repo, state, name);
  const named = await jobPaths(repo, tips, [name]);
  const id = named.has(name) ? name : (runOf(state, name) ?? name);
  const paths = id === name ? named : await jobPaths(repo, tips, [id]);
  const path = paths.get(id);
  if (path !== undefined && !state.jobs.has(id)) await addRecords(repo, state, [path]);
  const job = state.jobs.get(id);
  if (job) return job;
  if (path !== undefined) throw outside(`${path} cannot be read`, "towline check");
  if (state.tasks.has(name)) throw usage(`${name} has no run yet`, `towline why ${name} says what it waits for`);
  const near = nearest(name, [...paths.keys(), ...state.tasks.keys()]);
  throw usage(`${said} is no job here`, near ? `did you mean ${near}?` : "towline job list");
}

function runOf(state: State, task: string): string | undefined {
  const open = [...state.jobs.values()].filter((one) => one.data.task === task && !isOver(one)).map(({ id }) => id);
  if (open.length > 1) throw usage(`${open.length} runs of ${task} are open`, `name one of them: ${open.join(", ")}`);
  return open[0] ?? state.status.get(task)?.data.jobs.at(-1)?.id;
}
