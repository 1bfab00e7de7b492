// The records that a run would have left, had it been a tick's: by the same functions, from what it came to.
import type { Outcome, RawResult } from "../ports.ts";
import { noFindings } from "./absorb.ts";
import { decideErrand } from "./decide-errand.ts";
import type { Entry } from "./entry.ts";
import { jobPath, runId } from "./ids.ts";
import { owed } from "./occurrence.ts";
import type { State } from "./state.ts";

export interface Tried {
  task: Entry<"task">;
  /** As it ran, under an id that no tick knows. */
  job: Entry<"job">;
  result: RawResult;
  outcome: Outcome;
}

/** Texts by path: the job's record, and its reflection where the task wants one. */
export function previewOf(state: State, { task, job, result, outcome }: Tried, now: Date): Map<string, string> {
  const { zone, tick } = state.settings;
  const due = owed(task, state.status.get(task.id), zone, now, tick.every)[0];
  const occurrence = due?.occurrence ?? `run-${(task.data.run ?? 1) + 1}`;
  const id = runId(state.pack, task.id, occurrence);
  const { tick: at, claimed_at, deadline, input_hash, runtime, identity } = job.data.run;
  const started: Entry<"job"> = {
    ...job,
    id,
    path: jobPath(claimed_at, id),
    body: "",
    data: {
      task: task.id,
      agent: job.data.agent,
      host: job.data.host,
      state: "started",
      started_at: result.started_at,
      run: {
        occurrence,
        run_id: id,
        requested_by: due?.requested_by ?? "run",
        epoch: 1,
        attempt: 1,
        round: 1,
        tick: at,
        claimed_at,
        deadline,
        input_hash,
        identity,
        runtime,
      },
    },
  };
  const before: State = { ...state, jobs: new Map([[id, started]]), tasks: new Map([[task.id, task]]) };
  const host = job.data.host ?? "";
  const found = { ...noFindings(), results: [{ host, result: { ...result, job: id, epoch: 1 }, outcome }] };
  const known = { answers: new Map(), paths: new Map(), runtimes: new Set<string>(), absent: new Set<string>() };
  const { changes } = decideErrand(before, [task], found, known, { now, tick: at, closing: "" });
  const wanted = [...changes].filter(([path]) => path === started.path || path.startsWith("reflections/"));
  return new Map(wanted.flatMap(([path, text]) => (typeof text === "string" ? [[path, text] as const] : [])));
}
