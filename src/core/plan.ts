// Which host gets which job. A value: printed, then executed.
import type { Work } from "../ports.ts";
import { neededOnHost } from "./agent-needs.ts";
import { purseOf, type Want } from "./budget.ts";
import { newJob, reclaimable, type Start, startOf } from "./claim.ts";
import { type Draft, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { agentBusy, agentOf, type Candidate, candidates, type Hold, person, stopOf } from "./gate.ts";
import { hostJobId, runId } from "./ids.ts";
import { deliver } from "./letters.ts";
import { claimForLive } from "./live-letters.ts";
import { isMine, waits_for_ticker } from "./part.ts";
import {
  closed,
  type HostAnswer,
  identityOf,
  lacks,
  obstacle,
  outside,
  type Placing,
  place,
  placingOf,
} from "./place.ts";
import { reclaim } from "./reclaim.ts";
import { isWaiting, waves } from "./rollout.ts";
import type { WaitsOn } from "./schema.ts";
import { isEach } from "./select.ts";
import { onHost, spendingHold, wantOf } from "./spending.ts";
import type { State } from "./state.ts";
import { unwanted } from "./withdraw.ts";
import { firstWork, type RepoAnswer } from "./work.ts";

export interface Plan {
  starts: Start[];
  holds: Map<string, Hold>;
  /** Occurrences that turned out to have run already, by task. */
  spent: Map<string, string>;
  /** Messages that are claimed for running sessions: their hosts are told in the next pass. */
  tells?: number;
  /** Something was held back only because nobody had read what was spent before. */
  unread?: boolean;
}

export interface Known {
  answers: ReadonlyMap<string, HostAnswer>;
  /** Paths of job records in the ledger, by job id. */
  paths: ReadonlyMap<string, string>;
  runtimes: ReadonlySet<string>;
  /** Status records as they were read: what another ticker says of a task stays as it stands. */
  before?: ReadonlyMap<string, Entry<"status">>;
  /** Jobs of which their host knows nothing, in the epoch that the ledger names. */
  absent: ReadonlySet<string>;
  /** Plans only these tasks; absent: all of them. */
  only?: ReadonlySet<string>;
  /** What repositories said of themselves; absent: none can be asked here. */
  repos?: ReadonlyMap<string, RepoAnswer>;
}

/** Plans the pass and puts the claims into the draft. */
export function plan(draft: Draft, known: Known): Plan {
  const { ready, holds, missed } = candidates(draft, known.runtimes, known.only);
  const made: Plan = { starts: [], holds, spent: new Map() };
  const given = new Map<string, number>();
  let room = draft.settings.tick.max_starts - startsLastHour(draft);
  const purse = purseOf(draft);
  const placing = (candidate: Candidate, hosts: Entry<"host">[]): Placing => ({
    ...placingOf(draft, candidate.agent, { hosts, answers: known.answers, given }),
    spent: onHost(purse, wantOf(draft, candidate)),
    work: candidate.task.data.repo === undefined ? undefined : {},
  });
  const claim = (start: Start, job: Entry<"job">) => {
    purse.put(job, draft.jobs.get(job.id));
    putJob(draft, job);
    const told = start.assignment ? withLetters(draft, job, start, start.assignment) : start;
    made.starts.push(toDeploy(draft, start, known) ? { ...told, deploy: true } : told);
    given.set(start.host, (given.get(start.host) ?? 0) + 1);
    room--;
  };
  const most = draft.settings.tick.max_starts;
  // A run on more hosts than an hour may start must not wait for ever: it goes when the hour is empty.
  const late: Late = (count, want) => {
    const hold = spendingHold(draft, purse, { ...want, count: Math.max(1, count) });
    if (hold) return { on: hold.on, wait: hold.reason, hold };
    if (count === 0) return null;
    if (room <= 0 || (count > room && room < most))
      return { on: "limit", wait: `${most} starts an hour are reached (towline.yml tick.max_starts)` };
    const busy = agentBusy(draft, want.agent, want.job?.id);
    return busy === null ? null : { on: "agent", wait: busy };
  };
  const again = reclaimable(draft, known.absent).filter((job) => known.only?.has(job.data.task) ?? true);
  for (const job of again) reclaim(draft, job, { known, given, claim, late, purse, holds });
  for (const candidate of ready) {
    const { task } = candidate;
    const run = runId(draft.pack, task.id, candidate.run.occurrence);
    if (isEach(task.data))
      claimEach(draft, candidate, placing(candidate, candidate.hosts), known, made, {
        claim,
        late,
        others: (count) => (room -= count),
      });
    else if (known.paths.has(run)) made.spent.set(task.id, candidate.run.occurrence);
    else {
      const unread = unreadRepo(task, known);
      if (unread) {
        holds.set(task.id, unread);
        continue;
      }
      const wait = late(1, wantOf(draft, candidate));
      const own = candidate.hosts.filter((host) => isMine(draft, host));
      const placed = wait ?? place(placing(candidate, own));
      if ("host" in placed) claimOne(draft, candidate, run, placed.host, known, claim);
      // Of several tickers that could run it, the one of its first host says why it waits.
      else if (!wait && candidate.hosts[0] && !isMine(draft, candidate.hosts[0]))
        leave(holds, task.id, known.before?.get(task.id));
      else
        holds.set(
          task.id,
          wait?.hold ?? ("wait" in placed ? queued(wait?.on ?? "hosts", placed.wait) : person("hosts", placed.blocked)),
        );
    }
  }
  if (!known.only) made.tells = claimForLive(draft, known.answers);
  made.unread = missed || purse.missed();
  return made;
}

/** Why coding work cannot be begun: its repository says nothing of itself. */
function unreadRepo({ data }: Entry<"task">, { repos }: Known): Hold | null {
  if (data.repo === undefined) return null;
  const answer = repos?.get(data.repo);
  if (!answer) return queued("repo", repos ? "its repository was not asked" : "coding work is begun by ticks");
  if (!("fault" in answer)) return null;
  return answer.person ? person("repo", answer.fault) : queued("repo", answer.fault);
}

/** With what other agents have told this one since it was started last. */
function withLetters(draft: Draft, job: Entry<"job">, start: Start, work: Work): Start {
  const inbox = deliver(draft, job);
  return inbox.length === 0 ? start : { ...start, assignment: { ...work, inbox } };
}

function toDeploy(draft: Draft, { host, assignment }: Start, { answers }: Known): boolean {
  const record = draft.hosts.get(host);
  if (!record || assignment?.agent.deploy !== "if-missing") return false;
  return lacks(record, { answers, runtime: neededOnHost(assignment.agent) });
}

/** What stands in the ledger is another ticker's word. */
function leave(holds: Plan["holds"], task: string, status: Entry<"status"> | undefined): void {
  const { state, reason, waits_on } = status?.data ?? {};
  if (waits_on === "hosts" && reason !== undefined && (state === "queued" || state === "blocked"))
    holds.set(task, { state, on: waits_on, reason, person: state === "blocked" });
}

const queued = (on: WaitsOn, reason: string): Hold => ({ state: "queued", on, reason, person: false });

/**
 * Why no more may start now. `count`: how many; 0 for those that were counted when their run was claimed. `hold`: what
 * limits say to it.
 */
export type Late = (count: number, want: Want) => { on: WaitsOn; wait: string; hold?: Hold } | null;
export type Claim = (start: Start, job: Entry<"job">) => void;

function claimOne(draft: Draft, candidate: Candidate, id: string, host: string, known: Known, claim: Claim): void {
  const { repo } = candidate.task.data;
  const job = newJob(draft, candidate, {
    id,
    run: id,
    host,
    state: "claimed",
    identity: identityOf(known.answers, host),
    work: (repo !== undefined && firstWork(draft, id, repo, known.repos?.get(repo))) || undefined,
  });
  claim(startOf(draft, job, candidate.task, candidate.agent, false), job);
}

/** One job a host; the set of hosts is fixed here. Hosts that cannot start now are claimed as released and tried again. */
function claimEach(
  draft: Draft,
  candidate: Candidate,
  placing: Placing,
  known: Known,
  made: Plan,
  { claim, late, others }: { claim: Claim; late: Late; others(count: number): void },
): void {
  const { task, run: due, agent } = candidate;
  const run = runId(draft.pack, task.id, due.occurrence);
  const open = candidate.hosts.filter((host) => !closed(host, draft.settings.networks));
  if (open.length === 0)
    return void made.holds.set(
      task.id,
      person(
        "hosts",
        candidate.hosts.length === 0
          ? "no host matches its `hosts:` selector"
          : "every host of its `hosts:` selector is cordoned or out of reach",
      ),
    );
  const skipped = candidate.hosts.filter((host) => !open.includes(host)).map((host) => host.id);
  const id = (host: Entry<"host">) => hostJobId(draft.pack, task.id, due.occurrence, host.id);
  if (open.some((host) => known.paths.has(id(host)))) return void made.spent.set(task.id, due.occurrence);
  const order = inOrder(draft, open, placing, task.data.rollout !== undefined);
  const wave = waves(task.data.rollout, order.length);
  const wait = late(wave.filter((one) => (one ?? 1) === 1).length, wantOf(draft, candidate));
  if (wait) return void made.holds.set(task.id, wait.hold ?? queued(wait.on, wait.wait));
  // What other tickers will start of it counts now, once for all.
  others(order.filter(({ host }, index) => (wave[index] ?? 1) === 1 && !isMine(draft, host)).length);
  for (const [index, { host, why }] of order.entries()) {
    const turn = (wave[index] ?? 1) === 1 ? why : `waits for its turn: wave ${wave[index]} of ${wave.at(-1)}`;
    const job = newJob(draft, candidate, {
      id: id(host),
      run,
      host: host.id,
      state: turn === null ? "claimed" : "released",
      identity: identityOf(known.answers, host.id),
      skipped,
      wave: wave[index],
    });
    if (turn === null) claim(startOf(draft, job, task, agent, false), job);
    else putJob(draft, { ...job, data: { ...job.data, run: { ...job.data.run, why: turn } } });
  }
}

/** Why each host cannot start now, by name. In a rollout those that can go first: a canary that is not there tells nothing. */
function inOrder(draft: Draft, open: Entry<"host">[], placing: Placing, able: boolean) {
  const order = open.map((host) => {
    if (!isMine(draft, host)) return { host, why: waits_for_ticker, able: true };
    const why = obstacle(host, placing);
    return { host, why: why === null ? null : "wait" in why ? why.wait : why.blocked, able: why === null };
  });
  return able ? [...order.filter((one) => one.able), ...order.filter((one) => !one.able)] : order;
}

function startsLastHour(draft: Draft): number {
  const since = draft.now.getTime() - 3_600_000;
  const recent = new Set<string>();
  for (const status of draft.status.values())
    for (const job of status.data.jobs) if (job.state !== "released" && Date.parse(job.at) > since) recent.add(job.id);
  // What only waits for its turn was never started.
  for (const job of draft.jobs.values())
    if (!isWaiting(job) && Date.parse(job.data.run.claimed_at) > since) recent.add(job.id);
  return recent.size;
}

/** Why a claimed start must not happen any more, judged on records that are newer than the claim; null: go on. */
export function fallen(state: State, start: Start, now: Date): string | null {
  if (start.assignment === null) return null; // a seal starts nothing
  const stop = stopOf(state, now);
  if (stop) return `${stop.words} came in before it started`;
  const host = state.hosts.get(start.host);
  const shut = host ? closed(host, state.settings.networks) : "is gone";
  if (shut) return `${start.host} ${shut}`;
  const early = host && outside(host, { zone: state.settings.zone, now });
  if (early) return "wait" in early ? early.wait : early.blocked;
  const job = state.jobs.get(start.job);
  const task = state.tasks.get(job?.data.task ?? "");
  if (!task) return "its task was removed before it started";
  if (task.data.status !== "ready") return `its task was ${task.data.status} before it started`;
  const why = job ? unwanted(state, job) : null;
  if (why !== null) return `it is not wanted any more: ${why}`;
  return agentOf(state, task)?.data.off ? "its agent was switched off before it started" : null;
}
