import { resolve } from "node:path";
import type { Command } from "commander";
import { configuration, usage } from "../errors.ts";
import { openLocal } from "../shell/pack.ts";
import { type MadeKey, makeKey, packKeyFile, refuseTracked } from "../shell/pack-keys.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { quoted } from "./next-steps.ts";

interface KeygenFlags extends Common {
  name: string;
  file?: string;
  force?: boolean;
}

/** Adds `towline fleet keygen`: a key that only this pack's machines accept. */
export function fleetKeygen(group: Command, wire: Wire): void {
  group
    .command("keygen")
    .description("make a dedicated SSH key for this pack's machines; its private half stays outside of the repository")
    .option("--name <name>", "the variable and secret that ticks read it from", "TOWLINE_SSH_KEY")
    .option("--file <path>", "where the private half goes (default: ~/.config/towline/ssh/PACK/NAME)")
    .option("--force", "replace the key that is there; the old one is kept beside it")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the public half as JSON")
    .action(async (flags: KeygenFlags) => {
      const { name } = flags;
      if (!/^[A-Z_][A-Z0-9_]{0,63}$/.test(name))
        throw usage(
          `\`--name ${name.slice(0, 40)}\` is no name of a secret`,
          "capitals, digits and _, like TOWLINE_SSH_KEY",
        );
      if (name.startsWith("GITHUB_"))
        throw usage(
          `${name} cannot be a secret: the CI service keeps names that start with GITHUB_`,
          "choose another name",
        );
      const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
      const { settings, pack } = await readWorkTree(repo, top, tips);
      const file = flags.file === undefined ? packKeyFile(wire, pack, name) : resolve(wire.cwd, flags.file);
      await refuseTracked(file, top, wire.env);
      const made = await makeKey(file, `towline ${settings.id} ${name}`, flags.force);
      if (!made)
        throw configuration(
          `there is a key in ${file} already`,
          "use that one, or --force: the machines that know it must then be given the new one",
        );
      wire.secrets.add(name, made.private);
      const { private: _never, ...shown } = made;
      wire.out(flags.json ? `${JSON.stringify({ name, ...shown }, null, 2)}\n` : described(name, made));
    });
}

function described(name: string, { file, public: line, old }: MadeKey): string {
  return [
    `✓ ${name}: a new ed25519 key`,
    `  private  ${file} (only you can read it)`,
    `  public   ${line}`,
    ...(old ? [`△ the key that was there is kept as ${old}: machines accept that one until they are given this`] : []),
    "",
    "The public half goes onto each machine: towline fleet add USER@HOST brings it there.",
    "The private half goes into the CI service as a secret, without being shown:",
    `  gh secret set ${name} < ${quoted(file)}`,
    "",
  ].join("\n");
}
