import { pluginSource } from "../core/plugins.ts";
import type { PluginSettings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { codeAt, codeHere, digestOf, namesHere, packageHere } from "../plugin/code.ts";
import { type Code, PluginFault } from "../plugin/sandbox.ts";
import { openLocal } from "../shell/pack.ts";
import { readPair, readWorkTree } from "../shell/read.ts";
import { repoDir, type Wire } from "../wire.ts";
import type { PluginFlags } from "./plugin.ts";

interface Row {
  plugin: string;
  place: string;
  /** Of what ticks run; null: nothing. */
  digest: string | null;
  /** Of what this folder has, where that is another. */
  here?: string;
  /** Records that use what it offers. */
  used?: string[];
  state: "on" | "off" | "not named" | "failing" | "refused";
  why?: string;
}

export async function list(wire: Wire, flags: PluginFlags): Promise<void> {
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  const [there, here] = [await readPair(repo, tips), await readWorkTree(repo, top, tips)];
  const all = { ...here.settings.plugins, ...there.settings.plugins };
  const names = [...new Set([...Object.keys(all), ...(await namesHere(top))])].sort();
  const rows = await Promise.all(
    names.map(async (plugin): Promise<Row> => {
      const settings = there.settings.plugins[plugin];
      const ticks = await or(() =>
        all[plugin]?.package ? bought(top, plugin, all[plugin]) : codeAt(repo, tips.policy, plugin),
      );
      const own = all[plugin]?.package ? null : await codeHere(top, plugin);
      const place = ticks.code?.place ?? own?.place ?? `plugins/${plugin}.ts`;
      const digest = ticks.code && digestOf(ticks.code);
      const other = own && digestOf(own) !== digest ? { here: digestOf(own) } : {};
      const fails = there.levels.some((row) => row.source === pluginSource(plugin) && row.kind === "source.failed");
      const state = stateOf(settings, ticks, digest, { fails, here: plugin in here.settings.plugins });
      const used = usersOf(here, plugin);
      return { plugin, place, digest, ...other, ...(used.length > 0 ? { used } : {}), ...state };
    }),
  );
  if (flags.json) return wire.out(`${JSON.stringify(rows, null, 2)}\n`);
  if (rows.length === 0) return wire.out("There is no plugin. Begin one: towline plugin new NAME\n");
  const width = Math.max(...rows.map(({ plugin }) => plugin.length));
  for (const row of rows) wire.out(`${line(row, width)}\n`);
}

const usersOf = ({ agents, hosts, settings }: State, name: string): string[] => [
  ...[...agents.values()].filter(({ data }) => data.runtime === name).map(({ path }) => path),
  ...[...hosts.values()].filter(({ data }) => data.transport === name).map(({ path }) => path),
  ...(settings.forge?.name === name ? ["towline.yml (forge)"] : []),
];

const bought = (top: string, name: string, settings: PluginSettings) =>
  packageHere([top], name, settings.package as string);

type Found = { code: Code | null; why?: string };

async function or(read: () => Promise<Code>): Promise<Found> {
  try {
    return { code: await read() };
  } catch (thrown) {
    if (thrown instanceof PluginFault) return { code: null, why: thrown.message };
    throw thrown;
  }
}

function stateOf(
  settings: PluginSettings | undefined,
  { code, why }: Found,
  digest: string | null,
  { fails, here }: { fails: boolean; here: boolean },
): Pick<Row, "state" | "why"> {
  if (!settings && here) return { state: "not named", why: "commit and push: only this folder's towline.yml names it" };
  if (!settings) return { state: "not named", why: "write it below `plugins:` in towline.yml on the default branch" };
  if (settings.off) return { state: "off" };
  if (!code) return { state: "refused", ...(why === undefined ? {} : { why }) };
  if (settings.package !== undefined && settings.digest !== digest)
    return {
      state: "refused",
      why: `towline.yml pins ${settings.digest?.slice(0, 12) ?? "nothing"}: look at its code, then write \`digest: ${digest}\``,
    };
  return fails ? { state: "failing", why: "its last poll failed: towline plugin check shows more" } : { state: "on" };
}

const glyphs: Record<Row["state"], string> = { on: "●", off: "‖", "not named": "○", failing: "◐", refused: "✗" };

const line = ({ plugin, place, digest, here, used, state, why }: Row, width: number) =>
  [
    `${glyphs[state]} ${plugin.padEnd(width)}  ${state.padEnd(9)}  ${(digest ?? "—").slice(0, 12).padEnd(12)}  ${place}`,
    ...(here === undefined
      ? []
      : [
          `    this folder has ${digest === null ? "one" : "another one"}, ${here.slice(0, 12)}: ticks run it once it is on the default branch`,
        ]),
    ...(used === undefined
      ? []
      : [`    used by ${used.slice(0, 5).join(", ")}${used.length > 5 ? ` and ${used.length - 5} more` : ""}`]),
    ...(why === undefined ? [] : [`    ${why}`]),
  ].join("\n");
