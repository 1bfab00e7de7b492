import type { Command } from "commander";
import type { Common, Wire } from "../wire.ts";

export interface MineFlags extends Common {
  since: string;
  pack: string;
  dryRun?: boolean;
}

/** Adds `towline learnings mine`: what reviews of the past taught, as candidates for the next campfire. */
export function learnings(program: Command, wire: Wire): void {
  program
    .command("learnings")
    .description("learnings: mine the past for them (`towline learn` finds those that apply)")
    .command("mine")
    .description(
      "what people said in reviews before, as candidates for the next campfire: nothing is active without a merge",
    )
    .option("--repo <repo>", "owner/name on the pack's forge, or the folder of a clone", ".")
    .option("--since <age>", "as far back, at most 90d", "90d")
    .option("--pack <dir>", "the pack repository", ".")
    .option("--dry-run", "say what would be proposed, and write nothing")
    .option("--json", "print what was found as JSON")
    .action(async (flags: MineFlags) => {
      const { mine } = await import("./learnings-mine.ts");
      await mine(wire, flags);
    });
}
