// `towline upgrade` over a pack that init made, and the towline that a pack names for itself.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { digestOf } from "../../src/core/generated.ts";
import { compareVersions, folderIn, pinIn } from "../../src/core/pinned.ts";
import { cli } from "../fakes/cli.ts";
import { towline } from "../integration/real.ts";
import { env, git, tempDir } from "../repo/origin.ts";

let dir: string;
const at = (path: string) => join(dir, path);
const text = (path: string) => readFileSync(at(path), "utf8");
const list = () => JSON.parse(text(".towline.json")) as { version: string; files: Record<string, string> };
/** As an older version would have left it. */
function older(path: string, was: string): void {
  writeFileSync(at(path), was);
  const { files } = list();
  writeFileSync(at(".towline.json"), JSON.stringify({ version: "0.0.9", files: { ...files, [path]: digestOf(was) } }));
}

beforeAll(async () => {
  dir = join(tempDir(), "pack");
  expect((await cli(dir, ["init", "--yes"], env)).code).toBe(0);
  expect((await cli(dir, ["upgrade"], env)).out).toContain("Nothing to write");
});

test("an older version's files come up to date; what a person changed, removed or linked stays", async () => {
  const fresh = text("schema/task.schema.json");
  older("schema/task.schema.json", "{}\n");
  older(
    ".github/workflows/tick.yml",
    text(".github/workflows/tick.yml").replaceAll(`towline@${manifest.version}`, "towline@0.0.9"),
  );
  writeFileSync(at("towline.yml"), text("towline.yml").replace(/^version: .*$/m, "version: 0.0.9 # ours"));
  writeFileSync(at("agents/deckhand.md"), "---\nruntime: shell\nenv: [API_KEY]\n---\n");
  writeFileSync(at(".vscode/settings.json"), '{ "mine": true }\n');
  rmSync(at(".vscode/towline.code-snippets"));
  rmSync(at(".remarkrc.json"));
  symlinkSync(at("README.md"), at(".remarkrc.json"));
  const readme = text("README.md");

  expect((await cli(dir, ["upgrade", "--check"], env)).code).toBe(1);
  expect(text("schema/task.schema.json")).toBe("{}\n");
  const { out, code } = await cli(dir, ["upgrade"], env);
  expect(code).toBe(0);
  expect(out).toContain(`the pack names towline ${manifest.version}, no longer 0.0.9`);
  expect(out).toMatch(/△ \.vscode\/settings\.json is yours[\s\S]*-\{ "mine": true \}[\s\S]*\+ {2}"yaml\.schemas"/);
  expect(text("schema/task.schema.json")).toBe(fresh);
  const tick = text(".github/workflows/tick.yml");
  expect(tick).toContain(`towline@${manifest.version} towline ci tick`);
  expect(tick).toContain("API_KEY: ${{ secrets.API_KEY }}");
  expect(text(".vscode/settings.json")).toBe('{ "mine": true }\n');
  expect(existsSync(at(".vscode/towline.code-snippets"))).toBe(false);
  expect(text("README.md")).toBe(readme);
  expect(pinIn(text("towline.yml"))).toBe(manifest.version);
  expect(text(".github/ISSUE_TEMPLATE/task.yml")).toContain("deckhand");

  const again = await cli(dir, ["upgrade", "--json"], env);
  expect(JSON.parse(again.out)).toMatchObject({ changed: false, added: [], version: { from: manifest.version } });
});

test("--take: what a person changed gives way where they say so, once git has it", async () => {
  writeFileSync(at(".vscode/settings.json"), '{ "mine": true }\n');
  rmSync(at(".remarkrc.json"));
  symlinkSync(at("README.md"), at(".remarkrc.json"));
  const mine = text(".vscode/settings.json");
  const loose = await cli(dir, ["upgrade", "--take", ".vscode/settings.json"], env);
  expect([loose.code, loose.said]).toEqual([2, expect.stringContaining("is not committed as it is")]);
  git(dir, "add", "-A");
  git(dir, "commit", "-qm", "mine");
  const link = await cli(dir, ["upgrade", "--take", ".remarkrc.json"], env);
  expect([link.code, link.said]).toEqual([2, expect.stringContaining("is a link")]);
  const other = await cli(dir, ["upgrade", "--take", "README.md"], env);
  expect([other.code, other.said]).toEqual([
    2,
    expect.stringMatching(/README\.md is no file.*\n.*those are: .*settings\.json/),
  ]);
  expect((await cli(dir, ["upgrade"], env)).out).toContain("towline upgrade --take ");
  const { out } = await cli(dir, ["upgrade", "--take", ".vscode/settings.json"], env);
  expect(out).toContain("✓ .vscode/settings.json brought up to date");
  expect(text(".vscode/settings.json")).toContain("yaml.schemas");
  expect(git(dir, "show", "HEAD:.vscode/settings.json")).toBe(mine.trim());
  expect((await cli(dir, ["upgrade"], env)).out).not.toContain("settings.json is yours");
});

test("an older towline upgrades nothing", async () => {
  writeFileSync(at("towline.yml"), text("towline.yml").replace(/^version: .*$/m, "version: 99.0.0"));
  const said = await cli(dir, ["upgrade"], env);
  expect([said.code, said.said]).toEqual([3, expect.stringContaining("npx towline@latest upgrade")]);
  writeFileSync(at("towline.yml"), text("towline.yml").replace(/^version: .*$/m, `version: ${manifest.version}`));
});

describe("the version that a pack names", () => {
  /** An npx that does this; its arguments are written down. */
  function npx(script: string): Record<string, string> {
    const bin = tempDir("bin");
    // Whatever the guard is worth, there is no chain without end.
    const once = `[ ! -s "${bin}/asked" ] || { echo "$*" >>"${bin}/asked"; exit 9; }`;
    writeFileSync(join(bin, "npx"), `#!/bin/sh\n${once}\necho "$*" >>"${bin}/asked"\n${script}\n`);
    chmodSync(join(bin, "npx"), 0o755);
    return { PATH: `${bin}:${process.env.PATH}`, BIN: bin };
  }
  const asked = ({ BIN }: Record<string, string>) =>
    existsSync(join(BIN ?? "", "asked")) ? readFileSync(join(BIN ?? "", "asked"), "utf8") : "";
  const pack = (version: string) => {
    const folder = tempDir("pinned");
    execFileSync("git", ["init", "-q", folder]);
    writeFileSync(join(folder, "towline.yml"), `id: pinned\nversion: ${version}\n`);
    return folder;
  };

  test("does it all: its answer, its exit code, and it hands over to nobody", async () => {
    const self = join(import.meta.dirname, "..", "..", "bin", "towline");
    const other = npx(`shift 3\nnode "${self}" "$@"; echo "by the other: $*"; exit 7`);
    const said = await towline(["check", "--repo", pack("9.9.9")], other);
    expect([said.code, said.out]).toEqual([7, expect.stringContaining("by the other: check --repo")]);
    expect(asked(other)).toMatch(/^--yes --loglevel=silent towline@9\.9\.9 check --repo \S+\n$/);
  });

  test("cannot be fetched: this one says so and goes on", async () => {
    const offline = npx("exit 1");
    const said = await towline(["check", "--repo", pack("9.9.9")], offline);
    expect([said.code, said.err]).toEqual([
      0,
      expect.stringMatching(/names towline 9\.9\.9, which cannot be fetched: \S+ goes on/),
    ]);
    expect(asked(offline).split("\n")).toHaveLength(2);
  });

  test("is this one, or no version at all: nothing is started", async () => {
    const never = npx("exit 9");
    // As the workflows of a pack call it.
    const files = { GITHUB_STEP_SUMMARY: join(tempDir(), "summary"), GITHUB_OUTPUT: join(tempDir(), "out") };
    for (const file of Object.values(files)) writeFileSync(file, "");
    const checked = await towline(["ci", "check", "--repo", pack(manifest.version)], {
      ...never,
      ...files,
      GITHUB_ACTIONS: "true",
    });
    expect([checked.code, readFileSync(files.GITHUB_STEP_SUMMARY, "utf8")]).toEqual([
      0,
      expect.stringContaining("towline check: nothing to mend."),
    ]);
    expect((await towline(["check", "--repo", pack("git+https://example.org/evil")], never)).code).toBe(1);
    expect(asked(never)).toBe("");
  });

  test("is read from its line alone, and not for verbs that are about versions", () => {
    expect(
      [
        "version: 1.2.3\n",
        'a: b\nversion: "1.2.3-rc.1" # pinned\r\n',
        "x:\n  version: 1.2.3\n",
        "version: latest\n",
        "version: 1.2.3;id\n",
      ].map(pinIn),
    ).toEqual(["1.2.3", "1.2.3-rc.1", null, null, null]);
    expect(
      [["tick", "--repo", "x"], ["tick", "--repo=y"], ["tick"], ["upgrade"], ["init", "d"], ["--version"]].map(
        folderIn,
      ),
    ).toEqual(["x", "y", ".", null, null, null]);
    expect(["1.2.3", "1.10.0", "1.2.3-rc.1", "2.0.0"].sort(compareVersions)).toEqual([
      "1.2.3-rc.1",
      "1.2.3",
      "1.10.0",
      "2.0.0",
    ]);
  });
});
