// Repositories that agents work on, as the ticker fetches them: real git, no network.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { plainAddress, targetAddress } from "../../src/core/target.ts";
import { refusalOf } from "../../src/shell/refusal.ts";
import { createTargets, type TargetOptions } from "../../src/shell/target.ts";
import { clone, env, git, origin, personPushes, tempDir, write } from "../repo/origin.ts";

describe("which repository is meant", () => {
  const at = (repo: string, from: string | null = "https://git.example.org/ada/pack.git") => targetAddress(repo, from);
  test("the pack's own, one beside it, one by its address", () => {
    expect(at(".")).toEqual({ address: "https://git.example.org/ada/pack.git", own: true });
    expect(at("ada/site")).toEqual({ address: "https://git.example.org/ada/site.git", own: false });
    expect(at("ada/site", "git@git.example.org:ada/pack.git")).toMatchObject({
      address: "git@git.example.org:ada/site.git",
    });
    expect(at("ada/site", "ssh://git@h:2222/ada/pack")).toMatchObject({ address: "ssh://git@h:2222/ada/site.git" });
    expect(at("ada/site", "https://x:secret@h/ada/pack")).toMatchObject({ address: "https://h/ada/site.git" });
    for (const address of [
      "https://h/x.git",
      "ssh://git@h/x",
      "git@h:x/y.git",
      "file:///srv/x.git",
      "/srv/x.git",
      "http://127.0.0.1:9/x",
    ])
      expect(at(address)).toEqual({ address, own: false });
  });
  test.each([
    "ext::sh -c touch% /tmp/x",
    "--upload-pack=touch /tmp/x",
    "-oProxyCommand=x",
    "-x@example.org:x",
    "git@-x:x",
    "ssh://-x/x",
    "ssh://git@-x/x",
    "http://example.org/x.git",
    "git://example.org/x.git",
    "ftp://example.org/x",
    "https://h",
    "../x",
    "x",
    "a/..",
    "a b",
    "a\nb/c",
    "fd::7",
    "",
  ])("%j is no address", (repo) => expect(at(repo)).toHaveProperty("fault"));
  test("an address with a login is refused without showing it", () => {
    for (const repo of ["https://ada:hunter2@h/x", "https://hunter2token@h/x", "ssh://git:hunter2@h/x"])
      expect(at(repo)).toEqual({ fault: "`repo:` holds a login; leave it out: git's credential helper knows it" });
  });
  test("owner/name needs a forge, and `.` an origin", () => {
    expect(at("ada/site", "/srv/pack.git")).toMatchObject({ fault: expect.stringMatching(/whole address/) });
    expect(at(".", null)).toMatchObject({ fault: expect.stringMatching(/no `origin`/) });
  });
  test("one repository has one mirror, however it is spelled", () =>
    expect(plainAddress("https://u:p@h/a/b.git/")).toBe(plainAddress("https://h/a/b")));
});

function stand(
  files: Record<string, string> = { "towline.yml": "id: p\n", "README.md": "x\n" },
  limits: TargetOptions["limits"] = {},
) {
  const from = origin(files);
  const dir = clone(from, "--depth=1");
  const cache = tempDir("cache");
  return { from, dir, cache, targets: () => createTargets({ dir, env, cache, limits }) };
}

test("the whole history comes into a cache, whatever the pack's own clone has, and the clone stays as it was", async () => {
  const one = stand();
  for (const text of ["1", "2", "3"]) personPushes(one.from, { "README.md": text });
  const before = git(one.dir, "for-each-ref");
  const target = await one.targets().fetch(".");
  const tip = git(one.from.person, "rev-parse", "HEAD");
  expect(target.looked).toMatchObject({ branch: "main", tip });
  expect(git(target.place.cwd, "rev-list", "--count", "main")).toBe("4");
  expect(git(one.dir, "for-each-ref")).toBe(before);
  expect(await target.isPack(tip)).toBe(true);
  expect(await target.lacks(tip)).toBeNull();
  expect(await target.contains(tip, git(one.from.person, "rev-parse", "HEAD~2"))).toBe(true);
});

test("a bundle is whole for who has nothing, small for who has some, and none for who has all", async () => {
  const one = stand();
  const first = git(one.from.person, "rev-parse", "HEAD");
  const tip = personPushes(one.from, { "README.md": "more\n".repeat(50) });
  const target = await one.targets().fetch(".");
  const whole = (await target.bundle([tip], [])) as Uint8Array;
  const rest = (await target.bundle([tip], [first, "e".repeat(40), "--all"])) as Uint8Array;
  expect(await target.bundle([tip], [tip])).toBeNull();
  const host = tempDir("host");
  git(host, "init", "-q", "--bare", "m.git");
  const mirror = join(host, "m.git");
  writeFileSync(join(host, "rest"), rest);
  expect(() => git(mirror, "bundle", "verify", join(host, "rest"))).toThrow();
  writeFileSync(join(host, "whole"), whole);
  git(mirror, "fetch", "-q", join(host, "whole"), `refs/towline/sent/${tip}:refs/heads/x`);
  expect(git(mirror, "rev-parse", "x")).toBe(tip);
  await expect(
    one
      .targets()
      .fetch(".")
      .then((t) => t.bundle([tip, "x"], [])),
  ).rejects.toThrow(/object id/);
});

test("branches of agents are seen and brought; a push moves one only from where it was thought to be", async () => {
  const one = stand();
  const base = git(one.from.person, "rev-parse", "HEAD");
  const agent = clone(one.from);
  git(agent, "commit", "-q", "--allow-empty", "-m", "work");
  const work = git(agent, "rev-parse", "HEAD");
  const target = await one.targets().fetch(".");
  const objects = join(agent, ".git/objects");
  expect(await target.push(objects, work, "towline/a-1", null)).toEqual({ state: "won", commit: work });
  expect(git(one.from.bare, "rev-parse", "towline/a-1")).toBe(work);
  expect(await target.push(objects, work, "towline/a-1", null)).toMatchObject({ state: "lost" });
  const again = await one.targets().fetch(".", ["towline/a-1", "towline/gone"]);
  expect([...again.looked.heads]).toEqual([["towline/a-1", work]]);
  expect(await again.contains(work, base)).toBe(true);
  // A person goes on; what thinks that it did not is refused.
  git(agent, "commit", "-q", "--allow-empty", "-m", "a person's");
  git(agent, "push", "-q", "origin", "HEAD:towline/a-1");
  git(agent, "commit", "-q", "--allow-empty", "-m", "more");
  const lost = await again.push(objects, git(agent, "rev-parse", "HEAD"), "towline/a-1", work);
  expect(lost).toMatchObject({ state: "lost", why: expect.stringMatching(/stale info/) });
});

test("a branch called like the folder of work is seen, and a push that it stands in the way of is people's to mend", async () => {
  const one = stand();
  const commit = git(one.from.person, "rev-parse", "HEAD");
  git(one.from.bare, "branch", "towline", commit);
  git(one.from.bare, "branch", "towline-work/b-1", commit);
  const target = await one.targets().fetch(".");
  expect([...target.looked.heads.keys()].sort()).toEqual(["towline", "towline-work/b-1"]);
  const pushed = await target.push(target.objects, commit, "towline/a-1", null);
  expect(pushed.state === "lost" && refusalOf(pushed.why)).toMatchObject({ kind: "name", configuration: true });
});

test("who knows an area follows from who worked there, and when; agents are not asked", async () => {
  const one = stand({ "src/a.ts": "a\n", "docs/a.md": "a\n" });
  const commit = (name: string, days: number, path: string) => {
    write(one.from.person, { [path]: `${name} ${days}\n` });
    const date = new Date(Date.now() - days * 86_400_000).toISOString();
    const more = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    execFileSync("git", ["commit", "-qam", "x"], { cwd: one.from.person, env: { ...env, ...more } });
  };
  commit("Old", 800, "src/a.ts");
  commit("Older", 801, "src/a.ts");
  commit("Writer", 1, "docs/a.md");
  commit("Bob The `Builder`", 2, "src/a.ts");
  commit("scout (towline)", 1, "src/a.ts");
  git(one.from.person, "push", "-q");
  const target = await one.targets().fetch(".");
  const { tip } = target.looked;
  expect(await target.people(tip, (path) => path.startsWith("src/"), new Date())).toEqual([
    "Ada",
    "Bob The `Builder`",
    "Old",
  ]);
  expect(await target.people(tip, (path) => path === "docs/a.md", new Date())).toEqual(["Ada", "Writer"]);
  expect(await target.people(tip, () => false, new Date())).toEqual([]);
});

test("LFS, submodules and a folder .towline are refused by name", async () => {
  const lacks = async (files: Record<string, string>) => {
    const one = stand(files);
    const target = await one.targets().fetch(".");
    return target.lacks(target.looked.tip);
  };
  expect(await lacks({ "media/.gitattributes": "*.psd filter=lfs diff=lfs\n" })).toMatch(
    /LFS \(media\/.gitattributes\)/,
  );
  expect(await lacks({ ".gitmodules": '[submodule "x"]\n' })).toMatch(/submodules/);
  expect(await lacks({ ".towline/x": "x" })).toMatch(/\.towline/);
  expect(await lacks({ ".gitattributes": "*.txt text\n" })).toBeNull();
});

test("a repository over the limit is refused, and nothing of it stays", async () => {
  const big = Array.from({ length: 4000 }, (_, at) => Math.sin(at).toString(36)).join("\n");
  const one = stand({ "big.txt": big }, { repository: 10_000 });
  await expect(one.targets().fetch(".")).rejects.toThrow(/larger than/);
  expect(readdirSync(join(one.cache, "targets"))).toEqual([]);
});

test("a cache that was broken half-way is made again; one that nobody reaches is said so", async () => {
  const one = stand();
  const target = await one.targets().fetch(".");
  const pack = join(target.objects, "pack");
  const objects = existsSync(pack) ? readdirSync(target.objects).filter((name) => /^[0-9a-f]{2}$/.test(name)) : [];
  for (const name of objects) rmSync(join(target.objects, name), { recursive: true });
  for (const name of readdirSync(pack)) rmSync(join(pack, name));
  personPushes(one.from, { "README.md": "again" });
  const again = await one.targets().fetch(".");
  expect(git(again.place.cwd, "rev-list", "--count", "main")).toBe("2");
  // A tick was killed as it moved a ref.
  writeFileSync(join(again.place.cwd, "refs/heads/main.lock"), "");
  personPushes(one.from, { "README.md": "and again" });
  const third = await one.targets().fetch(".");
  expect(git(third.place.cwd, "rev-list", "--count", "main")).toBe("3");
  const none = createTargets({ dir: one.dir, env, cache: one.cache });
  await expect(none.look("/nowhere/at/all.git")).rejects.toThrow(/nowhere\/at\/all.git cannot be read/);
});

test("the clone's own settings of servers are used, by name of the server, and no password is on a command line", async () => {
  const one = stand();
  const log = join(one.cache, "asked");
  const helper = `!f() { echo "$1" >>${log}; sed -n s/^host=//p >>${log}; echo username=u; echo password=p; }; f`;
  execFileSync("git", ["-C", one.dir, "config", "credential.http://127.0.0.1:1.helper", helper], { env });
  const other = createTargets({ dir: one.dir, env, cache: one.cache });
  await expect(other.look("http://127.0.0.1:1/x/y.git")).rejects.toThrow(/cannot be read/);
  const target = await one.targets().fetch(".");
  const keys = Object.entries(target.place.env).filter(([, value]) =>
    value.startsWith("credential.http://127.0.0.1:1"),
  );
  expect(keys).toHaveLength(1);
});
