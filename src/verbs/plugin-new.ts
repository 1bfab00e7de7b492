// `towline plugin new NAME`: a file that works, to change.
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { byHand, withPlugin } from "../core/plugin-edit.ts";
import { own_forges, own_runtimes, own_transports } from "../core/plugin-offers.ts";
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import { codeHere, nameOf } from "../plugin/code.ts";
import { openLocal } from "../shell/pack.ts";
import { writeNew, writeWhole } from "../shell/write-whole.ts";
import { repoDir, type Wire } from "../wire.ts";
import type { PluginFlags } from "./plugin.ts";
import { begun, example_program } from "./plugin-texts.ts";

const shipped = ["alertmanager", "disk-trend", "gitea", "inbox"];

export async function create(wire: Wire, name: string, flags: PluginFlags): Promise<void> {
  const path = `plugins/${name}.ts`;
  if (nameOf(path) === null)
    throw usage(
      `${oneLine(name, 60)} cannot be the name of a plugin`,
      "use small letters, digits and dashes, like shop-status",
    );
  const taken = { runtime: own_runtimes, transport: own_transports, forge: own_forges }[flags.kind ?? ""];
  if (taken?.has(name))
    throw usage(
      `${name} is a ${flags.kind} of towline's own, and stays so whatever a plugin of that name offers`,
      "give another name",
    );
  const { top } = await openLocal(repoDir(wire, flags), wire);
  const there = await codeHere(top, name);
  if (there) throw usage(`${there.place} is there already`, "change it, or give another name");
  const text = await textOf(name, flags);
  await mkdir(dirname(join(top, path)), { recursive: true });
  await writeNew(join(top, path), text);
  const settings = join(top, "towline.yml");
  const before = await readFile(settings, "utf8");
  // One with options that must be set is named once they are: by `towline plugin setup`.
  const own: Record<string, string> = flags.kind === "transport" ? { program: example_program } : {};
  const named =
    (flags.like === undefined && flags.kind !== "forge") || flags.like === "disk-trend"
      ? withPlugin(before, name, own)
      : null;
  if (named !== null && named !== before) await writeWhole(settings, named);
  if (flags.json) return wire.out(`${JSON.stringify({ plugin: name, path, named: named !== null }, null, 2)}\n`);
  wire.out(`${path} was written${named === null ? "" : ", and towline.yml names it"}.\n`);
  if (named === null && flags.like === undefined && flags.kind !== "forge")
    wire.out(`  Name it in towline.yml: ${byHand(name, own)}\n`);
  const next: Record<string, string> = {
    runtime: `An agent uses it by: runtime: ${name}`,
    forge: `Name it in towline.yml, with its options: ${byHand(name, { url: "https://…", token: "ITS_TOKEN" })}, and \`forge: ${name}\``,
    transport: `A machine's record uses it by: transport: ${name}`,
  };
  wire.out(
    `  Look at it:  towline plugin check ${name}\n  ${next[flags.kind ?? ""] ?? `Try it once: towline plugin setup ${name}`}\n  Ticks run it once both files are on the default branch.\n`,
  );
}

async function textOf(name: string, { like, kind }: PluginFlags): Promise<string> {
  if (like !== undefined && kind !== undefined)
    throw usage("--like and --kind both say how it begins", "give one of the two");
  if (like === undefined) return begun(name, kind);
  if (!shipped.includes(like))
    throw usage(`there is no plugin ${oneLine(like, 60)} to begin as`, `there is ${shipped.join(", ")}`);
  return readFile(fileURLToPath(new URL(`../../plugins/${like}.ts`, import.meta.url)), "utf8");
}
