// Builds the dashboard unless what stands there was made of the very same: data, pages, code and place.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { buildSite, type SiteOptions, source } from "./site.ts";

export interface OnceOptions extends SiteOptions {
  /** Digest of the export in `data`. */
  digest: string;
  /** Folder in which it is noted what stands where: nothing of that lies in the site, which goes out as it is. */
  marks: string;
  force?: boolean | undefined;
}

export interface BuiltOnce {
  out: string;
  took: number;
  /** false: it stood there already. */
  built: boolean;
}

/** A locked site is built each time: its salt must be fresh, and nothing about its key is noted anywhere. */
export async function buildOnce(options: OnceOptions): Promise<BuiltOnce> {
  const out = resolve(options.out);
  if (options.lock) return { ...(await buildSite(options)), built: true };
  const began = performance.now();
  const mark = join(options.marks, `built-${sha256(out).slice(0, 16)}`);
  const inputs = await inputsOf(options);
  const noted = await readFile(mark, "utf8").catch(() => "");
  if (!options.force && noted !== "" && noted === noteOf(inputs, await madeAt(out)))
    return { out, took: (performance.now() - began) / 1000, built: false };
  const done = await buildSite(options);
  await mkdir(options.marks, { recursive: true });
  await writeFile(mark, noteOf(inputs, await madeAt(out)));
  return { ...done, built: true };
}

const noteOf = (inputs: string, made: string) => `${inputs} ${made}\n`;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Another build in that place, or a hand in it, is seen by the first page's time. */
const madeAt = (out: string) =>
  stat(join(out, "index.html")).then(
    ({ mtimeMs }) => String(mtimeMs),
    () => "nothing",
  );

async function inputsOf({ digest, base = "/", site = "" }: OnceOptions): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([digest, base, site, process.version]));
  const files = [join(source, "package.json"), ...(await filesIn("site")), ...(await filesIn("src/core"))];
  for (const file of files) hash.update(`\0${file.slice(source.length)}\0`).update(await readFile(file));
  return hash.digest("hex");
}

async function filesIn(folder: string): Promise<string[]> {
  const dir = join(source, folder);
  const all = await readdir(dir, { recursive: true, withFileTypes: true });
  return all
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name))
    .filter((path) => !/\/(node_modules|dist|\.astro)\//.test(path.slice(dir.length)))
    .sort();
}
