// What plugins of the pack offer, for verbs that start work or call machines by themselves.
import { pluginNames } from "../core/plugins.ts";
import { createPlug, noSuchWay, type Plug } from "../plugin/plug.ts";
import { openLocal } from "../shell/pack.ts";
import type { Offers } from "../transports/index.ts";
import { secretOf, type Wire } from "../wire.ts";

/** The repository is opened once a plugin is asked for. */
export function plugOf(wire: Wire, dir: string): Plug & { here: Offers } {
  let opening: ReturnType<typeof opened> | undefined;
  const opened = async () => {
    const { repo, tips } = await openLocal(dir, wire);
    return { repo, tips, plug: createPlug({ env: wire.env, secret: secretOf(wire), folders: [dir], repo }) };
  };
  const open = () => {
    opening ??= opened();
    return opening;
  };
  return {
    runtime: async (state, name) => {
      if (pluginNames(state.settings).includes(name)) await (await open()).plug.runtime(state, name);
    },
    transport: async (state, name) => {
      if (!pluginNames(state.settings).includes(name)) throw noSuchWay(name);
      return (await open()).plug.transport(state, name);
    },
    // By the settings of the default branch, whatever stands in the work tree: they say what may be started here.
    here: async (name) => {
      const { repo, tips, plug } = await open();
      const { readPair } = await import("../shell/read.ts");
      return plug.transport(await readPair(repo, tips), name);
    },
  };
}
