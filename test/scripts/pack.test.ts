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
    for (const name of readdirSync(join(root, "node_modules")))
      if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(dir, "node_modules", name));
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
