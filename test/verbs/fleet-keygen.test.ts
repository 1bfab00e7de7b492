import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeKey } from "../../src/shell/pack-keys.ts";
import { cli } from "../fakes/cli.ts";
import { basics, type TestPack, testPack } from "../fakes/pack.ts";
import { lacksSshd, needs } from "../integration/real.ts";

let home: string;
let pack: TestPack;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "towline-keygen-"));
  pack = testPack(basics([]));
});
afterEach(() => {
  pack.remove();
  rmSync(home, { recursive: true, force: true });
});

const env = { PATH: process.env.PATH };
const keygen = (...more: string[]) => cli(pack.clone, ["fleet", "keygen", ...more], env, home);
const usual = (name = "TOWLINE_SSH_KEY") => join(home, ".config", "towline", "ssh", "test-pack", name);
const publicOf = (file: string) => execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim();

test.skipIf(lacksSshd)(
  `a key that OpenSSH reads, for nobody else, with the command that makes it a secret, ${needs}`,
  async () => {
    const said = await keygen();
    expect([said.code, said.said]).toEqual([0, ""]);
    expect(statSync(usual()).mode & 0o777).toBe(0o600);
    expect(statSync(join(usual(), "..")).mode & 0o777).toBe(0o700);
    const line = readFileSync(`${usual()}.pub`, "utf8").trim();
    expect(publicOf(usual())).toBe(line);
    expect(line).toMatch(/^ssh-ed25519 \S+ towline test-pack TOWLINE_SSH_KEY$/);
    expect(said.out).toContain(line);
    expect(said.out).toContain(`gh secret set TOWLINE_SSH_KEY < ${usual()}`);
    expect(said.out).not.toMatch(/PRIVATE KEY|b3BlbnNzaC1r/);

    const again = await keygen();
    expect([again.code, again.said]).toEqual([3, expect.stringContaining("there is a key in")]);
    expect(publicOf(usual())).toBe(line);
    const forced = JSON.parse((await keygen("--force", "--json")).out);
    expect(forced.old).toBe(`${usual()}.old`);
    expect([publicOf(forced.old), publicOf(usual())]).toEqual([line, forced.public]);
    expect(forced.public).not.toBe(line);
    expect(JSON.stringify(forced)).not.toContain("PRIVATE KEY");
  },
);

test("never into a repository: this one, another, or through a link; an ignored place in another is fine", async () => {
  const other = join(home, "dotfiles");
  mkdirSync(other);
  execFileSync("git", ["init", "-q", other]);
  writeFileSync(join(other, ".gitignore"), "secret/\n");
  symlinkSync(pack.clone, join(home, "link"));
  pack.push({ ".gitignore": "ignored/\n" });
  for (const file of [
    join(pack.clone, "key"),
    join(pack.clone, "new", "folder", "key"),
    join(pack.clone, "ignored", "key"),
    join(home, "link", "key"),
    join(other, "key"),
  ]) {
    const said = await keygen("--file", file);
    expect([file, said.code, said.out]).toEqual([file, 3, ""]);
    expect(existsSync(file)).toBe(false);
  }
  expect((await keygen("--file", join(other, "secret", "key"))).code).toBe(0);
  expect((await cli(pack.clone, ["fleet", "keygen"], env, pack.clone)).code).toBe(3);
  expect(pack.git("status", "--porcelain")).toBe("");
});

test("names that are no secret's, and places that cannot be written", async () => {
  for (const name of ["lower", "A B", "../X", "GITHUB_TOKEN", "9A"])
    expect([name, (await keygen("--name", name)).code]).toEqual([name, 2]);
  writeFileSync(join(home, "file"), "");
  const said = await keygen("--file", join(home, "file", "key"));
  expect([said.code, said.said]).toEqual([3, expect.stringContaining("cannot be written")]);
});

test.skipIf(lacksSshd)(`of many at once one makes the key, and the others find it, ${needs}`, async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => makeKey(usual(), "one")));
  expect(made.filter(Boolean)).toHaveLength(1);
  expect(publicOf(usual())).toBe(made.find(Boolean)?.public);
});
