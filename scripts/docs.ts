// Writes docs/verbs.md out of what `towline VERB --help` says: `npm run docs`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { program } from "../src/cli.ts";
import { wireUp } from "../src/wire.ts";

const width = 110;

/** Every verb that people see, with its path: `fleet add`. */
export function verbs(): { path: string; command: Command }[] {
  const walk = (command: Command, path: string): { path: string; command: Command }[] => [
    ...(path === "" ? [] : [{ path, command }]),
    ...command
      .createHelp()
      .visibleCommands(command)
      .filter((one) => one.name() !== "help")
      .flatMap((one) => walk(one, path === "" ? one.name() : `${path} ${one.name()}`)),
  ];
  return walk(program(wireUp()), "");
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (said) => {
      text += said;
    },
    getOutHelpWidth: () => width,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.replace(/[ \t]+$/gm, "").trim();
}

export function verbsPage(): string {
  const all = verbs();
  const list = all.map(
    ({ path, command }) => `- [\`${path}\`](#${path.replaceAll(" ", "-")}): ${command.description()}`,
  );
  const parts = all.map(({ path, command }) => `## ${path}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`);
  const head = "<!-- Written by `npm run docs` out of the program's own help. -->\n\n# Verbs\n\n";
  return `${head}\`towline\` alone says what waits for you, what runs and what is next due.\n\n${list.join("\n")}\n\n${parts.join("\n")}`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, "..", "docs", "verbs.md"), verbsPage());
