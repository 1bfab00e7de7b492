// The variants, in one table.
import type { OwnTransport } from "../core/plugin-offers.ts";
import { configuration } from "../errors.ts";
import type { Transport } from "../ports.ts";
import { type LocalOptions, local } from "./local.ts";
import { type Offered, offered } from "./offered.ts";
import { openssh } from "./openssh.ts";
import { ssh } from "./ssh.ts";

export interface TransportOptions extends LocalOptions {
  /** Socket of a running ssh agent. */
  agent?: string;
  /** The environment of the system's ssh client. */
  env?: Readonly<Record<string, string>>;
}

const variants = {
  ssh: ({ agent }: TransportOptions) => ssh({ agent }),
  openssh: ({ env, home, path }: TransportOptions) => openssh({ env: { HOME: home, PATH: path, ...env } }),
  local: (options: TransportOptions) => local(options),
} satisfies Record<OwnTransport, (options: TransportOptions) => Transport>;

/** Throws a configuration Fault for a name that is not there. */
export function transport(name: string, options: TransportOptions): Transport {
  if (!Object.hasOwn(variants, name))
    throw configuration(
      `there is no transport \`${name}\``,
      `write \`transport: ${Object.keys(variants).join("` or `")}\``,
    );
  return variants[name as keyof typeof variants](options);
}

/** What plugins offer, by name. Throws a configuration Fault where there is no such thing, or where it may not. */
export type Offers = (transport: string) => Promise<Offered>;

/** One of ours, or a plugin's. */
export async function transportBy(name: string, options: TransportOptions, offers?: Offers): Promise<Transport> {
  if (!offers || Object.hasOwn(variants, name)) return transport(name, options);
  const { offer, env } = await offers(name);
  // Of our environment: where its program and its settings are. No login of ours, and no agent with keys.
  return offered(name, { offer, env: { HOME: options.home, PATH: options.path, ...env } }, options);
}
