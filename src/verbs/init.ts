import type { Command } from "commander";
import { exit } from "../errors.ts";
import type { Common, Wire } from "../wire.ts";
import { adoptPack } from "./init-adopt.ts";

export interface InitFlags extends Common {
  adopt?: boolean;
  name?: string;
  origin?: string;
  runtime?: string;
  ledger?: string;
  site?: string;
  zone?: string;
  pr?: boolean;
  push?: boolean;
  yes?: boolean;
}

/** Adds `towline init`: an empty folder, or a repository with code in it, becomes a pack. */
export function init(program: Command, wire: Wire): void {
  program
    .command("init [dir]")
    .description("make a pack: five questions, or their answers as options; nothing that is there is written over")
    .option("--origin <address>", "1: where it lives (default: a bare repository beside the folder)")
    .option("--name <name>", "2: what it is called (default: the folder, or the repository)")
    .option("--runtime <name>", "3: what an agent with a model runs on: claude, codex, picoclaw or ollama")
    .option("--ledger <place>", "4: where towline keeps its records: default (branch), or branch (one of its own)")
    .option("--site <place>", "5: the dashboard: none, pages or dir:PATH")
    .option("--zone <zone>", "the time zone of schedules (default: this machine's)")
    .option("--push", "in a repository that is there: change origin at once; where that is refused, a branch to merge")
    .option("--pr", "in a repository that is there: a branch to merge, and a pull request where there is a token")
    .option("--yes", "take what is offered, and ask nothing")
    .option("--adopt", "make a copied repository a pack of its own: a new id, and what the original had open is closed")
    .option("--repo <dir>", "the same as [dir]", ".")
    .option("--json", "print the outcome as JSON")
    .action(async (dir: string | undefined, flags: InitFlags) => {
      const where = { ...flags, repo: dir ?? flags.repo };
      if (flags.adopt) return adoptPack(wire, where);
      const { makePack } = await import("./init-make.ts");
      const { initDescribed } = await import("./init-said.ts");
      const made = await makePack(wire, where);
      wire.out(flags.json ? `${JSON.stringify(made, null, 2)}\n` : initDescribed(made));
      if (made.pushed_why !== null) wire.exit(exit.outside);
      else if (made.check.errors > 0) wire.exit(exit.findings);
    });
}
