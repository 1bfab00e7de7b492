// Switches one guard off in a copy of the tree and runs the tests that must notice.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Mutant } from "./table.ts";

const root = join(import.meta.dirname, "..", "..");
const left_out = new Set([".git", "node_modules", "dist", ".astro"]);

export type Verdict = { caught: string } | { survived: string };

/** A copy of the tree, without what is made from it. */
export function copyOfTree(): string {
  const dir = mkdtempSync(join(tmpdir(), "towline-mutants-"));
  cpSync(root, dir, { recursive: true, filter: (from) => !left_out.has(basename(from)) });
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  return dir;
}

export const removeCopy = (dir: string) => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });

/** Why the mutant does not fit the source any more, or null. */
export function misfit({ edits, tests }: Mutant, dir = root): string | null {
  for (const [file, before, after] of edits) {
    const count = readFileSync(join(dir, file), "utf8").split(before).length - 1;
    if (count !== 1) return `${file} holds this text ${count} times: ${before}`;
    if (before === after) return `${file}: nothing is changed`;
  }
  return tests.some((file) => existsSync(join(dir, file))) ? null : `none of ${tests.join(", ")} is there`;
}

interface Results {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { message?: string; assertionResults: { status: string; fullName: string }[] }[];
}

function run(dir: string, { tests, name }: Mutant): Results | null {
  const file = join(dir, "mutant-results.json");
  rmSync(file, { force: true });
  const there = tests.filter((one) => existsSync(join(dir, one)));
  const args = ["run", ...there, ...(name ? ["-t", name] : []), "--bail=1", "--reporter=json", `--outputFile=${file}`];
  spawnSync("node_modules/.bin/vitest", args, { cwd: dir, timeout: 300_000, killSignal: "SIGKILL", stdio: "ignore" });
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : null;
}

/** The tests must pass as they are: or else their failure says nothing. Null, or what fails. */
export function baseline(dir: string, mutant: Mutant): string | null {
  const results = run(dir, mutant);
  if (!results) return "the tests did not come to an end";
  if (results.numFailedTests > 0) return `fails without the change, too: ${failedOf(results)}`;
  return results.numPassedTests > 0 ? null : "no test is run";
}

export function tryMutant(dir: string, mutant: Mutant): Verdict {
  const kept = new Map(mutant.edits.map(([file]) => [file, readFileSync(join(dir, file), "utf8")]));
  try {
    for (const [file, before, after] of mutant.edits) {
      const text = readFileSync(join(dir, file), "utf8");
      writeFileSync(
        join(dir, file),
        text.replace(before, () => after),
      );
    }
    const results = run(dir, mutant);
    // A hang is noticed by whoever waits for the suite.
    if (!results) return { caught: "the suite came to no end" };
    if (results.numFailedTests > 0) return { caught: failedOf(results) };
    return { survived: `${results.numPassedTests} tests passed` };
  } finally {
    for (const [file, text] of kept) writeFileSync(join(dir, file), text);
  }
}

const failedOf = ({ testResults }: Results) =>
  testResults.flatMap((file) => file.assertionResults).find(({ status }) => status === "failed")?.fullName ?? "a suite";
