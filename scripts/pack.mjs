#!/usr/bin/env node
// `npm pack` without what only a checkout needs: the pinned node, test servers, development tools and scripts; and as
// a bundle of JavaScript in lib/, since node strips no types below node_modules. prepack makes lib/ and strips package.json, postpack
// puts the very bytes back and takes lib/ away; a pack that died is undone by the next command.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @param {string} folder */
const paths = (folder) => ({ manifest: join(folder, "package.json"), saved: join(folder, ".package.json.saved") });

/** What others import: the file in lib/, and the module of src/ that it is made of. */
const offered = { plugin: "plugin/define.ts", kit: "plugin/kit.ts" };

/** @param {string} text package.json of the checkout @returns {string} package.json of the package */
export function packed(text) {
  const manifest = JSON.parse(text);
  for (const field of ["optionalDependencies", "devDependencies", "scripts", "allowScripts"]) delete manifest[field];
  // Nothing brings its own node any more, and a plugin is TypeScript that node runs as it is.
  manifest.engines = { node: ">=22.18" };
  // Of src/ the site's pages, which Astro builds, use the core only.
  manifest.files = manifest.files.flatMap((/** @type {string} */ one) => (one === "src" ? ["lib", "src/core"] : [one]));
  for (const [name, path] of Object.entries(manifest.exports)) {
    const [file] = Object.entries(offered).find(([, one]) => path === `./src/${one}`) ?? [];
    if (file)
      manifest.exports[name] = {
        types: path.replace(/^\.\/src\/(.+)\.ts$/, "./lib/$1.d.ts"),
        default: `./lib/${file}.js`,
      };
  }
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Files of src/ that a plugin's own process runs, as the TypeScript that they are. */
const as_they_are = ["plugin/child.ts", "plugin/define.ts"];

/** lib/: src/ as JavaScript in few files, with types for those who write plugins. @param {string} folder */
export async function build(folder) {
  const [src, lib] = [join(folder, "src"), join(folder, "lib")];
  rmSync(lib, { recursive: true, force: true });
  // Only whoever packs has a node that runs this, and the bundler.
  const { beside, bundle } = await import("./bundle.ts");
  await bundle({
    entries: { cli: join(src, "cli.ts"), ...entries(src) },
    dir: lib,
    extension: "js",
    // Dependencies stay dependencies.
    external: (id) => !/^[./]/.test(id) && !isAbsolute(id),
    places: beside(src),
  });
  types(folder, lib);
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(src.length + 1);
    if (entry.isFile() && (!path.endsWith(".ts") || as_they_are.includes(path)))
      cpSync(join(src, path), join(lib, path));
  }
}

/** @param {string} src */
const entries = (src) => Object.fromEntries(Object.entries(offered).map(([name, path]) => [name, join(src, path)]));

/** @param {string} folder @param {string} lib */
function types(folder, lib) {
  const tsc = join(folder, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(folder, "scripts/lib-types.json")]);
  for (const path of /** @type {string[]} */ (readdirSync(lib, { recursive: true })))
    if (path.endsWith(".d.ts")) {
      const text = readFileSync(join(lib, path), "utf8");
      writeFileSync(join(lib, path), text.replace(/((?:from|import\()\s*"\.[^"]*)\.ts"/g, '$1.js"'));
    }
}

/** @param {string} folder */
export function strip(folder) {
  restore(folder);
  const { manifest, saved } = paths(folder);
  const text = readFileSync(manifest);
  writeFileSync(saved, text);
  writeFileSync(manifest, packed(text.toString("utf8")));
}

/** Puts the saved package.json back, if one was left. @param {string} folder @returns {boolean} whether there was one */
export function restore(folder) {
  rmSync(join(folder, "lib"), { recursive: true, force: true });
  const { manifest, saved } = paths(folder);
  if (!existsSync(saved)) return false;
  renameSync(saved, manifest);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  const verb = process.argv[2];
  if (verb === "strip") {
    strip(root);
    await build(root);
  } else if (verb === "restore") restore(root);
  else {
    process.stderr.write("usage: node scripts/pack.mjs strip|restore\n");
    process.exit(2);
  }
}
