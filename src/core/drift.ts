// Whether a run still answers what its task asks.
import { inputHash } from "./claim.ts";
import type { Entry } from "./entry.ts";
import { agentOf } from "./gate.ts";
import type { State } from "./state.ts";

/** In words, when the task or its agent says something else now than when the run was claimed; null: the same, or gone. */
export function driftOf(state: State, job: Entry<"job">): string | null {
  const task = state.tasks.get(job.data.task);
  const agent = task && agentOf(state, task);
  if (!agent || inputHash(task, agent) === job.data.run.input_hash) return null;
  const files = [...new Set([task.path, agent.path])].join(" or ");
  return `${files} was edited after it began; this run is for what it said before (input ${job.data.run.input_hash})`;
}
