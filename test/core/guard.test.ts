import { describe, expect, test } from "vitest";
import { spellings } from "../../src/core/encodings.ts";
import { matcher } from "../../src/core/globs.ts";
import { breachLine, type Change, type Commit, type Guard, judge, type Work } from "../../src/core/guard.ts";
import { maskOf } from "../../src/core/mask.ts";

const us = { name: "towline scout", email: "scout@agents.towline.invalid" };
const commit = (more: Partial<Commit> = {}): Commit => ({
  id: "c".repeat(40),
  author: us,
  committer: us,
  message: "Counts the errors\n",
  ...more,
});
const change = (path: string, more: Partial<Change> = {}): Change => ({
  path,
  was: "100644",
  mode: "100644",
  size: 10,
  binary: false,
  added: "a line\n",
  ...more,
});
const work = (changes: Change[], more: Partial<Work> = {}): Work => ({
  changes,
  commits: [commit()],
  lines: 3,
  paths: changes.map((one) => one.path),
  secrets: new Map(),
  ...more,
});
const said = (given: Work, guard: Guard = {}, pack = false) =>
  judge(given, { guard, identity: us, pack }).map(breachLine);
const added = { was: "000000" };
const gone = { mode: "000000", added: null };

test("ordinary work passes", () => {
  const fine = [
    "src/app.ts",
    "README.md",
    "docs/agents/notes.md",
    ".gitignore",
    "tasks.md",
    "a b/ü.txt",
    "lib/.hidden",
  ];
  expect(said(work(fine.map((path) => change(path))))).toEqual([]);
  expect(said(work([change("tool.sh", { ...added, mode: "100755" })]))).toEqual([]);
  expect(said(work([change("old.png", { ...gone, binary: true })]))).toEqual([]);
  expect(said(work([change("link", { ...gone, was: "120000" })]))).toEqual([]);
  const claude = "Fixes it\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n";
  expect(said(work([change("a.ts")], { commits: [commit({ message: claude })] }))).toEqual([]);
});

const protectedOnes = [
  ".github/workflows/ci.yml",
  ".github/workflows",
  ".GitHub/Workflows/ci.yml",
  ".github./workflows/ci.yml",
  ".github /workflows/ci.yml",
  ".\u200cgithub/workflows/ci.yml",
  ".ｇithub/workflows/ci.yml",
  ".github/actions/x/action.yml",
  "action.yml",
  "tools/deploy/action.yaml",
  ".github/dependabot.yml",
  ".github/settings.yml",
  ".gitea/workflows/x.yaml",
  ".forgejo/workflows/x.yaml",
  ".gitlab-ci.yml",
  ".circleci/config.yml",
  ".drone.yml",
  ".woodpecker/test.yml",
  ".travis.yml",
  "azure-pipelines.yml",
  "bitbucket-pipelines.yml",
  "Jenkinsfile",
  "JENKINSFILE.release",
  "CODEOWNERS",
  ".github/CODEOWNERS",
  "docs/codeowners",
  ".gitattributes",
  "src/.gitattributes",
  ".gitmodules",
  ".mailmap",
  ".lfsconfig",
  ".husky/pre-commit",
  ".githooks/post-checkout",
  ".pre-commit-config.yaml",
  "lefthook.yml",
  ".vscode/tasks.json",
  ".devcontainer/devcontainer.json",
  ".envrc",
  "CLAUDE.md",
  "Claude.md",
  "packages/web/CLAUDE.md",
  "CLAUDE.local.md",
  "AGENTS.md",
  "docs/AGENTS.override.md",
  "GEMINI.md",
  "TASK.md",
  ".claude/settings.json",
  "sub/.claude/commands/x.md",
  ".codex/config.toml",
  ".cursor/rules/x.mdc",
  ".cursorrules",
  ".mcp.json",
  ".aider.conf.yml",
  ".github/copilot-instructions.md",
  ".github/instructions/x.md",
  ".towline/TASK.md",
  "package-lock.json",
  "web/yarn.lock",
  "Cargo.lock",
  "go.sum",
];
test.each(protectedOnes)("%s is no agent's to change, to add or to take away", (path) => {
  expect(said(work([change(path)]))).not.toEqual([]);
  expect(said(work([change(path, added)]))).not.toEqual([]);
  expect(said(work([change(path, gone)]))).not.toEqual([]);
  expect(said(work([change(path)]), { allow: ["**"] })).not.toEqual([]);
});

const tricks = [
  "",
  "/etc/passwd",
  "../outside",
  "a/../../outside",
  "a/./b",
  "a//b",
  ".git/config",
  "sub/.git/hooks/post-checkout",
  ".GIT/config",
  ".git./config",
  ".git /config",
  "git~1/config",
  ".g\u200cit/config",
  "GITHUB~1/workflows/x.yml",
  "CLAUDE~1.MD",
  ".git::$INDEX_ALLOCATION/config",
  "readme.md:stream",
  "C:/windows/x",
  "a\\..\\b",
  "a\nb",
  "a\u0000b",
  "a\u0085b",
  "con",
  "aux.txt",
  "trailing.",
  "trailing ",
  "-rf",
  "dir/-o",
  "x\u202egpj.exe",
  "zero\u200bwidth.ts",
  "u\u0308mlaut.txt",
  "bad\ufffdname",
  "long/".padEnd(1200, "x"),
];
test.each(tricks)("%j is no safe path", (path) => {
  expect(said(work([change(path, added)], { paths: [] })).join()).toMatch(/is not a safe path/);
});

const shapes: [string, Partial<Change>, RegExp][] = [
  ["a symbolic link", { ...added, mode: "120000" }, /symbolic link/],
  ["a file that becomes a symbolic link", { mode: "120000" }, /symbolic link/],
  ["a submodule", { ...added, mode: "160000" }, /submodule/],
  ["a submodule that is moved on", { was: "160000", mode: "160000" }, /submodule/],
  ["a submodule that is taken away", { ...gone, was: "160000" }, /submodule/],
  ["a folder in the place of a file", { ...added, mode: "040000" }, /unknown mode/],
  ["a file that the group may write", { ...added, mode: "100664" }, /unknown mode/],
  ["a file made executable", { mode: "100755" }, /made executable/],
  ["a script that is none any more", { was: "100755" }, /not executable any more/],
  ["a binary", { ...added, binary: true, added: null }, /not text/],
  ["a huge file", { ...added, size: 6 << 20, added: null }, /bytes; at most/],
  ["a text that could not be read", { ...added, added: null }, /could not be read/],
  ["text that runs backwards", { added: "if (x) {\u202e // } \n" }, /direction/],
  ["text in the tag block", { added: "fine\udb40\udc41\n" }, /nobody sees/],
];
test.each(shapes)("%s is refused", (_, more, why) => {
  expect(said(work([change("src/thing", more)])).join()).toMatch(why);
});

const commits: [string, Partial<Commit>, RegExp][] = [
  ["another author", { author: { name: "Ada", email: "ada@example.org" } }, /another author/],
  ["another committer", { committer: { name: us.name, email: "ada@example.org" } }, /another committer/],
  ["our address under another name", { author: { ...us, name: "Ada" } }, /another author/],
  ["a forged sign-off", { message: "x\n\nSigned-off-by: Ada <ada@example.org>\n" }, /speaks for somebody/],
  ["a forged review", { message: "x\n\nreviewed-BY : Ada <ada@example.org>\n" }, /speaks for somebody/],
  ["a person as co-author", { message: "x\n\nCo-authored-by: A <1+ada@users.noreply.github.com>\n" }, /speaks for/],
  [
    "a co-author beside a program",
    { message: "x\n\nCo-authored-by: C <noreply@x.org>\nCo-authored-by: A <ada@x.org>\n" },
    /speaks for/,
  ],
  ["a sign-off by noreply", { message: "x\n\nSigned-off-by: Ada <noreply@x.org>\n" }, /speaks for/],
  ["checks skipped", { message: "Fixes it [skip ci]\n" }, /skip its checks/],
  ["checks skipped by trailer", { message: "x\n\nskip-checks:true\n" }, /skip its checks/],
  ["a message that hides text", { message: "fine \u202e evil\n" }, /hidden characters/],
  ["a message with an escape", { message: "fine \u001b[2K evil\n" }, /hidden characters/],
];
test.each(commits)("a commit with %s is refused", (_, more, why) => {
  expect(said(work([change("a.ts")], { commits: [commit(), commit(more)] })).join()).toMatch(why);
});

describe("the agent's guard", () => {
  test("allow and deny are globs; deny does not care for case, and wins", () => {
    const guard: Guard = { allow: ["src/**", "*.md"], deny: ["src/secret/", "Billing*"] };
    const judged = (path: string) => said(work([change(path)]), guard).join();
    expect(judged("src/a/b.ts")).toBe("");
    expect(judged("docs/x.md")).toBe("");
    expect(judged("docs/x.txt")).toMatch(/outside of what/);
    expect(judged("SRC/a.ts")).toMatch(/outside of what/);
    expect(judged("src/Secret/key.ts")).toMatch(/denied/);
    expect(judged("src/deep/billing.ts")).toMatch(/denied/);
  });
  test("globs: a name at any depth, anchored by a slash, one part and many", () => {
    const is = (glob: string, path: string) => matcher([glob])(path);
    expect(is("*.ts", "a/b.ts")).toBe(true);
    expect(is("/*.ts", "a/b.ts")).toBe(false);
    expect(is("/*.ts", "b.ts")).toBe(true);
    expect(is("a/**/z", "a/z")).toBe(true);
    expect(is("a/**/z", "a/b/c/z")).toBe(true);
    expect(is("a/*/z", "a/b/c/z")).toBe(false);
    expect(is("a/", "a/b/c")).toBe(true);
    expect(is("a.b", "aXb")).toBe(false);
    expect(is("(a|b)+[c]", "(a|b)+[c]")).toBe(true);
    expect(is("**", "any/thing")).toBe(true);
    expect(is("package-lock.json", "web/package-lock.json")).toBe(true);
  });
  test("what is permitted by name passes, and only that", () => {
    expect(said(work([change("package-lock.json")]), { permit: ["lock-files"] })).toEqual([]);
    expect(said(work([change("a.sh", { mode: "100755" })]), { permit: ["modes"] })).toEqual([]);
    expect(said(work([change("a.png", { binary: true, added: null })]), { permit: ["binaries"] })).toEqual([]);
    expect(said(work([change("a.png", { binary: true, added: null })]), { permit: ["modes"] })).not.toEqual([]);
  });
  test("caps on files, lines and commits", () => {
    const many = Array.from({ length: 4 }, (_, at) => change(`f${at}`));
    expect(said(work(many), { max_files: 4, max_lines: 3 })).toEqual([]);
    expect(said(work(many), { max_files: 3 })).toEqual(["it changes 4 files; at most 3 are allowed"]);
    expect(said(work(many), { max_lines: 2 })).toEqual(["it changes 3 lines; at most 2 are allowed"]);
    expect(said(work(many, { commits: Array.from({ length: 501 }, () => commit()) })).join()).toMatch(/501 commits/);
    expect(said(work(Array.from({ length: 201 }, (_, at) => change(`f${at}`)))).join()).toMatch(/201 files/);
  });
});

test.each([
  "agents/x.md",
  "tasks/x.md",
  "jobs/2026/x.md",
  "Hosts/x.md",
  "towline.yml",
  "STOP.md",
  "plugins/x.ts",
  "reviews/x.md",
  "overview.md",
  "skills/a/b.md",
])("in a pack, the record %s is protected; elsewhere it is a file like any other", (path) => {
  expect(said(work([change(path)]), {}, true).join()).toMatch(/record of the pack/);
  expect(said(work([change(path)]))).toEqual([]);
});

test("two names that are one file on other systems", () => {
  expect(said(work([change("readme.md", added)], { paths: ["README.md", "readme.md"] }))).toEqual([
    "readme.md is the same file as README.md on some systems",
  ]);
  expect(said(work([change("src/a.ts")], { paths: ["README.md", "readme.md", "src/a.ts"] }))).toEqual([]);
});

test("a secret is found in ten and more spellings, and named without its value", () => {
  const value = "xK9/3vR+'t\"ü8Qz-Lm42";
  const mask = maskOf([{ name: "DEPLOY_KEY", value }]);
  const forms = spellings(value);
  expect(forms.length).toBeGreaterThanOrEqual(10);
  for (const form of forms) {
    const text = `const key = "${form}";`;
    expect(mask.text(text)).not.toBe(text);
  }
  const lines = said(work([change("a.ts")], { secrets: new Map([["a.ts", ["DEPLOY_KEY"]]]) }));
  expect(lines).toEqual(["a.ts holds what looks like a secret (DEPLOY_KEY)"]);
});

test("a path is shown on one line, without what it hides", () => {
  expect(said(work([change("a\n\u001b[2Jb\u202ec", added)], { paths: [] })).join()).toMatch(
    /^a b⟨U\+202E⟩c is not a safe/,
  );
});
