// Runs plugins as they stand in this folder, for their author: `towline plugin check` and `towline plugin setup`.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { byHand, merged, withPlugin } from "../core/plugin-edit.ts";
import { own_forges, own_runtimes, own_transports } from "../core/plugin-offers.ts";
import { type Declared, judgeDeclared } from "../core/plugins.ts";
import type { PluginSettings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { configuration, exit, messageOf, outside, usage } from "../errors.ts";
import { codeHere, namesHere, packageHere } from "../plugin/code.ts";
import { worldOf } from "../plugin/poller.ts";
import { type Code, PluginFault, runPlugin } from "../plugin/sandbox.ts";
import { contextOf, openSession, pollOf, taken } from "../plugin/session.ts";
import type { Repo, Tips } from "../ports.ts";
import { openLocal } from "../shell/pack.ts";
import { readWorkTree } from "../shell/read.ts";
import { writeWhole } from "../shell/write-whole.ts";
import { repoDir, secretOf, type Wire } from "../wire.ts";
import type { PluginFlags } from "./plugin.ts";

interface Here {
  top: string;
  state: State;
  repo: Repo;
  tips: Tips;
}

async function hereOf(wire: Wire, flags: PluginFlags): Promise<Here> {
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  return { repo, tips, top, state: await readWorkTree(repo, top, tips) };
}

async function codeOf({ top, state }: Here, name: string): Promise<Code> {
  const pack = state.settings.plugins[name]?.package;
  if (pack !== undefined) return packageHere([top], name, pack);
  const code = await codeHere(top, name);
  if (code) return code;
  const there = [...new Set([...(await namesHere(top)), ...Object.keys(state.settings.plugins)])];
  throw usage(
    `there is no plugin ${oneLine(name, 60)}`,
    there.length > 0 ? `there is ${there.join(", ")}` : `begin one: towline plugin new ${oneLine(name, 60)}`,
  );
}

/** What is wrong with one, or what it declares. */
async function look(here: Here, name: string): Promise<{ plugin: string; declared?: Declared; problem?: string }> {
  try {
    const code = await codeOf(here, name);
    const session = await openSession(code, here.state.settings.plugins[name] ?? {}, {});
    await session.close();
    const unknown = wrongActions(here.state, name, session.declared) ?? wrongUses(here.state, name, session.declared);
    return { plugin: name, declared: session.declared, ...(unknown ? { problem: unknown } : {}) };
  } catch (thrown) {
    if (!(thrown instanceof PluginFault)) throw thrown;
    return { plugin: name, problem: thrown.message };
  }
}

/** A rule that names an action of it that is not there. */
function wrongActions({ rules }: State, name: string, { actions }: Declared): string | null {
  for (const { path, data } of rules)
    for (const key of data.then.flatMap((action) => Object.keys(action)))
      if (key.startsWith(`${name}.`) && !Object.hasOwn(actions, key.slice(name.length + 1)))
        return `${path} wants \`${oneLine(key, 80)}\`, and it has ${Object.keys(actions).length === 0 ? "no actions" : `only ${Object.keys(actions).join(", ")}`}`;
  return null;
}

/** A record that wants what it does not offer, or may not do. */
function wrongUses(
  { agents, hosts, settings }: State,
  name: string,
  { runtime, transport, forge }: Declared,
): string | null {
  const agent = [...agents.values()].find(({ data }) => data.runtime === name);
  if (agent && !runtime && !own_runtimes.has(name)) return `${agent.path} has \`runtime: ${name}\`, and it offers none`;
  const host = [...hosts.values()].find(({ data }) => data.transport === name);
  if (host && !transport && !own_transports.has(name))
    return `${host.path} has \`transport: ${name}\`, and it offers none`;
  if (settings.forge?.name === name && !forge && !own_forges.has(name))
    return `towline.yml has \`forge: ${name}\`, and it offers none`;
  const { program } = settings.plugins[name] ?? {};
  return host && transport && program !== transport.program
    ? `its transport starts ${transport.program}, which towline.yml does not allow: write \`program: ${transport.program}\` below it there`
    : null;
}

export async function check(wire: Wire, only: string | undefined, flags: PluginFlags): Promise<void> {
  const here = await hereOf(wire, flags);
  const named = Object.keys(here.state.settings.plugins);
  const names = only === undefined ? [...new Set([...named, ...(await namesHere(here.top))])].sort() : [only];
  const rows = [];
  for (const name of names) rows.push(await look(here, name));
  if (rows.some(({ problem }) => problem !== undefined)) wire.exit(exit.findings);
  if (flags.json) return wire.out(`${JSON.stringify(rows, null, 2)}\n`);
  for (const { plugin, declared, problem } of rows) {
    wire.out(
      problem === undefined ? `✓ ${plugin}: ${declared ? oneLine(declared.title) : ""}\n` : `✗ ${plugin}: ${problem}\n`,
    );
    if (declared) for (const line of about(declared, plugin)) wire.out(`    ${line}\n`);
    if (!named.includes(plugin)) wire.out(`    it does not run yet: write \`${byHand(plugin, {})}\` in towline.yml\n`);
  }
  if (rows.length === 0) wire.out("There is no plugin. Begin one: towline plugin new NAME\n");
}

const about = (
  { kinds, options, actions, hooks, secrets, runtime, transport, forge }: Declared,
  name: string,
): string[] => [
  ...(runtime
    ? [
        `offers \`runtime: ${name}\`, by the program ${runtime.program ?? name} of the host: ${oneLine(runtime.says, 160)}`,
      ]
    : []),
  ...(forge ? [`offers \`forge: ${name}\`: ${oneLine(forge.says, 160)}`] : []),
  ...(transport
    ? [
        `offers \`transport: ${name}\`, by ${transport.program} of the machine that ticks run on: ${oneLine(transport.says, 160)}`,
      ]
    : []),
  ...Object.entries(kinds).map(([kind, says]) => `makes ${kind}: ${oneLine(says, 160)}`),
  ...Object.entries(options).map(
    ([name, { says, required }]) => `option ${name}${required ? " (required)" : ""}: ${oneLine(says, 160)}`,
  ),
  ...Object.entries(actions).map(([name, says]) => `action ${name}: ${oneLine(says, 160)}`),
  ...(hooks.length > 0 ? [`looks at every tick: ${hooks.join(", ")}`] : []),
  ...(secrets.length > 0 ? [`sees ${secrets.join(", ")}`] : []),
];

export async function setup(wire: Wire, name: string, flags: PluginFlags): Promise<void> {
  const here = await hereOf(wire, flags);
  const code = await codeOf(here, name);
  const before = here.state.settings.plugins[name];
  const declared = await declaredBy(code);
  const set = {
    ...given(flags.set ?? [], declared),
    ...(await asked(wire, declared, before, given(flags.set ?? [], declared))),
  };
  const settings = merged(before, set);
  const tried = await attempt(wire, here, code, settings).catch((thrown) => {
    if (!(thrown instanceof PluginFault) && (thrown as Error).name !== "SourceFault") throw thrown;
    throw outside(
      `${name} did not work with these settings: ${messageOf(thrown)}`,
      "nothing was written; mend them with --set option=value",
    );
  });
  const path = join(here.top, "towline.yml");
  const text = await readFile(path, "utf8");
  const next = withPlugin(text, name, set);
  if (next === null)
    throw configuration(
      `it works, and towline.yml is written in a way that is not changed by a program`,
      `write it by hand: ${byHand(name, set)}`,
    );
  if (next !== text) await writeWhole(path, next);
  if (flags.json)
    return wire.out(`${JSON.stringify({ plugin: name, set, changed: next !== text, ...tried }, null, 2)}\n`);
  wire.out(`✓ ${name} works: it gives ${tried.things} ${tried.things === 1 ? "thing" : "things"} now\n`);
  for (const line of tried.says) wire.out(`    ${oneLine(line, 300)}\n`);
  wire.out(
    next === text
      ? "    towline.yml names it already\n"
      : "    towline.yml was changed: ticks run it once that is on the default branch\n",
  );
}

async function declaredBy(code: Code): Promise<Declared> {
  const running = await runPlugin(code);
  try {
    return taken(judgeDeclared(await running.ask("describe"), code.name));
  } catch (thrown) {
    if (thrown instanceof PluginFault)
      throw configuration(`${code.place}: ${thrown.message}`, "mend it, then look with `towline plugin check`");
    throw thrown;
  } finally {
    await running.close();
  }
}

function given(set: string[], { options }: Declared): Record<string, string | string[]> {
  const pairs = set.map((one): [string, string | string[]] => {
    const at = one.indexOf("=");
    const key = one.slice(0, at);
    if (at < 1 || !Object.hasOwn(options, key))
      throw usage(
        `--set ${oneLine(one, 60)} names no option`,
        `there is ${Object.keys(options).join(", ") || "none"}; write --set option=value`,
      );
    const value = one.slice(at + 1);
    return [key, options[key]?.kind === "list" ? value.split(",") : value];
  });
  return Object.fromEntries(pairs);
}

/** What is required and not there yet, from the person at the terminal. */
async function asked(
  wire: Wire,
  { options }: Declared,
  before: PluginSettings | undefined,
  set: object,
): Promise<Record<string, string>> {
  const missing = Object.entries(options).filter(
    ([key, { required }]) =>
      required && !(key in set) && (before as Record<string, unknown> | undefined)?.[key] === undefined,
  );
  if (missing.length === 0) return {};
  if (!wire.terminal)
    throw usage(
      `${missing.map(([key]) => `\`${key}\``).join(", ")} must be set`,
      `write ${missing.map(([key]) => `--set ${key}=…`).join(" ")}`,
    );
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answers: Record<string, string> = {};
    for (const [key, { says }] of missing)
      answers[key] = (await lines.question(`${key} (${oneLine(says, 160)}): `)).trim();
    return answers;
  } finally {
    lines.close();
  }
}

/** One poll with the world as it is. */
async function attempt(
  wire: Wire,
  here: Here,
  code: Code,
  settings: PluginSettings,
): Promise<{ things: number; says: string[] }> {
  const session = await openSession(code, settings, {});
  try {
    const ports = { env: wire.env, secret: secretOf(wire), folders: [here.top] };
    const context = { known: here.state.levels, own: { repo: here.repo, tips: here.tips } };
    const world = worldOf(code.name, ports, here.state.settings, wire.clock.now(), context);
    const polled = await pollOf(session, settings, world);
    const says = session.declared.has.includes("setup")
      ? await session.ask("setup", await contextOf(session, world))
      : [];
    const lines = Array.isArray(says) ? says.filter((one): one is string => typeof one === "string").slice(0, 20) : [];
    return { things: polled?.things.length ?? 0, says: lines };
  } finally {
    await session.close();
  }
}
