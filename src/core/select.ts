// Which hosts a selector names: a host's name, `label:x`, `any` or `all`.
import type { Entry } from "./entry.ts";

/** Hosts that a list of selectors names, in name order. */
export function selectHosts(selectors: string[] | undefined, hosts: Iterable<Entry<"host">>): Entry<"host">[] {
  const wanted = selectors && selectors.length > 0 ? selectors : ["any"];
  return [...hosts]
    .filter((host) => wanted.some((selector) => names(selector, host)))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function names(selector: string, host: Entry<"host">): boolean {
  if (selector === "any" || selector === "all") return true;
  if (selector.startsWith("label:")) return host.data.labels?.includes(selector.slice(6)) ?? false;
  return selector === host.id;
}

/** `hosts: all` is short for `any` with `spread: each`. */
export const isEach = (task: { spread: string; hosts?: string[] | undefined }) =>
  task.spread === "each" || (task.hosts?.includes("all") ?? false);
