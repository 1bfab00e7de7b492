// Work that was claimed before and may be claimed again: released jobs, retries, and claims whose ticker is gone.

import type { Purse } from "./budget.ts";
import { chargedTo, deadlineOf, end, inputHash, sealOf, startOf } from "./claim.ts";
import { type Draft, isoNow, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { agentFault, agentOf, type Hold, hostsOf, stopped } from "./gate.ts";
import { epochOf, isAtRest } from "./jobs.ts";
import { hostCalled } from "./known-hosts.ts";
import { isMine, waits_for_ticker } from "./part.ts";
import { identityOf, type Obstacle, type Placed, place, placingOf } from "./place.ts";
import type { Claim, Known, Late } from "./plan.ts";
import { raiseJob } from "./raise.ts";
import { isWaiting, turnCame } from "./rollout.ts";
import type { Job } from "./schema.ts";
import { isEach } from "./select.ts";
import { onHost, wantAgain } from "./spending.ts";
import { runSpent } from "./spent.ts";
import { oneLine } from "./text.ts";
import { keptOn } from "./told.ts";
import { unwanted } from "./withdraw.ts";
import { nextWork } from "./work.ts";

interface Claiming {
  known: Known;
  given: ReadonlyMap<string, number>;
  claim: Claim;
  late: Late;
  purse: Purse;
  /** What holds a task back, for its status. */
  holds: Map<string, Hold>;
}

/** Claims the job in its next epoch, or says what stands in its way. */
export function reclaim(draft: Draft, job: Entry<"job">, claiming: Claiming): void {
  const task = draft.tasks.get(job.data.task);
  const host = hostCalled(draft, job.data.host ?? "");
  const theirs = host !== undefined && !isMine(draft, host);
  // Its ticker may have started it: only the host that it was claimed for can be asked, and seal it.
  const sealed = job.data.state === "claimed" || job.data.state === "unknown";
  if (!sealed && !task) {
    putJob(draft, end(job, "cancelled", "the task was withdrawn before it started"));
    return;
  }
  if (sealed && (!task || unwanted(draft, job) !== null)) {
    sealAgain(draft, job, claiming);
    return;
  }
  if (task?.data.status !== "ready" || stopped(draft, draft.now)) return;
  if (theirs && (sealed || isEach(task.data) || isAtRest(job))) {
    if (isAtRest(job)) asBefore(task, claiming);
    else if (!sealed) abandoned(draft, job);
    return;
  }
  const hold = agentFault(draft, task, claiming.known.runtimes);
  const agent = agentOf(draft, task);
  const never = agent && !sealed && !theirs ? runSpent(draft, { task, agent, job }) : null;
  if (never !== null) {
    giveUp(draft, job, never, "no further attempt");
    return;
  }
  const placed: Placed =
    hold || !agent
      ? { blocked: hold?.reason ?? "its agent is gone" }
      : placeAgain(draft, job, task, agent, sealed, claiming);
  if ("host" in placed && agent) claimAgain(draft, job, task, agent, placed.host, sealed, claiming);
  else if (!("host" in placed) && !sealed && !theirs && !isAtRest(job))
    stillWaits(draft, job, isEach(task.data), placed, claiming.known);
  else if (!("host" in placed) && isAtRest(job)) restsStill(job, placed, claiming.holds, hold);
}

function placeAgain(
  draft: Draft,
  job: Entry<"job">,
  task: Entry<"task">,
  agent: Entry<"agent">,
  sealed: boolean,
  { known, given, late, purse }: Claiming,
): Placed {
  const same = draft.hosts.get(job.data.host ?? "");
  const all = isEach(task.data) || sealed ? (same ? [same] : []) : hostsOf(draft, task, agent);
  const hosts = all.filter((host) => isMine(draft, host));
  // One of many was counted when its run was claimed; its wave was not.
  const { epoch, wave = 1 } = job.data.run;
  const counted = isEach(task.data) && job.data.state === "released" && epoch === 1 && wave === 1;
  const want = wantAgain(draft, job, task, agent);
  const wait = late(counted ? 0 : 1, want);
  if (wait?.hold?.person) return { blocked: wait.wait };
  if (wait) return { wait: wait.wait, until: wait.hold?.until };
  const spent = onHost(purse, want);
  const work = job.data.run.code === undefined ? undefined : { job: job.id };
  const on = (some: Entry<"host">[]) =>
    place({ ...placingOf(draft, agent, { hosts: some, answers: known.answers, given }), spent, work });
  // Where it was at work, it can go on with what was said and made there.
  const goes = isAtRest(job) || job.data.run.code !== undefined;
  const before = goes && hosts.includes(same as Entry<"host">) ? on([same as Entry<"host">]) : null;
  // That it is busy there passes; a session and a worktree are worth the wait.
  if (before && "wait" in before && job.data.run.code && identityOf(known.answers, same?.id ?? "") !== undefined)
    return before;
  return before && "host" in before ? before : on(hosts);
}

/** What goes on from the last run of a job that asked: its session on the same machine, or why there is none. */
function goesOn(
  { data }: Entry<"job">,
  agent: Entry<"agent">,
  host: string,
  identity: string | undefined,
): Partial<Job["run"]> {
  const { questions, depth, continued } = data.run;
  const goes = data.run.code !== undefined && data.run.session !== undefined;
  if (!(questions?.length || goes) || data.run.retry_at !== undefined) return { questions, depth };
  const same = host === data.host && (data.run.identity === undefined || data.run.identity === identity);
  const anew = agent.data.session === "fresh";
  if (same && !anew) return { questions, depth, continued, session: data.run.session };
  const was = `${data.state === "asking" ? "asked" : "was"} on ${data.host}`;
  const why = anew ? ` (${agent.path}: session: fresh)` : "";
  return { questions, depth, continued: `${was}, goes on ${same ? "there" : `on ${host}`} in a fresh session${why}` };
}

function claimAgain(
  draft: Draft,
  job: Entry<"job">,
  task: Entry<"task">,
  agent: Entry<"agent">,
  host: string,
  sealed: boolean,
  { known, claim, holds }: Claiming,
): void {
  const { run } = job.data;
  const repo = known.repos?.get(run.code?.repo ?? "");
  const work = nextWork(draft, job, repo);
  // Its repository does not answer: where the work goes on from cannot be told.
  if (work === null) {
    if (repo && "fault" in repo && repo.person && isAtRest(job)) restsStill(job, { blocked: repo.fault }, holds);
    return;
  }
  const next = nextOf(draft, job, { task, agent, host, known, work });
  claim(startOf(draft, next, task, agent, sealed), next);
}

interface Next {
  task: Entry<"task">;
  agent: Entry<"agent">;
  host: string;
  known: Pick<Known, "answers">;
  work: Partial<Job["run"]>;
}

/** The record of the job in its next epoch. */
export function nextOf(draft: Draft, job: Entry<"job">, { task, agent, host, known, work }: Next): Entry<"job"> {
  const { run } = job.data;
  return {
    ...job,
    data: {
      task: job.data.task,
      agent: agent.id,
      host,
      state: "claimed",
      run: {
        occurrence: run.occurrence,
        run_id: run.run_id,
        requested_by: run.requested_by,
        epoch: run.epoch + 1,
        attempt: run.attempt + (run.retry_at === undefined || run.limited || run.stuck?.answer === "retry" ? 0 : 1),
        round: run.round,
        tick: draft.tick,
        claimed_at: isoNow(draft),
        deadline: deadlineOf(draft, task, agent, job),
        input_hash: inputHash(task, agent),
        runtime: agent.data.runtime,
        identity: identityOf(known.answers, host),
        skipped: run.skipped,
        wave: run.wave,
        turned_back: job.data.state === "released" ? run.turned_back : undefined,
        collected_epoch: run.retry_at === undefined && !isAtRest(job) ? run.collected_epoch : epochOf(job),
        ...goesOn(job, agent, host, identityOf(known.answers, host)),
        ...work,
        ...keptOn(run),
        ...movedTo(job, host, known),
        ...chargedTo(draft, { task, agent, job }, true),
      },
    },
  };
}

/** For whoever decides about its work: that it went on elsewhere, and why it did not go on where it was. */
function movedTo({ data }: Entry<"job">, host: string, { answers }: Next["known"]): Partial<Job["run"]> {
  const { code, moved = [] } = data.run;
  if (code?.head === undefined || data.host === undefined || data.host === host) return {};
  const answer = answers.get(data.host);
  const why = answer && "fault" in answer ? `${data.host} ${answer.message}` : `${data.host} took it no more`;
  return { moved: [...moved, oneLine(`${why}: it went on from its pushed branch on ${host}`, 200)].slice(-10) };
}

/** Nobody wants it, but its ticker may still start it: claimed once more, only for the right to seal it. */
function sealAgain(draft: Draft, job: Entry<"job">, { claim }: Claiming): void {
  const { run } = job.data;
  const again = { ...run, epoch: run.epoch + 1, tick: draft.tick, claimed_at: isoNow(draft) };
  const next: Entry<"job"> = { ...job, data: { ...job.data, state: "claimed", run: again } };
  claim(sealOf(next), next);
}

/**
 * A job that is not started says why it waits now. One host of many that cannot start its job must not hold the run open
 * for ever; one that is only busy will have room, and one outside its window will open.
 */
function stillWaits(draft: Draft, job: Entry<"job">, each: boolean, why: Obstacle, known: Known): void {
  const { state, run } = job.data;
  const now = "wait" in why ? why.wait : why.blocked;
  const answered = identityOf(known.answers, job.data.host ?? "") !== undefined;
  const busy = "wait" in why && (answered || why.until !== undefined);
  if (each && !busy && draft.now.getTime() - turnCame(draft, job) > run.deadline * 1000) giveUp(draft, job, now);
  else if (state === "released" && run.why !== now)
    putJob(draft, { ...job, data: { ...job.data, run: { ...run, why: now } } });
}

/** It could go on, and what keeps it from that does not pass soon: its task's status says so, and a person hears of it. */
function restsStill({ data }: Entry<"job">, why: Obstacle, holds: Claiming["holds"], hold?: Hold | null): void {
  if ("wait" in why && why.until === undefined) return;
  const what = data.state === "asking" ? "its question is answered" : "it goes back to its agent";
  const [state, now] = "wait" in why ? (["queued", why.wait] as const) : (["blocked", why.blocked] as const);
  const person = state === "blocked" && hold?.person !== false;
  holds.set(data.task, { state, on: hold?.on ?? "hosts", reason: `${what}, but ${now}`, person });
}

/** It is another ticker's to go on with: what that one says of it stays. */
function asBefore({ id }: Entry<"task">, { known, holds }: Claiming): void {
  const { state, reason, waits_on } = known.before?.get(id)?.data ?? {};
  if ((state === "queued" || state === "blocked") && reason !== undefined && waits_on !== undefined)
    holds.set(id, { state, on: waits_on, reason, person: state === "blocked" });
}

/** It is another ticker's. Where none came for so long that people are told of missing ticks, its run must not wait for it. */
function abandoned(draft: Draft, job: Entry<"job">): void {
  // Whoever comes says what it waits for: then somebody does come.
  if (job.data.state === "released" && job.data.run.why !== waits_for_ticker && !isWaiting(job)) return;
  const waited = (draft.now.getTime() - turnCame(draft, job)) / 1000;
  if (waited > job.data.run.deadline + draft.settings.tick.alarm)
    giveUp(draft, job, "no ticker that reaches it has come");
}

/** No host was reached in time, or nothing may be spent on it any more. An attempt that was made before stays what it was. */
function giveUp(draft: Draft, job: Entry<"job">, now: string, words = "could not start in time"): void {
  const { state, run } = job.data;
  const { retry_at: _, ...last } = run;
  const again: Entry<"job"> = {
    ...job,
    data: { ...job.data, run: { ...last, why: oneLine(`${run.why ?? state}; no further attempt: ${now}`, 300) } },
  };
  const ended = state === "released" || isAtRest(job) ? end(job, "failed", `${words}: ${now}`, isoNow(draft)) : again;
  putJob(draft, ended);
  raiseJob(draft, ended, state === "lost" ? "job.lost" : "job.failed", ended.data.run.why ?? now);
}
