// Work that a person asks for outside the schedule, as a task of its own: what `towline dispatch` and `towline try` run.
import type { Entry } from "./entry.ts";
import { stopped } from "./gate.ts";
import { type Task, task as taskSchema } from "./schema.ts";
import type { State } from "./state.ts";
import { oneLine } from "./text.ts";

/** What is asked for. `like`: fields of a task file; those that say when it is due do not count here. */
export interface Wish {
  text: string;
  like?: Partial<Task>;
  agent?: string;
  /** Selectors as in a task's `hosts`. */
  hosts?: string[];
  /** One job on each of them, instead of one job on the least loaded. */
  each?: boolean;
  /** Seconds. */
  timeout?: number;
}

export interface Asked {
  /** 16 hex digits, at random. */
  token: string;
  by: string;
  /** Name of the runtime that does it. */
  runtime: string;
}

const adhoc = /^adhoc-([a-z0-9]+(?:-[a-z0-9]+)*)-q[0-9a-f]{8}(-[0-9a-f]{10})?$/;

/** The runtime that an ad-hoc job's id names; null: it is no such id. */
export const runtimeOfAdhoc = (job: string): string | null => adhoc.exec(job)?.[1] ?? null;

/**
 * The task of one wish. Its id, which hosts show in their lists of processes, holds nothing of the text. It runs once
 * and at once, whatever the file says that it was taken from.
 */
export function errandTask({ text, like = {}, ...wish }: Wish, { token, by, runtime }: Asked): Entry<"task"> {
  const { title, agent, hosts, spread, need, timeout, accept, domain, effect, budget, repo } = like;
  const id = `adhoc-${runtime}-q${token.slice(0, 8)}`;
  const data = taskSchema.parse({
    title: title ?? titleOf(text),
    agent: wish.agent ?? agent,
    hosts: wish.hosts ?? hosts,
    spread: wish.hosts === undefined ? spread : wish.each ? "each" : "one",
    need: wish.hosts === undefined ? need : undefined,
    timeout: wish.timeout ?? timeout,
    accept,
    domain,
    effect,
    budget,
    repo,
    born_of: token,
    asked_by: oneLine(by, 80),
  });
  return { path: `queue/${id}.md`, id, kind: "task", data, body: text, bodyLine: 1 };
}

/** The first line that says something; a script's `#!` line does not. */
function titleOf(text: string): string {
  const lines = text.split("\n").map((line) => oneLine(line.replace(/^#+(?!!)\s*/, ""), 80));
  return lines.find((line) => line !== "" && !line.startsWith("#!")) ?? "Ad-hoc task";
}

/**
 * `networks` says what ticks reach. Where a person sits is known to nobody: what they ask for may go to any machine of the
 * fleet, and one that cannot be reached from there says so.
 */
export function everywhere(state: State): State {
  const networks = new Set([...state.settings.networks, ...[...state.hosts.values()].map(({ data }) => data.network)]);
  return { ...state, settings: { ...state.settings, networks: [...networks] } };
}

/** The state with whatever the other one holds back: STOP.md, machines out of service, agents switched off. */
export function stricter(state: State, other: State, now: Date): State {
  const hosts = [...state.hosts].map(([name, host]): [string, Entry<"host">] => {
    const theirs = other.hosts.get(name)?.data;
    const data = { ...host.data, off: host.data.off || theirs?.off, cordon: host.data.cordon ?? theirs?.cordon };
    return [name, { ...host, data }];
  });
  const agents = [...state.agents].map(([name, agent]): [string, Entry<"agent">] => [
    name,
    { ...agent, data: { ...agent.data, off: agent.data.off || other.agents.get(name)?.data.off } },
  ]);
  const { stop, talks } = stopped(state, now) ? state : other;
  return {
    ...state,
    stop,
    talks: { ...state.talks, stop: talks.stop },
    hosts: new Map(hosts),
    agents: new Map(agents),
  };
}
