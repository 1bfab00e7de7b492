import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { ledger_branch } from "../core/init-choice.ts";
import { counted } from "../core/text.ts";
import { usage } from "../errors.ts";
import type { MoveResult } from "../shell/ledger-move.ts";
import { followOrigin } from "../shell/person-push.ts";
import { tickId } from "../shell/tick-run.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface MoveFlags extends Common {
  to: string;
  branch?: string;
  keepBranch?: boolean;
}

/** Adds `towline ledger move`. */
export function ledger(program: Command, wire: Wire): void {
  const group = program.command("ledger").description("where towline keeps its own records");
  group
    .command("move")
    .description("bring them to a branch of their own, or back: settings and records in one push, while jobs run on")
    .requiredOption("--to <place>", "branch (one of its own) or default (the default branch)")
    .option("--branch <name>", `how that branch is called (default: ${ledger_branch})`)
    .option("--keep-branch", "on the way back: the old branch stays, and nothing reads it any more")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the outcome as JSON")
    .action(async (flags: MoveFlags) => {
      if (flags.to !== "branch" && flags.to !== "default")
        throw usage(`\`--to ${flags.to.slice(0, 40)}\` is no place`, "write --to branch or --to default");
      if (flags.to === "default" && flags.branch !== undefined)
        throw usage("--branch names where the ledger goes, and it goes to the default branch", "leave it out");
      const to = flags.to === "default" ? null : (flags.branch ?? ledger_branch);
      const dir = repoDir(wire, flags);
      // Random, too: it becomes the mark by which every tick knows the ledger's newest state.
      const tick = `${tickId(wire.clock.now())}-move-${randomBytes(4).toString("hex")}`;
      const { moveLedger } = await import("../shell/ledger-move.ts");
      const moved = await moveLedger(dir, wire, { to, tick, keep: flags.keepBranch === true });
      const here = moved.commit !== null && (await followOrigin(dir, wire.env));
      wire.out(flags.json ? `${JSON.stringify({ ...moved, here }, null, 2)}\n` : described(moved, here));
    });
}

function described({ from, to, commit, files, open }: MoveResult, here: boolean): string {
  if (commit === null) return `The ledger is on ${to} already: nothing was changed.\n`;
  return [
    `✓ the ledger is on ${to} now, no longer on ${from} (${counted(files, "file")}, ${commit.slice(0, 10)})`,
    ...(open.length > 0 ? [`  ${counted(open.length, "open job")} go on, and are collected from there`] : []),
    here ? "  this folder followed" : "  git pull brings it into this folder",
    "  a tick that was at work just now ends with an error; the next one goes on",
    "",
  ].join("\n");
}
