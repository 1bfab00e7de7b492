import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { type EnvFault, type Mended, withSecrets } from "../core/env-block.ts";
import { secretNames } from "../core/secret-names.ts";
import { tick_workflow } from "../core/tick-env.ts";
import { configuration, exit } from "../errors.ts";
import { openWorkTree, workFiles } from "../shell/pack-files.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface UpgradeFlags extends Common {
  check?: boolean;
}

const faults: Record<EnvFault, [string, string]> = {
  unreadable: ["cannot be read as YAML", "look at it with an editor that knows workflows"],
  "no-step": ["has no step that runs a tick", "add one, like `run: npm run --silent tick`"],
  flow: ["has an `env:` that lines cannot be added to", "write it with a line for each name, below `env:`"],
};

/**
 * Adds `towline upgrade`: hands the secrets that records name to the ticks. Run by a person, who pushes it with their own
 * rights: a tick only reports what is missing.
 */
export function upgrade(program: Command, wire: Wire): void {
  program
    .command("upgrade")
    .description(`write the secrets that records name into the \`env:\` of ${tick_workflow}, and nothing else`)
    .option("--repo <dir>", "the pack repository", ".")
    .option("--check", "only show what would be written; exit code 1 when that is anything")
    .option("--json", "print what was written as JSON")
    .action(async (flags: UpgradeFlags) => {
      const place = await openWorkTree(repoDir(wire, flags), wire.env);
      const files = await workFiles(
        place,
        (path) => path === tick_workflow || path === "towline.yml" || /^\w+\/.*\.md$/.test(path),
      );
      const file = files.find(({ path }) => path === tick_workflow);
      if (!file?.text || !file.mode.startsWith("100"))
        throw configuration(`there is no file ${tick_workflow}`, "copy it from the template");
      const names = secretNames(files).names.flatMap(({ name, optional }) => (optional ? [] : [name]));
      const mended = withSecrets(file.text, names);
      if (typeof mended === "string") {
        const [message, advice] = faults[mended];
        throw configuration(`${tick_workflow} ${message}`, advice);
      }
      const changed = mended.added.length > 0;
      if (changed && !flags.check) await writeFile(join(place.cwd, tick_workflow), mended.text);
      wire.out(flags.json ? `${JSON.stringify({ changed, added: mended.added }, null, 2)}\n` : shown(mended, flags));
      if (changed && flags.check) wire.exit(exit.findings);
    });
}

function shown({ added }: Mended, { check }: UpgradeFlags): string {
  if (added.length === 0) return "Nothing to write: every secret in use is handed to the ticks.\n";
  const lines = added.map(({ line, text }) => `${tick_workflow}:${line}: + ${text.trim()}`);
  return `${[...lines, check ? "Nothing was written." : "Written. Look at it, then commit and push it."].join("\n")}\n`;
}
