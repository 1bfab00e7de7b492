// How each verb is typed, for its help and docs/verbs.md. A test reads each line as the program would.
import type { Command } from "commander";
import { jsonLine } from "./json-fields.ts";

/** Path of the verb → lines as a person types them, with what they do behind two spaces where that is not plain. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  archive: ["towline archive --dry-run", "towline archive --after 180d"],
  campfire: ["towline campfire --dry-run", "towline campfire"],
  check: [
    "towline check",
    "towline check --json | jq '.problems[]'",
    "towline check --at origin/my-branch --base main  what a pull request may not change, too",
  ],
  completion: [
    'eval "$(towline completion bash)"  in ~/.bashrc',
    "source <(towline completion zsh)  in ~/.zshrc",
    "towline completion fish | source  in ~/.config/fish/config.fish",
  ],
  costs: ["towline costs", "towline costs --by agent --since 30d", "towline costs --by day --json"],
  demo: ["towline demo", "towline demo --once --dir /tmp/demo"],
  dispatch: [
    'towline dispatch "uptime; df -h /" --all',
    'towline dispatch "Which services failed today?" --agent scout --label web',
    "towline dispatch - --host pi-1 --record",
    "towline dispatch --collect --ack",
  ],
  doctor: ["towline doctor", "towline doctor --forecast --included 3000"],
  export: ["towline export --out /tmp/data"],
  "fleet add": [
    "towline fleet add pi@192.168.1.20 --push",
    "towline fleet add root@10.0.0.7:2222 --name web-1 --label web --label eu --slots 4 --pr",
    "towline fleet add admin@10.1.0.5 --jump web-1 --network office",
  ],
  "fleet cordon": ["towline fleet cordon web-1 web-2 'new disks' --push"],
  "fleet deploy": [
    "towline fleet deploy --all",
    "towline fleet deploy web-1 --runtime picoclaw --version latest --dry-run",
    "towline fleet deploy --label lab --runtime claude",
  ],
  "fleet drain": ["towline fleet drain web-1 'kernel update' --push --timeout 1h"],
  "fleet enroll": [
    "towline fleet enroll web-1",
    "towline fleet enroll web-1 --own-key --lock  behind a gate: our key can do nothing else there",
    "towline fleet enroll --all --pr --yes",
  ],
  "fleet export": [
    "towline fleet export --format ssh_config > ~/.ssh/config.d/fleet",
    "towline fleet export --format ansible",
  ],
  "fleet import": [
    "towline fleet import inventory.ini --dry-run",
    "towline fleet import picoclaw-fleet.json --key env:TOWLINE_SSH_KEY --push",
    "towline fleet import ~/.ssh/config --format ssh_config --pr",
  ],
  "fleet keygen": ["towline fleet keygen", "towline fleet keygen --name LAB_SSH_KEY --file ~/.ssh/lab"],
  "fleet rollback": ["towline fleet rollback web-1", "towline fleet rollback --all --runtime claude"],
  "fleet status": ["towline fleet status", "towline fleet status web-1 --json"],
  "fleet teardown": ["towline fleet teardown web-1 --dry-run", "towline fleet teardown web-1 --host-program --login"],
  "fleet uncordon": ["towline fleet uncordon web-1 web-2 --push"],
  "forge app create": ["towline forge app create --org my-company --key-file ~/.config/towline/app.pem"],
  "import backlog": ["towline import backlog ../app/backlog --agent scout --on ."],
  "import github": [
    "GITHUB_TOKEN=$(gh auth token) towline import github owner/name --label agent --on owner/name --pr",
  ],
  init: [
    "towline init my-fleet",
    "towline init my-fleet --origin git@github.com:me/my-fleet.git --yes",
    "towline init --pr  in a repository that holds code",
    "towline init --adopt  in a copy of another pack",
  ],
  "issue-form": ["towline issue-form --pr"],
  "job attach": ["towline job attach build-2f1c9a04de", "towline job attach build --read-only"],
  "job cancel": ["towline job cancel build-2f1c9a04de"],
  "job diff": [
    "towline job diff build  of its open or newest run",
    "towline job diff build-2f1c9a04de --stat",
    "FORCE_COLOR=1 towline job diff build | less -R",
  ],
  "job list": ["towline job list --open", "towline job list --task build --limit 5"],
  "job log": ["towline job log build-2f1c9a04de", "towline job log -f build  while it runs"],
  "job show": ["towline job show build", "towline job show build-2f1c9a04de --json"],
  learn: ["towline learn 'I am about to name an event handler'", "towline learn 'caching' --paths src/cache.ts"],
  "learnings mine": ["towline learnings mine --dry-run", "towline learnings mine --repo owner/name --since 30d"],
  leave: ["towline leave --dry-run", "towline leave --out ~/my-fleet-export"],
  "ledger move": ["towline ledger move --to branch", "towline ledger move --to default"],
  "memo answer": ["towline memo answer build 'use the second one'", "towline memo answer 3f2a yes"],
  "memo dismiss": ["towline memo dismiss build 'no longer needed'"],
  "memo list": ["towline memo list", "towline memo list --json"],
  "memo show": ["towline memo show build"],
  now: ["towline", "towline now --json"],
  plan: ["towline plan", "towline plan --probe"],
  playbook: ["towline playbook scout", "towline playbook scout build --host web-1"],
  "plugin check": ["towline plugin check"],
  "plugin list": ["towline plugin list"],
  "plugin new": ["towline plugin new my-alerts --like alertmanager"],
  "plugin setup": ["towline plugin setup my-alerts --set url=http://127.0.0.1:9093"],
  purge: [
    "towline purge disk-space-82e5a958a5  all that this job said",
    "towline purge -  the text on standard input (and each of its lines), in every usual encoding",
    "towline purge '/ghp_[A-Za-z0-9]{36}/'  whatever has this shape",
  ],
  reflections: ["towline reflections --since 7d --outcome failure", "towline reflections --domain INFRA --json"],
  replay: ["towline replay --since 7d", "towline replay --since 30d --rule rules/new-rule.md"],
  resume: ["towline resume --push"],
  review: [
    "towline review build",
    "towline review build 'say in the README how it is switched on'",
    "towline review build --comment src/a.ts:12 'this may be null'",
  ],
  secrets: ["towline secrets"],
  "site build": ["towline site build --out public --base /my-fleet/"],
  "site deploy": ["towline site deploy"],
  "site key": ["towline site key | gh secret set TOWLINE_SITE_KEY"],
  "site serve": ["towline site serve", "towline site serve --port 0"],
  stop: [
    "towline stop 'the network is being rebuilt' --push",
    "towline stop --cancel --until 2026-12-01T08:00:00Z --push",
  ],
  sync: ["towline sync", "towline sync --verify --dry-run", "towline sync --rebuild"],
  "task cancel": ["towline task cancel build --push"],
  "task list": ["towline task list", "towline task list --json | jq -r '.[].task'"],
  "task new": [
    "towline task new 'Summarise the errors of nginx' --agent scout --hosts label:web --every '0 7 * * 1-5' --push",
    "towline task new 'Sort the list by date' --on . --verify 'npm test' --accept 'newest first' --pr",
    "towline task new 'Disk space' --agent deckhand --each --prompt - < disk.sh",
  ],
  "task pause": ["towline task pause build --push"],
  "task ready": ["towline task ready build --push"],
  "task run": ["towline task run build --push"],
  "task show": ["towline task show build"],
  tick: ["towline tick", "towline tick --no-site --no-sync --json"],
  try: ["towline try build", "towline try build --host web-1"],
  upgrade: ["towline upgrade --check", "towline upgrade", "towline upgrade --take .vscode/settings.json"],
  watch: [
    "towline watch --every 2m --serve",
    "sudo towline watch --install --user towline",
    "towline watch --networks office --no-lead",
  ],
  why: ["towline why build", "towline why build-2f1c9a04de", "towline why insights/quiet"],
};

/** The verbs as `towline --help` lists them. What is in none of these is for machines, or rare. */
const groups: Readonly<Record<string, string>> = {
  ...headed("Every day", "now task job memo review why stop resume dispatch try plan"),
  ...headed("Machines", "fleet secrets"),
  ...headed("Set up and change", "init check doctor import issue-form plugin forge upgrade leave demo completion"),
  ...headed("Look back, and learn", "costs reflections replay learn learnings campfire playbook"),
};

const rest = "Ticks, and what they leave:";

function headed(title: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(" ").map((name) => [name, `${title}:`]));
}

const first: readonly string[] = [
  "towline init my-fleet",
  "towline fleet add USER@ADDRESS --push",
  "towline task new 'Say hello' --prompt 'echo hello' --agent deckhand --push",
  "towline tick",
  "towline",
];

/** Examples below the help of each verb, and the verbs of the program in groups. */
export function dress(program: Command): void {
  for (const one of program.commands) one.helpGroup(groups[one.name()] ?? rest);
  const order = [...new Set(Object.values(groups)), rest];
  // Groups are shown in the order of their first verbs.
  (program.commands as Command[]).sort((a, b) => order.indexOf(a.helpGroup()) - order.indexOf(b.helpGroup()));
  program.addHelpText("afterAll", ({ command }) => belowHelp(pathOf(command)));
}

function pathOf(command: Command): string {
  const above = command.parent;
  return above ? `${pathOf(above)} ${command.name()}`.trim() : "";
}

const belowHelp = (path: string) => [jsonLine(path), examplesOf(path)].filter(Boolean).join("\n");

/** The lines below a verb's help; "" for a group. `path`: without the program's name; "" is the program itself. */
function examplesOf(path: string): string {
  const lines = path === "" ? first : (examples[path] ?? []);
  if (lines.length === 0) return "";
  const codes = "Exit codes: 0 done, 1 findings, 2 usage, 3 configuration, 4 the world outside, 130 ended early.";
  const title = path === "" ? "First steps" : lines.length > 1 ? "Examples" : "Example";
  return `\n${title}:\n${lines.map((line) => `  ${line.replace(/ {2}(.+)$/, "   # $1")}`).join("\n")}${path === "" ? `\n\n${codes}` : ""}`;
}
