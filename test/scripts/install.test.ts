import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stale } from "../../scripts/install.mjs";
import { counts, slowest, unsteady } from "../../scripts/results.mjs";

describe("stale", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "towline-install-"));
    mkdirSync(join(dir, "node_modules"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const pinned = `node_modules/node-${process.platform}-${process.arch}`;
  const packages = {
    "node_modules/a": { version: "1.0.0" },
    "node_modules/tool": { version: "2.0.0", dev: true },
    "node_modules/elsewhere": { version: "3.0.0", optional: true },
    [pinned]: { version: "24.0.0", optional: true },
  };
  const write = (name: string, listed: object) =>
    writeFileSync(join(dir, name), JSON.stringify({ packages: { "": {}, ...listed } }));
  const setUp = (installed: object | null) => {
    write("package-lock.json", packages);
    if (installed) write(join("node_modules", ".package-lock.json"), installed);
  };

  test("an installation that holds what the lockfile asks for is left alone", () => {
    const { "node_modules/elsewhere": _, ...here } = packages;
    setUp(here);
    expect(stale({ dev: true }, dir)).toBeNull();
  });

  test("nothing installed", () => {
    setUp(null);
    expect(stale({ dev: true }, dir)).toBe("nothing is installed yet");
  });

  test("another version, and a package that is missing, are named", () => {
    setUp({ ...packages, "node_modules/a": { version: "0.9.0" } });
    expect(stale({ dev: true }, dir)).toBe("node_modules/a is 0.9.0, wanted 1.0.0");
    setUp({});
    expect(stale({ dev: true }, dir)).toBe("node_modules/a is missing");
  });

  test("development tools count only when they are asked for", () => {
    const { "node_modules/tool": _, ...here } = packages;
    setUp(here);
    expect(stale({ dev: false }, dir)).toBeNull();
    expect(stale({ dev: true }, dir)).toBe("node_modules/tool is missing");
  });

  test("the pinned node counts, although it is optional", () => {
    const { [pinned]: _, ...here } = packages;
    setUp(here);
    expect(stale({ dev: true }, dir)).toBe(`${pinned} is missing`);
  });
});

describe("package-lock.json", () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "package-lock.json"), "utf8"));
  const packages = lock.packages as Record<
    string,
    { version?: string; integrity?: string; optionalDependencies?: Record<string, string> }
  >;

  // npm leaves out what its registry did not have at that moment, and then refuses its own lockfile: `npm ci` fails.
  test("names a version of every package for other platforms, too", () => {
    const names = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + 13)));
    const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });

  test("pins every package by its content", () => {
    expect(Object.entries(packages).filter(([path, entry]) => path !== "" && !entry.integrity)).toEqual([]);
  });
});

describe("counts", () => {
  const file = (status: string, ...tests: [string, string][]) => ({
    name: "/repo/test/a.test.ts",
    status,
    assertionResults: tests.map(([state, title]) => ({
      status: state,
      title,
      ancestorTitles: ["over sshd: needs openssh-server (npm test -- --install)"],
    })),
  });
  const results = (passed: number, failed: number, pending: number, ...testResults: ReturnType<typeof file>[]) => ({
    testResults,
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: 0,
  });

  test("names each suite that lacked a program once, with the number of its tests", () => {
    const told = counts(
      results(1, 0, 2, file("passed", ["passed", "a"], ["skipped", "b"], ["pending", "c"])),
      0,
      "/repo",
    );
    expect(told).toMatchObject({ passed: 1, failed: 0, skipped: 2 });
    expect([...told.needs]).toEqual([["test/a.test.ts: over sshd: needs openssh-server (npm test -- --install)", 2]]);
  });

  test("a file that does not load is a failure, and so is an exit code that no test explains", () => {
    expect(counts(results(0, 0, 0, file("failed")), 1, "/repo").failed).toBe(1);
    expect(counts(results(3, 0, 0, file("passed", ["passed", "a"])), 1, "/repo").failed).toBe(1);
    expect(counts(results(3, 2, 0, file("failed", ["failed", "a"])), 1, "/repo").failed).toBe(2);
  });
});

test("what passed at the second try is named, with what was wrong at the first", () => {
  const one = (title: string, ...failureMessages: string[]) => ({
    status: "passed",
    title,
    ancestorTitles: ["over sshd"],
    failureMessages,
  });
  const testResults = [
    {
      name: "/r/test/a.test.ts",
      status: "passed",
      assertionResults: [one("a"), one("b", "Error: late\n    at x.ts:1")],
    },
  ];
  expect(unsteady({ testResults }, "/r")).toEqual(["test/a.test.ts: over sshd > b: Error: late"]);
});

test("suites of half a minute and more are named, the longest first", () => {
  const file = (name: string, seconds: number) => ({ name, startTime: 0, endTime: seconds * 1000 });
  const testResults = [file("/r/test/a.test.ts", 31), file("/r/test/b.test.ts", 29), file("/r/test/c.test.ts", 200)];
  expect(slowest({ testResults }, "/r")).toEqual(["test/c.test.ts 200 s", "test/a.test.ts 31 s"]);
});
