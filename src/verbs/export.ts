import { join, resolve } from "node:path";
import type { Command } from "commander";
import { writeExport } from "../shell/export.ts";
import { visible } from "../shell/masked.ts";
import { openLocal } from "../shell/pack.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

export interface ExportFlags extends Common {
  out?: string;
  at?: string;
}

/** The export of the pair as it was last fetched, as the verbs `export` and `site` make it. */
export async function exportOnce(wire: Wire, flags: ExportFlags) {
  const { repo, tips } = await openLocal(repoDir(wire, flags), { env: wire.env, clock: wire.clock }, flags.at);
  const place = join(repo.gitDir, "towline");
  const dir = flags.out === undefined ? join(place, "export") : resolve(wire.cwd, flags.out);
  return { ...(await writeExport(visible(repo, wire.secrets), tips, dir)), tips, place };
}

/** Adds `towline export`: the dashboard's data as JSON files. */
export function exporting(program: Command, wire: Wire): void {
  program
    .command("export")
    .description("write the dashboard's data as JSON files")
    .option("--out <dir>", "where to (default: towline/export in the git directory)")
    .option("--at <ref>", "another commit of the default branch than its newest")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print folder, digest and commits as JSON")
    .action(async (flags: ExportFlags) => {
      const { dir, digest, changed, tips } = await exportOnce(wire, flags);
      if (flags.json) wire.out(`${JSON.stringify({ dir, digest, changed, ...tips }, null, 2)}\n`);
      else wire.out(`${changed ? "✓ exported" : "✓ unchanged"}  ${dir}\n`);
    });
}
