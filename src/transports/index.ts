// The variants, in one table.
import { configuration } from "../errors.ts";
import type { Transport } from "../ports.ts";
import { type LocalOptions, local } from "./local.ts";
import { ssh } from "./ssh.ts";

export interface TransportOptions extends LocalOptions {
  /** Socket of a running ssh agent. */
  agent?: string;
}

const variants = {
  ssh: ({ agent }: TransportOptions) => ssh({ agent }),
  local: (options: TransportOptions) => local(options),
} satisfies Record<string, (options: TransportOptions) => Transport>;

/** Throws a configuration Fault for a name that is not there. */
export function transport(name: string, options: TransportOptions): Transport {
  if (!Object.hasOwn(variants, name))
    throw configuration(
      `transport \`${name}\` is not there yet`,
      `write \`transport: ${Object.keys(variants).join("` or `")}\``,
    );
  return variants[name as keyof typeof variants](options);
}
