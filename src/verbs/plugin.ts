import type { Command } from "commander";
import type { Common, Wire } from "../wire.ts";

export interface PluginFlags extends Common {
  /** `new`: the plugin of towline's own that it begins as. */
  like?: string;
  /** `new`: what it is to be. */
  kind?: string;
  /** `setup`: `option=value`. */
  set?: string[];
}

/** Adds `towline plugin …`. What runs plugins is loaded when one of them is asked for. */
export function plugin(program: Command, wire: Wire): void {
  const group = program
    .command("plugin")
    .description("programs of this pack that look at something for it (docs/plugins.md)");
  const verb = (name: string, about: string) =>
    group
      .command(name)
      .description(about)
      .option("--repo <dir>", "the pack repository", ".")
      .option("--json", "print it as JSON");
  verb("list", "all plugins: which run, where their code is, and its digest").action(async (flags: PluginFlags) =>
    (await import("./plugin-list.ts")).list(wire, flags),
  );
  verb("check [name]", "load them as this folder has them: what they declare, and what is amiss").action(
    async (name: string | undefined, flags: PluginFlags) =>
      (await import("./plugin-check.ts")).check(wire, name, flags),
  );
  verb("new <name>", "write plugins/NAME.ts to start from, and name it in towline.yml")
    .option("--kind <kind>", "what it is to be: poller (default), runtime, transport or forge")
    .option("--like <plugin>", "begin as one of towline's own: alertmanager, inbox, disk-trend or gitea")
    .action(async (name: string, flags: PluginFlags) => (await import("./plugin-new.ts")).create(wire, name, flags));
  verb("setup <name>", "set its options, try it once, and write them to towline.yml")
    .option("--set <option=value>", "an option; may be given again", (one, all: string[] = []) => [...all, one])
    .action(async (name: string, flags: PluginFlags) => (await import("./plugin-check.ts")).setup(wire, name, flags));
}
