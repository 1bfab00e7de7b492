// What plugins offer to agents and hosts, for whoever needs it now: nothing is loaded before work is to start, or a result
// or a host to be read, by that offer. Asked once for a commit of the default branch.
import type { TransportOffer } from "../core/plugin-offers.ts";
import { type Declared, pluginNames } from "../core/plugins.ts";
import type { PluginSettings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { configuration } from "../errors.ts";
import type { ForgeCalls } from "../forges/offered.ts";
import type { Repo } from "../ports.ts";
import type { PluginPorts } from "./poller.ts";

type Of = Pick<State, "settings" | "tips" | "plugged">;
type Found = { declared: Declared } | { fault: string };

export interface Plug {
  /** Learns whether a plugin offers this runtime, into the state; of what is towline's own, and of no plugin, nothing. */
  runtime(state: Of, name: string): Promise<void>;
  /** Throws a configuration Fault where a plugin offers no such forge. Nothing is asked yet. */
  forge(state: Of, name: string): Promise<ForgeCalls>;
  /** Throws a configuration Fault where a plugin offers no such thing, or may not. */
  transport(state: Of, name: string): Promise<{ offer: TransportOffer; env: Record<string, string> }>;
}

export function createPlug(
  ports: PluginPorts & { repo: Pick<Repo, "tree" | "blobs" | "diff" | "people"> },
  signal?: AbortSignal,
): Plug {
  const asked = new Map<string, Promise<Found>>();
  const found = (state: Of, name: string): Promise<Found> => {
    const key = `${state.tips.policy} ${name}`;
    const going = asked.get(key) ?? describe(state, name);
    asked.set(key, going);
    return going;
  };
  async function describe({ settings, tips }: Of, name: string): Promise<Found> {
    const own = settings.plugins[name] as PluginSettings;
    const [{ codeOf }, { openSession }, { PluginFault }] = await Promise.all([
      import("./poller.ts"),
      import("./session.ts"),
      import("./sandbox.ts"),
    ]);
    try {
      const code = await codeOf(name, ports, own, { own: { repo: ports.repo, tips } });
      const session = await openSession(code, own, { signal, limits: ports.limits ?? {} });
      await session.close();
      return { declared: session.declared };
    } catch (thrown) {
      if (!(thrown instanceof PluginFault)) throw thrown;
      return { fault: oneLine(thrown.message, 300) };
    }
  }

  return {
    runtime: async (state, name) => {
      if (!pluginNames(state.settings).includes(name)) return;
      state.plugged ??= new Map();
      const one = await found(state, name);
      if ("fault" in one) state.plugged.set(name, one);
      else {
        const { runtime } = one.declared;
        state.plugged.set(name, runtime ? { offer: runtime } : { fault: "it offers no runtime" });
      }
    },
    forge: async (state, name) => {
      const one = pluginNames(state.settings).includes(name) ? await found(state, name) : null;
      if (one === null)
        throw configuration(
          `there is no forge \`${oneLine(name, 60)}\``,
          "name the plugin below `plugins:` in towline.yml",
        );
      if ("fault" in one) throw configuration(`\`forge: ${name}\` is a plugin's: ${one.fault}`, "mend the plugin");
      const { forge } = one.declared;
      if (!forge) throw configuration(`the plugin ${name} offers no forge`, "write `forge: git`");
      const [{ forgeCalls }, { codeOf, worldOf }] = await Promise.all([import("./forge.ts"), import("./poller.ts")]);
      const own = state.settings.plugins[name] as PluginSettings;
      const context = { known: [], own: { repo: ports.repo, tips: state.tips } };
      const world = worldOf(name, ports, state.settings, new Date(), context);
      const ask = forgeCalls({ name, own, ports, world, signal, code: () => codeOf(name, ports, own, context) });
      return { can: forge.can, ask };
    },
    transport: async (state, name) => {
      if (!pluginNames(state.settings).includes(name)) throw noSuchWay(name);
      const own = state.settings.plugins[name] as PluginSettings;
      const one = await found(state, name);
      if ("fault" in one) throw configuration(`\`transport: ${name}\` is a plugin's: ${one.fault}`, "mend the plugin");
      const { transport } = one.declared;
      if (!transport) throw configuration(`the plugin ${name} offers no transport`, "write `transport: ssh`");
      const { program } = transport;
      if (own.program !== program)
        throw configuration(
          `\`transport: ${name}\` wants to start ${program} here, which towline.yml does not allow`,
          `write \`plugins: {${name}: {program: ${program}}}\` there`,
        );
      const other = transport.env.find((one) => !own.secrets?.includes(one));
      if (other !== undefined)
        throw configuration(
          `\`transport: ${name}\` wants ${other} for ${program}, which towline.yml does not allow`,
          `write \`secrets: [${other}]\` below the plugin there`,
        );
      const env = Object.fromEntries(transport.env.map((one) => [one, ports.secret(one) ?? ""]));
      return { offer: transport, env };
    },
  };
}

/** What connections to hosts are to know of plugins, by what was read last. */
export const offersOf = (plug: Pick<Plug, "transport">, state: Read = () => undefined) => ({
  ...namedBy(state),
  offers: async (name: string) => {
    const known = state();
    if (!known) throw noSuchWay(name);
    return plug.transport(known, name);
  },
});

type Read = () => (Of & Pick<State, "agents">) | undefined;

export const namedBy = (state: Read) => ({
  /** Runtimes that agents name: a host is asked for programs of these names. */
  offered: () => {
    const known = state();
    if (!known) return [];
    const named = new Set([...known.agents.values()].map(({ data }) => data.runtime));
    if (known.settings.defaults.runtime) named.add(known.settings.defaults.runtime);
    return pluginNames(known.settings).filter((name) => named.has(name));
  },
});

const noSuchWay = (name: string) =>
  configuration(
    `there is no transport \`${oneLine(name, 60)}\``,
    "write `transport: ssh`, `openssh` or `local`, or the name of a plugin that towline.yml names",
  );
