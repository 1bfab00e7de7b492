// Reads vitest's JSON report: what counts as failed, which suites lacked a program, and which took longest.

/** @typedef {{passed: number, failed: number, skipped: number, needs: Map<string, number>}} Counts */
/** @typedef {{status: string, title: string, ancestorTitles: string[], failureMessages?: string[]}} Assertion */
/** @typedef {{name: string, status: string, assertionResults: Assertion[]}} File */
/** @typedef {{testResults: File[], numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number}} Results */

/**
 * A suite that lacks a program says so in its name: "… needs openssh-server (npm test -- --install)".
 * @param {Results} results
 * @param {number} code exit code of vitest
 * @param {string} root folder that paths are shown relative to
 * @returns {Counts}
 */
export function counts(results, code, root) {
  const needs = new Map();
  for (const file of results.testResults)
    for (const test of file.assertionResults) {
      if (test.status === "passed" || test.status === "failed") continue;
      const title = [...test.ancestorTitles, test.title].find((part) => /\bneeds\b/.test(part));
      if (!title) continue;
      const key = `${short(file, root)}: ${title}`;
      needs.set(key, (needs.get(key) ?? 0) + 1);
    }
  // A file that cannot be loaded has no tests to count as failed.
  const unread = results.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const failed = results.numFailedTests + unread.length;
  return {
    passed: results.numPassedTests,
    // Vitest also fails for what no test is blamed for, such as an error after the last one.
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: results.numPendingTests + results.numTodoTests,
    needs,
  };
}

/**
 * Tests that passed when they were run once more, with the first line of what was wrong before.
 * @param {Pick<Results, "testResults">} results
 * @param {string} root
 * @returns {string[]}
 */
export function unsteady({ testResults }, root) {
  return testResults.flatMap((file) =>
    file.assertionResults
      .filter(({ status, failureMessages }) => status === "passed" && failureMessages?.length)
      .map((one) => {
        const [why = ""] = (one.failureMessages?.[0] ?? "").split("\n", 1);
        return `${short(file, root)}: ${[...one.ancestorTitles, one.title].join(" > ")}: ${why}`;
      }),
  );
}

/** @param {Pick<File, "name">} file @param {string} root */
const short = ({ name }, root) => (name.startsWith(root) ? name.slice(root.length + 1) : name);

/**
 * Suites of half a minute and more, the longest first: what test/order.ts is made of.
 * @param {{testResults: {name: string, startTime: number, endTime: number}[]}} results
 * @param {string} root
 * @returns {string[]}
 */
export function slowest({ testResults }, root) {
  return testResults
    .map((file) => ({ name: short(file, root), seconds: Math.round((file.endTime - file.startTime) / 1000) }))
    .filter(({ seconds }) => seconds >= 30)
    .sort((a, b) => b.seconds - a.seconds)
    .map(({ name, seconds }) => `${name} ${seconds} s`);
}
