// What plugins of the pack offer, for verbs that start work or call machines by themselves.
import { pluginNames } from "../core/plugins.ts";
import type { ForgeOptions } from "../forges/index.ts";
import { createPlug, noSuchWay, type Plug } from "../plugin/plug.ts";
import { openLocal } from "../shell/pack.ts";
import type { Offers } from "../transports/index.ts";
import { secretOf, type Wire } from "../wire.ts";

type Plugged = NonNullable<ForgeOptions["offers"]>;

/** The repository is opened once a plugin is asked for. */
export function plugOf(wire: Wire, dir: string): Plug & { here: Offers; forgeHere: Plugged } {
  let opening: ReturnType<typeof opened> | undefined;
  const opened = async () => {
    const { repo, tips } = await openLocal(dir, wire);
    return { repo, tips, plug: createPlug({ env: wire.env, secret: secretOf(wire), folders: [dir], repo }) };
  };
  const open = () => {
    opening ??= opened();
    return opening;
  };
  const read = async () => {
    const { repo, tips, plug } = await open();
    const { readPair } = await import("../shell/read.ts");
    return { plug, state: await readPair(repo, tips) };
  };
  return {
    runtime: async (state, name) => {
      if (pluginNames(state.settings).includes(name)) await (await open()).plug.runtime(state, name);
    },
    transport: async (state, name) => {
      if (!pluginNames(state.settings).includes(name)) throw noSuchWay(name);
      return (await open()).plug.transport(state, name);
    },
    forge: async (state, name) => (await open()).plug.forge(state, name),
    // By the settings of the default branch, whatever stands in the work tree: they say what may be started here.
    here: async (name) => {
      const { plug, state } = await read();
      return plug.transport(state, name);
    },
    forgeHere: async (name) => {
      const { plug, state } = await read();
      return plug.forge(state, name);
    },
  };
}
