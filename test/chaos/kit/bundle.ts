// A program as one file. More than half of what a short run costs is the loading of six hundred modules, each time
// anew. The sources are the very same, only put together.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = join(import.meta.dirname, "..", "..", "..");

/** Writes the bundle of the ticker below `dir`; answers its path. */
export async function bundleTicker(dir: string): Promise<string> {
  const file = await bundled(join(import.meta.dirname, "ticker.ts"), join(dir, "ticker"));
  // Its compiled form is kept by a process that comes to its own end; those that are killed keep nothing.
  execFileSync(process.execPath, [file], { env: { ...process.env, ...compiled(dir) } });
  return file;
}

/** Makes `folder` with one file of all that `entry` needs. What it reads beside its sources it finds where they are. */
export async function bundled(entry: string, folder: string): Promise<string> {
  const name = `${basename(entry, ".ts")}.mjs`;
  const build = await rolldown({
    input: entry,
    platform: "node",
    external: ["libsql", "cpu-features"],
    plugins: [{ name: "where the sources are", transform: (code, id) => placed(code, id, entry) }],
    logLevel: "silent",
  });
  mkdirSync(folder);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  await build.write({ dir: folder, format: "esm", entryFileNames: name });
  await build.close();
  return join(folder, name);
}

/** Environment of processes that run the bundle. */
export const compiled = (dir: string) => ({ NODE_COMPILE_CACHE: join(dir, "compiled") });

function placed(code: string, id: string, entry: string): string | null {
  if (id.includes("\0")) return null;
  const said = code
    .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
    .replaceAll("import.meta.dirname", JSON.stringify(dirname(id)))
    .replaceAll(/\b__dirname\b/g, JSON.stringify(dirname(id)));
  return id === entry ? said : said.replaceAll("import.meta.main", "false");
}
