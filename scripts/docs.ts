// Writes docs/verbs.md out of what `towline VERB --help` says, and the tables in docs/records/: `npm run docs`.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { program } from "../src/cli.ts";
import { wireUp } from "../src/wire.ts";
import { withFields } from "./docs-records.ts";

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

if (import.meta.main) {
  const docs = join(import.meta.dirname, "..", "docs");
  writeFileSync(join(docs, "verbs.md"), verbsPage());
  for (const name of readdirSync(join(docs, "records"))) {
    const page = join(docs, "records", name);
    writeFileSync(page, withFields(readFileSync(page, "utf8")));
  }
}
