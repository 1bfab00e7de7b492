// Open jobs that end because a person said what no host can tell any more: a machine was set up anew, or the whole
// ledger was taken over from another repository. Decides nothing about the other tasks: no plan is made.
import type { Changes } from "../ports.ts";
import { lose } from "./absorb.ts";
import { end } from "./claim.ts";
import { changesOf, type Draft, draftOf, isoNow, putJob } from "./draft.ts";
import { foldTask } from "./fold.ts";
import { pupdatesPath } from "./ids.ts";
import { jobsByTask } from "./jobs.ts";
import { closeMemos } from "./memos.ts";
import { narrate } from "./narrate.ts";
import { raiseJob } from "./raise.ts";
import { ndjson } from "./render.ts";
import type { State } from "./state.ts";
import { triage } from "./triage.ts";

export interface Closing {
  jobs: string[];
  /** `lost`: it may have run, and `on_lost` of its task decides. `cancelled`: it is somebody else's. */
  as: "lost" | "cancelled";
  why: string;
}

/** `tick`: id of this run of a verb; a file of pupdates is named after it. */
export function decideClose(state: State, closing: Closing, at: { now: Date; tick: string }): Changes {
  const draft = draftOf(state, at.now, at.tick);
  const base = { jobs: new Map(draft.jobs), status: new Map(draft.status) };
  for (const id of closing.jobs) close(draft, id, closing);
  const touched = new Set(closing.jobs.map((id) => draft.jobs.get(id)?.data.task));
  const plan = { starts: [], holds: new Map(), spent: new Map() };
  const jobs = jobsByTask(draft.jobs.values());
  for (const task of [...draft.tasks.values()].filter(({ id }) => touched.has(id)))
    foldTask({ draft, task, jobs: jobs.get(task.id) ?? [], plan, base, final: true });
  triage(draft);
  closeMemos(draft);
  const changes = changesOf(draft, narrate(draft), at.tick);
  if (draft.pupdates.length > 0) changes.set(pupdatesPath(isoNow(draft), at.tick), ndjson(draft.pupdates));
  return changes;
}

function close(draft: Draft, id: string, { as, why }: Closing): void {
  const job = draft.jobs.get(id);
  if (!job) return;
  if (as === "lost") lose(draft, job, why);
  else {
    const ended = end(job, "cancelled", why);
    putJob(draft, ended);
    raiseJob(draft, ended, "job.cancelled", why);
  }
}
