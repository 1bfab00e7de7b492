// What becomes of a person's errand: its tasks are planned, claimed and folded like any other; nothing is decided about
// the rest of the pack.
import type { Changes } from "../ports.ts";
import { absorb, type Findings, noFindings } from "./absorb.ts";
import { end } from "./claim.ts";
import { changesOf, type Draft, draftOf, isoNow, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { foldTask } from "./fold.ts";
import { pupdatesPath } from "./ids.ts";
import { isOver } from "./jobs.ts";
import { knowledge_path, knowledgeText } from "./knowledge-rows.ts";
import { closeMemos } from "./memos.ts";
import { narrate } from "./narrate.ts";
import { type Known, type Plan, plan } from "./plan.ts";
import { raiseJob } from "./raise.ts";
import { ndjson } from "./render.ts";
import type { State } from "./state.ts";
import { triage } from "./triage.ts";

export interface ErrandDecision {
  draft: Draft;
  plan: Plan;
  changes: Changes;
}

export interface ErrandPass {
  now: Date;
  /** Id of this round: a job that it could not start may be claimed again by the next. */
  tick: string;
  /** Nothing more is begun: what could not be started has failed, in these words when it has none of its own. */
  closing?: string;
}

/** `tasks`: those of the errand; they need not be known to the state yet. */
export function decideErrand(
  state: State,
  tasks: Entry<"task">[],
  found: Findings,
  known: Known,
  pass: ErrandPass,
): ErrandDecision {
  const draft = draftOf(state, pass.now, pass.tick);
  for (const task of tasks) if (!draft.tasks.has(task.id)) bring(draft, task);
  const own = new Set(tasks.map((task) => task.id));
  const base = { jobs: new Map(draft.jobs), status: new Map(draft.status) };
  absorbOwn(draft, own, found);
  if (pass.closing !== undefined) close(draft, own, pass.closing);
  const made: Plan =
    pass.closing === undefined
      ? plan(draft, { ...known, only: own })
      : { starts: [], holds: new Map(), spent: new Map() };
  for (const { id } of tasks) {
    const task = draft.tasks.get(id);
    const jobs = jobsOf(draft, new Set([id])).sort((a, b) => (a.id < b.id ? -1 : 1));
    if (task) foldTask({ draft, task, jobs, plan: made, base, final: true });
  }
  triage(draft);
  if (pass.closing !== undefined) for (const task of tasks) forget(draft, task);
  closeMemos(draft);
  const changes = changesOf(draft, narrate(draft), pass.tick);
  const knowledge = knowledgeText(draft, base.jobs, new Map());
  if (knowledge !== null && changes.size > 0) changes.set(knowledge_path, knowledge);
  if (draft.pupdates.length > 0) changes.set(pupdatesPath(isoNow(draft), pass.tick), ndjson(draft.pupdates));
  return { draft, plan: made, changes };
}

const jobsOf = (draft: Draft, tasks: ReadonlySet<string>) =>
  [...draft.jobs.values()].filter((job) => tasks.has(job.data.task));

function bring(draft: Draft, task: Entry<"task">): void {
  draft.tasks.set(task.id, task);
  draft.written.set(task.path, { kind: "task", data: task.data, body: task.body });
}

/** Only what was found out about its own jobs: the others, and how the hosts are, are the next tick's to judge. */
function absorbOwn(draft: Draft, own: ReadonlySet<string>, found: Findings): void {
  const jobs = new Map(jobsOf(draft, own).map((job) => [job.id, job]));
  const alone: Draft = { ...draft, jobs, met: new Map(draft.met) };
  absorb(alone, {
    ...noFindings(),
    results: found.results,
    starts: found.starts,
    told: found.told,
    cancels: found.cancels,
  });
  for (const [id, job] of alone.jobs) draft.jobs.set(id, job);
  draft.letters = alone.letters;
  // That an account has reached its limit.
  draft.levels = alone.levels;
}

function close(draft: Draft, own: ReadonlySet<string>, why: string): void {
  for (const job of jobsOf(draft, own)) {
    if (isOver(job) || job.data.state !== "released") continue;
    const ended = end(job, "failed", job.data.run.why ?? why, isoNow(draft));
    putJob(draft, ended);
    raiseJob(draft, ended, "job.failed", ended.data.run.why ?? why);
  }
}

/** All of it has ended: its jobs and its reflection say all there is to say, and nobody will run this task again. */
function forget(draft: Draft, task: Entry<"task">): void {
  if (!task.path.startsWith("queue/") || !jobsOf(draft, new Set([task.id])).every(isOver)) return;
  const status = draft.status.get(task.id);
  draft.tasks.delete(task.id);
  draft.written.set(task.path, null);
  if (status === undefined) return;
  draft.status.delete(task.id);
  draft.written.set(status.path, null);
}
