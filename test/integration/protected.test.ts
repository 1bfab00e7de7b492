// A default branch that nobody may push to: people merge there, and the server does that. Real ticks over real git.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { exit } from "../../src/errors.ts";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";

const dir = mkdtempSync(join(tmpdir(), "towline-protected-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const hook = `#!/bin/sh
echo "$1" >>pushes
[ "$1" != refs/heads/main ] && exit 0
echo "error: GH006: Protected branch update failed for refs/heads/main." >&2
echo "error: Changes must be made through a pull request." >&2
exit 1
`;

function stand(settings: string) {
  const home = mkdtempSync(join(dir, "home-"));
  mkdirSync(join(home, "root"));
  writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
  const pack = testPack({
    "agents/scout.md": md("runtime: shell", "You count."),
    "hosts/here.md": md(`address: localhost\ntransport: local\nroot: ${join(home, "root")}\nslots: 4`),
    "tasks/count.md": md(
      "title: Count\nrepo: .",
      "echo one >count.txt; git add -A; git commit -qm Counts; echo counted",
    ),
    "tasks/say.md": md("title: Say", `echo said >>"${home}/marks"; echo hello`),
    "towline.yml": `id: guarded\nzone: UTC\ndefaults: {agent: scout}\ntick: {patience: 20s}\n${settings}`,
  });
  const file = join(pack.origin, "hooks", "update");
  writeFileSync(file, hook);
  chmodSync(file, 0o755);
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: "1" };
  const tick = () => cli(pack.clone, ["tick", "--json", "--no-sync", "--no-site"], env, home);
  return { pack, tick, main: pack.at("rev-parse", "main").trim(), home };
}

/** As the server does it for people: no push, no hook. */
function merge(pack: TestPack, branch: string): void {
  const tree = pack.at("merge-tree", "--write-tree", "main", branch).trim();
  const commit = pack.at("commit-tree", tree, "-p", "main", "-p", branch, "-m", "Merged").trim();
  pack.at("update-ref", "refs/heads/main", commit);
}

test("with the ledger on it nothing is started, and the way out is named", async () => {
  const { pack, tick, main } = stand("");
  const { code, said } = await tick();
  expect(code).toBe(exit.configuration);
  expect(said).toContain("GH006");
  expect(said).toContain("ledger: {branch: towline}");
  expect(pack.at("rev-parse", "main").trim()).toBe(main);
  expect(pack.at("for-each-ref", "--format=%(refname)", "refs/heads/").trim()).toBe("refs/heads/main");
  pack.remove();
});

test("with a ledger of its own work is done, proposed, and finished by a merge", async () => {
  const { pack, tick, main } = stand("ledger: {branch: towline}\n");
  const first = await tick();
  expect(first.code).toBe(0);
  const state = (task: string) => /^state: (\w+)$/m.exec(pack.file(`status/${task}.md`, "towline"))?.[1];
  expect([state("say"), state("count")]).toEqual(["done", "review"]);
  expect(pack.at("rev-parse", "main").trim()).toBe(main);
  const heads = pack.at("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/").trim().split("\n");
  const branch = heads.find((name) => name.startsWith("towline-work/")) as string;
  expect(pack.at("show", `${branch}:count.txt`)).toBe("one\n");
  merge(pack, branch);
  expect((await tick()).code).toBe(0);
  expect(state("count")).toBe("done");
  // Nothing of towline's ever tried to push there.
  expect(pack.at("cat-file", "-p", "main:count.txt")).toBe("one\n");
  expect(readFileSync(join(pack.origin, "pushes"), "utf8")).not.toMatch(/^refs\/heads\/main$/m);
  pack.remove();
});
