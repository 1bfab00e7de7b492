// The plugins of a pack as sources of a tick. Nothing of them is loaded, and no process started, before one is due.
import {
  isDue,
  markOf,
  orphans,
  type PluginMemory,
  type PluginPage,
  pluginNames,
  pluginSource,
} from "../core/plugins.ts";
import type { PluginSettings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import type { Poller, Repo } from "../ports.ts";
import { createTurns } from "../shell/turns.ts";
import { blobsAt } from "./code.ts";
import type { PluginPorts } from "./poller.ts";

/** Processes at a time, and the share of a CI job's time that all of them may take. */
const at_once = 3;
const share = 0.4;

export type Memories = Readonly<Record<string, PluginMemory>>;

export interface Plugins {
  /** Those that are due, and one that forgets for each that is gone. */
  sources(state: State, repo: Pick<Repo, "tree">, now: Date): Promise<Poller[]>;
  /** What the heartbeat is to remember. */
  memories(): Memories;
  /** Whether one was asked. */
  asked(): boolean;
  pages: ReadonlyMap<string, PluginPage>;
}

export function createPlugins(ports: PluginPorts, before: Memories = {}): Plugins {
  const fresh = new Map<string, PluginMemory>();
  const pages = new Map<string, PluginPage>();
  let kept: Memories = before;
  const turn = createTurns(at_once);
  let over: AbortSignal | undefined;

  const poller = (name: string, mark: string): Poller => ({
    name: pluginSource(name),
    poll: async (settings, now, context) => {
      over ??= AbortSignal.timeout(settings.tick.job * 1000 * share);
      const signal = context.signal ? AbortSignal.any([context.signal, over]) : over;
      const { pollPlugin } = await import("./poller.ts");
      const polled = await turn(() => pollPlugin(name, ports, settings, now, { ...context, signal }));
      fresh.set(name, { mark, ...polled.memory });
      if (polled.page) pages.set(name, polled.page);
      return polled.levels;
    },
  });

  return {
    pages,
    sources: async ({ settings, levels, tips }, repo, now) => {
      const gone = [...orphans(settings, levels)].map(([source, left]) => ({ name: source, poll: async () => left }));
      const names = pluginNames(settings);
      if (names.length === 0) return gone;
      const blobs = await blobsAt(repo, tips.policy, names);
      kept = Object.fromEntries(Object.entries(before).filter(([name]) => names.includes(name)));
      const due = names.flatMap((name) => {
        const mark = markOf(blobs.get(name)?.blob ?? "", settings.plugins[name] as PluginSettings);
        return isDue(before[name], mark, now) ? [poller(name, mark)] : [];
      });
      return [...due, ...gone];
    },
    memories: () => ({ ...kept, ...Object.fromEntries(fresh) }),
    asked: () => fresh.size > 0,
  };
}
