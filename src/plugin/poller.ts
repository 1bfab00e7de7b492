// A plugin as a source of events, like any poller: it says what is so now, and its failing is its own.

import { pageText } from "../core/plugin-pages.ts";
import { hookLevels, judgeThings, levelsOf, type PluginMemory, pluginSource } from "../core/plugins.ts";
import type { PluginSettings, Settings } from "../core/schema.ts";
import { oneLine } from "../core/text.ts";
import { messageOf } from "../errors.ts";
import type { Level, PollContext } from "../ports.ts";
import { codeAt, pinnedPackage } from "./code.ts";
import { readAll, samplesOf } from "./read.ts";
import { type Code, type Limits, PluginFault } from "./sandbox.ts";
import { contextOf, openSession, pollOf, type Session, taken, type World } from "./session.ts";

export interface PluginPorts {
  env: Readonly<Record<string, string | undefined>>;
  /** A variable's value, masked from then on. */
  secret(name: string): string | undefined;
  /** Folders whose node_modules may hold packages. */
  folders: readonly string[];
  limits?: Partial<Limits>;
}

/** Asked for nothing by its own word: it is looked at again after this time, s. */
const rest = 1800;

export interface PolledNow {
  levels: Level[];
  memory: Omit<PluginMemory, "mark">;
  /** As text. */
  page?: string;
}

/** Never throws: what goes wrong is a level, and what was known stays. */
export async function pollPlugin(
  name: string,
  ports: PluginPorts,
  settings: Settings,
  now: Date,
  context: PollContext,
): Promise<PolledNow> {
  const own = settings.plugins[name] as PluginSettings;
  const at = Math.floor(now.getTime() / 1000);
  let every = own.every ?? rest;
  let session: Session | null = null;
  try {
    const code = await codeOf(name, ports, own, context);
    session = await openSession(code, own, { signal: context.signal, limits: ports.limits ?? {} });
    const { declared } = session;
    every = own.every ?? declared.every;
    const world = worldOf(name, ports, settings, now, context);
    const polled = await pollOf(session, own, world);
    const levels = polled ? levelsOf(name, declared, polled.things, context.known) : [];
    if (declared.hooks.includes("tick")) levels.push(...(await atBeginning(name, session, world)));
    if (declared.hooks.includes("tick")) every = 0;
    const hooks = declared.hooks.some((one) => one !== "tick");
    return { levels, memory: { at, every, hooks }, ...(polled?.page ? { page: pageText(polled.page) } : {}) };
  } catch (thrown) {
    return { levels: [failed(name, thrown, context)], memory: { at, every } };
  } finally {
    await session?.close();
  }
}

async function atBeginning(name: string, session: Session, world: World): Promise<Level[]> {
  const seen = { ...(await contextOf(session, world)), phase: "tick", pupdates: [], tasks: [], overview: "" };
  return hookLevels(name, taken(judgeThings(await session.ask("hook", seen), session.declared)));
}

export function failed(name: string, thrown: unknown, { signal }: Pick<PollContext, "signal">): Level {
  const why = signal?.aborted ? "there was no time left for it in this tick" : oneLine(messageOf(thrown), 400);
  const source = pluginSource(name);
  const title = `plugin ${name} failed: ${why}`;
  return { source, subject: source, family: "source", kind: "source.failed", title, data: { plugin: name, why } };
}

export async function codeOf(
  name: string,
  ports: PluginPorts,
  own: PluginSettings,
  { own: pack }: Pick<PollContext, "own">,
): Promise<Code> {
  if (own.package !== undefined) return pinnedPackage(ports.folders, name, own);
  if (!pack) throw new PluginFault("there is no repository to read it from");
  return codeAt(pack.repo, pack.tips.policy, name);
}

export function worldOf(name: string, ports: PluginPorts, settings: Settings, now: Date, context: PollContext): World {
  return {
    now,
    zone: settings.zone,
    known: context.known
      .filter(({ source, family }) => source === pluginSource(name) && family === "thing")
      .map(({ subject, kind, state }) => ({ subject, kind, state })),
    hosts: () => samplesOf(context, now),
    secret: ports.secret,
    read: (wishes) => readAll(wishes, ports.env, context.signal),
  };
}
