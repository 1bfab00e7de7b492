// The records of a new pack: what people go on from. From then on they are theirs; no upgrade touches them.
import { dump } from "js-yaml";

const record = (fields: string, body: string) => `---\n${fields.trim()}\n---\n${body.trim()}\n`;

const deckhand = record(
  "runtime: shell\nhosts: any\nparallel: 4",
  `
Runs the script of a task on a machine. No model, no key: the output is the answer.

The script is the first \`\`\`\` \`\`\`sh \`\`\`\` block of the task, or its whole body when there is none.
`,
);

/** What an agent with a model can run on, and what its record says for it. */
const models = {
  claude: 'guard: {tools: [Read, Grep, Glob, "Bash(df:*)", "Bash(uptime:*)", "Bash(journalctl:*)"]}',
  codex: "",
  picoclaw: "deploy: if-missing",
  ollama: "model: llama3.2",
} as const;
export type ModelRuntime = keyof typeof models;
export const model_runtimes = Object.keys(models) as ModelRuntime[];

const scout = (runtime: ModelRuntime) =>
  record(
    [
      `runtime: ${runtime}`,
      "hosts: any",
      "parallel: 1",
      "timeout: 10m",
      models[runtime],
      "budget:\n  day:\n    runs: 20",
    ]
      .filter(Boolean)
      .join("\n"),
    `
You look after small servers. You look before you conclude, and you name the command or file behind each
statement. You change nothing: no installs, no restarts, no deleted files. When you cannot find something out, you
say so and stop. Your answers are short and in plain words.
`,
  );

const machine = record(
  `
address: web1.example.org
user: towline
labels: [web]
slots: 2
key: env:TOWLINE_SSH_KEY
cordon: an example, replace it with a machine of yours
off: true # nobody calls it`,
  `
A machine. \`towline fleet add USER@ADDRESS --push\` writes such a file by itself; remove this one once you have your own.

What stands in this body is given to agents that run here: what the machine is for, where its logs are, what to keep
away from.
`,
);

const silent = record(
  `
when:
  kind: host.down
  data.fault: {in: [unreachable, lost]}
cooldown: {for: 1d, per: host}
then:
  - memo: "{{subject}} does not answer: {{data.why}}. If it is gone for good, set \`off: true\` in hosts/{{subject}}.md"
    kind: warning`,
  `
Work that waits for a silent machine waits without end, so a person should know, once a day at most.

## Examples

\`\`\`yaml
pupdate:
  kind: host.down
  subject: web1
  data: {host: web1, fault: unreachable, why: nobody answers at web1.example.org}
verdict: memo
\`\`\`

\`\`\`yaml
pupdate:
  kind: host.down
  subject: web1
  data: {host: web1, fault: changed-key, why: another host key than the pinned one}
verdict: ignored
\`\`\`
`,
);

const look = record(
  `
title: A first look at a machine
agent: deckhand
hosts: any
domain: INFRA
effect: we know that work gets to the machines and back`,
  `
Runs once, on the first machine that there is. Change \`run:\` to a new number to run it again, or give it an \`every:\`.

\`\`\`sh
echo "machine:  $(uname -n), $(uname -sr)"
echo "up since: $(uptime | sed 's/^ *//')"
df -P / | awk 'NR == 2 { print "disk:     " $5 " of / used" }'
\`\`\`
`,
);

/** The first task: what a new pack is seen to do. */
export const first_task = "first-look";

const readme = (name: string, towline: string) => `# ${name}

A [towline](https://www.npmjs.com/package/towline) pack: markdown in, machines at work, markdown back.

- \`tasks/\` says what is to be done, \`agents/\` by whom, \`hosts/\` where, \`rules/\` what becomes of events.
- \`${towline}\` says what waits for you, what runs and what is next due; \`${towline} check\` finds mistakes before you push.
- \`${towline} fleet add USER@ADDRESS --push\` brings a machine in.
- A file \`STOP.md\` in this folder stops all new work.

\`towline.yml\` names the version that runs here; \`npx towline@latest upgrade\` brings it, the workflows, the schemas and
the editor's settings up to date, and touches no file that you have changed.

Editors check \`towline.yml\` by \`schema/\` (VS Code: the YAML extension). For the head of the markdown records as well:
\`npm install --no-save remark remark-frontmatter remark-lint-frontmatter-schema\`, and the extension \`unifiedjs.vscode-remark\`.
`;

export interface Chosen {
  name: string;
  id: string;
  zone: string;
  version: string;
  runtime: ModelRuntime;
  /** Branch of the ledger; null: the default branch. */
  ledger: string | null;
  /** Seconds between two ticks, and their cron. */
  every: number;
  cron: string;
  github: boolean;
  /** No CI service sees its origin: ticks are started by people, who stand in their own network. */
  local: boolean;
  /** `none`, `pages`, `branch` or `dir:PATH`; a base for pages. */
  site: { publish: string; base?: string } | null;
  /** `login:number`. */
  owner: string | null;
  /** How the command is called here: `towline` or `npx towline`. */
  towline: string;
}

const words = (value: unknown) => dump(value, { flowLevel: 0, lineWidth: -1 }).trim();

export function settingsText(chosen: Chosen): string {
  const { name, id, version, zone, ledger, every, github, local, site, owner } = chosen;
  const lines: [string, unknown][] = [
    ["name", name],
    ["id", id],
    ["version", version],
    ["zone", zone],
    ["forge", github ? "github" : undefined],
    ["pollers", github ? { github: { token: "GITHUB_TOKEN" } } : undefined],
    ["owners", owner === null ? undefined : [owner]],
    ["ledger", ledger === null ? undefined : { branch: ledger }],
    ["tick", { every: every % 3600 === 0 ? `${every / 3600}h` : `${every / 60}m` }],
    ["networks", local ? ["public", "lan"] : undefined],
    ["site", site ?? undefined],
    ["defaults", { agent: "deckhand", timeout: "10m" }],
  ];
  const said = lines.flatMap(([field, value]) => (value === undefined ? [] : [`${field}: ${words(value)}`]));
  return `# yaml-language-server: $schema=./schema/settings.schema.json\n${said.join("\n")}\n`;
}

/** People's records. `bare`: nothing else lives in this repository, so it gets a README. */
export const peopleFiles = (chosen: Chosen, bare: boolean): Map<string, string> =>
  new Map([
    ["towline.yml", settingsText(chosen)],
    ["agents/deckhand.md", deckhand],
    ["agents/scout.md", scout(chosen.runtime)],
    ["hosts/example.md", machine],
    ["rules/host-silent.md", silent],
    [`tasks/${first_task}.md`, look],
    ...(bare ? ([["README.md", readme(chosen.name, chosen.towline)]] as const) : []),
  ]);
