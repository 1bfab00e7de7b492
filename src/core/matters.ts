// What gather looks for before anything is planned: which hosts and repositories matter now, and no others.
import { purseOf } from "./budget.ts";
import { reclaimable } from "./claim.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { agentFault, agentOf, type Candidate, candidates, hostsOf, stopped } from "./gate.ts";
import { hostJobId, runId } from "./ids.ts";
import { isLive } from "./jobs.ts";
import { hostCalled, hostsOfJobs } from "./known-hosts.ts";
import { isLead, isMine } from "./part.ts";
import { closed, outside } from "./place.ts";
import { isWaiting, runOf, waveNow } from "./rollout.ts";
import { isEach } from "./select.ts";
import { spendingHold, wantAgain } from "./spending.ts";
import { unwanted } from "./withdraw.ts";
import { isWithPeople, isWoken } from "./work.ts";

/** What gather asks of core: which hosts matter, and the job ids of which it must be known whether they ran before. */
export interface Matters {
  hosts: Set<string>;
  runs: string[];
  /** Of those, runs of tasks without a status: it may be lost, and the run be in an archive. A status knows its last one. */
  strange: string[];
  /** Repositories, as tasks name them, of work that may start or that waits for people. */
  repos: Set<string>;
}

/** Hosts of open jobs, and hosts that a task owed a run may use. None: no host is called at all. */
export function whatMatters(draft: Draft, runtimes: ReadonlySet<string>): Matters {
  const mine = (name: string) => isMine(draft, hostCalled(draft, name) as Entry<"host">);
  const hosts = new Set([...hostsOfJobs(draft), ...leftOpen(draft)].filter(mine));
  const { ready } = candidates(draft, runtimes);
  const woken = [...draft.jobs.values()].filter((job) => isWoken(draft, job));
  const again = [...reclaimable(draft), ...woken].filter(mayGoOn(draft, runtimes));
  const when = { zone: draft.settings.zone, now: draft.now };
  const open = (host: Entry<"host">) =>
    isMine(draft, host) && !closed(host, draft.settings.networks) && !outside(host, when);
  for (const { hosts: able } of ready) for (const host of able) if (open(host)) hosts.add(host.id);
  for (const host of hostsAgain(draft, again)) if (open(host)) hosts.add(host.id);
  const runsOf = ({ task, run, hosts: able }: (typeof ready)[number]) =>
    isEach(task.data)
      ? able.map((host) => hostJobId(draft.pack, task.id, run.occurrence, host.id))
      : [runId(draft.pack, task.id, run.occurrence)];
  const strange = ready.filter(({ task }) => !draft.status.has(task.id)).flatMap(runsOf);
  return { hosts, runs: ready.flatMap(runsOf), strange, repos: reposOf(draft, ready, again) };
}

/** Whether anything is to be asked for this job now: what waits for an account or a limit has days to wait. */
function mayGoOn(draft: Draft, runtimes: ReadonlySet<string>): (job: Entry<"job">) => boolean {
  const purse = purseOf(draft);
  return (job) => {
    const task = draft.tasks.get(job.data.task);
    if (!task || isLive(job)) return task !== undefined;
    const agent = agentOf(draft, task);
    if (!agent || task.data.status !== "ready" || stopped(draft, draft.now) || agentFault(draft, task, runtimes))
      return false;
    const hold = spendingHold(draft, purse, wantAgain(draft, job, task, agent));
    // What was spent may only not have been looked up yet.
    return hold === null || (!hold.person && hold.until === undefined);
  };
}

function reposOf(draft: Draft, ready: Candidate[], again: Entry<"job">[]): Set<string> {
  const open = ready.filter(({ hosts }) => hosts.some((host) => isMine(draft, host)));
  return new Set([
    ...open.flatMap(({ task }) => task.data.repo ?? []),
    ...[...again, ...withPeople(draft)].flatMap((job) => job.data.run.code?.repo ?? []),
  ]);
}

/** Of several tickers, the one of its host asks how its work stands. */
function isOurs(draft: Draft, job: Entry<"job">): boolean {
  const host = hostCalled(draft, job.data.host ?? "");
  return host ? isMine(draft, host) : isLead(draft);
}

/** Work that waits for people, of which this ticker asks how it stands. */
export const withPeople = (draft: Draft) =>
  [...draft.jobs.values()].filter((job) => isWithPeople(job) && isOurs(draft, job));

/** Hosts of jobs that wait for an answer nobody wants any more: what takes their place may start there at once. */
const leftOpen = (draft: Draft): string[] =>
  [...draft.jobs.values()].flatMap((job) =>
    job.data.state === "asking" && unwanted(draft, job) !== null && hostCalled(draft, job.data.host ?? "")
      ? (job.data.host ?? [])
      : [],
  );

/** Hosts that may get the jobs that are claimed again, and those of the wave after the one that is going on. */
function hostsAgain(draft: Draft, again: Entry<"job">[]): Set<Entry<"host">> {
  const next = [...draft.jobs.values()].filter(
    (job) => isWaiting(job) && (job.data.run.wave ?? 1) <= waveNow(runOf(draft, job)) + 1,
  );
  const own = (job: Entry<"job">) => draft.hosts.get(job.data.host ?? "") ?? [];
  const hosts = new Set(next.flatMap(own));
  for (const [id, jobs] of Map.groupBy(again, (job) => job.data.task)) {
    const task = draft.tasks.get(id) as Entry<"task">;
    for (const host of isEach(task.data) ? jobs.flatMap(own) : hostsOf(draft, task)) hosts.add(host);
  }
  return hosts;
}
