// Which host gets which job: runtime installed first, then the least load per core with a free slot.
import type { HostFacts } from "../ports.ts";
import { neededOnHost } from "./agent-needs.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { ownerRefuses, ownerSays, slotsOf } from "./owner.ts";
import { own_runtimes } from "./plugin-offers.ts";
import { platformOf, releaseOf } from "./release.ts";
import { opensAt } from "./window.ts";

/** What asking a host gave: its facts, or why it did not answer. */
export type HostAnswer = { facts: HostFacts } | { fault: string; message: string };

export interface Placing {
  /** Hosts that the task may run on, in name order. */
  hosts: Entry<"host">[];
  answers: ReadonlyMap<string, HostAnswer>;
  /** Jobs given to a host in this pass, not yet in its facts. */
  given: ReadonlyMap<string, number>;
  /** What must be on the host: see `neededOnHost`. */
  runtime: string;
  /** Whose job it is and what runs it: the host's owner may not allow either. */
  of: { pack: string; runtime: string };
  /** What is missing on a host can be put there before the job starts. */
  deploys?: boolean;
  /** What the limits of a host say; absent: nothing. */
  spent?(host: string): Obstacle | null;
  /** It is coding work; `job`: one that may have its worktree already. */
  work?: { job?: string };
  networks: string[];
  /** The pack's time zone, and what time it is: hosts may have a `window`. */
  zone: string;
  now: Date;
}

/** The same for whatever asks where an agent's work may go. */
export const placingOf = (
  draft: Draft,
  agent: Entry<"agent">,
  asked: Pick<Placing, "hosts" | "answers" | "given">,
): Placing => ({
  ...asked,
  runtime: neededOnHost(agent.data),
  deploys: agent.data.deploy === "if-missing" && releaseOf(draft.settings, neededOnHost(agent.data)) !== null,
  of: { pack: draft.pack, runtime: agent.data.runtime },
  networks: draft.settings.networks,
  zone: draft.settings.zone,
  now: draft.now,
});

/** `until`: the time at which it passes by itself, where that is known. */
export type Obstacle = { wait: string; until?: Date } | { blocked: string };
export type Placed = { host: string } | Obstacle;

/** The machine that answers under a host's name, as it showed itself in this tick. */
export function identityOf(answers: ReadonlyMap<string, HostAnswer>, host: string): string | undefined {
  const answer = answers.get(host);
  return answer && "facts" in answer ? answer.facts.identity : undefined;
}

/** Why a host takes no new work at all, or null. */
export function closed(host: Entry<"host">, networks: string[]): string | null {
  if (host.data.off) return "is switched off";
  if (host.data.cordon) return `is cordoned (${host.data.cordon})`;
  if (!networks.includes(host.data.network))
    return `is on network ${host.data.network}, which this ticker does not reach`;
  return null;
}

/** A host outside its window starts nothing new, and needs not be asked what it could start. null: it is open. */
export function outside(host: Entry<"host">, { zone, now }: Pick<Placing, "zone" | "now">): Obstacle | null {
  const opens = opensAt(host.data.window, zone, now);
  if (opens === null) return null;
  if (opens === "never") return { blocked: `${host.id} has a \`window\` that never opens` };
  return { wait: `${host.id} takes new work from ${opens.toISOString().slice(0, 16)}Z on (window)`, until: opens };
}

/** Why this host cannot run the job now: `wait` may pass by itself, `blocked` needs a person. null: it can. */
export function obstacle(host: Entry<"host">, placing: Placing): Obstacle | null {
  const shut = closed(host, placing.networks);
  if (shut) return { blocked: `${host.id} ${shut}` };
  const early = outside(host, placing);
  if (early) return early;
  const dear = placing.spent?.(host.id) ?? null;
  if (dear) return dear;
  const answer = placing.answers.get(host.id);
  if (!answer) return { wait: `${host.id} was not asked` };
  if ("fault" in answer) return { wait: `${host.id} ${answer.message}` };
  const { allow } = answer.facts;
  const refused = ownerRefuses(allow, placing.of.pack, placing.of.runtime);
  if (refused !== null) return { blocked: ownerSays(host.id, refused) };
  if (!hasRuntime(host, answer.facts, placing.runtime) && !(placing.deploys && platformOf(answer.facts.arch)))
    return { blocked: `${placing.runtime} is not installed on ${host.id}` };
  const bare = placing.work ? unfit(host.id, answer.facts, placing.work) : null;
  if (bare) return bare;
  const slots = slotsOf(host.data.slots, allow);
  const free = slots - answer.facts.slots.used - (placing.given.get(host.id) ?? 0);
  return free > 0 ? null : { wait: `${host.id} has no free slot (${slots} in use)` };
}

/** Worktrees on one host, those of all packs of its root. */
export const most_trees = 40;

/** What coding work lacks there. */
function unfit(host: string, { git, stand = 0, trees = [] }: HostFacts, { job }: { job?: string }): Obstacle | null {
  if (git === false) return { blocked: `coding work needs git, which ${host} does not have: install it there` };
  if (stand < most_trees || trees.some((tree) => tree.job === job)) return null;
  return { wait: `${host} holds ${stand} worktrees, as many as are allowed: merge or close what is in review` };
}

/**
 * It was found there, or the host's owner says that it is: what runs in a container has no program to be found. A pin
 * with a digest says only what a deploy must put there.
 */
function hasRuntime({ data }: Entry<"host">, facts: HostFacts, runtime: string): boolean {
  const { runtimes = [] } = data;
  const named = Array.isArray(runtimes)
    ? runtimes
    : Object.keys(runtimes).filter((name) => !/\bsha256:/.test(runtimes[name] ?? ""));
  return runtime === "shell" || Object.hasOwn(facts.runtimes, runtime) || named.includes(runtime);
}

/** Whether that host is to be given the runtime first. */
export function lacks(host: Entry<"host">, { answers, runtime }: Pick<Placing, "answers" | "runtime">): boolean {
  const answer = answers.get(host.id);
  return answer !== undefined && "facts" in answer && !hasRuntime(host, answer.facts, runtime);
}

/** One host for one job. */
export function place(placing: Placing): Placed {
  if (placing.hosts.length === 0) return { blocked: "no host matches its `hosts:` selector" };
  const obstacles = placing.hosts.map((host) => obstacle(host, placing));
  const able = placing.hosts.filter((_, index) => obstacles[index] === null);
  if (able.length > 0) {
    const missing = (host: Entry<"host">) => Number(lacks(host, placing));
    const order = (a: Entry<"host">, b: Entry<"host">) =>
      missing(a) - missing(b) || burden(a, placing) - burden(b, placing) || (a.id < b.id ? -1 : 1);
    return { host: able.toSorted(order)[0]?.id as string };
  }
  const waits = obstacles.filter((one) => one !== null && "wait" in one) as Extract<Obstacle, { wait: string }>[];
  const until = waits.every((one) => one.until) ? waits.map((one) => one.until as Date) : [];
  if (waits.length > 0)
    return { wait: summed(waits.map((one) => one.wait)), ...(until.length > 0 ? { until: earliest(until) } : {}) };
  const reasons = obstacles.flatMap((one) => (one && "blocked" in one ? [one.blocked] : []));
  const lacking = reasons.every((reason) => reason.includes("is not installed"));
  if (!lacking) return { blocked: summed(reasons) };
  const { runtime, hosts } = placing;
  const names = hosts.map((host) => host.id).join(", ");
  // A plugin says by itself what its program is called, and hosts are asked for its own name.
  const named = own_runtimes.has(runtime)
    ? ""
    : ` (where its program has another name, write \`runtimes: [${runtime}]\` into the host's record)`;
  return {
    blocked: `${runtime} is not installed on ${names}: put it on the PATH of ${hosts.length === 1 ? "that host" : "one of them"}${named}, or give the task another agent`,
  };
}

function burden(host: Entry<"host">, placing: Placing): number {
  const answer = placing.answers.get(host.id);
  if (!answer || "fault" in answer) return Number.POSITIVE_INFINITY;
  return (answer.facts.load + (placing.given.get(host.id) ?? 0)) / Math.max(1, answer.facts.cores);
}

const earliest = (times: Date[]) => new Date(Math.min(...times.map((one) => one.getTime())));

const summed = (reasons: string[]) =>
  reasons.length <= 3 ? reasons.join("; ") : `${reasons.slice(0, 3).join("; ")}; and ${reasons.length - 3} more`;
