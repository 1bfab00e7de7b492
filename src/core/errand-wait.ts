// Whom an errand asks, how long its jobs may wait, and whether waiting is of any use.
import { deadlineOf } from "./claim.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { agentOf, hostsOf } from "./gate.ts";
import { closed, type HostAnswer, obstacle, outside, placingOf } from "./place.ts";
import type { Plan } from "./plan.ts";
import type { State } from "./state.ts";

type Answers = ReadonlyMap<string, HostAnswer>;

/** Hosts that the tasks may use now; once they were asked, only those that answered: one may have room meanwhile. */
export function hostsToAsk(state: State, tasks: Entry<"task">[], answers: Answers, now: Date): string[] {
  const { networks, zone } = state.settings;
  const names = new Set(tasks.flatMap((task) => hostsOf(state, task).map((host) => host.id)));
  return [...names].filter((name) => {
    const host = state.hosts.get(name);
    if (!host || closed(host, networks) || outside(host, { zone, now })) return false;
    const before = answers.get(name);
    return answers.size === 0 || (before !== undefined && "facts" in before);
  });
}

/** Seconds that a job may wait for a slot: as long as it may run. */
export function patienceOf(draft: Draft, tasks: Entry<"task">[]): number {
  const limits = tasks.map((task) => {
    const agent = agentOf(draft, task);
    return agent ? deadlineOf(draft, task, agent) : 0;
  });
  return Math.max(0, ...limits);
}

export interface Waiting {
  draft: Draft;
  plan: Plan;
  answers: Answers;
  /** Something of the errand is running. */
  flying: boolean;
  /** Whether this job was claimed, and its host then had no room for it. */
  turnedAway(job: Entry<"job">): boolean;
  /** Nobody waits longer. */
  until: Date;
}

/** Whether what is not started yet may be by itself: a slot of a host that answers, or a place with its agent. */
export function worthWaiting(tasks: Entry<"task">[], at: Waiting): boolean {
  return tasks.some((task) => {
    const jobs = [...at.draft.jobs.values()].filter((job) => job.data.task === task.id);
    const hold = at.plan.holds.get(task.id);
    if (jobs.length === 0 && hold?.state !== "queued") return false;
    if (jobs.length === 0 && hold?.on !== "hosts") return at.flying;
    const idle = jobs.filter((job) => job.data.state === "released" || at.turnedAway(job));
    const names =
      jobs.length > 0 ? idle.map((job) => job.data.host ?? "") : hostsOf(at.draft, task).map((host) => host.id);
    return names.some((name) => mayTake(task, name, at));
  });
}

/** Also a host that was free when it was asked: another job of the errand got it. */
function mayTake(task: Entry<"task">, name: string, { draft, answers, until }: Waiting): boolean {
  const agent = agentOf(draft, task);
  const host = draft.hosts.get(name);
  const answer = answers.get(name);
  if (!host || !agent || !answer || "fault" in answer) return false;
  const why = obstacle(host, placingOf(draft, agent, { hosts: [host], answers, given: new Map() }));
  if (why === null) return true;
  return "wait" in why && (why.until === undefined || why.until <= until);
}
