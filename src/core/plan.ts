// Which tasks are owed a run, which host gets which, and what holds the others back. A value: printed, then executed.
import type { Assignment } from "../ports.ts";
import { type Draft, isoNow, putJob } from "./draft.ts";
import { everyFault } from "./due.ts";
import { type Entry, idOf } from "./entry.ts";
import { digest } from "./hash.ts";
import { hostJobId, jobPath, runId } from "./ids.ts";
import { isOver, jobsByTask } from "./jobs.ts";
import { type Owed, owed } from "./occurrence.ts";
import { closed, type HostAnswer, obstacle, type Placing, place } from "./place.ts";
import type { Agent } from "./schema.ts";
import { isEach, selectHosts } from "./select.ts";
import { quarantined, type State } from "./state.ts";

/** One job to start, once its claim is won. */
export interface Start {
  job: string;
  path: string;
  epoch: number;
  host: string;
  /** Seconds. */
  deadline: number;
  runtime: string;
  assignment: Assignment;
  /** An earlier epoch may exist on the host: seal it first and start only when it never started. */
  seal: boolean;
}

/** Why a task that is owed a run does not start. `person`: it will not pass by itself. */
export interface Hold {
  state: "queued" | "blocked";
  reason: string;
  person: boolean;
}

export interface Plan {
  starts: Start[];
  holds: Map<string, Hold>;
  /** Occurrences that turned out to have run already, by task. */
  spent: Map<string, string>;
}

/** What gather asks of core: which hosts matter, and whether known job ids must be listed. */
export interface Asking {
  hosts: Set<string>;
  candidates: boolean;
}

interface Candidate {
  task: Entry<"task">;
  run: Owed;
  agent: Entry<"agent">;
  hosts: Entry<"host">[];
}

export interface Known {
  answers: ReadonlyMap<string, HostAnswer>;
  /** Paths of job records in the ledger, by job id. */
  paths: ReadonlyMap<string, string>;
  runtimes: ReadonlySet<string>;
  /** Jobs of which their host knows nothing, in the epoch that the ledger names. */
  absent: ReadonlySet<string>;
}

/** Hosts of open jobs, and hosts that a task owed a run may use. None: no host is called at all. */
export function asking(draft: Draft, runtimes: ReadonlySet<string>): Asking {
  const hosts = new Set<string>();
  for (const job of draft.jobs.values())
    if (!isOver(job) && job.data.host && draft.hosts.has(job.data.host)) hosts.add(job.data.host);
  const { ready } = candidates(draft, runtimes);
  const again = reclaimable(draft).filter((job) => draft.tasks.has(job.data.task));
  for (const { hosts: able } of ready)
    for (const host of able) if (!closed(host, draft.settings.networks)) hosts.add(host.id);
  for (const job of again)
    for (const host of hostsOf(draft, draft.tasks.get(job.data.task) as Entry<"task">))
      if (!closed(host, draft.settings.networks)) hosts.add(host.id);
  return { hosts, candidates: ready.length > 0 };
}

const hostsOf = (draft: State, task: Entry<"task">, agent?: Entry<"agent">) =>
  selectHosts(task.data.hosts ?? (agent ?? agentOf(draft, task))?.data.hosts, draft.hosts.values());

function agentOf(state: State, task: Entry<"task">): Entry<"agent"> | null {
  const id = task.data.agent ?? state.settings.defaults.agent;
  if (id !== undefined) return state.agents.get(id) ?? null;
  const runtime = state.settings.defaults.runtime;
  return runtime === undefined
    ? null
    : {
        path: "towline.yml",
        id: runtime,
        kind: "agent",
        data: { runtime, session: "fresh" } as Agent,
        body: "",
        bodyLine: 1,
      };
}

/** Tasks owed a run, most urgent first, and what holds the rest. */
function candidates(draft: Draft, runtimes: ReadonlySet<string>): { ready: Candidate[]; holds: Map<string, Hold> } {
  const open = jobsByTask([...draft.jobs.values()].filter((job) => !isOver(job)));
  const holds = new Map<string, Hold>();
  const ready: Candidate[] = [];
  for (const task of draft.tasks.values()) {
    const status = draft.status.get(task.id);
    if (task.data.status !== "ready" || status?.data.held === heldKey(task) || open.has(task.id)) continue;
    const run = owed(task, status, draft.settings.zone, draft.now, draft.settings.tick.every)[0];
    const broken = task.data.every === undefined ? null : everyFault(task.data.every);
    if (!run && !broken) continue;
    const hold = broken ? person(`every ${broken}`) : (gate(draft, task) ?? agentGate(draft, task, runtimes));
    if (hold) holds.set(task.id, hold);
    else if (run) {
      const agent = agentOf(draft, task) as Entry<"agent">;
      ready.push({ task, run, agent, hosts: hostsOf(draft, task, agent) });
    }
  }
  ready.sort(
    (a, b) =>
      a.task.data.priority - b.task.data.priority ||
      a.run.due.getTime() - b.run.due.getTime() ||
      (a.task.id < b.task.id ? -1 : 1),
  );
  return { ready, holds };
}

const person = (reason: string): Hold => ({ state: "blocked", reason, person: true });
const passing = (reason: string): Hold => ({ state: "blocked", reason, person: false });

/** `status` and `run` of a task: when either changes, a held task goes on. */
export const heldKey = (task: Entry<"task">) => `${task.data.status} ${task.data.run ?? ""}`;

/** STOP.md holds everything back until it is removed, switched off or past its `until`. */
export function stopped(state: State, now: Date): boolean {
  const stop = state.stop?.data;
  return stop !== undefined && !stop.off && (stop.until === undefined || new Date(stop.until) > now);
}

function gate(draft: Draft, task: Entry<"task">): Hold | null {
  if (stopped(draft, draft.now)) return passing("STOP.md stops everything; remove it to go on");
  if (task.data.repo !== undefined) return person("coding work (`repo:`) cannot be run by this version");
  for (const id of task.data.after ?? []) {
    const before = draft.status.get(id)?.data.state;
    if (before === "done") continue;
    if (!draft.tasks.has(id))
      return person(
        quarantined(draft, "tasks").has(id)
          ? `waits for ${id}, whose file has an error`
          : `waits for ${id}, which is not there`,
      );
    return passing(
      before === "failed" || before === "lost"
        ? `waits for ${id}, which ${before === "failed" ? "failed" : "was lost"}`
        : `waits for ${id}`,
    );
  }
  return null;
}

function agentGate(draft: Draft, task: Entry<"task">, runtimes: ReadonlySet<string>): Hold | null {
  const agent = agentOf(draft, task);
  const id = task.data.agent ?? draft.settings.defaults.agent;
  if (!agent)
    return person(
      id === undefined
        ? "names no agent, and towline.yml has no default"
        : quarantined(draft, "agents").has(id)
          ? `agents/${id}.md has an error`
          : `agents/${id}.md is not there`,
    );
  if (agent.data.off) return passing(`agent ${agent.id} is switched off`);
  if (!runtimes.has(agent.data.runtime))
    return person(`${agent.path}: runtime \`${agent.data.runtime}\` is not known (${[...runtimes].sort().join(", ")})`);
  if (agent.data.parallel === undefined) return null;
  const busy = [...draft.jobs.values()].filter((job) => !isOver(job) && job.data.agent === agent.id).length;
  return busy < agent.data.parallel
    ? null
    : { state: "queued", reason: `agent ${agent.id} works on ${busy} already`, person: false };
}

/** Plans the pass and puts the claims into the draft. */
export function plan(draft: Draft, known: Known): Plan {
  const { ready, holds } = candidates(draft, known.runtimes);
  const made: Plan = { starts: [], holds, spent: new Map() };
  const given = new Map<string, number>();
  let room = draft.settings.tick.max_starts - startsLastHour(draft);
  const placing = (candidate: Candidate): Placing => ({
    hosts: candidate.hosts,
    answers: known.answers,
    given,
    runtime: candidate.agent.data.runtime,
    networks: draft.settings.networks,
  });
  const claim = (start: Start, job: Entry<"job">) => {
    putJob(draft, job);
    made.starts.push(start);
    given.set(start.host, (given.get(start.host) ?? 0) + 1);
    room--;
  };
  for (const job of reclaimable(draft, known.absent)) reclaim(draft, job, known, given, made, claim);
  for (const candidate of ready) {
    const { task, agent } = candidate;
    const run = runId(draft.settings.id, task.id, candidate.run.occurrence);
    if (isEach(task.data)) claimEach(draft, candidate, placing(candidate), known, made, claim);
    else if (known.paths.has(run)) made.spent.set(task.id, candidate.run.occurrence);
    else {
      const late =
        room <= 0
          ? { wait: `${draft.settings.tick.max_starts} starts an hour are reached (towline.yml tick.max_starts)` }
          : agentRoom(draft, agent);
      const placed = late ?? place(placing(candidate));
      if ("host" in placed) claimOne(draft, candidate, run, placed.host, claim);
      else
        holds.set(
          task.id,
          "wait" in placed ? { state: "queued", reason: placed.wait, person: false } : person(placed.blocked),
        );
    }
  }
  return made;
}

function agentRoom(draft: Draft, agent: Entry<"agent">): { wait: string } | null {
  if (agent.data.parallel === undefined) return null;
  const busy = [...draft.jobs.values()].filter((job) => !isOver(job) && job.data.agent === agent.id).length;
  return busy < agent.data.parallel ? null : { wait: `agent ${agent.id} works on ${busy} already` };
}

type Claim = (start: Start, job: Entry<"job">) => void;

function claimOne(draft: Draft, candidate: Candidate, id: string, host: string, claim: Claim): void {
  const job = newJob(draft, candidate, id, id, host, "claimed");
  claim(startOf(draft, job, candidate.task, candidate.agent, false), job);
}

/** One job a host; the set of hosts is fixed here. Hosts that cannot start now are claimed as released and tried again. */
function claimEach(draft: Draft, candidate: Candidate, placing: Placing, known: Known, made: Plan, claim: Claim): void {
  const { task, run: due, agent } = candidate;
  const run = runId(draft.settings.id, task.id, due.occurrence);
  const open = candidate.hosts.filter((host) => !closed(host, draft.settings.networks));
  if (open.length === 0)
    return void made.holds.set(
      task.id,
      person(
        candidate.hosts.length === 0
          ? "no host matches its `hosts:` selector"
          : "every host of its `hosts:` selector is cordoned or out of reach",
      ),
    );
  const ids = open.map((host) => hostJobId(draft.settings.id, task.id, due.occurrence, host.id));
  if (ids.some((id) => known.paths.has(id))) return void made.spent.set(task.id, due.occurrence);
  for (const [index, host] of open.entries()) {
    const why = obstacle(host, placing);
    const job = newJob(draft, candidate, ids[index] as string, run, host.id, why ? "released" : "claimed");
    if (!why) claim(startOf(draft, job, task, agent, false), job);
    else
      putJob(draft, {
        ...job,
        data: { ...job.data, run: { ...job.data.run, why: "wait" in why ? why.wait : why.blocked } },
      });
  }
}

function newJob(
  draft: Draft,
  { task, run: due, agent }: Candidate,
  id: string,
  run: string,
  host: string,
  state: "claimed" | "released",
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
      identity: draft.hosts.get(host)?.data.identity,
    },
  };
  return { path: jobPath(at, id), id, kind: "job", data, body: "", bodyLine: 1 };
}

function deadlineOf(draft: Draft, task: Entry<"task">, agent: Entry<"agent">): number {
  return task.data.timeout ?? agent.data.timeout ?? draft.settings.defaults.timeout ?? 120;
}

/** What a job was started with: a task edited meanwhile shows as a drift from this. */
export const inputHash = (task: Entry<"task">, agent: Entry<"agent">) =>
  digest(task.data.title, task.body, agent.data.runtime, agent.body).slice(0, 16);

function startOf(draft: Draft, job: Entry<"job">, task: Entry<"task">, agent: Entry<"agent">, seal: boolean): Start {
  const host = job.data.host as string;
  return {
    job: job.id,
    path: job.path,
    epoch: job.data.run.epoch,
    host,
    deadline: job.data.run.deadline,
    runtime: agent.data.runtime,
    seal,
    assignment: {
      job: job.id,
      epoch: job.data.run.epoch,
      task: task.data,
      prompt: task.body,
      agent: agent.data,
      character: agent.body,
      notes: draft.hosts.get(host)?.body ?? "",
    },
  };
}

/** Open jobs that may be claimed again: released ones, retries that are due, and claims whose ticker is gone. */
function reclaimable(draft: Draft, absent?: ReadonlySet<string>): Entry<"job">[] {
  return [...draft.jobs.values()].filter((job) => {
    const { state, run } = job.data;
    if (state === "released") return run.tick !== draft.tick;
    if (run.retry_at !== undefined) return Date.parse(run.retry_at) <= draft.now.getTime();
    if (state !== "claimed" && state !== "unknown") return false;
    const expired = draft.now.getTime() - Date.parse(run.claimed_at) > draft.settings.tick.wall * 1000;
    return (absent?.has(job.id) ?? false) && (expired || run.tick === draft.tick);
  });
}

function reclaim(
  draft: Draft,
  job: Entry<"job">,
  known: Known,
  given: ReadonlyMap<string, number>,
  made: Plan,
  claim: Claim,
): void {
  const task = draft.tasks.get(job.data.task);
  const agent = task && agentOf(draft, task);
  const run = job.data.run;
  const sealed = job.data.state === "claimed" || job.data.state === "unknown";
  if (!sealed && (!task || task.data.status === "cancelled"))
    return putJob(draft, end(job, "cancelled", "the task was withdrawn before it started"));
  if (!task || !agent || task.data.status !== "ready" || stopped(draft, draft.now)) return;
  const each = isEach(task.data);
  const late =
    each && job.data.state === "released" && draft.now.getTime() - Date.parse(run.claimed_at) > run.deadline * 1000;
  if (late) return putJob(draft, end(job, "failed", `could not start in time: ${run.why ?? "no reason noted"}`));
  const same = draft.hosts.get(job.data.host ?? "");
  const hosts = each || sealed ? (same ? [same] : []) : hostsOf(draft, task, agent);
  const placed = place({
    hosts,
    answers: known.answers,
    given,
    runtime: agent.data.runtime,
    networks: draft.settings.networks,
  });
  if (!("host" in placed)) return;
  const retry = run.retry_at !== undefined;
  const next: Entry<"job"> = {
    ...job,
    data: {
      task: job.data.task,
      agent: agent.id,
      host: placed.host,
      state: "claimed",
      run: {
        occurrence: run.occurrence,
        run_id: run.run_id,
        requested_by: run.requested_by,
        epoch: run.epoch + 1,
        attempt: run.attempt + (retry ? 1 : 0),
        round: run.round,
        tick: draft.tick,
        claimed_at: isoNow(draft),
        deadline: deadlineOf(draft, task, agent),
        input_hash: inputHash(task, agent),
        runtime: agent.data.runtime,
        identity: draft.hosts.get(placed.host)?.data.identity,
      },
    },
  };
  claim(startOf(draft, next, task, agent, sealed), next);
}

function end(job: Entry<"job">, state: "cancelled" | "failed", why: string): Entry<"job"> {
  const { retry_at: _, ...run } = job.data.run;
  return { ...job, data: { ...job.data, state, run: { ...run, why } } };
}

function startsLastHour(draft: Draft): number {
  const since = draft.now.getTime() - 3_600_000;
  const recent = new Set<string>();
  for (const status of draft.status.values())
    for (const job of status.data.jobs) if (Date.parse(job.at) > since) recent.add(job.id);
  for (const job of draft.jobs.values()) if (Date.parse(job.data.run.claimed_at) > since) recent.add(job.id);
  return recent.size;
}
