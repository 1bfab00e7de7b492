#!/usr/bin/env node
// `npm test`: install what is missing, then types, lint and every suite; ends with one line of counts.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackages } from "./debian.mjs";
import { install, root, run, say } from "./install.mjs";
import { counts, slowest, unsteady } from "./results.mjs";

const help = `npm test                  types, lint, all suites
npm test -- --quick       types, lint, unit tests only
npm test -- --install     first installs openssh-server, iproute2, chromium, … from Debian (CI=true does the same)
npm run test:long         the suites that have a long size run in it; a name after -- selects, as in -- chaos
TOWLINE_SHARD=2/5         before test:long: the second of five parts that together are the whole (each says once a
                          minute where it stands)
npm test -- repo          only suites whose path holds "repo"; other options go to vitest as they are`;

/** @typedef {Omit<import("./results.mjs").Counts, "needs"> & {name: string}} Count */

/** @param {string} name @param {string} program @param {string[]} args @returns {Promise<Count>} */
async function check(name, program, args) {
  say(`towline: ${name}`);
  const good = (await run(program, args)) === 0;
  return { name, passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0 };
}

/** @param {string[]} args @returns {Promise<Count & {needs: Map<string, number>, again: string[]}>} */
async function suites(args) {
  say("towline: tests");
  const folder = mkdtempSync(join(tmpdir(), "towline-test-"));
  const file = join(folder, "results.json");
  const reporters = ["default", "json", ...(process.env.GITHUB_ACTIONS === "true" ? ["github-actions"] : [])];
  const words = ["run", ...reporters.map((name) => `--reporter=${name}`), `--outputFile.json=${file}`, ...args];
  // Each suite is a process of its own, and most start some more: what they compile is kept over all of them.
  const env = {
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(folder, "compiled"),
    // For some suites alone it would take longer than it saves.
    TOWLINE_BUNDLE: args.length === 0 ? "yes" : "no",
  };
  const code = await run("vitest", words, { env });
  try {
    const results = JSON.parse(readFileSync(file, "utf8"));
    const slow = slowest(results, root);
    if (slow.length > 0) console.log(`slowest: ${slow.join(" · ")}`);
    return { name: "tests", ...counts(results, code, root), again: unsteady(results, root) };
  } catch {
    return { name: "tests", passed: 0, failed: 1, skipped: 0, needs: new Map(), again: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);
const take = (/** @type {string} */ flag) => args.includes(flag) && args.splice(args.indexOf(flag), 1).length > 0;
if (take("--help")) {
  console.log(help);
  process.exit(0);
}
// Colour for people only: what reads a pipe or a CI log should find plain lines.
if (!process.stdout.isTTY && process.env.FORCE_COLOR === undefined) process.env.NO_COLOR = "1";
const quick = take("--quick");
const packages = take("--install") || process.env.CI === "true";
const started = Date.now();

await install();
if (packages && !quick) await installPackages();
/** @type {Count[]} */
const done = [];
if (args.length === 0) {
  done.push(await check("types", "tsc", ["--noEmit"]));
  done.push(await check("lint", "biome", ["check", "--error-on-warnings", "."]));
  done.push(await check("unused code", "knip", []));
}
const tests = await suites(quick ? ["--project", "unit", ...args] : args);
done.push(tests);

const lines = done.slice(0, -1).map((one) => `${one.name}: ${one.failed === 0 ? "ok" : "FAILED"}`);
if (lines.length > 0) console.log(lines.join(" · "));
for (const test of tests.again) console.log(`failed once, then passed: ${test}`);
for (const [suite, count] of tests.needs) console.log(`skipped ${suite} [${count} tests]`);
const sum = (/** @type {"passed" | "failed" | "skipped"} */ key) => done.reduce((all, one) => all + one[key], 0);
console.log(`${((Date.now() - started) / 1000).toFixed(0)} s, checks and tests together:`);
console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
process.exit(sum("failed") === 0 ? 0 : 1);
