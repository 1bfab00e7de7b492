// Which tasks are owed a run, and what holds the others back before any host is looked at.
import { agentLack, packKeys } from "./agent-needs.ts";
import { type Limit, purseOf } from "./budget.ts";
import type { Draft } from "./draft.ts";
import { everyFault } from "./due.ts";
import type { Entry } from "./entry.ts";
import { isAtRest, isOver, jobsByTask } from "./jobs.ts";
import { type Owed, owed } from "./occurrence.ts";
import { pluginNames } from "./plugins.ts";
import { isWaiting } from "./rollout.ts";
import type { Agent, WaitsOn } from "./schema.ts";
import { isEach, selectHosts } from "./select.ts";
import { spendingHold, wantOf } from "./spending.ts";
import { quarantined, type State } from "./state.ts";

/** Why a task that is owed a run does not start. `person`: it will not pass by itself. */
export interface Hold {
  state: "queued" | "blocked";
  on: WaitsOn;
  reason: string;
  person: boolean;
  /** When it passes by itself, where that is known. */
  until?: Date;
  /** The limit that work was held back by. */
  limit?: Limit;
}

export interface Candidate {
  task: Entry<"task">;
  run: Owed;
  agent: Entry<"agent">;
  hosts: Entry<"host">[];
}

export function agentOf(state: State, task: Entry<"task">): Entry<"agent"> | null {
  const id = task.data.agent ?? state.settings.defaults.agent;
  if (id !== undefined) return state.agents.get(id) ?? null;
  const runtime = state.settings.defaults.runtime;
  return runtime === undefined
    ? null
    : {
        path: "towline.yml",
        id: runtime,
        kind: "agent",
        data: { runtime, session: "keep" } as Agent,
        body: "",
        bodyLine: 1,
      };
}

export const hostsOf = (draft: State, task: Entry<"task">, agent?: Entry<"agent">) =>
  selectHosts(task.data.hosts ?? (agent ?? agentOf(draft, task))?.data.hosts, draft.hosts.values());

/** Tasks owed a run, most urgent first, and what holds the rest. `only`: of these tasks; absent: of all. */
export function candidates(
  draft: Draft,
  runtimes: ReadonlySet<string>,
  only?: ReadonlySet<string>,
): { ready: Candidate[]; holds: Map<string, Hold>; missed: boolean } {
  const open = jobsByTask([...draft.jobs.values()].filter((job) => !isOver(job)));
  const holds = new Map<string, Hold>();
  const ready: Candidate[] = [];
  const purse = purseOf(draft);
  for (const task of draft.tasks.values()) {
    if (only?.has(task.id) === false) continue;
    const status = draft.status.get(task.id);
    if (task.data.status !== "ready" || status?.data.held === heldKey(task) || open.has(task.id)) continue;
    const run = owed(task, status, draft.settings.zone, draft.now, draft.settings.tick.every)[0];
    const broken = task.data.every === undefined ? null : everyFault(task.data.every);
    if (!run && !broken) continue;
    const early = broken ? person("every", `every ${broken}`) : (gate(draft, task) ?? agentGate(draft, task, runtimes));
    const agent = agentOf(draft, task) as Entry<"agent">;
    const hold = early ?? (run ? spendingHold(draft, purse, wantOf(draft, { task, run, agent })) : null);
    if (hold) holds.set(task.id, hold);
    else if (run) ready.push({ task, run, agent, hosts: hostsOf(draft, task, agent) });
  }
  ready.sort(
    (a, b) =>
      a.task.data.priority - b.task.data.priority ||
      a.run.due.getTime() - b.run.due.getTime() ||
      (a.task.id < b.task.id ? -1 : 1),
  );
  return { ready, holds, missed: purse.missed() };
}

export const person = (on: WaitsOn, reason: string): Hold => ({ state: "blocked", on, reason, person: true });
const passing = (on: WaitsOn, reason: string): Hold => ({ state: "blocked", on, reason, person: false });

/** `status` and `run` of a task: when either changes, a held task goes on. */
export const heldKey = (task: Entry<"task">) => `${task.data.status} ${task.data.run ?? ""}`;

/** What holds everything back: words for it, and whether what runs is to be ended as well. */
export interface Stop {
  words: string;
  /** What to do to go on. */
  lift: string;
  cancel: boolean;
}

/** STOP.md until it is removed, switched off or past its `until`; else a stop by a comment until it is taken back. */
export function stopOf(state: Pick<State, "stop" | "talks">, now: Date): Stop | null {
  const file = state.stop?.data;
  const lasts = (until: string | undefined) => until === undefined || new Date(until) > now;
  const told = state.talks.stop && lasts(state.talks.stop.until) ? state.talks.stop : null;
  if (file && !file.off && lasts(file.until))
    return { words: "STOP.md", lift: "remove it", cancel: file.cancel || told?.cancel === true };
  if (!told) return null;
  return { words: `\`/towline stop\` by ${told.by}`, lift: "`/towline stop off`", cancel: told.cancel === true };
}

export const stopped = (state: Pick<State, "stop" | "talks">, now: Date): boolean => stopOf(state, now) !== null;

/** No address: where it is follows from the pack's own origin. */
export const isNamedRepo = (repo: string) => is_named.test(repo);
const is_named = /^(\.|[A-Za-z0-9][\w-]*\/(?!\.{1,2}$)[\w.-]+)$/;

export function gate(draft: Draft, task: Entry<"task">): Hold | null {
  const stop = stopOf(draft, draft.now);
  if (stop) return passing("stop", `${stop.words} stops everything; ${stop.lift} to go on`);
  if (task.data.repo !== undefined && isEach(task.data))
    return person("repo", "coding work (`repo:`) goes to one host: leave `spread: each` and `hosts: all` away");
  if (task.data.born_of !== undefined && task.data.repo !== undefined && !isNamedRepo(task.data.repo))
    return person(
      "repo",
      "a task that a rule made names its repository as `.` or owner/name: an address may be a stranger's",
    );
  for (const id of task.data.after ?? []) {
    const before = draft.status.get(id)?.data.state;
    if (before === "done") continue;
    if (!draft.tasks.has(id))
      return person(
        "after",
        quarantined(draft, "tasks").has(id)
          ? `waits for ${id}, whose file has an error`
          : `waits for ${id}, which is not there`,
      );
    return passing(
      "after",
      before === "failed" || before === "lost"
        ? `waits for ${id}, which ${before === "failed" ? "failed" : "was lost"}`
        : `waits for ${id}`,
    );
  }
  return null;
}

export function agentGate(draft: Draft, task: Entry<"task">, runtimes: ReadonlySet<string>): Hold | null {
  const fault = agentFault(draft, task, runtimes);
  const agent = agentOf(draft, task);
  if (fault || !agent) return fault;
  if (task.data.repo !== undefined && handless.has(agent.data.runtime))
    return person("repo", `${agent.path}: runtime \`${agent.data.runtime}\` only answers, it cannot work on files`);
  const busy = agentBusy(draft, agent) ?? (task.data.repo === undefined ? null : unreviewed(draft, agent));
  return busy === null ? null : { state: "queued", on: "agent", reason: busy, person: false };
}

/** Runtimes whose models have no tools. */
const handless = new Set(["ollama"]);

/** Why an agent begins no new coding work: people have not come to what it made before. */
function unreviewed(draft: Draft, { id, path, data }: Entry<"agent">): string | null {
  const most = data.limits?.open_prs;
  if (most === undefined) return null;
  const open = [...draft.jobs.values()].filter((job) => job.data.agent === id && job.data.state === "review").length;
  return open < most
    ? null
    : `${open} of its agent's jobs wait for review, and ${path} allows ${most} (limits.open_prs)`;
}

/** Why the task's agent can do no work at all, or null. */
export function agentFault(draft: Draft, task: Entry<"task">, runtimes: ReadonlySet<string>): Hold | null {
  const agent = agentOf(draft, task);
  const id = task.data.agent ?? draft.settings.defaults.agent;
  if (!agent)
    return person(
      "agent",
      id === undefined
        ? "names no agent, and towline.yml has no default"
        : quarantined(draft, "agents").has(id)
          ? `agents/${id}.md has an error`
          : `agents/${id}.md is not there`,
    );
  if (agent.data.off) return passing("agent", `agent ${agent.id} is switched off`);
  const plugged = draft.plugged?.get(agent.data.runtime);
  if (plugged && "fault" in plugged)
    return passing("agent", `${agent.path}: runtime \`${agent.data.runtime}\` is a plugin's: ${plugged.fault}`);
  if (!runtimes.has(agent.data.runtime) && !pluginNames(draft.settings).includes(agent.data.runtime))
    return person(
      "agent",
      `${agent.path}: runtime \`${agent.data.runtime}\` is not known (${[...runtimes].sort().join(", ")})`,
    );
  const lack = agentLack(agent.data, packKeys(draft.hosts.values(), draft.settings));
  return lack && person("agent", `${agent.path}: ${lack.message}`);
}

/** Why an agent takes no more work now, or null. `own`: a job that is not counted. */
export function agentBusy(draft: Draft, agent: Entry<"agent">, own?: string): string | null {
  if (agent.data.parallel === undefined) return null;
  const busy = [...draft.jobs.values()].filter(
    (job) => !isOver(job) && !isWaiting(job) && !isAtRest(job) && job.data.agent === agent.id && job.id !== own,
  ).length;
  return busy < agent.data.parallel ? null : `agent ${agent.id} works on ${busy} already`;
}
