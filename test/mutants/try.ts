// Switches one guard off in a copy of the tree and runs the tests that must notice.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { messageOf } from "../../src/errors.ts";
import type { Mutant } from "./table.ts";

const root = join(import.meta.dirname, "..", "..");
const left_out = new Set([".git", "node_modules", "dist", ".astro"]);
/** How long one run of tests may take, ms: whoever needs longer hangs. */
const usual_limit = 300_000;

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
    if (!existsSync(join(dir, file))) return `${file} is not there`;
    const count = readFileSync(join(dir, file), "utf8").split(before).length - 1;
    if (count !== 1) return `${file} holds this text ${count} times: ${before}`;
    if (before === after) return `${file}: nothing is changed`;
  }
  return tests.some((file) => existsSync(join(dir, file))) ? null : `none of ${tests.join(", ")} is there`;
}

interface Results {
  /** The run's own word: also where it was ended before the failed test was written down. */
  failed: boolean;
  numPassedTests: number;
  numFailedTests: number;
  testResults: { message?: string; assertionResults: { status: string; fullName: string }[] }[];
}

/** null: the tests came to no end. What they had started is ended with them: they are one process group. */
async function run(dir: string, { tests, name }: Mutant, limit: number, bail = true): Promise<Results | null> {
  const file = join(dir, "mutant-results.json");
  rmSync(file, { force: true });
  const there = tests.filter((one) => existsSync(join(dir, one)));
  const args = [
    "run",
    ...there,
    ...(name ? [`--testNamePattern=${name}`] : []),
    ...(bail ? ["--bail=1"] : []),
    // A test that fails has noticed.
    "--retry=0",
    "--reporter=json",
    `--outputFile=${file}`,
  ];
  const child = spawn("node_modules/.bin/vitest", args, {
    cwd: dir,
    stdio: "ignore",
    detached: true,
    // The program is the copy's own, with what was switched off in it: no bundle of the sources as they are.
    env: { ...process.env, TOWLINE_BUNDLE: "no", TOWLINE_PROGRAM: "", TOWLINE_TICKER: "" },
  });
  const end = () => {
    try {
      process.kill(-(child.pid as number), "SIGKILL");
    } catch {
      // all of it has ended
    }
  };
  process.once("exit", end);
  const timer = setTimeout(end, limit);
  const code = await new Promise((resolve, reject) => child.once("exit", resolve).once("error", reject));
  clearTimeout(timer);
  process.off("exit", end);
  end();
  return existsSync(file) ? { ...(JSON.parse(readFileSync(file, "utf8")) as Results), failed: code !== 0 } : null;
}

/** The tests must pass as they are: or else their failure says nothing. Null, or what fails. */
export async function baseline(dir: string, mutant: Mutant, limit = usual_limit): Promise<string | null> {
  const results = await run(dir, mutant, limit);
  if (!results) return "the tests did not come to an end";
  if (results.numFailedTests > 0) return `fails without the change, too: ${failedOf(results)}`;
  return results.numPassedTests > 0 ? null : "no test is run";
}

export async function tryMutant(dir: string, mutant: Mutant, limit = usual_limit): Promise<Verdict> {
  const kept = new Map(mutant.edits.map(([file]) => [file, readFileSync(join(dir, file), "utf8")]));
  try {
    for (const [file, before, after] of mutant.edits) {
      const text = readFileSync(join(dir, file), "utf8");
      writeFileSync(
        join(dir, file),
        text.replace(before, () => after),
      );
    }
    let results = await run(dir, mutant, limit);
    // A bail can end the run before it has written down which test made it bail: that is no verdict.
    if (results?.failed && results.numFailedTests === 0) results = await run(dir, mutant, limit, false);
    // A hang is noticed by whoever waits for the suite.
    if (!results) return { caught: "the suite came to no end" };
    if (results.numFailedTests > 0) return { caught: failedOf(results) };
    return { survived: `${results.numPassedTests} tests passed` };
  } finally {
    for (const [file, text] of kept) writeFileSync(join(dir, file), text);
  }
}

/** One row from its beginning to its end. Whatever goes wrong in it is said of it, and the next row has its turn. */
export async function row(dir: string, mutant: Mutant, limit = usual_limit): Promise<Verdict> {
  try {
    const wrong = misfit(mutant, dir) ?? (await baseline(dir, mutant, limit));
    return wrong === null ? await tryMutant(dir, mutant, limit) : { survived: wrong };
  } catch (thrown) {
    return { survived: `it could not be tried: ${messageOf(thrown)}` };
  }
}

const failedOf = ({ testResults }: Results) =>
  testResults.flatMap((file) => file.assertionResults).find(({ status }) => status === "failed")?.fullName ?? "a suite";
