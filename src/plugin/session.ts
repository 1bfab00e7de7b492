// One run of one plugin: its process, what it declares, and its answers, each judged before anything is made of it.

import { judgeFetches, optionsOf, type Wish } from "../core/plugin-options.ts";
import { judgePage, type PluginPage } from "../core/plugin-pages.ts";
import { type Declared, type GivenThing, type Judged, judgeDeclared, judgeThings } from "../core/plugins.ts";
import type { PluginSettings } from "../core/schema.ts";
import type { Context } from "./define.ts";
import { type Allowed, type Code, PluginFault, runPlugin } from "./sandbox.ts";

export interface Session {
  declared: Declared;
  /** Options as the plugin declares them. */
  options: Record<string, unknown>;
  ask(call: string, given: object): Promise<unknown>;
  close(): Promise<void>;
}

/** What a poll of it came to. */
export interface Polled {
  things: GivenThing[];
  page?: PluginPage;
}

/** What the world gives it. */
export interface World {
  now: Date;
  zone: string;
  known: Context["known"];
  hosts(): Promise<Context["hosts"]>;
  secret(name: string): string | undefined;
  read(wishes: Record<string, Wish>): Promise<Record<string, string>>;
}

export function taken<T>(judged: Judged<T>): T {
  if ("fault" in judged) throw new PluginFault(judged.fault);
  return judged.value;
}

/** Throws a PluginFault where it cannot be loaded, or its settings do not fit. */
export async function openSession(code: Code, settings: PluginSettings, allowed: Allowed): Promise<Session> {
  const running = await runPlugin(code, { network: settings.network === true, ...allowed });
  try {
    const declared = taken(judgeDeclared(await running.ask("describe"), code.name));
    const options = taken(optionsOf(declared, settings));
    const missing = declared.secrets.find((name) => !settings.secrets?.includes(name));
    if (missing !== undefined)
      throw new PluginFault(
        `it wants to see ${missing}, which towline.yml does not allow: write \`secrets: [${missing}]\` below it`,
      );
    return { declared, options, ...running };
  } catch (thrown) {
    await running.close();
    throw thrown;
  }
}

/** What every call of it is given. */
export async function contextOf({ declared, options }: Session, world: World): Promise<Context> {
  return {
    now: world.now.toISOString(),
    zone: world.zone,
    options,
    known: world.known,
    fetched: {},
    hosts: declared.needs.includes("hosts") ? await world.hosts() : [],
    secrets: Object.fromEntries(declared.secrets.map((name) => [name, world.secret(name) ?? ""])),
  };
}

/** Reads what it wants read, and asks what is so now; null: it polls nothing. */
export async function pollOf(session: Session, settings: PluginSettings, world: World): Promise<Polled | null> {
  const { declared, ask } = session;
  const has = new Set(declared.has);
  if (!has.has("poll") && !has.has("page")) return null;
  const context = await contextOf(session, world);
  if (has.has("fetch")) {
    const wishes = taken(judgeFetches(await ask("fetch", context), settings));
    context.fetched = await world.read(wishes);
  }
  const things = has.has("poll") ? taken(judgeThings(await ask("poll", context), declared)) : [];
  const page = has.has("page") ? taken(judgePage(await ask("page", context))) : undefined;
  return page ? { things, page } : { things };
}
