// `towline plugin new NAME`: a file that works, to change.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { byHand, withPlugin } from "../core/plugin-edit.ts";
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import { codeHere, nameOf } from "../plugin/code.ts";
import { openLocal } from "../shell/pack.ts";
import { repoDir, type Wire } from "../wire.ts";
import type { PluginFlags } from "./plugin.ts";

const own = ["alertmanager", "disk-trend", "inbox"];

export async function create(wire: Wire, name: string, flags: PluginFlags): Promise<void> {
  const path = `plugins/${name}.ts`;
  if (nameOf(path) === null)
    throw usage(
      `${oneLine(name, 60)} cannot be the name of a plugin`,
      "use small letters, digits and dashes, like shop-status",
    );
  const { top } = await openLocal(repoDir(wire, flags), wire);
  const there = await codeHere(top, name);
  if (there) throw usage(`${there.place} is there already`, "change it, or give another name");
  const text = await textOf(name, flags.like);
  await mkdir(dirname(join(top, path)), { recursive: true });
  await writeFile(join(top, path), text, { flag: "wx" });
  const settings = join(top, "towline.yml");
  const before = await readFile(settings, "utf8");
  // One with options that must be set is named once they are: by `towline plugin setup`.
  const named = flags.like === undefined || flags.like === "disk-trend" ? withPlugin(before, name, {}) : null;
  if (named !== null && named !== before) await writeFile(settings, named);
  if (flags.json) return wire.out(`${JSON.stringify({ plugin: name, path, named: named !== null }, null, 2)}\n`);
  wire.out(`${path} was written${named === null ? "" : ", and towline.yml names it"}.\n`);
  if (named === null && flags.like === undefined) wire.out(`  Name it in towline.yml: ${byHand(name, {})}\n`);
  wire.out(
    `  Look at it:  towline plugin check ${name}\n  Try it once: towline plugin setup ${name}\n  Ticks run it once both files are on the default branch.\n`,
  );
}

async function textOf(name: string, like: string | undefined): Promise<string> {
  if (like === undefined) return template(name);
  if (!own.includes(like))
    throw usage(`there is no plugin ${oneLine(like, 60)} to begin as`, `there is ${own.join(", ")}`);
  return readFile(fileURLToPath(new URL(`../../plugins/${like}.ts`, import.meta.url)), "utf8");
}

/** The first part of its kinds. */
const word = (name: string) => `x_${name}`.replaceAll("-", "_").replace(/^x_(?=[a-z])/, "");

const template = (
  name: string,
) => `// What this looks at, and why. The page to read: src/plugin/define.ts of towline (import "towline/plugin" in an editor).
import { type Context, Plugin, type Thing } from "towline/plugin";

export default class extends Plugin {
  static api = 1;
  title = "${name}: what it looks at";
  every = "30m";
  kinds = { "${word(name)}.down": "it does not say that it is well", "${word(name)}.up": "it does again" };
  gone = { kind: "${word(name)}.up", title: "{subject} is well again" };
  options: Plugin["options"] = {
    // As plugins.${name}.url in towline.yml.
    url: { says: "address of a status page in JSON", kind: "address" },
  };

  // What towline reads for it. Its token, if it needs one, is the name of a variable: towline sends it, this never sees it.
  fetch({ options }: Context) {
    return options.url ? { status: { url: options.url } } : {};
  }

  // Everything that is so now. What is new follows from what was so before.
  poll({ fetched }: Context): Thing[] {
    if (fetched.status === undefined) return [];
    const { status } = JSON.parse(fetched.status) as { status?: string };
    return status === "ok" ? [] : [{ subject: "${name}", kind: "${word(name)}.down", title: \`${name} says: \${status}\` }];
  }
}
`;
