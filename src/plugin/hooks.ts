// What plugins are shown of a tick before it is recorded: what happened and how it was judged, how tasks stand.
import type { Decision } from "../core/decide.ts";
import { hookLevels, judgeThings, phases, pluginSource } from "../core/plugins.ts";
import type { PluginSettings, Settings } from "../core/schema.ts";
import type { Level, PollContext } from "../ports.ts";
import type { Seen } from "./define.ts";
import { codeOf, failed, type PluginPorts, worldOf } from "./poller.ts";
import { contextOf, openSession, type Session, taken } from "./session.ts";

/** Rows of each list that they are shown. */
const most = 500;

/** What all its hooks tell. Never throws. */
export async function askHooks(
  name: string,
  ports: PluginPorts,
  decision: Decision,
  settings: Settings,
  now: Date,
  context: PollContext,
): Promise<Level[]> {
  const own = settings.plugins[name] as PluginSettings;
  let session: Session | null = null;
  try {
    session = await openSession(await codeOf(name, ports, own, context), own, {
      ...{ signal: context.signal, limits: ports.limits ?? {} },
    });
    const given = await contextOf(session, worldOf(name, ports, settings, now, context));
    const levels: Level[] = [];
    for (const phase of phases.filter((one) => one !== "tick" && session?.declared.hooks.includes(one))) {
      const seen: Seen = { ...given, ...shown(decision), phase };
      levels.push(...hookLevels(name, taken(judgeThings(await session.ask("hook", seen), session.declared))));
    }
    return [...levels, ...mended(name, context)];
  } catch (thrown) {
    const source = hooksOf(name);
    return [{ ...failed(name, thrown, context), source, subject: source }];
  } finally {
    await session?.close();
  }
}

const hooksOf = (name: string) => `${pluginSource(name)}/hooks`;

/** Said only where the ledger knows that they failed. */
function mended(name: string, { known }: PollContext): Level[] {
  const source = hooksOf(name);
  const failing = known.some((row) => row.source === source && row.kind === "source.failed");
  const title = `plugin ${name} looks at ticks again`;
  return failing ? [{ source, subject: source, family: "source", kind: "source.ok", title }] : [];
}

function shown({ draft, changes }: Decision): Pick<Seen, "pupdates" | "tasks" | "overview"> {
  const pupdates = draft.pupdates.slice(0, most).map(({ kind, source, subject, title, verdict = "ignored", rule }) => ({
    ...{ kind, source, subject, title, verdict, rule },
  }));
  const tasks = [...draft.status.values()].slice(0, most).map(({ id, data }) => ({
    ...{ id, title: data.title, state: data.state, reason: data.reason, since: data.since },
  }));
  const overview = changes.get("OVERVIEW.md") ?? draft.texts.get("OVERVIEW.md");
  return { pupdates, tasks, overview: typeof overview === "string" ? overview : "" };
}
