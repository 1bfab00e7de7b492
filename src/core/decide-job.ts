// What was found out about one job, written down without deciding anything about the others: no plan is made.
import type { Changes } from "../ports.ts";
import { absorb, type Findings, noFindings } from "./absorb.ts";
import { changesOf, type Draft, draftOf, isoNow } from "./draft.ts";
import { foldTask } from "./fold.ts";
import { pupdatesPath } from "./ids.ts";
import { epochOf } from "./jobs.ts";
import { closeMemos } from "./memos.ts";
import { narrate } from "./narrate.ts";
import { ndjson } from "./render.ts";
import type { State } from "./state.ts";
import { triage } from "./triage.ts";

export interface JobDecision {
  draft: Draft;
  changes: Changes;
}

/** `tick`: id of this run of a verb; a file of pupdates is named after it. */
export function decideJob(state: State, job: string, found: Findings, at: { now: Date; tick: string }): JobDecision {
  const draft = draftOf(state, at.now, at.tick);
  const base = { jobs: new Map(draft.jobs), status: new Map(draft.status) };
  absorb(draft, about(state, job, found));
  const task = draft.tasks.get(draft.jobs.get(job)?.data.task ?? "");
  const plan = { starts: [], holds: new Map(), spent: new Map() };
  const jobs = [...draft.jobs.values()].filter((one) => one.data.task === task?.id);
  jobs.sort((a, b) => (a.id < b.id ? -1 : 1));
  if (task) foldTask({ draft, task, jobs, plan, base, final: true });
  triage(draft);
  closeMemos(draft);
  const changes = changesOf(draft, narrate(draft), at.tick);
  if (draft.pupdates.length > 0) changes.set(pupdatesPath(isoNow(draft), at.tick), ndjson(draft.pupdates));
  return { draft, changes };
}

/** What the host said of its other jobs, and of itself, is for the next tick to judge. */
function about(state: State, job: string, found: Findings): Findings {
  const known = state.jobs.get(job);
  const key = known ? `${job}/${epochOf(known)}` : job;
  return {
    ...noFindings(),
    results: found.results.filter(({ result }) => result.job === job),
    running: new Set(found.running.has(key) ? [key] : []),
    absent: new Set(found.absent.has(job) ? [job] : []),
    cancels: new Map([...found.cancels].filter(([id]) => id === job)),
  };
}
