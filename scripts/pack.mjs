#!/usr/bin/env node
// `npm pack` without what only a checkout needs: the pinned node, test servers, development tools and scripts.
// prepack strips package.json, postpack puts the very bytes back; a pack that died is undone by the next command.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @param {string} folder */
const paths = (folder) => ({ manifest: join(folder, "package.json"), saved: join(folder, ".package.json.saved") });

/** @param {string} text package.json of the checkout @returns {string} package.json of the package */
export function packed(text) {
  const manifest = JSON.parse(text);
  for (const field of ["optionalDependencies", "devDependencies", "scripts", "allowScripts"]) delete manifest[field];
  // Nothing brings its own node any more.
  manifest.engines = { node: ">=24" };
  return `${JSON.stringify(manifest, null, 2)}\n`;
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
  const { manifest, saved } = paths(folder);
  if (!existsSync(saved)) return false;
  renameSync(saved, manifest);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  const verb = process.argv[2];
  if (verb === "strip") strip(root);
  else if (verb === "restore") restore(root);
  else {
    process.stderr.write("usage: node scripts/pack.mjs strip|restore\n");
    process.exit(2);
  }
}
