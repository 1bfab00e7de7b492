// Job records as they are claimed, and what a host needs to start them.
import type { Work } from "../ports.ts";
import { type Draft, isoNow } from "./draft.ts";
import type { Entry } from "./entry.ts";
import type { Candidate } from "./gate.ts";
import { digest } from "./hash.ts";
import { jobPath } from "./ids.ts";
import { rests } from "./later.ts";
import { answersOfJob, isAnswered } from "./questions.ts";
import { hasTurn, isWaiting } from "./rollout.ts";
import type { Job } from "./schema.ts";
import { earlierOf, isListPrice, leftOfRun, mostOf, type RunOf, reservedIn } from "./spent.ts";
import type { State } from "./state.ts";
import { workOf } from "./work.ts";

/** One job to start, once its claim is won. */
export interface Start {
  job: string;
  path: string;
  epoch: number;
  host: string;
  /** Seconds. */
  deadline: number;
  runtime: string;
  /** null: nobody wants the run any more. Its earlier epoch is sealed, and nothing is started. */
  assignment: Work | null;
  /** Its runtime is not there: it is deployed before the start. */
  deploy?: boolean;
  /** Why it must not start any more, judged after the claim was won. */
  fallen?: string;
  /** Over 1: an earlier attempt was collected; its host may still hold it. */
  attempt: number;
  /**
   * An earlier epoch may exist on the host: seal it first and start only when it never started. Until the seal stands,
   * the claim cannot be given back: another host could get a job that an earlier claim starts here.
   */
  seal: boolean;
  /** Runs up to this epoch are collected: that they started says nothing about this attempt. 0: none. */
  collected: number;
}

interface NewJob {
  id: string;
  run: string;
  host: string;
  state: "claimed" | "released";
  /** The machine that showed itself under the host's name: only that one can tell later whether the job was started. */
  identity: string | undefined;
  /** Hosts of the selector that take no work now. */
  skipped?: string[];
  /** With a rollout: the wave that it belongs to. */
  wave?: number;
  /** Of coding work: where it starts. */
  work?: Partial<Job["run"]>;
}

export function newJob(
  draft: Draft,
  { task, run: due, agent }: Candidate,
  { id, run, host, state, identity, skipped, wave, work }: NewJob,
): Entry<"job"> {
  const at = isoNow(draft);
  const data = {
    task: task.id,
    agent: agent.id,
    host,
    state,
    run: {
      occurrence: due.occurrence,
      run_id: run,
      requested_by: due.requested_by,
      epoch: 1,
      attempt: 1,
      round: 1,
      tick: draft.tick,
      claimed_at: at,
      deadline: deadlineOf(draft, task, agent),
      input_hash: inputHash(task, agent),
      runtime: agent.data.runtime,
      identity,
      skipped,
      wave,
      ...work,
      ...chargedTo(draft, { task, agent }, state === "claimed"),
    },
  };
  return { path: jobPath(at, id), id, kind: "job", data, body: "", bodyLine: 1 };
}

/** Seconds that the next attempt may run. `job`: earlier ones have used up some of its minutes. */
export function deadlineOf(
  draft: Pick<State, "settings" | "rules">,
  task: Entry<"task">,
  agent: Entry<"agent">,
  job?: Entry<"job">,
): number {
  const usual = task.data.repo === undefined ? 120 : 3600;
  const wished = task.data.timeout ?? agent.data.timeout ?? draft.settings.defaults.timeout ?? usual;
  const minutes = leftOfRun(draft, { task, agent, job }, "minutes");
  return minutes === null ? wished : Math.max(1, Math.min(wished, Math.floor(minutes * 60)));
}

/** Whose limits a claim counts against, and what it may take. */
export function chargedTo(draft: Draft, run: RunOf, starts: boolean): Partial<Entry<"job">["data"]["run"]> {
  const { task, agent, job } = run;
  const most = mostOf(draft, run, deadlineOf(draft, task, agent, job));
  return {
    rule: task.data.rule,
    account: agent.data.account,
    list_price: isListPrice(agent.data) || undefined,
    reserved: starts ? reservedIn(most) : undefined,
    earlier: job && earlierOf(job),
  };
}

/** What a job was started with: a task edited meanwhile shows as a drift from this. */
export const inputHash = (task: Entry<"task">, agent: Entry<"agent">) =>
  digest(task.data.title, task.body, agent.data.runtime, agent.body).slice(0, 16);

/** Only seals what an earlier epoch may have begun. */
export function sealOf(job: Entry<"job">): Start {
  const { epoch, attempt, deadline, runtime } = job.data.run;
  const host = job.data.host as string;
  return {
    job: job.id,
    path: job.path,
    epoch,
    attempt,
    host,
    deadline,
    runtime: runtime ?? "",
    seal: true,
    collected: job.data.run.collected_epoch ?? 0,
    assignment: null,
  };
}

export function startOf(
  draft: Draft,
  job: Entry<"job">,
  task: Entry<"task">,
  agent: Entry<"agent">,
  seal: boolean,
): Start {
  const host = job.data.host as string;
  return {
    job: job.id,
    path: job.path,
    epoch: job.data.run.epoch,
    attempt: job.data.run.attempt,
    host,
    deadline: job.data.run.deadline,
    runtime: agent.data.runtime,
    seal,
    collected: job.data.run.collected_epoch ?? 0,
    assignment: {
      job: job.id,
      epoch: job.data.run.epoch,
      task: task.data,
      prompt: task.body,
      agent: agent.data,
      character: agent.body,
      notes: draft.hosts.get(host)?.body ?? "",
      ...said(job),
      code: workOf(draft, job),
      usd: leftOfRun(draft, { task, agent, job }, "usd") ?? undefined,
    },
  };
}

/** What an earlier run of the job left to be gone on with. */
function said(job: Entry<"job">): Pick<Work, "questions" | "continued" | "resume"> {
  const questions = answersOfJob(job);
  const { continued, session } = job.data.run;
  return {
    ...(questions.length > 0 ? { questions } : {}),
    ...(continued === undefined ? {} : { continued }),
    ...(session === undefined ? {} : { resume: { session } }),
  };
}

/** Open jobs that may be claimed again: questions with an answer, work that goes back to its agent, released ones, retries that are due, and claims whose ticker is gone. */
export function reclaimable(draft: Draft, absent?: ReadonlySet<string>): Entry<"job">[] {
  return [...draft.jobs.values()].filter((job) => {
    const { state, run } = job.data;
    if (state === "asking") return isAnswered(draft, job);
    if (state === "reworking") return !draft.collected.has(job.id);
    if (state === "released")
      return (run.tick !== draft.tick || isWaiting(job)) && hasTurn(draft, job) && !rests(draft, job);
    // A result that came in this very pass is not acknowledged yet, and a host that holds an attempt starts no other.
    if (run.retry_at !== undefined)
      return Date.parse(run.retry_at) <= draft.now.getTime() && !draft.written.has(job.path);
    if (state !== "claimed" && state !== "unknown") return false;
    const expired = draft.now.getTime() - Date.parse(run.claimed_at) > draft.settings.tick.wall * 1000;
    return (absent?.has(job.id) ?? false) && (expired || run.tick === draft.tick);
  });
}

/** Ends a job that was never started. `at`: when, for one that counts as tried. */
export function end(job: Entry<"job">, state: "cancelled" | "failed", why: string, at?: string): Entry<"job"> {
  const { retry_at: _, ...run } = job.data.run;
  const tried = at === undefined ? {} : { ended_at: at, outcome: "failure" as const };
  return { ...job, data: { ...job.data, state, run: { ...run, ...tried, why } } };
}
