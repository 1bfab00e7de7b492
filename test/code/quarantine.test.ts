// Bundles as hosts may send them, made by real git, into real quarantine.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { breachLine, judge } from "../../src/core/guard.ts";
import { gitEnv } from "../../src/shell/git.ts";
import { quarantine, quarantine_limits } from "../../src/shell/quarantine.ts";
import { env, git, tempDir } from "../repo/origin.ts";
import { branch, identity, type Stand, stand } from "./agent.ts";

// Other suites have quarantines of their own.
const outer = process.env.TMPDIR;
beforeAll(() => {
  process.env.TMPDIR = tempDir("tmp");
});
afterAll(() => {
  if (outer === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = outer;
});

const take = (one: Stand, bytes: Uint8Array, known?: string[], limits = quarantine_limits) =>
  quarantine(gitEnv(env), one.arriving(bytes, known), limits);

async function judged(one: Stand, bytes = one.bundle(), known?: string[]): Promise<string[]> {
  const came = await take(one, bytes, known);
  if ("refused" in came) return [came.refused];
  await came.drop();
  return judge({ ...came.work, secrets: new Map() }, { guard: {}, identity, pack: false }).map(breachLine);
}
const refusal = async (one: Stand, bytes: Uint8Array) => {
  const came = await take(one, bytes);
  return "refused" in came ? came.refused : "taken";
};
const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith("towline-quarantine-"));

test("sound work comes in as commits, changes and texts, can be pushed, and nothing of it stays", async () => {
  const one = stand();
  one.put("src/a.ts", "one\n2\nthree\n");
  one.put("src/new.ts", "hello\n");
  const head = one.commit("Counts\n\nmore words");
  const before = left();
  const came = await take(one, one.bundle());
  if ("refused" in came) throw new Error(came.refused);
  expect(came.head).toBe(head);
  expect(came.commits).toMatchObject([{ id: head, author: identity, message: "Counts\n\nmore words\n" }]);
  expect(came.work.changes).toMatchObject([
    { path: "src/a.ts", was: "100644", mode: "100644", size: 12, binary: false, added: "2\nthree\n" },
    { path: "src/new.ts", was: "000000", added: "hello\n" },
  ]);
  expect(came.work.lines).toBe(4);
  expect(came.work.paths).toEqual(["README.md", "src/a.ts", "src/new.ts"]);
  expect([...came.texts.keys()]).toEqual(["src/a.ts", "src/new.ts", `commit ${head.slice(0, 12)}`]);
  execFileSync("git", ["push", "-q", one.bare, `${head}:refs/heads/${branch}`], {
    cwd: came.place.cwd,
    env: came.place.env,
  });
  expect(git(one.bare, "rev-parse", branch)).toBe(head);
  await came.drop();
  expect(left()).toEqual(before);
  expect(await judged(one)).toEqual([]);
});

test("what is no bundle of that branch is refused before git sees it, and leaves nothing", async () => {
  const one = stand();
  one.put("x.txt", "x\n");
  one.commit();
  const good = one.bundle();
  const before = left();
  const head = (text: string) => Buffer.concat([Buffer.from(text), good.subarray(good.indexOf("PACK"))]);
  const id = one.run("rev-parse", "HEAD");
  expect(await refusal(one, Buffer.alloc(0))).toMatch(/has no head/);
  expect(await refusal(one, Buffer.from("hello\n\nPACK"))).toMatch(/is none/);
  expect(await refusal(one, Buffer.alloc(1 << 20, 65))).toMatch(/has no head/);
  one.run("branch", "other");
  expect(await refusal(one, one.bundle(`${one.base}..other`))).toMatch(/another ref/);
  expect(await refusal(one, one.bundle(`${one.base}..refs/heads/${branch}`, "other"))).toMatch(/2 refs/);
  expect(await refusal(one, head(`# v2 git bundle\n${id} refs/heads/${branch}\n${id} refs/heads/main\n\n`))).toMatch(
    /2 refs/,
  );
  expect(await refusal(one, head("# v2 git bundle\n\n"))).toMatch(/0 refs/);
  expect(await refusal(one, head(`# v3 git bundle\n@filter=blob:none\n${id} refs/heads/${branch}\n\n`))).toMatch(
    /not known/,
  );
  expect(await refusal(one, head(`# v3 git bundle\n@object-format=sha256\n${id} refs/heads/${branch}\n\n`))).toMatch(
    /not known/,
  );
  expect(await refusal(one, head(`# v2 git bundle\n--upload-pack=x refs/heads/${branch}\n\n`))).toMatch(/not known/);
  expect(await refusal(one, good.subarray(0, good.indexOf("PACK")))).toMatch(/no pack/);
  const small = await take(one, good, [], { ...quarantine_limits, bytes: 100 });
  expect(small).toMatchObject({ refused: expect.stringMatching(/at most 100/) });
  expect(left()).toEqual(before);
});

test("a corrupt, cut or forged pack is refused", async () => {
  const one = stand();
  one.put("x.txt", "x\n".repeat(100));
  one.commit();
  const good = one.bundle();
  const flipped = Buffer.from(good);
  flipped[good.length - 40] = (flipped[good.length - 40] as number) ^ 1;
  expect(await refusal(one, flipped)).toMatch(/not sound/);
  expect(await refusal(one, good.subarray(0, good.length - 10))).toMatch(/not sound/);
  // A head that names a commit which the pack does not bring.
  const forged = Buffer.from(good.toString("latin1").replace(one.run("rev-parse", "HEAD"), "d".repeat(40)), "latin1");
  expect(await refusal(one, forged)).toMatch(/no commit/);
});

test("a branch that does not go on from what was sent is refused", async () => {
  const one = stand();
  one.run("checkout", "-q", "--orphan", "fresh");
  one.put("x.txt", "x\n");
  one.commit();
  one.run("branch", "-f", branch);
  expect(await refusal(one, one.bundle(`refs/heads/${branch}`))).toMatch(/does not go on/);
  // A merge with a history of its own does go on; its beginning gives it away.
  one.run("checkout", "-q", "--detach", one.base);
  one.run("merge", "-q", "--allow-unrelated-histories", "-m", "both", "fresh");
  one.run("branch", "-f", branch);
  expect(await refusal(one, one.bundle())).toMatch(/history of its own/);
  // An older commit of the target is not the one that was sent.
  const two = stand();
  const later = two.commit("later");
  two.run("checkout", "-q", "--detach", two.base);
  const aside = two.commit("aside");
  const bytes = (() => {
    two.run("branch", "-f", branch, aside);
    return two.bundle();
  })();
  const came = await quarantine(gitEnv(env), {
    ...two.arriving(bytes),
    base: later,
    objects: join(two.tree, ".git/objects"),
  });
  expect(came).toMatchObject({ refused: expect.stringMatching(/does not go on/) });
});

/** An object of any form, put into the agent's store without git's checks. */
function rawObject(tree: string, kind: string, body: Buffer): string {
  const all = Buffer.concat([Buffer.from(`${kind} ${body.length}\0`), body]);
  const id = createHash("sha1").update(all).digest("hex");
  const dir = join(tree, ".git/objects", id.slice(0, 2));
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, id.slice(2)), deflateSync(all));
  return id;
}

test("objects that git itself would not make are refused: paths out of the tree, .git, broken commits", async () => {
  const one = stand();
  const blob = rawObject(one.tree, "blob", Buffer.from("x\n"));
  for (const name of ["..", ".git", ".GIT", "a/b", "git~1"]) {
    const row = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, "hex")]);
    const treeId = rawObject(one.tree, "tree", row);
    const commit = one.run("commit-tree", treeId, "-p", one.base, "-m", "x");
    one.run("update-ref", `refs/heads/${branch}`, commit);
    expect(await refusal(one, one.bundle()), name).toMatch(/not sound/);
  }
  const text = one.run("cat-file", "commit", "HEAD").replace(/^author .*$/m, "author nobody");
  const commit = rawObject(
    one.tree,
    "commit",
    Buffer.from(`${text.replace(/^parent.*\n/m, "").replace("\nauthor", `\nparent ${one.base}\nauthor`)}\n`),
  );
  one.run("update-ref", `refs/heads/${branch}`, commit);
  expect(await refusal(one, one.bundle())).toMatch(/not sound/);
});

test("what the guard is about is seen as it is: links, submodules, modes, binaries, workflows, forged names", async () => {
  const all = stand({ "README.md": "x\n", "src/a.ts": "a\n", ".github/CODEOWNERS": "* @ada\n" });
  symlinkSync("/etc/passwd", join(all.tree, "notes.txt"));
  all.put("a.bin", Buffer.from([1, 0, 2, 3]));
  all.put("a.txt", Buffer.from([0xff, 0xfe, 65]));
  all.put(".github/workflows/ci.yml", "on: push\n");
  all.put("big.txt", `${"x".repeat(99)}\n`.repeat(60_000));
  all.run("rm", "-q", ".github/CODEOWNERS");
  all.run("add", "-A", "-f");
  all.run("update-index", "--add", "--cacheinfo", `160000,${all.base},lib`);
  all.run("update-index", "--chmod=+x", "src/a.ts");
  all.run("commit", "-q", "-m", "all at once");
  const said = await judged(all);
  for (const why of [
    "notes.txt is a symbolic link",
    "lib is a submodule",
    "src/a.ts was made executable",
    "a.bin is not text",
    "a.txt is not text",
    ".github/workflows/ci.yml is protected: it is run by the forge",
    ".github/CODEOWNERS is protected: it says who must review",
    "big.txt has 6000000 bytes; at most 5242880 are allowed",
  ])
    expect(said).toContain(why);
  const one = stand();
  one.put("x.txt", "x\n");
  git(one.tree, "add", "-A");
  git(one.tree, "commit", "-q", "-m", "in another name");
  expect(await judged(one)).toEqual([
    expect.stringMatching(/another author: Ada <ada@example.org>/),
    expect.stringMatching(/another committer/),
  ]);
});

test("what one commit adds and the next takes away is seen, too", async () => {
  const one = stand();
  symlinkSync("/etc/passwd", join(one.tree, "link"));
  one.put("key.txt", "AKIA-something\n");
  one.commit("adds");
  rmSync(join(one.tree, "link"));
  rmSync(join(one.tree, "key.txt"));
  one.commit("takes away");
  expect((await judged(one)).join()).toMatch(/link is a symbolic link/);
  const came = await take(one, one.bundle());
  if ("refused" in came) throw new Error(came.refused);
  expect(came.texts.get("key.txt")).toMatch(/AKIA-something/);
  await came.drop();
});

test("a merge of the target is not the agent's work; what it changes besides is, and an old state that it brings back", async () => {
  const one = stand({ "README.md": "x\n", ".github/workflows/ci.yml": "on: push\n", "a.txt": "a\n" });
  git(one.person, "pull", "-q");
  writeFileSync(join(one.person, ".github/workflows/ci.yml"), "on: [push, pull_request]\n");
  git(one.person, "commit", "-qam", "stricter");
  git(one.person, "push", "-q");
  const tip = git(one.person, "rev-parse", "HEAD");
  one.put("b.txt", "b\n");
  one.commit();
  one.run("fetch", "-q");
  one.run("merge", "-q", "--no-edit", "-m", "Merges main", tip);
  const merged = one.run("rev-parse", "HEAD");
  expect(await judged(one, one.bundle(`${one.base}..refs/heads/${branch}`), [tip])).toEqual([]);
  // An evil merge: its tree has a workflow of the agent's own.
  one.put(".github/workflows/ci.yml", "on: never\n");
  one.run("add", "-A");
  const evil = one.run("commit-tree", one.run("write-tree"), "-p", `${merged}^1`, "-p", tip, "-m", "Merges main");
  one.run("update-ref", `refs/heads/${branch}`, evil);
  expect((await judged(one, one.bundle(), [tip])).join()).toMatch(/ci\.yml is protected/);
  // A branch that was sent the stricter one, and merges the old commit with the old workflow.
  const two = {
    ...one,
    base: tip,
    arriving: (bytes: Uint8Array, known: string[] = []) => ({ ...one.arriving(bytes, known), base: tip }),
  };
  one.run("checkout", "-q", "--detach", tip);
  one.run("checkout", "-q", one.base, "--", ".github");
  const old = one.run("commit-tree", one.run("write-tree"), "-p", tip, "-p", one.base, "-m", "Merges");
  one.run("update-ref", `refs/heads/${branch}`, old);
  expect((await judged(two, one.bundle(`${tip}..refs/heads/${branch}`), [tip])).join()).toMatch(/ci\.yml is protected/);
});

test("a tree that unfolds into millions of paths ends the look, not the tick", async () => {
  const one = stand();
  let id = one.run("hash-object", "-w", "-t", "blob", "/dev/null");
  let kind = "100644";
  for (let level = 0; level < 8; level++) {
    const rows = Array.from({ length: 10 }, (_, at) =>
      Buffer.concat([Buffer.from(`${kind} f${at}\0`), Buffer.from(id, "hex")]),
    );
    id = rawObject(one.tree, "tree", Buffer.concat(rows));
    kind = "40000";
  }
  one.run("update-ref", `refs/heads/${branch}`, one.run("commit-tree", id, "-p", one.base, "-m", "bomb"));
  expect((await judged(one)).join()).toMatch(/more than \d+ files/);
});

test("attributes, filters and hooks of what arrives, and settings of whoever runs the tick, count for nothing", async () => {
  const one = stand({ "README.md": "x\n", ".gitattributes": "* -diff filter=evil\n" });
  one.put("src.txt", "one\ntwo\n");
  one.commit();
  const home = tempDir("home");
  const mark = join(home, "ran");
  writeFileSync(
    join(home, ".gitconfig"),
    `[filter "evil"]\n\tsmudge = touch ${mark}\n\tclean = touch ${mark}\n[diff]\n\texternal = touch ${mark}\n[fsck]\n\thasDotgit = ignore\n[core]\n\tfsmonitor = touch ${mark}\n`,
  );
  const came = await quarantine(gitEnv({ ...env, HOME: home }), one.arriving(one.bundle()));
  if ("refused" in came) throw new Error(came.refused);
  expect(came.work.lines).toBe(2);
  expect(came.work.changes).toMatchObject([{ path: "src.txt", binary: false }]);
  await came.drop();
  expect(readdirSync(home)).toEqual([".gitconfig"]);
});
