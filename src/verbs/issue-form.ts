import type { Command } from "commander";
import { issue_form_path, issueForm } from "../core/issue-form.ts";
import { counted } from "../core/text.ts";
import { openLocal } from "../shell/pack.ts";
import { editedLine, editRecord, whereOf } from "../shell/person-edit.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface FormFlags extends Common {
  push?: boolean;
  pr?: boolean;
}

/** Adds `towline issue-form`. A tick only reads what comes of it: workflows and forms are people's files. */
export function issueForms(program: Command, wire: Wire): void {
  program
    .command("issue-form")
    .description(`write ${issue_form_path}: the form by which people ask for a task, with this pack's agents and hosts`)
    .option("--push", "change origin at once, that file and nothing else")
    .option("--pr", "propose it as a branch to merge")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what was changed as JSON")
    .action(async (flags: FormFlags) => {
      const dir = repoDir(wire, flags);
      const { repo, tips, top } = await openLocal(dir, wire);
      const state = await readWorkTree(repo, top, tips);
      const text = issueForm(state);
      const message = "Issue form brought up to date";
      const made = await editRecord(dir, wire, whereOf(flags), { path: issue_form_path, edit: () => text, message });
      const { agents, hosts } = state;
      const says = `✓ ${issue_form_path} lists ${counted(agents.size, "agent")} and ${counted(hosts.size, "host")}`;
      wire.out(flags.json ? `${JSON.stringify(made, null, 2)}\n` : `${says}\n${editedLine(made, message)}\n`);
    });
}
