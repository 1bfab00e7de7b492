// A clone and a pack whose settings, attributes and hooks would each run a program: none of our git calls may start one.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pushFolder } from "../../src/shell/publish-branch.ts";
import { openRepo } from "../../src/shell/repo.ts";
import { cli } from "../fakes/cli.ts";
import { machine } from "../fakes/fleet.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const hooks =
  "applypatch-msg commit-msg fsmonitor-watchman post-applypatch post-checkout post-commit post-index-change post-merge post-rewrite pre-applypatch pre-auto-gc pre-commit pre-merge-commit pre-push pre-rebase prepare-commit-msg push-to-checkout reference-transaction sendemail-validate update";
const attributes = "* filter=evil diff=evil merge=evil -text\n";

let pack: TestPack;
let traps: string;
const sprung = () => (existsSync(traps) ? readdirSync(traps) : []);

beforeEach(() => {
  pack = testPack({
    "towline.yml": "id: hostile\nzone: UTC\ndefaults: {agent: deckhand}\nledger: {branch: towline}\n",
    "agents/deckhand.md": md("runtime: shell"),
    "hosts/ann.md": md("address: 127.0.0.1\nhost_key: SHA256:x"),
    "tasks/hello.md": md("title: Hello", "echo hi"),
    ".gitattributes": attributes,
    "jobs/.gitattributes": attributes,
  });
  traps = join(pack.dir, "sprung");
  mkdirSync(traps);
});
afterEach(() => pack.remove());

/** Lays every trap that a local configuration allows. `cat` lets git go on as if nothing had been there. */
function lay(): void {
  const git = join(pack.clone, ".git");
  const trap = (name: string) => `touch ${join(traps, name)}; cat`;
  for (const dir of ["hooks", "other-hooks"]) {
    mkdirSync(join(git, dir), { recursive: true });
    for (const hook of hooks.split(" ")) {
      writeFileSync(join(git, dir, hook), `#!/bin/sh\ntouch ${join(traps, `${dir}-${hook}`)}\n`);
      chmodSync(join(git, dir, hook), 0o755);
    }
  }
  mkdirSync(join(git, "info"), { recursive: true });
  writeFileSync(join(git, "info", "attributes"), attributes);
  writeFileSync(join(pack.dir, "attributes"), attributes);
  const settings: [string, string][] = [
    ["core.hooksPath", join(git, "other-hooks")],
    ["core.attributesFile", join(pack.dir, "attributes")],
    ["core.fsmonitor", trap("fsmonitor")],
    ["core.pager", trap("pager")],
    ["core.editor", trap("editor")],
    ["core.askPass", trap("askpass")],
    ["core.alternateRefsCommand", trap("alternates")],
    ["core.gitProxy", trap("proxy")],
    ["filter.evil.clean", trap("clean")],
    ["filter.evil.smudge", trap("smudge")],
    ["filter.evil.process", trap("process")],
    ["filter.evil.required", "true"],
    ["diff.external", trap("external")],
    ["diff.evil.command", trap("diff-command")],
    ["diff.evil.textconv", trap("textconv")],
    ["merge.evil.driver", trap("merge")],
    ["interactive.diffFilter", trap("diff-filter")],
    ["gpg.program", trap("gpg")],
    ["commit.gpgSign", "true"],
    ["push.gpgSign", "if-asked"],
    ["alias.push", `!${trap("alias")}`],
    ["alias.fast-import", `!${trap("alias")}`],
    ["protocol.ext.allow", "always"],
    ["uploadpack.packObjectsHook", trap("pack-objects")],
    ["trailer.x.command", trap("trailer")],
    ["log.showSignature", "true"],
    ["submodule.recurse", "true"],
  ];
  for (const [name, value] of settings) execFileSync("git", ["-C", pack.clone, "config", name, value]);
}

test("no hook, filter, converter, signer, pager or proxy of the clone is started", async () => {
  const machines = { ann: machine() };
  lay();
  await runTick(pack.clone, machines, () => ({ stdout: "one\n" }));
  // A work tree that differs, so that whoever looks at it must read contents.
  writeFileSync(join(pack.clone, "tasks", "hello.md"), md("title: Hello", "echo ho"));
  writeFileSync(join(pack.clone, "tasks", "new.md"), md("title: New", "echo new"));
  for (const verb of ["check", "plan", "task list", "why hello", "sync", "export", "reflections", "fleet status"])
    await cli(pack.clone, verb.split(" "));
  await cli(pack.clone, ["check", "--base", "main"]);
  await cli(pack.clone, ["purge", "/no-such-thing/", "--rewrite-history"]);
  const folder = join(pack.dir, "site");
  mkdirSync(folder);
  for (const name of ["index.html", ".gitattributes"]) writeFileSync(join(folder, name), attributes);
  await pushFolder(pack.clone, process.env, folder, "gh-pages");
  expect(pack.at("show", "gh-pages:index.html")).toBe(attributes);
  expect(pack.at("log", "-1", "--format=%s", "towline")).not.toBe("");
  expect(sprung()).toEqual([]);
});

test("the traps are live: a person's own git steps into them", () => {
  lay();
  writeFileSync(join(pack.clone, "tasks", "hello.md"), md("title: Hello", "echo ho"));
  const git = (...args: string[]) => {
    try {
      execFileSync("git", ["-C", pack.clone, ...args], { stdio: "ignore", timeout: 5000 });
    } catch {
      // most of them fail, having run
    }
  };
  git("add", "-A");
  git("update-ref", "refs/heads/x", "HEAD");
  git("--paginate", "diff", "HEAD~0");
  git("config", "--unset-all", "filter.evil.process");
  git("add", "-A");
  expect(sprung()).toEqual(
    expect.arrayContaining(["clean", "fsmonitor", "other-hooks-reference-transaction", "process"]),
  );
});

test("an address that runs a program is refused", async () => {
  pack.git("remote", "set-url", "origin", `ext::sh -c touch% ${traps}/ext`);
  execFileSync("git", ["-C", pack.clone, "config", "protocol.ext.allow", "always"]);
  const repo = await openRepo(pack.clone, { env: process.env });
  await expect(repo.fetch()).rejects.toThrow(/cannot be read/);
  expect(sprung()).toEqual([]);
});
