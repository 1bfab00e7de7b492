// Agents whose runtime stays on a host only as long as their work.
import { neededOnHost } from "./agent-needs.ts";
import type { Entry } from "./entry.ts";
import { isOver } from "./jobs.ts";
import type { State } from "./state.ts";

/**
 * Hosts of these ended jobs on which nothing is open any more, with the runtimes that ephemeral agents may have left
 * there. Any job may be the last one: what could not go under it goes after it.
 */
export function toClear(state: State, jobs: Iterable<Entry<"job">>): Map<string, Set<string>> {
  const agents = [...state.agents.values()].filter(({ data }) => data.ephemeral);
  const runtimes = new Set(agents.map(({ data }) => neededOnHost(data)));
  if (runtimes.size === 0) return new Map();
  const busy = new Set([...state.jobs.values()].flatMap((job) => (isOver(job) ? [] : (job.data.host ?? []))));
  const hosts = [...jobs].flatMap((job) => (isOver(job) ? (job.data.host ?? []) : []));
  return new Map(hosts.filter((host) => !busy.has(host)).map((host) => [host, runtimes]));
}
