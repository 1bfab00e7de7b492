import { existsSync } from "node:fs";
import type { Command } from "commander";
import { type ExportFormat, export_formats, exportFleet } from "../core/export-fleet.ts";
import { exit, usage } from "../errors.ts";
import { openLocal } from "../shell/pack.ts";
import { packKeyFile } from "../shell/pack-keys.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

/** Adds `towline fleet export`. Prints to stdout; names keys, never holds one. */
export function fleetExport(group: Command, wire: Wire): void {
  group
    .command("export")
    .description("print the fleet for another tool: an Ansible inventory, an ssh_config, JSON, CSV or known_hosts")
    .option("--format <format>", `${export_formats.join(", ")}`, "json")
    .option("--repo <dir>", "the pack repository", ".")
    .action(async (flags: Common & { format: string }) => {
      if (!export_formats.includes(flags.format as ExportFormat))
        throw usage(`there is no format \`${flags.format.slice(0, 40)}\``, `write one of ${export_formats.join(", ")}`);
      const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
      const state = await readWorkTree(repo, top, tips);
      const broken = state.problems.filter((one) => one.path.startsWith("hosts/") && one.level === "error");
      for (const one of broken) wire.report.error(`${one.message} (${one.fix}); it was left out`, one);
      const keyFile = (name: string) => {
        const file = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? packKeyFile(wire, state.pack, name) : null;
        return file !== null && existsSync(file) ? file : null;
      };
      wire.out(exportFleet(flags.format as ExportFormat, { hosts: [...state.hosts.values()], keyFile }));
      if (broken.length > 0) wire.exit(exit.findings);
    });
}
