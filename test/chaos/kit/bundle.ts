// The ticker of the crash tests, and whatever else a test starts often, as few files.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { bundle, where_they_were } from "../../../scripts/bundle.ts";

const root = join(import.meta.dirname, "..", "..", "..");

/** Writes the bundle of the ticker below `dir`, unless the whole run has one; answers its path. */
export async function bundleTicker(dir: string): Promise<string> {
  const made = process.env.TOWLINE_TICKER;
  const file = made || (await bundled(join(import.meta.dirname, "ticker-run.ts"), join(dir, "ticker")));
  // Its compiled form is kept by a process that comes to its own end; those that are killed keep nothing.
  execFileSync(process.execPath, [file], { env: { ...process.env, ...compiled(dir) } });
  return file;
}

/** Makes `folder` with one file of all that `entry` needs. What it reads beside its sources it finds where they are. */
export async function bundled(entry: string, folder: string): Promise<string> {
  const name = basename(entry, ".ts");
  mkdirSync(folder);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  await bundle({
    entries: { [name]: entry },
    dir: folder,
    extension: "mjs",
    external: ["libsql", "cpu-features"],
    places: where_they_were(entry),
  });
  return join(folder, `${name}.mjs`);
}

/** Environment of processes that run the bundle. */
export const compiled = (dir: string) => ({ NODE_COMPILE_CACHE: join(dir, "compiled") });
