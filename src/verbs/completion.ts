import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Complete, RootCommand, Command as Words } from "@bomb.sh/tab";
import { Argument, type Command } from "commander";
import type { Wire } from "../wire.ts";

const shells = ["bash", "zsh", "fish"] as const;

/** The script counts on the package bash-completion, which small machines do not have. */
const without_package = `type _get_comp_words_by_ref >/dev/null 2>&1 || _get_comp_words_by_ref() {
    cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD
}
`;

/** Adds `towline completion SHELL`, and what that shell asks on each TAB. */
export function completion(program: Command, wire: Wire): void {
  program
    .command("completion")
    .description('what makes a shell complete verbs, options and names: eval "$(towline completion bash)"')
    .addArgument(new Argument("<shell>", "whose words it is in").choices(shells))
    .action(async (shell: (typeof shells)[number]) => {
      if (shell === "bash") wire.out(without_package);
      (await words(program, wire)).setup(program.name(), program.name(), shell);
    });
  program
    .command("complete [words...]", { hidden: true })
    .allowUnknownOption()
    .action(async (said: string[]) => (await words(program, wire)).parse(said));
}

/** All verbs with their options, and the names that may follow them. */
async function words(program: Command, { cwd }: Wire): Promise<RootCommand> {
  const { RootCommand } = await import("@bomb.sh/tab");
  const root = new RootCommand();
  const walk = (command: Command, path: string): void => {
    const own = path === "" ? root : root.command(path, command.description());
    addOptions(own, command, cwd);
    for (const argument of command.registeredArguments)
      own.argument(argument.name(), namesOf(folderOf(path), cwd, argument.argChoices), argument.variadic);
    for (const one of command.createHelp().visibleCommands(command))
      if (one.name() !== "help") walk(one, path === "" ? one.name() : `${path} ${one.name()}`);
  };
  walk(program, "");
  return root;
}

function addOptions(own: Words, command: Command, cwd: string): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const long = option.long?.slice(2);
    if (long === undefined) continue;
    const folder = { agent: "agents", host: "hosts", hosts: "hosts", task: "tasks", rule: "rules" }[long];
    const takes = option.required || option.optional;
    if (takes) own.option(long, option.description, namesOf(folder, cwd, option.argChoices));
    else own.option(long, option.description);
  }
}

/** Names of what a verb is about. A task's name stands for its newest run and its memo, too. */
const folderOf = (path: string) =>
  path.startsWith("fleet ") ? "hosts" : /^(task|job|memo|why|review|playbook)\b/.test(path) ? "tasks" : undefined;

function namesOf(folder: string | undefined, cwd: string, choices: readonly string[] = []) {
  return (complete: Complete) => {
    for (const one of [...choices, ...(folder === undefined ? [] : records(folder, cwd))]) complete(one, "");
  };
}

/** Names of the records in a folder of the pack that this folder is in. */
function records(folder: string, from: string): string[] {
  try {
    return readdirSync(join(from, folder)).flatMap((name) => (name.endsWith(".md") ? [name.slice(0, -3)] : []));
  } catch {
    return dirname(from) === from ? [] : records(folder, dirname(from));
  }
}
