// The throw-away pack of `towline demo`: sample records, a bare origin, a clone that a person would work in.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { outside } from "../errors.ts";
import { enrollHost } from "../shell/enroll.ts";
import { gitEnv, runGit } from "../shell/git.ts";
import type { Machine } from "./machines.ts";
import { tide } from "./tide.ts";

/** What each sample task is expected to come to. `done` twice over: the one on a schedule has run once. */
export const expected: Record<string, string> = {
  "host-report": "done",
  "log-errors": "done",
  "kernel-everywhere": "done",
  "certificate-check": "failed",
  "slow-scan": "failed",
  "error-digest": "done",
  "load-sample": "done",
  "ask-scout": "blocked",
  "mend-greeting": "review",
};

/** What the demo's person says of the coding work, once: it makes a second round of it. */
export const remark = { task: "mend-greeting", text: "- motd.txt:1: say below it whom to ask\n" };

const task = (fields: string, body: string) => `---\n${fields.trim()}\n---\n\n${body.trim()}\n`;

const records: Record<string, string> = {
  "agents/deckhand.md": task("runtime: shell", "Runs plain shell scripts. No model, no key."),
  "agents/scout.md": task("runtime: picoclaw", "You are Scout: curious, brief, exact."),
  "tasks/host-report.md": task(
    "title: Disk, memory and uptime of one host\npriority: 1\ndomain: INFRA",
    `
echo "host:   $(uname -n), up $(awk '{printf "%dd %dh", $1/86400, $1%86400/3600}' /proc/uptime 2>/dev/null)"
df -h / | awk 'NR==2 {print "disk:   " $5 " of " $2 " used"}'
awk '/MemTotal/ {t=$2} /MemAvailable/ {a=$2} END {if (t) printf "memory: %d%% of %.1f GiB used\\n", (t-a)*100/t, t/1048576}' /proc/meminfo 2>/dev/null
`,
  ),
  "tasks/log-errors.md": task(
    "title: Count the errors in the web server's log\ndomain: INFRA\neffect: one knows which fault to mend first",
    `
echo "errors by kind, most frequent first:"
sed -n 's/^[^[]*\\[\\(error\\|crit\\|alert\\)\\] [^ ]* [^ ]* \\([^,(]*\\).*/\\1: \\2/p' "$HOME/logs/error.log" | sort | uniq -c | sort -rn
# Two agents that own up to the same mistake make a candidate for the campfire.
towline confess 'I counted while the log was being rotated: wait for the rotation to end before you count errors in a log.'
`,
  ),
  "tasks/kernel-everywhere.md": task(
    "title: Which kernel runs on each host\nhosts: all\ndomain: INFRA",
    'echo "$(uname -sr)"',
  ),
  "tasks/certificate-check.md": task(
    "title: Is the shop's certificate still there\ndomain: SECURITY",
    `
cert="$HOME/certs/shop.example.pem"
if [ ! -f "$cert" ]; then echo "no certificate at certs/shop.example.pem" >&2; exit 3; fi
echo "found"
`,
  ),
  "tasks/slow-scan.md": task(
    "title: A scan that takes longer than it may\ntimeout: 2s\ndomain: SECURITY",
    `
echo "scanned 10 of 5000 files"
echo "scanned 20 of 5000 files"
sleep 60
echo "never reached"
`,
  ),
  "tasks/error-digest.md": task(
    "title: Tell what to mend first\nafter: [log-errors]\ndomain: INFRA",
    `
echo "The errors are counted: refused upstream connections come first."
towline confess 'The counts were too low, as the log was just being rotated. Wait for the rotation to end before you read a log.'
`,
  ),
  "tasks/load-sample.md": task(
    "title: Sample the load\nevery: 15s\nreflect: on_change\ndomain: INFRA",
    'read -r one five rest < /proc/loadavg && echo "load $one (1 min), $five (5 min)"',
  ),
  "tasks/ask-scout.md": task(
    "title: What does the scout see\nagent: scout\ndomain: INFRA",
    "Look at the files in your workspace and tell in three lines what they are for.",
  ),
  "plugins/tide.ts": tide,
  "motd.txt": "Wellcome to the flet.\n",
  "tasks/mend-greeting.md": task(
    "title: Two typos in the greeting\nrepo: .\nverify: grep -q 'Welcome to the fleet' motd.txt\naccept: [motd.txt greets without a typo]\ndomain: DOCS",
    `
# A script in the place of a coding agent. Like one, it works in a worktree and reads what people said of its work.
sed -i 's/Wellcome to the flet\\./Welcome to the fleet./' motd.txt
if grep -q '^### .*motd.txt' .towline/TASK.md; then
  echo 'Ask the owners, who are named in towline.yml.' >>motd.txt
  echo "It says below the greeting whom to ask."
else
  echo "Both typos are mended."
fi
`,
  ),
  "rules/10-certificates.md": task(
    'when:\n  kind: job.failed\n  subject: certificate-check\nthen:\n  - memo: "{{data.task}} needs you: {{data.why}}"\n    kind: ask',
    "A missing certificate is a person's job: nobody else may fetch one.\n\n## Examples\n\n```yaml\npupdate: {kind: job.failed, subject: certificate-check}\nverdict: memo\n```",
  ),
};

const settings = `name: towline demo
id: demo
zone: ${"ZONE"}
defaults:
  agent: deckhand
tick:
  patience: 5s
campfire:
  at: "00:00"
site:
  publish: dir:../site
plugins:
  tide: {}
`;

const hostRecord = (machine: Machine) =>
  `---\naddress: 127.0.0.1\nport: ${machine.port}\nuser: ${machine.user}\nkey: env:TOWLINE_DEMO_KEY\nhost_key: ${machine.hostKey}\nlabels: [demo]\nslots: 4\nroot: ${join(machine.home, ".towline")}\n---\n\nA loopback machine of the demo with a home of its own.\n`;

/** As `towline fleet enroll` does: the record pins the machine's identity. */
async function enrol(dir: string, { name, home, keyText }: Machine, env: Parameters<typeof makePack>[3]) {
  await enrollHost({ dir, host: name, home, env: { ...env, TOWLINE_DEMO_KEY: keyText }, confirm: async () => false });
}

/** Enrols the machines, writes the pack below `dir` (origin.git and pack/) and pushes its first commit. Returns the clone's path. */
export async function makePack(
  dir: string,
  machines: Machine[],
  zone: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const pack = join(dir, "pack");
  const files: Record<string, string> = { ...records, "towline.yml": settings.replace("ZONE", zone) };
  for (const machine of machines) files[`hosts/${machine.name}.md`] = hostRecord(machine);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(pack, path)), { recursive: true });
    await writeFile(join(pack, path), text);
  }
  await Promise.all(machines.map((machine) => enrol(pack, machine, env)));
  const git = async (cwd: string, ...args: string[]) => {
    const ran = await runGit({ cwd, env: gitEnv(env) }, args);
    if (ran.code !== 0) throw outside(`git ${args[0]} failed: ${ran.stderr.trim()}`);
  };
  await git(dir, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git");
  await git(pack, "init", "--quiet", "--initial-branch=main");
  await git(pack, "config", "user.name", "you");
  await git(pack, "config", "user.email", "you@localhost");
  await git(pack, "remote", "add", "origin", join(dir, "origin.git"));
  await git(pack, "add", "--all");
  await git(pack, "commit", "--quiet", "--message", "The demo's records");
  await git(pack, "push", "--quiet", "--set-upstream", "origin", "main");
  return pack;
}
