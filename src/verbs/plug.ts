// What plugins of the pack offer, for verbs that start work or call machines by themselves.
import { pluginNames } from "../core/plugins.ts";
import type { ForgeOptions } from "../forges/index.ts";
import { createPlug, type Plug } from "../plugin/plug.ts";
import { openLocal, openOrigin } from "../shell/pack.ts";
import { readPair } from "../shell/read.ts";
import type { Offers } from "../transports/index.ts";
import { secretOf, type Wire } from "../wire.ts";

export interface Offered {
  runtime: Plug["runtime"];
  /** By the default branch of origin, whatever is checked out. */
  transports: Offers;
  forges: NonNullable<ForgeOptions["offers"]>;
}

/**
 * The repository is opened once a plugin is asked for. What a transport starts on this machine, and which secrets a forge
 * gets, says the default branch of origin alone: whoever looks at a proposal has it checked out.
 */
export function plugOf(wire: Wire, dir: string): Offered {
  const made = (repo: Parameters<typeof createPlug>[0]["repo"]) =>
    createPlug({ env: wire.env, secret: secretOf(wire), folders: [dir], repo });
  const onOrigin = async () => {
    const { repo, tips } = await openOrigin(dir, wire);
    return { plug: made(repo), state: await readPair(repo, tips) };
  };
  const onHere = async () => made((await openLocal(dir, wire)).repo);
  let opening: ReturnType<typeof onHere> | undefined;
  let asking: ReturnType<typeof onOrigin> | undefined;
  const origin = () => {
    asking ??= onOrigin();
    return asking;
  };
  return {
    runtime: async (state, name) => {
      if (!pluginNames(state.settings).includes(name)) return;
      opening ??= onHere();
      await (await opening).runtime(state, name);
    },
    transports: async (name) => {
      const { plug, state } = await origin();
      return plug.transport(state, name);
    },
    forges: async (name) => {
      const { plug, state } = await origin();
      return plug.forge(state, name);
    },
  };
}
