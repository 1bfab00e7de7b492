// Where the code of plugins comes from: a commit of the default branch, a folder (for its author), a package that is pinned.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { slug } from "../core/scalar.ts";
import type { PluginSettings } from "../core/schema.ts";
import type { Repo } from "../ports.ts";
import { type Code, PluginFault } from "./sandbox.ts";

const endings = ["ts", "mts", "mjs", "js"];
const max_bytes = 1 << 20;
/** Of a package, together. */
const max_package = 4 << 20;
const max_files = 500;

export const pathsOf = (name: string) => endings.map((ending) => `plugins/${name}.${ending}`);

/** What is a plugin's, by its path; null: no plugin. */
export function nameOf(path: string): string | null {
  const name = /^plugins\/([^/.]+)\.(?:ts|mts|mjs|js)$/.exec(path)?.[1];
  return slug.safeParse(name).success ? (name as string) : null;
}

/** The blob that each of these plugins is in a commit: links and submodules are none. Two files of one name are none either. */
export async function blobsAt(
  repo: Pick<Repo, "tree">,
  commit: string,
  names: readonly string[],
): Promise<Map<string, { path: string; blob: string }>> {
  const items = names.length === 0 ? [] : await repo.tree(commit, names.flatMap(pathsOf));
  const files = items.filter(({ mode, path }) => mode.startsWith("100") && nameOf(path) !== null);
  const groups = Map.groupBy(files, ({ path }) => nameOf(path) as string);
  return new Map([...groups].flatMap(([name, [one, two]]) => (one && !two ? [[name, one] as const] : [])));
}

/** From git's objects only: what stands in the work tree, or in a proposal, is never run by a tick. */
export async function codeAt(repo: Pick<Repo, "tree" | "blobs">, commit: string, name: string): Promise<Code> {
  const at = (await blobsAt(repo, commit, [name])).get(name);
  if (!at)
    throw new PluginFault(
      `there is no plugins/${name}.ts on the default branch: commit it, or take \`${name}\` out of \`plugins\` in towline.yml`,
    );
  const bytes = (await repo.blobs([at.blob], max_bytes)).get(at.blob);
  if (!bytes) throw new PluginFault(`${at.path} has more than ${max_bytes >> 20} MiB`);
  return fileCode(name, at.path, bytes);
}

function fileCode(name: string, path: string, bytes: Uint8Array): Code {
  const entry = path.slice(path.lastIndexOf("/") + 1);
  return { name, place: path, entry, files: new Map([[entry, bytes]]) };
}

/** As it stands in a folder, for the verbs that its author runs. null: there is none. */
export async function codeHere(top: string, name: string): Promise<Code | null> {
  for (const path of pathsOf(name)) {
    const bytes = await readFile(join(top, path)).catch(() => null);
    if (bytes) return fileCode(name, path, bytes);
  }
  return null;
}

/** Names of the plugins in a folder. */
export async function namesHere(top: string): Promise<string[]> {
  const found = await readdir(join(top, "plugins")).catch(() => [] as string[]);
  return [...new Set(found.flatMap((file) => nameOf(`plugins/${file}`) ?? []))].sort();
}

/** sha256 over all files of a plugin: what a person compares, and what pins a package. */
export function digestOf({ files }: Code): string {
  const hash = createHash("sha256");
  for (const path of [...files.keys()].sort()) {
    const bytes = files.get(path) as Uint8Array;
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** A package as it lies in node_modules of one of these folders. */
export async function packageHere(folders: readonly string[], name: string, pack: string): Promise<Code> {
  for (const folder of folders) {
    const root = join(folder, "node_modules", ...pack.split("/"));
    const manifest = await readFile(join(root, "package.json"), "utf8").catch(() => null);
    if (manifest === null) continue;
    const { main, exports } = JSON.parse(manifest) as { main?: unknown; exports?: unknown };
    const named = [exports, (exports as { "."?: unknown } | undefined)?.["."], main].find(
      (one) => typeof one === "string",
    );
    const entry = ((named as string | undefined) ?? "index.js").replace(/^\.\//, "");
    const files = await filesOf(root);
    if (!files.has(entry)) throw new PluginFault(`the package ${pack} has no ${entry}`);
    return { name, place: pack, entry, files };
  }
  throw new PluginFault(
    `the package ${pack} is not installed: run \`npm install ${pack}\` in the pack, and \`npm ci\` before the tick`,
  );
}

/** Bytes that differ from those that the default branch pins are not run, wherever they came from. */
export async function pinnedPackage(folders: readonly string[], name: string, settings: PluginSettings): Promise<Code> {
  const pack = settings.package as string;
  if (settings.digest === undefined)
    throw new PluginFault(
      `the package ${pack} is not pinned: write \`digest: …\` beside it in towline.yml; \`towline plugin list\` shows it`,
    );
  const code = await packageHere(folders, name, pack);
  if (digestOf(code) !== settings.digest)
    throw new PluginFault(
      `the package ${pack} is another than the one that towline.yml pins: look at what changed, then write the digest that \`towline plugin list\` shows`,
    );
  return code;
}

/** Regular files below a package's folder, its own dependencies left out: a plugin brings what it needs in its own files. */
async function filesOf(root: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let size = 0;
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(root.length + 1);
    if (path.split("/").some((part) => part === "node_modules" || part === ".towline")) continue;
    const bytes = await readFile(join(root, path));
    size += bytes.length;
    files.set(path, bytes);
    if (size > max_package || files.size > max_files)
      throw new PluginFault(`the package has more than ${max_package >> 20} MiB or ${max_files} files`);
  }
  return files;
}
