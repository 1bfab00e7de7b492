// The plugins of a pack as sources of a tick. Nothing of them is loaded, and no process started, before one is due.
import type { Decision } from "../core/decide.ts";
import { isDue, markOf, orphans, type PluginMemory, pluginNames, pluginSource } from "../core/plugins.ts";
import type { PluginSettings, Settings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import type { Level, PollContext, Poller, Repo } from "../ports.ts";
import { createTurns } from "../shell/turns.ts";
import type { PluginPorts } from "./poller.ts";

/** Processes at a time, and the share of a CI job's time that all of them may take. */
const at_once = 3;
const share = 0.4;

/** What the heartbeat carries from one tick to the next. */
export interface Memories {
  polled: Readonly<Record<string, PluginMemory>>;
  /** Calls that were made, as long as they stand in the ledger. */
  called?: readonly string[] | undefined;
  /** Plugins whose last call failed, with the reason. */
  failing?: Readonly<Record<string, string>> | undefined;
}

export interface Plugins {
  /** Those that are due, and one that forgets for each that is gone. */
  sources(state: State, now: Date): Promise<Poller[]>;
  hooks(decision: Decision, now: Date, signal: AbortSignal | undefined): Promise<Level[]>;
  /** Makes the calls that stand in the record; `did`: the heartbeat has something to remember. */
  act(state: State, now: Date, signal: AbortSignal | undefined): Promise<{ did: boolean; degraded?: string }>;
  memories(): Memories;
}

export function createPlugins(
  ports: PluginPorts & { repo: Pick<Repo, "tree" | "blobs" | "diff" | "people"> },
  before: Memories = { polled: {} },
): Plugins {
  const fresh = new Map<string, PluginMemory>();
  const turn = createTurns(at_once);
  let [polled, called, failing] = [before.polled, before.called ?? [], before.failing ?? {}];
  let over: AbortSignal | undefined;
  const limited = ({ tick }: Settings, signal: AbortSignal | undefined): AbortSignal => {
    over ??= AbortSignal.timeout(tick.job * 1000 * share);
    return signal ? AbortSignal.any([signal, over]) : over;
  };
  const contextOf = (state: State, signal: AbortSignal | undefined): PollContext => ({
    known: state.levels,
    own: { repo: ports.repo, tips: state.tips },
    signal: limited(state.settings, signal),
  });

  const poller = (name: string, mark: string): Poller => ({
    name: pluginSource(name),
    poll: async (settings, now, context) => {
      const { pollPlugin } = await import("./poller.ts");
      const signal = limited(settings, context.signal);
      const { levels, memory, page } = await turn(() => pollPlugin(name, ports, settings, now, { ...context, signal }));
      // One that others left no time for stays due: it goes on with the next tick.
      if (!signal.aborted) fresh.set(name, { mark, ...memory });
      if (page !== undefined) context.page?.(name, page);
      return levels;
    },
  });

  return {
    sources: async (state, now) => {
      const { settings, levels, tips } = state;
      const gone = [...orphans(settings, levels)].map(([name, left]) => ({ name, poll: async () => left }));
      const names = pluginNames(settings);
      if (names.length === 0) return gone;
      const { blobsAt } = await import("./code.ts");
      const blobs = await blobsAt(ports.repo, tips.policy, names);
      polled = Object.fromEntries(Object.entries(before.polled).filter(([name]) => names.includes(name)));
      const due = names.flatMap((name) => {
        const mark = markOf(blobs.get(name)?.blob ?? "", settings.plugins[name] as PluginSettings);
        return isDue(before.polled[name], mark, now) ? [poller(name, mark)] : [];
      });
      return [...due, ...names.flatMap((name) => actionSource(name, before.failing?.[name], levels)), ...gone];
    },
    hooks: async (decision, now, signal) => {
      const { draft } = decision;
      const names = pluginNames(draft.settings).filter((name) => (fresh.get(name) ?? polled[name])?.hooks);
      if (names.length === 0) return [];
      const { askHooks } = await import("./hooks.ts");
      const context = contextOf(draft, signal);
      const asked = names.map((name) => turn(() => askHooks(name, ports, decision, draft.settings, now, context)));
      return (await Promise.all(asked)).flat();
    },
    act: async (state, now, signal) => {
      const ids = new Set((state.calls ?? []).map(({ id }) => id));
      const known = new Set(called.filter((id) => ids.has(id)));
      called = [...known];
      if (known.size === ids.size) return { did: fresh.size > 0 };
      const { act } = await import("./act.ts");
      const { done, failed } = await act(state, known, ports, now, contextOf(state, signal));
      called = [...called, ...done];
      failing = Object.fromEntries(failed);
      const degraded = [...failed].map(([name, why]) => `an action of ${name} failed: ${why}`).join("; ");
      return { did: fresh.size + done.length + failed.size > 0, ...(degraded === "" ? {} : { degraded }) };
    },
    memories: () => ({ polled: { ...polled, ...Object.fromEntries(fresh) }, called, failing }),
  };
}

/** How a plugin's actions fare, where they do not, or did not. */
function actionSource(name: string, why: string | undefined, levels: State["levels"]): Poller[] {
  const source = `${pluginSource(name)}/actions`;
  const was = levels.some((row) => row.source === source && row.kind === "source.failed");
  if (why === undefined && !was) return [];
  const same = { source, subject: source, family: "source" };
  const title = `an action of plugin ${name} failed: ${why}`;
  const failed: Level = { ...same, kind: "source.failed", title, data: { plugin: name, why } };
  const ok: Level = { ...same, kind: "source.ok", first: "calm", title: `actions of plugin ${name} work again` };
  return [{ name: source, poll: async () => [why === undefined ? ok : failed] }];
}
