import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { restore, strip } from "../../scripts/pack.mjs";

const root = join(import.meta.dirname, "..", "..");
const plugin = `import { Plugin } from "towline/plugin";
export default class extends Plugin {
  static override api = 1;
  override title = "Mine";
  override kinds = { "mine.said": "always" };
  override poll() {
    return [{ subject: "it", kind: "mine.said", title: "said" }];
  }
}
`;
let dir: string;
let copy: string;
const manifest = () => readFileSync(join(copy, "package.json"), "utf8");

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "towline-pack-"));
  copy = join(dir, "checkout");
  const listed = execFileSync("git", ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    encoding: "utf8",
  });
  for (const path of listed.split("\0").filter((name) => name !== "" && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path), { verbatimSymlinks: true });
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("npm pack", () => {
  let files: string[];
  let inside: Record<string, unknown>;
  const home = () => join(dir, "node_modules", "towline");

  beforeAll(() => {
    const before = manifest();
    // tsc makes the JavaScript.
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const out = execFileSync("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", dir], {
      cwd: copy,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(manifest()).toBe(before);
    expect(existsSync(join(copy, "lib"))).toBe(false);
    const tarball = readdirSync(dir).find((name) => name.endsWith(".tgz")) ?? "";
    files = (JSON.parse(out) as { files: { path: string }[] }[])[0]?.files.map((file) => file.path) ?? [];
    mkdirSync(home(), { recursive: true });
    execFileSync("tar", ["xzf", join(dir, tarball), "-C", home(), "--strip-components=1"]);
    inside = JSON.parse(readFileSync(join(home(), "package.json"), "utf8"));
    for (const name of readdirSync(join(root, "node_modules")))
      if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(dir, "node_modules", name));
  });

  test("the package brings no node, no test server, no development tools and no scripts", () => {
    for (const field of ["optionalDependencies", "devDependencies", "scripts", "allowScripts"])
      expect(inside).not.toHaveProperty(field);
    expect(inside.engines).toEqual({ node: ">=22.18" });
    const before = JSON.parse(manifest()) as { dependencies: object; version: string };
    expect(inside).toMatchObject({
      dependencies: before.dependencies,
      version: before.version,
      bin: { towline: "bin/towline" },
    });
  });

  test("it holds the program, the schemas and the site, and nothing of the workshop", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        "bin/towline",
        "lib/cli.js",
        "lib/plugin.js",
        "lib/kit.js",
        "lib/plugin/define.d.ts",
        "lib/remote/host/serve.sh",
        "src/core/exported.ts",
        "schema/task.schema.json",
        "action.yml",
        ".github/workflows/tick.yml",
        "LICENSE",
        "README.md",
      ]),
    );
    const strange = files.filter(
      (path) =>
        !/^(bin|lib|src\/core|plugins|schema|site|docs)\/|^(package\.json|action\.yml|\.github\/workflows\/(tick|events|check)\.yml|LICENSE|README\.md|CHANGELOG\.md|RELIABILITY\.md|SECURITY\.md)$/.test(
          path,
        ),
    );
    expect(strange).toEqual([]);
    expect(files.filter((path) => /node_modules|\.astro\/|(^|\/)dist\/|\.test\.ts$/.test(path))).toEqual([]);
  });

  test("it runs from node_modules, where node itself does not strip types: as JavaScript, under any node from 22.18 on", () => {
    const ran = spawnSync(process.execPath, [join(home(), "bin", "towline"), "--help"], { encoding: "utf8" });
    expect(ran.stderr).toBe("");
    expect(ran.stdout).toMatch(/^Usage: towline/);
    expect(ran.status).toBe(0);
    const asked = spawnSync(process.execPath, [join(home(), "bin", "towline"), "--version"], { encoding: "utf8" });
    expect([asked.status, asked.stdout]).toEqual([0, `${JSON.parse(manifest()).version}\n`]);
    expect(files.filter((path) => /^lib\/.*\.ts$/.test(path) && !path.endsWith(".d.ts")).sort()).toEqual([
      "lib/plugin/child.ts",
      "lib/plugin/define.ts",
    ]);
  });

  test("it is few files, and what they read beside them is there", () => {
    const scripts = files.filter((path) => /^lib\/[^/]+\.js$/.test(path));
    expect([scripts.length > 2, scripts.length < 120]).toEqual([true, true]);
    expect(files.filter((path) => /^lib\/.+\/.*\.js$/.test(path))).toEqual([]);
    const program = scripts.map((path) => readFileSync(join(home(), path), "utf8")).join("\n");
    const read = [...program.matchAll(/new URL\("([^"`$]+)", new URL\("([^"]+)", import\.meta\.url\)/g)];
    expect(read.length).toBeGreaterThan(5);
    for (const [, name = "", from = ""] of read)
      expect(existsSync(join(home(), "lib", from, "..", name)), `${from} reads ${name}`).toBe(true);
  });

  test("a pack is made with it, a machine set up and a tick run, which starts a job and asks a plugin", () => {
    const person = join(dir, "person");
    mkdirSync(person);
    writeFileSync(join(person, ".gitconfig"), "[user]\nname = Ada\nemail = ada@example.org\n");
    const env = { PATH: process.env.PATH, HOME: person, GIT_CONFIG_NOSYSTEM: "1" };
    const pack = join(dir, "pack");
    const towline = (...args: string[]) => {
      const ran = spawnSync(process.execPath, [join(home(), "bin", "towline"), ...args], { encoding: "utf8", env });
      expect([args[0], ran.status, ran.stderr]).toEqual([args[0], 0, expect.any(String)]);
      return `${ran.stdout}${ran.stderr}`;
    };
    const git = (...args: string[]) => execFileSync("git", ["-C", pack, ...args], { env, encoding: "utf8" });
    towline("init", pack, "--yes");
    const host = `transport: local\naddress: localhost\nuser: ada\nroot: ${join(dir, "machine")}\n`;
    writeFileSync(join(pack, "hosts", "here.md"), `---\n${host}---\n`);
    mkdirSync(join(pack, "plugins"));
    writeFileSync(join(pack, "plugins", "mine.ts"), plugin);
    writeFileSync(join(pack, "towline.yml"), "id: packed\ndefaults: {agent: deckhand}\nplugins: {mine: {}}\n");
    towline("fleet", "enroll", "here", "--repo", pack);
    git("add", "-A");
    git("commit", "-q", "-m", "a machine and a plugin");
    git("push", "-q");
    expect(towline("tick", "--repo", pack)).toMatch(/✓ first-look {2}\(here\)/);
    git("fetch", "-q");
    expect(git("grep", "-h", "mine.said", "origin/main", "--", "pupdates")).toContain('"subject":"it"');
  });

  test("whoever writes a plugin gets its types, and a mistake is found by them", () => {
    const file = (name: string, text: string) => writeFileSync(join(dir, name), text);
    const tsc = (name: string) =>
      spawnSync(
        process.execPath,
        [
          join(root, "node_modules/typescript/bin/tsc"),
          ...["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", "node", name],
        ],
        { cwd: dir, encoding: "utf8" },
      );
    file("package.json", '{"type": "module"}\n');
    file(
      "good.ts",
      'import { Plugin } from "towline/plugin";\nexport default class extends Plugin {\n  title = "Mine";\n}\n',
    );
    file("bad.ts", 'import { Plugged } from "towline/plugin";\nexport const made = Plugged;\n');
    expect([tsc("good.ts").stdout, tsc("bad.ts").stdout]).toEqual(["", expect.stringContaining("Plugged")]);
  });
});

describe("a pack that dies half-way", () => {
  test("is undone by the next command, byte for byte", () => {
    const odd = `${manifest().trimEnd()}  \n\n`;
    writeFileSync(join(copy, "package.json"), odd);
    strip(copy);
    expect(manifest()).not.toBe(odd);
    strip(copy);
    expect(restore(copy)).toBe(true);
    expect(manifest()).toBe(odd);
    expect(restore(copy)).toBe(false);
    expect(manifest()).toBe(odd);
  });
});
