// The ticker as one file. More than half of what a killed tick costs is the loading of six hundred modules, for every kill
// anew. The sources are the very same, only put together.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const entry = join(import.meta.dirname, "ticker.ts");
const packages = join(import.meta.dirname, "..", "..", "..", "node_modules");

/** Writes the bundle below `dir`; answers its path. What it reads beside its sources it finds where they are. */
export async function bundleTicker(dir: string): Promise<string> {
  const build = await rolldown({
    input: entry,
    platform: "node",
    external: ["libsql", "cpu-features"],
    plugins: [{ name: "where the sources are", transform: (code, id) => placed(code, id) }],
    logLevel: "silent",
  });
  mkdirSync(join(dir, "ticker"));
  symlinkSync(packages, join(dir, "ticker", "node_modules"));
  await build.write({ dir: join(dir, "ticker"), format: "esm", entryFileNames: "ticker.mjs" });
  await build.close();
  const file = join(dir, "ticker", "ticker.mjs");
  // Its compiled form is kept by a process that comes to its own end; those that are killed keep nothing.
  execFileSync(process.execPath, [file], { env: { ...process.env, ...compiled(dir) } });
  return file;
}

/** Environment of processes that run the bundle. */
export const compiled = (dir: string) => ({ NODE_COMPILE_CACHE: join(dir, "compiled") });

function placed(code: string, id: string): string | null {
  if (id.includes("\0")) return null;
  const said = code
    .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
    .replaceAll("import.meta.dirname", JSON.stringify(dirname(id)))
    .replaceAll(/\b__dirname\b/g, JSON.stringify(dirname(id)));
  return id === entry ? said : said.replaceAll("import.meta.main", "false");
}
