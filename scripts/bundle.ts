// Programs as few files. More than half of what a short run costs is the loading of hundreds of modules, each time anew.
// The sources are the very same, only put together: for the npm package, and for tests that start a program often.
import { dirname, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { type Plugin, type RolldownOptions, rolldown } from "rolldown";

interface Wanted {
  /** Name of the file that is written → the module that it starts with. */
  entries: Readonly<Record<string, string>>;
  dir: string;
  extension: "js" | "mjs";
  external: RolldownOptions["external"];
  /** Modules read files that lie beside them: an expression for where, for each of the three that node knows. */
  places: Plugin["transform"];
}

export async function bundle({ entries, dir, extension, external, places }: Wanted): Promise<void> {
  const imports = new Map<string, readonly string[]>();
  const graph: Plugin = {
    name: "what is loaded at once",
    moduleParsed: ({ id, importedIds }) => void imports.set(id, importedIds),
  };
  const build = await rolldown({
    input: entries,
    platform: "node",
    external,
    plugins: [{ name: "where the sources are", transform: places }, graph],
    logLevel: "silent",
  });
  let eager: Set<string> | undefined;
  await build.write({
    dir,
    format: "esm",
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `[name]-[hash].${extension}`,
    // What the first entry loads in any case is one file; what it may load later keeps its own.
    codeSplitting: {
      groups: [
        {
          name: (id) => {
            eager ??= reached(Object.values(entries)[0] as string, imports);
            return eager.has(id) ? "program" : null;
          },
        },
      ],
    },
  });
  await build.close();
}

function reached(from: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>();
  const open = [from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id) || !imports.has(id)) continue;
    found.add(id);
    open.push(...(imports.get(id) ?? []));
  }
  return found;
}

/** For a bundle that stays on the machine that made it: the sources are where they were. */
export const where_they_were =
  (entry: string) =>
  (code: string, id: string): string | null => {
    if (id.includes("\0")) return null;
    const said = code
      .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
      .replaceAll("import.meta.dirname", JSON.stringify(dirname(id)))
      .replaceAll(/\b__dirname\b/g, JSON.stringify(dirname(id)));
    return id === entry ? said : said.replaceAll("import.meta.main", "false");
  };

/** For a bundle that lies in the root of a folder that has all else that the sources have beside them. */
export const beside =
  (root: string) =>
  (code: string, id: string): string | null => {
    const path = relative(root, id).replaceAll("\\", "/");
    if (id.includes("\0") || path.startsWith("../")) return null;
    return code
      .replaceAll("import.meta.url", `new URL(${JSON.stringify(path)}, import.meta.url).href`)
      .replaceAll("import.meta.dirname", `(import.meta.dirname + ${JSON.stringify(`/${dirname(path)}`)})`)
      .replaceAll("import.meta.main", "false");
  };
