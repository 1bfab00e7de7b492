// Coding work from a task to a merge, with real git and a real host program on this machine: the agent is a script.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";

const dir = mkdtempSync(join(tmpdir(), "towline-rounds-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

// Each run adds a line, and writes down what it was told.
const script = `
n=$(cat count.txt 2>/dev/null | wc -l)
echo "round $((n + 1))" >>count.txt
sed -n '/^### /,$p' .towline/TASK.md >>told.txt
sed -n '/^## What is known/,$p' .towline/CLAUDE.md >known.txt
towline learn 'I am about to name a type'
git add -A && git commit -qm "Counts $((n + 1))"
echo "counted $((n + 1))"`;

interface Stand {
  pack: TestPack;
  home: string;
  /** One tick; answers what it started and ended. */
  tick(): Promise<{ started: { job: string }[]; ended: { state: string }[]; degraded: string[]; commits: string[] }>;
  say(...args: string[]): ReturnType<typeof cli>;
  target: string;
  git(...args: string[]): string;
  status(): string;
}

let count = 0;
function stand(fields: string, body: string, own: boolean, agent = "runtime: shell", settings = ""): Stand {
  const home = join(dir, `home-${++count}`);
  mkdirSync(home);
  writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
  const target = join(dir, `target-${count}.git`);
  const pack = testPack({
    "towline.yml": `id: rounds\nzone: UTC\ndefaults: {agent: scout}\ntick: {patience: 20s}\n${settings}`,
    "agents/scout.md": md(agent, "You count."),
    "hosts/here.md": md(`address: localhost\ntransport: local\nroot: ${join(home, "root")}\nslots: 4`),
    "tasks/count.md": md(`title: Count\nrepo: ${own ? "." : target}\n${fields}`, body),
    "src/a.ts": "export const a = 1;\n",
    "insights/quiet.md": md("scope: [scout]", "Never at night."),
    "insights/other.md": md("scope: [somebody]", "Not for you."),
    "learnings/types.md": md("applies: [typescript]", "Name the types."),
  });
  const at = own ? pack.origin : target;
  if (!own) execFileSync("git", ["clone", "-q", "--bare", pack.origin, target]);
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: "1", ...person };
  const say = (...args: string[]) => cli(pack.clone, args, env, home);
  return {
    pack,
    home,
    target: at,
    say,
    tick: async () => {
      const { out, said, code } = await say("tick", "--json", "--no-sync", "--no-site");
      if (code !== 0) throw new Error(said);
      return JSON.parse(out);
    },
    git: (...args) => execFileSync("git", args, { cwd: at, encoding: "utf8", stdio: "pipe" }).trim(),
    status: () => /^state: (\w+)$/m.exec(pack.file("status/count.md"))?.[1] ?? "",
  };
}

const person = {
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
};

/** A person's clone of the target. */
function personIn(one: Stand) {
  const at = mkdtempSync(join(dir, "person-"));
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: at, env: { ...process.env, ...person }, encoding: "utf8", stdio: "pipe" }).trim();
  git("clone", "-q", one.target, ".");
  return git;
}

const trees = (home: string) => {
  const root = join(home, "root");
  return readdirSync(root)
    .map((name) => join(root, name, "trees"))
    .filter(existsSync)
    .flatMap((at) => readdirSync(at).filter((name) => !name.includes(".")));
};

test("task, branch, remark, second round on top of a person's push, merge, done", async () => {
  const one = stand("verify: test -s count.txt", script, true);
  const first = await one.tick();
  expect(first.degraded).toEqual([]);
  expect(first.started).toHaveLength(1);
  const job = first.started[0]?.job as string;
  const branch = `towline/${job}`;
  expect(one.status()).toBe("review");
  expect(one.git("show", `${branch}:count.txt`)).toBe("round 1");
  expect(one.git("log", "-1", "--format=%an %ae", branch)).toBe("scout (towline) scout@agents.towline.invalid");
  expect(one.git("show", `${branch}:known.txt`)).toBe(
    "## What is known here\n\n### quiet (insights/quiet.md)\n\nNever at night.",
  );
  expect(one.git("show", `${branch}:told.txt`)).toContain("### types (learnings/types.md)\n\nName the types.");
  // Nothing new: nothing is written, and the worktree waits.
  expect((await one.tick()).commits).toEqual([]);
  expect(trees(one.home)).toEqual([job]);
  const seen = await one.say("review", job);
  expect(seen.out).toMatch(/count\.txt {2}\+1 −0/);
  expect(seen.out).toContain("+round 1");
  const diff = await one.say("job", "diff", "count");
  expect(diff.out).toMatch(/^diff --git a\/count\.txt[\s\S]*^\+round 1$/m);
  expect(diff.out).not.toContain("\u001b");
  const stat = await one.say("job", "diff", job, "--stat");
  expect(stat.out).toMatch(/^count\.txt {2}\+1 −0$[\s\S]*^\d files, \+\d+ −0$/m);
  // A person pushes to the branch and asks for more.
  const ada = personIn(one);
  ada("checkout", "-q", branch);
  ada("commit", "-q", "--allow-empty", "-m", "Ada's own");
  ada("push", "-q");
  expect((await one.say("review", "count", "--comment", "nothing.txt:1", "x")).said).toMatch(/no file nothing.txt/);
  expect((await one.say("review", "count", "--comment", "count.txt:1", "say it louder")).code).toBe(0);
  expect(one.pack.file(`reviews/${job}.md`)).toBe(`# Review of ${job}\n\n- count.txt:1: say it louder\n`);
  // What it would be told now is what it is told then.
  const book = await one.say("playbook", "scout", "count");
  const second = await one.tick();
  expect(second.started).toMatchObject([{ job }]);
  expect(one.status()).toBe("review");
  expect(one.git("show", `${branch}:count.txt`)).toBe("round 1\nround 2");
  expect(one.git("show", `${branch}:told.txt`)).toContain("### `count.txt`, line 1\n\n```text\nsay it louder\n```");
  const shown = (await one.say("review", job)).out;
  expect(shown).toMatch(/^\| Verify \| ✓ passed \|\n\| Round \| 2 \|$/m);
  expect(shown).toMatch(/^\| Told \| \[exactly what it was told\]\(told-2-\w{8}\.md\) \|$/m);
  expect(shown).toMatch(/^\| Insights \| \[quiet\]\((\.\.\/){5}insights\/quiet\.md\) \|$/m);
  expect(shown).toMatch(/^## Remarks settled\n\n- count\.txt, line 1: say it louder$/m);
  expect(one.git("log", "--format=%s", branch)).toMatch(/^Counts 2\nAda's own\nCounts 1\n/);
  expect(one.git("ls-tree", "-r", "--name-only", branch)).not.toMatch(/towline\/|^(CLAUDE|AGENTS|TASK)\.md/m);
  expect((await one.tick()).commits).toEqual([]);
  // The yes.
  const bob = personIn(one);
  bob("merge", "-q", "--no-edit", `origin/${branch}`);
  bob("push", "-q");
  await one.tick();
  expect(one.status()).toBe("done");
  // What was merged, when its branch is gone, too.
  bob("push", "-q", "origin", "--delete", branch);
  const merged = await one.say("job", "diff", "count");
  expect([merged.code, merged.out]).toEqual([0, expect.stringMatching(/^\+round 1\n\+round 2$/m)]);
  const files = one.pack.at("ls-tree", "-r", "--name-only", "main", "jobs").trim().split("\n");
  const path = files.find((one) => !one.includes(".d/")) as string;
  // What it was told, word for word, in each of its rounds.
  const texts = files.filter((one) => /\.d\/told-/.test(one));
  expect(texts).toHaveLength(2);
  expect(one.pack.file(texts[0] as string)).toMatch(/^## `\.towline\/TASK\.md`\n\n```+markdown\n# Count\n/m);
  expect(one.pack.file(texts[0] as string)).toContain("### quiet (insights/quiet.md)\n\nNever at night.");
  expect(one.pack.file(texts[0] as string)).not.toContain("say it louder");
  expect(one.pack.file(texts[1] as string)).toContain("say it louder");
  expect(one.pack.file(texts[1] as string)).toBe(book.out);
  expect(one.pack.file(path)).toContain(`  told: ${texts[1]?.split("/").at(-1)}\n`);
  const proposal = files.find((one) => one.endsWith(".d/proposal.md"));
  expect(one.pack.file("status/count.md")).toContain(`([told](../${texts[1]}), [proposal](../${proposal}))`);
  expect(one.pack.file(path)).toMatch(/^state: finished$/m);
  expect(one.pack.file(path)).toMatch(/^pr: towline\//m);
  expect(one.pack.file(path)).toMatch(/insights:\n {4}- quiet\n/);
  expect(one.pack.file(path)).toMatch(/learnings:\n {4}- types\n/);
  const answered = "    - query: I am about to name a type\n      hits:\n        - types\n";
  expect(one.pack.file(path)).toContain(`  learned:\n${answered}${answered}`);
  // Given once, answered in both rounds, and confirmed by whoever merged it.
  const rows = one.pack.file("state/knowledge.ndjson").split("\n").filter(Boolean);
  const row = (name: string) => rows.map((line) => JSON.parse(line)).find(({ path }) => path === name);
  expect(row("learnings/types.md")).toMatchObject({ hits: 3 });
  expect(row("insights/quiet.md")).toMatchObject({ hits: 1 });
  expect(row("insights/quiet.md").confirmed > row("insights/other.md").confirmed).toBe(true);
  expect((await one.tick()).commits).toEqual([]);
  // An insight that turned out wrong: who was given it.
  const why = await one.say("why", "insights/quiet.md");
  expect(why.out).toMatch(
    new RegExp(`^insights/quiet.md: active; 1 job given it\n {2}\\S+ ${job}: finished, by scout on here, `),
  );
  expect((await one.say("why", "insights/other")).out).toBe("insights/other.md: active; 0 jobs given it\n");
  expect((await one.say("why", job)).out).toMatch(/was told jobs\/\S+\.d\/told-2-\w+\.md\n {2}given: quiet, types\n/);
  one.pack.remove();
});

test("a check that fails comes back to the same job, and what it said with it", async () => {
  const body = `
echo x >>tries.txt
sed -n '/^It said/,$p' .towline/TASK.md | grep -q 'not enough' && echo heard >>tries.txt
git add -A && git commit -qm "Tries"`;
  const one = stand('verify: "grep -q heard tries.txt || { echo not enough; exit 3; }"', body, false);
  const first = await one.tick();
  const job = first.started[0]?.job as string;
  expect(one.pack.file("status/count.md")).toMatch(/verify failed with exit code 3/);
  expect((await one.tick()).started).toMatchObject([{ job }]);
  expect(one.status()).toBe("review");
  expect(one.git("show", `towline/${job}:tries.txt`)).toBe("x\nx\nheard");
  one.pack.remove();
});

test("hostile work reaches no branch: it is kept beside the record, with every reason", async () => {
  const body = `
ln -s /etc/passwd link
mkdir -p .github/workflows && echo 'on: push' >.github/workflows/x.yml
echo "token=$(printf 'ghp_%s' 'abcdefghijklmnopqrstuvwxyz0123456789')" >leak.txt
git add -A && git -c user.name=Ada commit -q --author='Ada <ada@example.org>' -m "Fine"
echo done`;
  const one = stand("", body, false);
  await one.tick();
  expect(one.status()).toBe("failed");
  expect(one.git("branch", "--list")).toBe("* main");
  const files = one.pack.at("ls-tree", "-r", "--name-only", "main", "jobs").trim().split("\n");
  const record = one.pack.file(files.find((path) => !path.includes(".d/") && path.endsWith(".md")) ?? "");
  for (const reason of [
    "link is a symbolic link",
    "is run by the forge",
    "leak.txt holds what looks like a secret",
    "names another author: Ada",
  ])
    expect(record).toContain(reason);
  const patch = one.pack.file(files.find((path) => path.endsWith(".d/work.patch")) ?? "");
  expect(patch).toContain("+on: push");
  expect(patch).not.toContain("ghp_abc");
  expect(files.some((path) => path.endsWith("work.bundle"))).toBe(false);
  expect((await one.tick()).started).toEqual([]);
  one.pack.remove();
});

test("a branch that is deleted unmerged cancels the work, and the worktree goes; setup that fails starts nothing", async () => {
  const one = stand("", script, false);
  const job = (await one.tick()).started[0]?.job as string;
  one.git("branch", "-D", `towline/${job}`);
  await one.tick();
  expect(one.status()).toBe("cancelled");
  expect(one.pack.at("grep", "-h", "What was wrong", "main", "--", "memos")).toMatch(/count/);
  one.pack.remove();
  const two = stand('setup: "echo no such tool; exit 9"', script, false);
  await two.tick();
  expect(two.pack.file("status/count.md")).toMatch(/setup ended with exit code 9/);
  expect(two.git("branch", "--list")).toBe("* main");
  two.pack.remove();
});
