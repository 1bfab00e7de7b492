#!/usr/bin/env node
// `npm run bump`: changesets become the newest section of CHANGELOG.md and the next version number. `version.mjs judge
// TAG`: whether what stands here is what that tag releases.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Headings of the changesets' program, in the words of this changelog. */
const words = { Major: "Breaking", Minor: "Added and changed", Patch: "Fixed" };

/** What was written before there were changesets belongs to the release as well. @param {string} text @returns {string} */
export function read(text) {
  const named = Object.entries(words).reduce(
    (all, [was, is]) => all.replace(`### ${was} Changes\n`, `### ${is}\n`),
    text,
  );
  return named.replace(/^## Unreleased\n\n/m, "");
}

/** @param {string} folder @param {string} tag @returns {string[]} What keeps the tag from being a release of this. */
export function faults(folder, tag) {
  const file = (/** @type {string} */ name) => readFileSync(join(folder, name), "utf8");
  const { version } = JSON.parse(file("package.json"));
  const left = readdirSync(join(folder, ".changeset")).filter((name) => name.endsWith(".md") && name !== "README.md");
  const first = /^## (.+)$/m.exec(file("CHANGELOG.md"))?.[1];
  return [
    ...(tag === `v${version}` ? [] : [`the tag is ${tag}, and package.json says ${version}`]),
    ...(left.length === 0 ? [] : [`changesets are left: ${left.join(", ")}; run \`npm run bump\` first`]),
    ...(first === version ? [] : [`the newest section of CHANGELOG.md is ${first}, and not ${version}`]),
  ];
}

/** @param {string} folder */
export function version(folder) {
  const node = (/** @type {string[]} */ ...args) =>
    execFileSync(process.execPath, args, { cwd: folder, stdio: "inherit" });
  node(join(folder, "node_modules/@changesets/cli/bin.js"), "version");
  const [log, lock] = [join(folder, "CHANGELOG.md"), join(folder, "package-lock.json")];
  writeFileSync(log, read(readFileSync(log, "utf8")));
  // The lock names the version twice; all else of it stays as it is.
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const locked = JSON.parse(readFileSync(lock, "utf8"));
  locked.version = version;
  locked.packages[""].version = version;
  writeFileSync(lock, `${JSON.stringify(locked, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  const [verb, tag = ""] = process.argv.slice(2);
  if (verb === undefined) version(root);
  else {
    const found = verb === "judge" ? faults(root, tag) : ["usage: node scripts/version.mjs [judge TAG]"];
    for (const one of found) process.stderr.write(`${one}\n`);
    process.exit(found.length === 0 ? 0 : 1);
  }
}
