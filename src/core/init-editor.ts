// What git and an editor are told of a pack: schemas of its records, snippets to begin one with.
const people = ["agent", "host", "insight", "learning", "rule", "skill", "task"] as const;

/** Schemas that a pack brings along: of what people write. */
export const pack_schemas = [...people, "memo", "settings", "stop"].map((kind) => `schema/${kind}.schema.json`);

const folder = (kind: string) => `${kind === "memo" ? "memos" : `${kind}s`}`;
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const settings = json({
  "yaml.schemas": { "./schema/settings.schema.json": "towline.yml" },
  "files.eol": "\n",
  "files.insertFinalNewline": true,
  "search.exclude": Object.fromEntries(["jobs", "status", "pupdates", "state", "archive"].map((one) => [one, true])),
});

const remark = json({
  plugins: [
    "remark-frontmatter",
    [
      "remark-lint-frontmatter-schema",
      {
        schemas: Object.fromEntries(people.map((kind) => [`./schema/${kind}.schema.json`, [`./${folder(kind)}/*.md`]])),
      },
    ],
  ],
});

const snippet = (prefix: string, description: string, body: string[]) => ({
  scope: "markdown",
  prefix,
  description,
  body,
});

const snippets = json({
  task: snippet("towline-task", "A task for an agent", [
    "---",
    "title: $1",
    "agent: $" + "{2:deckhand}",
    "hosts: $" + "{3:any}",
    'every: "$' + '{4:15 6 * * *}"',
    "---",
    "$0",
  ]),
  script: snippet("towline-script", "A task that runs a script", [
    "---",
    "title: $1",
    "agent: deckhand",
    "hosts: $" + "{2:any}",
    "---",
    "```sh",
    "$0",
    "```",
  ]),
  rule: snippet("towline-rule", "A rule with an example, which is its test", [
    "---",
    "when:",
    "  kind: $" + "{1:job.failed}",
    "then:",
    '  - memo: "$' + '{2:{{subject}} needs you}"',
    "---",
    "$0",
    "",
    "## Examples",
    "",
    "```yaml",
    "pupdate:",
    "  kind: $1",
    "verdict: memo",
    "```",
  ]),
  agent: snippet("towline-agent", "Who works", [
    "---",
    "runtime: $" + "{1|shell,claude,codex,picoclaw,ollama,tmux|}",
    "hosts: any",
    "timeout: 10m",
    "---",
    "$0",
  ]),
  stop: snippet("towline-stop", "Stops all new work: save it as STOP.md", ["---", "cancel: false", "---", "$0"]),
});

/** What towline writes keeps its bytes, and is folded away in reviews. */
const attributes = [
  ...["jobs", "status", "pupdates", "state", "archive"].map((one) => `${one}/** -text linguist-generated`),
  "OVERVIEW.md -text linguist-generated",
  "*.sh text eol=lf",
  "",
].join("\n");

export const editorFiles = new Map([
  [".vscode/settings.json", settings],
  [".vscode/extensions.json", json({ recommendations: ["redhat.vscode-yaml"] })],
  [".vscode/towline.code-snippets", snippets],
  [".remarkrc.json", remark],
  [".gitattributes", attributes],
]);
