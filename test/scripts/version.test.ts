// From changesets to a release: the changelog that comes of them, and what a tag may release.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faults, version } from "../../scripts/version.mjs";
import { runWorkflow } from "../action/runner.ts";

const root = join(import.meta.dirname, "..", "..");
let dir: string;
const file = (name: string) => readFileSync(join(dir, name), "utf8");
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-version-"));
  const text = (name: string, what: string) => writeFileSync(join(dir, name), what);
  text("package.json", '{\n  "name": "towline",\n  "version": "0.1.0"\n}\n');
  text(
    "package-lock.json",
    '{\n  "version": "0.1.0",\n  "packages": {\n    "": {\n      "version": "0.1.0"\n    }\n  }\n}\n',
  );
  text(
    "CHANGELOG.md",
    "# Changelog\n\n## Unreleased\n\n### Added\n\n- The first thing.\n\n### Fixed\n\n- An old fault.\n",
  );
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  mkdirSync(join(dir, ".changeset"));
  for (const name of ["config.json", "changelog.mjs", "README.md"])
    cpSync(join(root, ".changeset", name), join(dir, ".changeset", name));
  const set = (name: string, bump: string, words: string) =>
    text(`.changeset/${name}.md`, `---\n"towline": ${bump}\n---\n\n${words}\n`);
  set("new", "minor", "Rules start workflows:\n`call: {workflow: deploy.yml}`.");
  set("fix", "patch", "The action says what is wrong.");
  execFileSync("git", ["init", "-q", "-b", "main", dir]);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("changesets become the newest section, with what was written before there were any, and a tag releases what stands here", () => {
  expect(faults(dir, "v0.2.0").join("\n")).toMatch(
    /package.json says 0\.1\.0\nchangesets are left: fix\.md, new\.md.*\n.*CHANGELOG\.md is Unreleased, and not 0\.1\.0/,
  );
  version(dir);
  expect(file("CHANGELOG.md")).toBe(`# Changelog

## 0.2.0

### Added and changed

- Rules start workflows:
  \`call: {workflow: deploy.yml}\`.

### Fixed

- The action says what is wrong.

### Added

- The first thing.

### Fixed

- An old fault.
`);
  expect(JSON.parse(file("package.json"))).toEqual({ name: "towline", version: "0.2.0" });
  expect(JSON.parse(file("package-lock.json"))).toEqual({ version: "0.2.0", packages: { "": { version: "0.2.0" } } });
  expect(readdirSync(join(dir, ".changeset")).sort()).toEqual(["README.md", "changelog.mjs", "config.json"]);
  expect(faults(dir, "v0.2.0")).toEqual([]);
  expect(faults(dir, "0.2.0")).toEqual(["the tag is 0.2.0, and package.json says 0.2.0"]);
});

test("nothing is released in forks and copies, and nothing of the repository runs beside the right to", async () => {
  const release = readFileSync(join(root, ".github", "workflows", "release.yml"), "utf8");
  const run = async (vars: Record<string, string>, fork: boolean) => {
    const github = { event_name: "push", ref_name: "v0.2.0", event: { repository: { fork } } };
    // Steps that would do something are not run: all of them end at the first.
    const steps = release.replace(/run: (?!npm publish).*/g, "run: exit 1");
    const jobs = await runWorkflow(steps, { github, vars, env: {}, workspace: dir, temp: dir, uses: () => {} });
    return [...jobs.values()].map(({ result }) => result);
  };
  expect(await run({}, false)).toEqual(["skipped", "skipped"]);
  expect(await run({ TOWLINE_NPM: "publish" }, true)).toEqual(["skipped", "skipped"]);
  expect(await run({ TOWLINE_NPM: "publish", TOWLINE_STOP: "1" }, false)).toEqual(["skipped", "skipped"]);
  expect(await run({ TOWLINE_NPM: "publish" }, false)).toEqual(["failure", "skipped"]);
});
