// A server that looks for secrets refuses the whole push for one text: that text is withheld, the rest goes, people are told.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const canary = "kx9-not-of-any-known-shape-77";
const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

/** The server's own search, in the words of a forge. `names`: whether it says where; `always`: it refuses whatever comes. */
function guard(pack: TestPack, { names = true, always = false } = {}): void {
  const file = join(pack.origin, "hooks", "pre-receive");
  writeFileSync(
    file,
    `#!/bin/sh
echo push >>pushes
found=${always ? "x.txt:1" : ""}
while read -r old new ref; do
  case $ref in refs/heads/*) ;; *) continue ;; esac
  found="$found $(git grep -n -F -e '${canary}' "$new" | sed 's/^[^:]*:\\([^:]*:[0-9]*\\):.*/\\1/')"
done
[ -n "$(echo $found)" ] || exit 0
cat >&2 <<END
error: GH013: Repository rule violations found for refs/heads/main.

- GITHUB PUSH PROTECTION
  —————————————————————————————————————————
    Resolve the following violations before pushing again

    - Push cannot contain secrets


     (?) Learn how to resolve a blocked push
     https://docs.github.com/code-security/secret-scanning/

      —— Some Access Token ———————————————————————————————————
       locations:
END
${names ? 'for one in $found; do printf "         - commit: 8728dbe67\\n           path: %s\\n" "$one" >&2; done' : ""}
exit 1
`,
  );
  chmodSync(file, 0o755);
}

const say: Script = (job) => {
  if (job.startsWith("leaks-")) return { stdout: `the token is ${canary}\n` };
  if (job.startsWith("fails-")) return { exit: 1, stderr: `cannot use ${canary}\n` };
  return { stdout: `answer of ${job.split("-")[0]}\n` };
};

const pushes = (pack: TestPack) => readFileSync(join(pack.origin, "pushes"), "utf8").trim().split("\n").length;

describe.each([
  ["the default branch", "", "main"],
  ["a branch of its own", "ledger: {branch: towline}\n", "towline"],
])("with the ledger on %s", (_, settings, branch) => {
  function made(tasks: string[], how?: Parameters<typeof guard>[1]): TestPack {
    const files = Object.fromEntries(tasks.map((id) => [`tasks/${id}.md`, md(`title: ${id}`, id)]));
    const pack = testPack({ ...basics(["ann"], settings), ...files });
    packs.push(pack);
    guard(pack, how);
    return pack;
  }
  const file = (pack: TestPack, path: string) => pack.file(path, branch);
  const state = (pack: TestPack, task: string) => /^state: (\w+)$/m.exec(file(pack, `status/${task}.md`))?.[1];
  const leaked = (pack: TestPack) =>
    pack
      .at("rev-list", "--objects", "--all")
      .trim()
      .split("\n")
      .filter((line) => pack.at("cat-file", "-p", line.split(" ")[0] as string).includes(canary));

  test("the record that the server names is withheld, the others are as they were", async () => {
    const pack = made(["leaks", "fails", "one", "two"]);
    const machines = { ann: machine({ slots: 8 }) };
    const told = await runTick(pack.clone, machines, say);
    expect(machines.ann.journal).toHaveLength(4);
    expect(["leaks", "fails", "one", "two"].map((task) => state(pack, task))).toEqual([
      "done",
      "failed",
      "done",
      "done",
    ]);
    for (const task of ["one", "two"]) expect(file(pack, `status/${task}.md`)).toContain(`answer of ${task}`);
    for (const task of ["leaks", "fails"]) {
      expect(file(pack, `status/${task}.md`)).toMatch(/withheld: the server found a secret/);
      expect(told.degraded.join("\n")).toContain(`${task}: the server refused what ${task}-`);
      expect(file(pack, "OVERVIEW.md")).toMatch(new RegExp(`${task}.*on ann: its text is withheld`));
    }
    expect(leaked(pack)).toEqual([]);
    // Once for each: nothing of it is said or sent again.
    const next = await runTick(pack.clone, machines, say);
    expect([next.commits, next.degraded]).toEqual([[], []]);
    expect(machines.ann.journal).toHaveLength(4);
  });

  test("a server that does not say where: the texts of this push are withheld, and later ones are not", async () => {
    const pack = made(["leaks", "one"], { names: false });
    const machines = { ann: machine({ slots: 8 }) };
    await runTick(pack.clone, machines, say);
    expect([state(pack, "leaks"), state(pack, "one")]).toEqual(["done", "done"]);
    for (const task of ["leaks", "one"]) expect(file(pack, `status/${task}.md`)).toContain("its text is withheld");
    expect(leaked(pack)).toEqual([]);
    pack.push({ "tasks/two.md": md("title: two", "two") });
    await runTick(pack.clone, machines, say);
    expect(file(pack, "status/two.md")).toContain("answer of two");
  });

  test("a refusal that no result is the reason of is told at once, and not tried again and again", async () => {
    const pack = made(["one"], { always: true });
    const machines = { ann: machine() };
    await expect(runTick(pack.clone, machines, say)).rejects.toMatchObject({ code: 3 });
    expect(machines.ann.journal).toEqual([]);
    expect(pushes(pack)).toBe(1);
  });
});

test.each([true, false])(
  "what an agent was told is withheld where the server finds a secret in it (named: %s)",
  async (names) => {
    const pack = testPack({
      ...basics(["ann"], "ledger: {branch: towline}\n"),
      "agents/scout.md": md("runtime: picoclaw", "Careful."),
      "agents/leaky.md": md("runtime: picoclaw", `Use ${canary}.`),
      "tasks/ask.md": md("title: ask\nagent: leaky", "Count."),
      "tasks/one.md": md("title: one\nagent: scout", "Count."),
    });
    packs.push(pack);
    guard(pack, { names });
    const machines = { ann: machine({ slots: 8, runtimes: ["picoclaw"] }) };
    const told = await runTick(pack.clone, machines, () => ({ stdout: "\n🦞 fine\n" }));
    expect(told.degraded.join("\n")).toContain("ask: the server refused what ask-");
    const files = pack.at("ls-tree", "-r", "--name-only", "towline", "jobs").trim().split("\n");
    expect(files.filter((path) => path.includes("/told-"))).toEqual(
      names ? [expect.stringMatching(/one-\w+\.d\/told-1-\w{8}\.md$/)] : [],
    );
    expect(pack.file("status/ask.md", "towline")).toMatch(/^state: done$/m);
  },
);
