// Builds the dashboard with Astro in a child process, and serves a built one. The package's own folder is only read.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, chmod, cp, mkdir, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ExportFiles } from "../core/exported.ts";
import { configuration, outside, usage } from "../errors.ts";
import { digest_file, exportDigest } from "./export.ts";
import { type Lock, sealFolder } from "./seal.ts";

export interface SiteOptions {
  /** Folder that `writeExport` filled. */
  data: string;
  /** Folder of the finished site; replaced as a whole. */
  out: string;
  /** Path under which the site is served, like `/name/`. Default `/`. */
  base?: string;
  /** Address of the site, like https://owner.github.io. */
  site?: string;
  /** Encrypts it: without this key or passphrase there is nothing to read in it. */
  lock?: Lock | undefined;
  /** Milliseconds until the build is given up. Default two minutes. */
  limit?: number;
}

/** Where the package lies. */
export const source = fileURLToPath(new URL("../../", import.meta.url));
const packages = [
  "astro",
  "zod",
  "croner",
  "unified",
  "remark-parse",
  "remark-gfm",
  "morphdom",
  "minisearch",
  "d3-scale",
  "d3-shape",
];

/** Builds into a folder beside `out` and swaps it in. Throws a Fault that says why nothing was replaced. */
export async function buildSite(options: SiteOptions): Promise<{ out: string; took: number }> {
  const began = performance.now();
  const out = resolve(options.out);
  const base = basePath(options.base);
  const work = join(dirname(out), `.${basename(out)}.${randomBytes(6).toString("hex")}`);
  try {
    await prepare(work, options.data);
    await astro(work, { base, site: options.site ?? "" }, options.limit ?? 120_000);
    const sealed = join(work, "sealed");
    if (options.lock)
      await sealFolder(join(work, "out"), sealed, options.lock, { from: join(source, "site/sealed"), base });
    await swap(options.lock ? sealed : join(work, "out"), out, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return { out, took: (performance.now() - began) / 1000 };
}

function basePath(base = "/"): string {
  if (!/^\/?([\w.~-]+\/?)*$/.test(base) || base.split("/").includes(".."))
    throw usage(`\`${base}\` is no path of a site`, "write it like /name/");
  return `/${base.replace(/^\/+|\/+$/g, "")}/`.replace("//", "/");
}

/** A copy of the site's source with its data: Astro writes beside its source, and builds must not meet. */
async function prepare(work: string, data: string): Promise<void> {
  await mkdir(join(work, "node_modules"), { recursive: true });
  await copyData(data, join(work, "data"));
  const ours = (path: string) => !/(^|\/)(node_modules|dist|\.astro)$/.test(path.slice(source.length));
  await cp(join(source, "site"), join(work, "site"), { recursive: true, filter: ours });
  await cp(join(source, "src", "core"), join(work, "src", "core"), { recursive: true });
  for (const folder of ["site", "src"]) await writable(join(work, folder));
  for (const name of packages) await symlink(await packageFolder(name), join(work, "node_modules", name));
}

/** A shared install may be read-only, and copies keep that. */
async function writable(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const item of await readdir(dir, { withFileTypes: true }))
    if (item.isDirectory()) await writable(join(dir, item.name));
}

/** Copies an export and makes sure that it is one whole: another tick may be writing the same folder. */
async function copyData(from: string, to: string): Promise<void> {
  const names = (await readdir(from).catch(() => [] as string[])).filter((name) => /^[a-z]+\.json$/.test(name));
  const digest = await readFile(join(from, digest_file), "utf8").catch(() => null);
  if (names.length === 0 || digest === null)
    throw configuration(`there is no export in ${from}`, "run `towline export` first");
  await cp(from, to, { recursive: true });
  const files: ExportFiles = {};
  for (const name of names) files[name] = await readFile(join(to, name), "utf8");
  if (exportDigest(files) !== digest.trim())
    throw outside(
      `the export in ${from} does not match its digest`,
      "it is being rewritten, or was edited: export again",
    );
}

/** Where npm put a package for us: beside us or above. */
async function packageFolder(name: string): Promise<string> {
  for (let dir = source; ; dir = dirname(dir)) {
    const found = join(dir, "node_modules", name);
    if (await exists(found)) return found;
    if (dir === dirname(dir)) throw configuration(`the package ${name} is not installed`, "run `npm ci`");
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** The child gets these variables and no others: no token of the tick can end up in a page. */
async function astro(work: string, given: { base: string; site: string }, limit: number): Promise<void> {
  const child = spawn(process.execPath, [join(work, "node_modules/astro/bin/astro.mjs"), "build"], {
    cwd: join(work, "site"),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limit,
    killSignal: "SIGKILL",
    env: {
      PATH: dirname(process.execPath),
      HOME: work,
      TMPDIR: work,
      NODE_ENV: "production",
      NO_COLOR: "1",
      ASTRO_TELEMETRY_DISABLED: "1",
      // It would be written into a folder that is thrown away.
      NODE_DISABLE_COMPILE_CACHE: "1",
      TOWLINE_SITE_DATA: join(work, "data"),
      TOWLINE_SITE_OUT: join(work, "out"),
      TOWLINE_SITE_BASE: given.base,
      TOWLINE_SITE_URL: given.site,
    },
  });
  let said = "";
  const keep = (chunk: Buffer) => {
    said = (said + chunk.toString("utf8")).slice(-16384);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const [code, signal] = await new Promise<[number | null, string | null]>((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => done([code, signal]));
  });
  if (signal)
    throw outside(`the dashboard's build was ended after ${limit / 1000} s`, "the site before it is still in place");
  if (code !== 0)
    throw outside(
      `the dashboard could not be built: ${reasonIn(said)}`,
      `Astro said:\n${said.split("  Stack trace:", 1)[0]?.trim()}`,
    );
}

/** The line of Astro's output that names the fault, and the first detail below it. */
function reasonIn(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const named = lines.findIndex((line) => /^\[[A-Z]\w+\]|\[ERROR\]/.test(line));
  const fault = named >= 0 ? named : lines.findIndex((line) => !/^\d\d:\d\d:\d\d \[/.test(line));
  return lines
    .slice(Math.max(0, fault), fault + 2)
    .map((line) => line.trim())
    .join(" ");
}

async function swap(built: string, out: string, work: string): Promise<void> {
  const old = join(work, "old");
  if (await exists(out)) {
    if (!(await exists(join(out, "index.html"))) && (await readdir(out)).length > 0)
      throw usage(`${out} is not empty and holds no site`, "give an empty folder, or one that a build has made");
    // Gone since we looked: another build is swapping, too.
    await rename(out, old).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== "ENOENT") throw thrown;
    });
  }
  await rename(built, out).catch(async (thrown) => {
    // Another build won the place in between; its site is as good as ours was going to be.
    if (!(await exists(join(out, "index.html")))) throw thrown;
  });
}

export { serveSite } from "./serve.ts";
