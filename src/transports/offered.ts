// A transport that a plugin offers: a program of this machine whose input and output are the connection. SSH by the library
// runs inside of it, with the pinned host key: the program carries bytes that it can neither read nor change unseen.
import { argumentsOf, type TransportOffer } from "../core/plugin-offers.ts";
import { oneLine } from "../core/text.ts";
import { configuration } from "../errors.ts";
import type { Transport } from "../ports.ts";
import { bare } from "./address.ts";
import { startChild, streamOf } from "./child.ts";
import { type SshOptions, ssh } from "./ssh.ts";

/** `env`: all that the program sees of ours. */
export interface Offered {
  offer: TransportOffer;
  env: Readonly<Record<string, string>>;
}

export function offered(plugin: string, { offer, env }: Offered, { agent }: Pick<SshOptions, "agent">): Transport {
  const dial: SshOptions["dial"] = (name, host) => {
    const values = { address: bare(host.address), port: String(host.port), user: host.user, host: name };
    // Only words of the plugin's own may be options.
    const option = Object.entries(values).find(([, value]) => value?.startsWith("-"));
    if (option)
      throw configuration(
        `${name}: \`${option[0]}\` begins with a dash, and ${offer.program} would take it for an option`,
        "write it without",
      );
    const child = startChild(offer.program, argumentsOf(offer.args, values), { env: { ...env }, stdio: "pipe" });
    child.once("error", () => {});
    return streamOf(
      child,
      (said) => `${offer.program} (transport ${plugin}) ended${said ? `: ${oneLine(said, 200)}` : ""}`,
    );
  };
  const inside = ssh({ ...(agent === undefined ? {} : { agent }), dial });
  return {
    name: plugin,
    async connect(name, host, options) {
      if (options.via)
        throw configuration(
          `${name}: \`jump\` does not go with \`transport: ${plugin}\``,
          "give the jump host's record that transport, and this one none",
        );
      return inside.connect(name, host, options);
    },
  };
}
