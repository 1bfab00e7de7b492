// Hostile results, as files of a branch: each row by itself is a reason to keep the branch away.

/** What a path comes to. `data` null: it goes. Paths are what the guard calls them; `raw`: their bytes as latin1. */
export interface Leaf {
  path: string;
  raw?: string;
  mode?: string;
  data: string | Buffer | null;
}
export interface FileRow {
  kind: string;
  name: string;
  leaves: Leaf[];
  /** Among the reasons there is one like this. */
  says: RegExp;
  /** The repository holds records of a pack. */
  pack?: true;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const at = (path: string, why: string) => new RegExp(`${escaped(path)}.* ${why}`);

/** The canary of a row stands in what it brings. */
export const mark = (kind: string, n: number) => `canary-${kind}-${n}-x9q`;

/** Bytes of a path, a character each. */
const latin = (text: string) => Buffer.from(text).toString("latin1");

const held = (kind: string, why: string, paths: string[], pack?: true): FileRow[] =>
  paths.map((path, n) => ({
    kind,
    name: path,
    leaves: [{ path, raw: latin(path), data: `${mark(kind, n)}\n` }],
    says: at(path, why),
    ...(pack ? { pack } : {}),
  }));

const workflows = [
  ".github/workflows/ci.yml",
  ".github/workflows/deep/x.yaml",
  ".GitHub/Workflows/a.yml",
  ".github/workﬂows/b.yml",
  ".ＧitHub/workflows/c.yml",
  ".github/actions/setup/action.yml",
  ".github/dependabot.yml",
  "tools/deploy/action.yml",
  "action.yaml",
  ".gitea/workflows/x.yml",
  ".forgejo/workflows/x.yml",
  ".gitlab-ci.yml",
  ".gitlab/ci/x.yml",
  ".circleci/config.yml",
  ".buildkite/pipeline.yml",
  ".drone.yml",
  ".woodpecker/x.yml",
  ".travis.yml",
  "appveyor.yml",
  "azure-pipelines-nightly.yml",
  "bitbucket-pipelines.yml",
  "Jenkinsfile.release",
  ".cirrus.yml",
  ".build.yml",
  ".builds/deploy.yml",
  ".semaphore/semaphore.yml",
  ".tekton/push.yaml",
  ".teamcity/settings.kts",
  "cloudbuild.yaml",
  "buildspec.yml",
  "codemagic.yaml",
];
const reviewers = ["CODEOWNERS", ".github/CODEOWNERS", "docs/codeowners", ".gitlab/CODEOWNERS"];
const settings = [".github/settings.yml", ".github/rulesets/main.json", ".mergify.yml", ".github/labeler.yml"];
const git_files = [".gitattributes", "src/.gitattributes", ".gitmodules", ".lfsconfig", ".mailmap", "x/.gitconfig"];
const checked_out = [
  ".husky/pre-commit",
  ".githooks/post-checkout",
  ".vscode/tasks.json",
  ".idea/workspace.xml",
  ".devcontainer/devcontainer.json",
  ".pre-commit-config.yaml",
  "lefthook-local.yml",
  ".envrc",
];
const instructions = [
  "CLAUDE.md",
  "src/AGENTS.md",
  "claude.local.md",
  "GEMINI.md",
  ".claude/settings.json",
  ".claude/commands/x.md",
  ".cursor/rules/x.mdc",
  ".cursorrules",
  ".windsurfrules",
  ".clinerules/01-x.md",
  ".roo/rules/x.md",
  ".roorules-code",
  ".mcp.json",
  ".codex/config.toml",
  ".agents/skills/x/SKILL.md",
  ".opencode/agent/x.md",
  "opencode.json",
  ".kiro/steering/x.md",
  ".junie/guidelines.md",
  ".amazonq/rules/x.md",
  ".augment/rules/x.md",
  ".trae/rules/x.md",
  "WARP.md",
  "QWEN.md",
  ".aider.conf.yml",
  ".github/copilot-instructions.md",
  ".github/prompts/x.prompt.md",
  ".github/agents/x.md",
  ".towline/CLAUDE.md",
  "TASK.md",
];
const locks = ["package-lock.json", "web/yarn.lock", "go.sum", "Cargo.lock", "uv.lock"];
const records = [
  "agents/scout.md",
  "hosts/evil.md",
  "rules/all.md",
  "insights/tip.md",
  "learnings/rule.md",
  "skills/x/SKILL.md",
  "tasks/new.md",
  "Tasks/new2.md",
  "queue/new.md",
  "jobs/2026/11/20/x.md",
  "status/x.md",
  "memos/2026/11/x.md",
  "reflections/2026/11/x.md",
  "pupdates/2026/11/20/x.ndjson",
  "state/letters.ndjson",
  "archive/x.md",
  "plugins/x.ts",
  "reviews/x.md",
  "towline.yml",
  "STOP.md",
  "OVERVIEW.md",
];

const unsafe: [path: string, why: RegExp, raw?: string][] = [
  ["a\\..\\..\\b", /is not a safe path: it has a backslash/],
  ["C:evil", /is not a safe path: it is absolute/],
  ["x.txt:stream", /a colon begins a hidden part/],
  ["con", /con is not a safe path: it has a name that Windows/],
  ["src/aux.txt", /aux\.txt is not a safe path/],
  ["COM1.log", /COM1\.log is not a safe path/],
  ["-rf", /-rf is not a safe path: a part starts with a dash/],
  ["src/--upload-pack=x", /a part starts with a dash/],
  ["dir./x", /dir\.\/x is not a safe path: a part ends in a dot/],
  ["tail ", /tail is not a safe path: a part ends in a dot or a space/],
  ["bell\u0007", /bell is not a safe path: it has a control character/],
  ["new\nline", /new line is not a safe path/],
  ["esc\u001b[2Jape", /escape is not a safe path/],
  ["c1\u0085x", /c1x is not a safe path/],
  ["turn\u202etxt.sh", /turn⟨U\+202E⟩txt\.sh is not a safe path/],
  ["zero\u200bwidth", /zero⟨U\+200B⟩width is not a safe path/],
  ["soft\u00adhyphen", /soft.*hyphen is not a safe path/],
  ["vs\u{e0101}x", /is not a safe path: it has characters that nobody sees/],
  ["line\u2028sep", /is not a safe path: it has characters that nobody sees/],
  ["e\u0301.txt", /is not a safe path: its letters are put together/],
  ["PROGRA~1/x", /Windows takes it for the short name/],
  ["bad\ufffdbyte", /is not a safe path: it is not valid Unicode/, "bad\xffbyte"],
  [`${"l".repeat(256)}`, /l+… is not a safe path: a part is over 255 bytes/],
  [Array.from({ length: 24 }, () => "m".repeat(50)).join("/"), /m\/m+… is not a safe path: it is over 1024 bytes/],
];
const paths: FileRow[] = unsafe.map(([path, says, raw], n) => ({
  kind: "path",
  name: JSON.stringify(path).slice(0, 60),
  leaves: [{ path, raw: raw ?? latin(path), data: `${mark("path", n)}\n` }],
  says,
}));

const link = (path: string, data: string): Leaf => ({ path, mode: "120000", data });
const links: FileRow[] = (
  [
    ["to a file of the machine", [link("passwd.txt", "/etc/passwd")], "passwd.txt"],
    ["out of the tree", [link("docs/up", "../../../home")], "docs/up"],
    ["into git's own folder", [link("hooks", ".git/hooks")], "hooks"],
    ["to itself", [link("loop", "loop")], "loop"],
    ["in place of a file", [link("src/a.ts", "/root/.ssh/id_ed25519")], "src/a.ts"],
    ["in place of a folder", [{ path: "lib/b.ts", data: null }, link("lib", "/etc")], "lib"],
    ["to what its processes see", [link("env", "/proc/self/environ")], "env"],
    ["named like a text", [link("notes.md", "README.md")], "notes.md"],
    ["with a secret as its aim", [link("aim", "DEPLOY/xK9/3vR+'t8Qz-Lm42:pW")], "aim"],
    ["to nothing", [link("gone", "")], "gone"],
    ["deep down", [link("a/b/c/d/e/f/link", "x")], "a/b/c/d/e/f/link"],
  ] as [string, Leaf[], string][]
).map(([name, leaves, path]) => ({ kind: "link", name, leaves, says: at(path, "is a symbolic link") }));

const lib = "a".repeat(40);
const modules: FileRow[] = [
  {
    kind: "module",
    name: "a new one",
    leaves: [{ path: "sub", mode: "160000", data: lib }],
    says: at("sub", "is a submodule"),
  },
  {
    kind: "module",
    name: "in place of a file",
    leaves: [{ path: "src/c.ts", mode: "160000", data: lib }],
    says: at("src/c.ts", "is a submodule"),
  },
];

const text = (name: string, path: string, data: string | Buffer, says: RegExp): FileRow => ({
  kind: "content",
  name,
  leaves: [{ path, data }],
  says,
});
const contents: FileRow[] = [
  {
    kind: "content",
    name: "a file is made a program",
    leaves: [{ path: "src/d.ts", mode: "100755", data: "d\n" }],
    says: at("src/d.ts", "was made executable"),
  },
  {
    kind: "content",
    name: "a program is made a file",
    leaves: [{ path: "run.sh", mode: "100644", data: "#!/bin/sh\n" }],
    says: at("run.sh", "is not executable any more"),
  },
  text("a program for machines", "tool", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]), at("tool", "is not text")),
  text("text of two bytes each", "wide.txt", Buffer.from("\ufeffwide", "utf16le"), at("wide.txt", "is not text")),
  text("no UTF-8", "latin.txt", Buffer.from([0xe9, 0x20, 0xff]), at("latin.txt", "is not text")),
  text("an empty byte at the end", "empty.md", "fine\0", at("empty.md", "is not text")),
  text(
    "text that runs backwards",
    "rtl.ts",
    "if (admin\u202e ) { // \u2066",
    at("rtl.ts", "holds characters that turn"),
  ),
  text("an isolate", "iso.ts", "a\u2067b", at("iso.ts", "holds characters that turn")),
  text(
    "words in tags that nobody sees",
    "tags.md",
    "fine\u{e0069}\u{e0067}\u{e006e}",
    at("tags.md", "holds characters that nobody sees"),
  ),
  text(
    "words in variation selectors",
    "vs.md",
    "fine\u{e0152}\u{e0155}\u{e015d}",
    at("vs.md", "holds characters that nobody sees"),
  ),
  text(
    "words in half bytes of selectors",
    "vs2.md",
    "fine\ufe06\ufe01\ufe06\ufe0e",
    at("vs2.md", "holds characters that nobody sees"),
  ),
];

const twins: FileRow[] = [
  ["readme.md", "README.md"],
  ["SRC/a.ts", "src/a.ts"],
  ["ＲEADME.md", "README.md"],
  ["src/ſ.ts", "src/s.ts"],
].map(([path, other], n) => ({
  kind: "twin",
  name: path as string,
  leaves: [{ path: path as string, raw: latin(path as string), data: `${mark("twin", n)}\n` }],
  says: new RegExp(`${path} is the same file as ${escaped(other as string)}`),
}));

export const file_rows: FileRow[] = [
  ...held("workflow", "is protected: it is run by the forge", workflows),
  ...held("review", "is protected: it says who must review", reviewers),
  ...held("setting", "is protected: it is a setting of the forge", settings),
  ...held("git", "is protected: it says what git does", git_files),
  ...held("checkout", "is protected: it runs by itself", checked_out),
  ...held("instruction", "is protected: it holds instructions of agents", instructions),
  ...held("lock", "is a lock file", locks),
  ...held("record", "is protected: it is a record of the pack", records, true),
  ...paths,
  ...links,
  ...modules,
  ...contents,
  ...twins,
];

/** What a good repository has before anything of this comes. */
export const before = {
  "README.md": "# Things\n",
  "src/a.ts": "one\n",
  "src/c.ts": "c\n",
  "src/d.ts": "d\n",
  "src/s.ts": "s\n",
  "lib/b.ts": "b\n",
  "run.sh": "#!/bin/sh\n",
};
