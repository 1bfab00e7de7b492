// A pack as it looks after two busy weeks, hostile text included. The same call gives the same records.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Entry, kindOf, type Problem, parseEntry } from "../../src/core/entry.ts";
import { type ExportInput, exportData } from "../../src/core/export.ts";
import type { ExportFiles } from "../../src/core/exported.ts";
import { pupdate, settings } from "../../src/core/schema.ts";
import { fenced } from "../../src/core/text.ts";
import { digest_file, exportDigest } from "../../src/shell/export.ts";
import { page_levels, page_settings, pageFiles } from "./sample-pages.ts";

/** Each would do harm in a page that forgets to escape. `canary` names what must never run or load. */
export const hostile = [
  `<script>window.canary=1;fetch("https://canary.example/a")</script>`,
  `<img src="https://canary.example/b.png" onerror="window.canary=1">`,
  `"><svg onload=window.canary=1>`,
  `[press](javascript:window.canary=1) ![look](https://canary.example/c.png)`,
  `</code></pre></details></main><iframe src="https://canary.example/d"></iframe>`,
  `{{7*7}} \${window.canary=1} <style>@import url(https://canary.example/e.css)</style>`,
  `[a]: data:text/html,<script>window.canary=1</script>\n\n[a] <https://canary.example/f> [x](vbscript:canary)`,
];

const day_ms = 86_400_000;
const now = Date.parse("2026-11-21T08:12:00Z");
const iso = (at: number) => new Date(at).toISOString().replace(".000", "");
const quoted = (text: string) => JSON.stringify(text);

type File = [path: string, text: string];

const record = (fields: Record<string, unknown>, body = "") =>
  `---\n${Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${typeof value === "string" ? quoted(value) : JSON.stringify(value)}`)
    .join("\n")}\n---\n${body}`;

interface Plan {
  task: string;
  title: string;
  domain: string;
  host: string;
  goal: string;
  surprise?: string;
  technique?: string;
}

const plans: Plan[] = [
  {
    task: "disk-report",
    title: "How full are the disks?",
    domain: "INFRA",
    host: "lobot",
    goal: "Know a week ahead when a disk fills up.",
  },
  {
    task: "nginx-errors",
    title: "Summarise yesterday's nginx errors",
    domain: "WEB",
    host: "darth",
    goal: "See new errors before a customer does.",
    surprise: "Half of the 404s come from one old sitemap that nobody had removed.",
    technique: "Grouped by path prefix first, then by referrer.",
  },
  {
    task: "rotate-logs",
    title: "Rotate the logs of the mail relay",
    domain: "INFRA",
    host: "lando",
    goal: "Keep /var/log under 2 GiB.",
  },
  {
    task: "dependency-watch",
    title: "Which dependencies have a security release?",
    domain: "SECURITY",
    host: "darth",
    goal: "No known hole stays open for more than a day.",
    surprise: "Two lock files pin the same package to different majors.",
    technique: "Compared the lock files, not the manifests.",
  },
  {
    task: "inbox-digest",
    title: "Digest of the support inbox",
    domain: "SUPPORT",
    host: "boba",
    goal: "Three lines that say what people struggle with.",
    surprise: "none",
  },
];

const answers: Record<string, string> = {
  "disk-report":
    "Filesystem      Size  Used Avail Use% Mounted on\n/dev/nvme0n1p2  200G   82G  118G  41% /\n/dev/sda1       915G  110G  759G  13% /srv\n 09:12:04 up 31 days,  load average: 0.12, 0.20, 0.18",
  "nginx-errors":
    "1,204 errors, 38 fewer than the day before.\n\n1. `/sitemap-old.xml`: 611 × 404, all from one crawler\n2. `/api/export`: 14 × 504 between 03:10 and 03:25, while the backup ran\n3. the rest is noise\n\nThe 504s are worth a look: see [the upstream guide](https://nginx.org/en/docs/).",
  "rotate-logs":
    "mail.log     -> mail.log.1.gz     412 MiB\nmail.err     -> mail.err.1.gz      88 MiB\n14 files rotated",
  "dependency-watch":
    "- [x] `undici` 7.12.1: fixes a header smuggling hole, patch is ready\n- [ ] `sharp`: nothing new\n\n> The fix for undici is a patch release; nothing else changes.",
  "inbox-digest":
    "People struggle with three things: the invoice date, the login mail that arrives late, and the word *workspace*.",
};

/** As the ledger keeps it: models and shells alike in a fence. */
const answered = (task: string) => `## Answer\n\n${fenced(answers[task] ?? "")}`;
const runtimeOf = (plan: Plan) => (plan.domain === "INFRA" ? "shell" : "picoclaw");

const outcomes = ["success", "success", "success", "partial", "success", "failure", "success"] as const;

/** One run has all that coding work has: a diff, remarks, what it was told. */
const coded = 3;
const work = {
  branch: "towline/nginx-errors",
  told: "told-1-5eed5eed.md",
  proposal: "true",
  moved: ["host boba went quiet; it went on on darth"],
  questions: [
    { at: "2026-11-20T17:16:00Z", text: "May I touch the sitemap?", pupdate: "q1", answer: "Yes, go ahead." },
  ],
  code: {
    repo: "example/site",
    base: "1".repeat(40),
    head: "2".repeat(40),
    told: ["forge-1"],
    said: [
      { id: "forge-1", path: "nginx/site.conf", line: 3, text: "Why not 410?" },
      { id: "forge-2", text: "Good otherwise." },
    ],
  },
};
const patch = `diff --git a/nginx/site.conf b/nginx/site.conf
index 1111111..2222222 100644
--- a/nginx/site.conf
+++ b/nginx/site.conf
@@ -1,4 +1,5 @@ server {
   listen 443 ssl;
-  location = /sitemap-old.xml { root /srv/old; }
+  # <script>window.canary=1</script>
+  location = /sitemap-old.xml { return 404; }
   location / { proxy_pass http://app; }
 }
diff --git a/nginx/old.conf b/nginx/old.conf
deleted file mode 100644
index 3333333..0000000
--- a/nginx/old.conf
+++ /dev/null
@@ -1 +0,0 @@
-include old;
`;

/** What lies beside the records of jobs, by path. */
function besides(entries: Entry[]): Map<string, string> {
  const job = entries.find(
    (entry) => entry.kind === "job" && entry.id.startsWith(codedTask) && "told" in (entry.data as { run: object }).run,
  );
  if (!job) return new Map();
  const folder = job.path.replace(/\.md$/, ".d/");
  return new Map([
    [`${folder}told-1-5eed5eed.md`, "# What scout was told\n\n## `TASK.md`\n\n```markdown\nFind the errors.\n```\n"],
    [`${folder}proposal.md`, "# Drop the old sitemap\n\n## What it took\n\n| | |\n| --- | --- |\n| Round | 1 |\n"],
    [`${folder}work.patch`, patch],
  ]);
}
const codedTask = "nginx-errors";

function runs(): File[] {
  const files: File[] = [];
  for (let n = 0; n < 58; n++) {
    const plan = plans[(n * 7 + (n >> 2)) % plans.length] as Plan;
    const outcome = n % 19 === 7 ? undefined : outcomes[(n * 3) % outcomes.length];
    const at = now - Math.floor((n * n * 0.0042 + n * 0.19) * day_ms) - (n % 5) * 421_000;
    const job = `${plan.task}-${(0x5eed1 + n * 7919).toString(16)}`;
    const took = 3.4 + ((n * 37) % 140);
    const state = outcome === "failure" ? "failed" : outcome === "partial" ? "timeout" : "finished";
    const why =
      state === "failed"
        ? "exit 2: /var/log/mail.log: Permission denied"
        : state === "timeout"
          ? "ended at its limit of 2m; what it had said is kept"
          : undefined;
    const run = {
      occurrence: new Date(at - (40 + ((n * 97) % 1900)) * 1000).toISOString(),
      run_id: job,
      epoch: 1,
      tick: "t1",
      claimed_at: iso(at),
      deadline: "120s",
      ended_at: iso(at + took * 1000),
      input_hash: "9f2c",
      exit: state === "failed" ? 2 : state === "timeout" ? undefined : 0,
      signal: state === "timeout" ? "TERM" : undefined,
      why,
      runtime: runtimeOf(plan),
      output: { bytes: 812 + n * 31 },
      ...(plan.domain === "SUPPORT"
        ? { tokens: { input: 1200 + n, cache_read: 800 }, session: "a9936049-5137-52a2-826d-278a16c4e217" }
        : {}),
      ...(n === coded ? work : {}),
    };
    const log = state === "failed" ? `\n\n## Log\n\n${fenced("mv: cannot move 'mail.log': Permission denied")}` : "";
    const body = `${answered(plan.task)}${log}\n`;
    const cost = plan.domain === "SUPPORT" ? 0.012 : undefined;
    files.push([
      `jobs/${iso(at).slice(0, 10).replaceAll("-", "/")}/${job}.md`,
      record(
        {
          task: plan.task,
          agent: "scout",
          host: plan.host,
          state,
          started_at: iso(at + 900),
          took: `${took}s`,
          cost,
          run,
        },
        body,
      ),
    ]);
    files.push([
      `reflections/${iso(at).slice(0, 7).replace("-", "/")}/${iso(at).slice(0, 10)}-${job}.md`,
      record(
        {
          timestamp: iso(at),
          title: plan.title,
          goal: plan.goal,
          intended_effect: "Nobody is woken at night for it.",
          outcome,
          surprise: n % 3 === 0 ? plan.surprise : undefined,
          technique: plan.technique,
          domain: plan.domain,
          session_id: job,
          host: plan.host,
          agent: "scout",
          runtime: runtimeOf(plan),
          took: `${took}s`,
          cost,
        },
        `${why ? `${why}\n\n` : ""}${fenced(answers[plan.task] ?? "")}\n\n[Job ${job}](../../../jobs/${iso(at).slice(0, 10).replaceAll("-", "/")}/${job}.md)\n`,
      ),
    ]);
  }
  return files;
}

function tasks(jobs: File[]): File[] {
  const last = (task: string) =>
    jobs
      .filter(([path]) => path.startsWith("jobs/") && path.includes(`/${task}-`))
      .slice(0, 5)
      .reverse()
      .map(([path, text]) => ({
        id: path.replace(/^.*\/|\.md$/g, ""),
        path,
        state: (parseEntry(path, "job", text).entry as Entry<"job">).data.state,
        occurrence: "x",
        run_id: "x",
        at: "2026-11-21T07:00:00Z",
      }));
  const status = (task: string, title: string, state: string, more: Record<string, unknown> = {}): File => [
    `status/${task}.md`,
    record(
      { title, state, since: "2026-11-21T06:12:00Z", seen: "2026-11-07T08:00:00Z", jobs: last(task), ...more },
      `# x\n\n${state}\n\n${answered(task)}\n\n## Jobs\n\n_None yet._`,
    ),
  ];
  const files: File[] = plans.map((plan) => [
    `tasks/${plan.task}.md`,
    record(
      {
        title: plan.title,
        agent: "scout",
        domain: plan.domain,
        hosts: plan.host,
        every: "0 7 * * 1-5",
        timeout: "120s",
      },
      "df -h / | tail -1\nuptime\n",
    ),
  ]);
  return [
    ...files,
    status("disk-report", "How full are the disks?", "done", {
      next_due: "2026-11-21T12:00:00Z",
      last_due: "2026-11-21T06:00:00Z",
    }),
    status("nginx-errors", "Summarise yesterday's nginx errors", "running", {}),
    status("rotate-logs", "Rotate the logs of the mail relay", "failed", {
      reason: "exit 2: /var/log/mail.log: Permission denied",
      failures: 2,
      next_due: "2026-11-23T06:00:00Z",
    }),
    status("dependency-watch", "Which dependencies have a security release?", "waiting", {
      reason: "asks whether to open the patch as a pull request",
    }),
    status("inbox-digest", "Digest of the support inbox", "done", { next_due: "2026-11-23T06:00:00Z" }),
    [
      "tasks/backup-check.md",
      record(
        {
          title: "Restore last night's backup into a scratch folder",
          hosts: "label:store",
          after: ["rotate-logs"],
          domain: "INFRA",
        },
        "restic restore latest --target scratch\n",
      ),
    ],
    [
      "status/backup-check.md",
      record({
        title: "Restore last night's backup into a scratch folder",
        state: "blocked",
        reason: "waits for rotate-logs, which failed",
        since: "2026-11-21T06:12:00Z",
        seen: "2026-11-07T08:00:00Z",
      }),
    ],
    [
      "tasks/new-idea.md",
      record(
        { title: "Try the small model for the digest", status: "draft" },
        "Compare both answers on last week's inbox.\n",
      ),
    ],
    [
      "queue/pr-12-stale-q0a1b2c3d.md",
      record(
        { title: "Pull request 12 is waiting for a review", born_of: "0a1b2c3d00000000" },
        "Look at pull request 12.\n",
      ),
    ],
  ];
}

const people: File[] = [
  [
    "agents/scout.md",
    record(
      { runtime: "shell", parallel: 4, env: ["SECRET_NAME"] },
      "Careful and brief. Says what it saw, then what it thinks.\n",
    ),
  ],
  [
    "agents/pico.md",
    record({ runtime: "picoclaw", model: "claude-sonnet", hosts: "label:arm" }, "Small jobs on small machines.\n"),
  ],
  [
    "hosts/darth.md",
    record(
      {
        address: "192.168.50.57",
        user: "eric",
        arch: "arm64",
        labels: ["web", "arm"],
        slots: 4,
        network: "home",
        host_key: "SHA256:canaryhostkey",
        identity: "canary-identity",
        runtimes: ["shell", "picoclaw"],
      },
      "Under the desk. The fan is loud above 70 °C.\n",
    ),
  ],
  ["hosts/lobot.md", record({ address: "10.0.0.4", labels: ["web"], slots: 2, identity: "i2" })],
  [
    "hosts/lando.md",
    record({ address: "10.0.0.5", labels: ["store"], slots: 2, identity: "i3", cordon: "new disk on Saturday" }, ""),
  ],
  ["hosts/boba.md", record({ address: "10.0.0.6", slots: 1, identity: "i4" })],
  [
    "hosts/example.md",
    record({ address: "192.0.2.7", user: "me", cordon: "true" }, "Replace the address, then enrol it.\n"),
  ],
  [
    "rules/failed-job.md",
    record({ when: { kind: "job.failed" }, then: [{ memo: "{{title}}" }] }, "Someone should know.\n"),
  ],
  [
    "rules/stale-pr.md",
    record(
      {
        when: { kind: "pr.stale", "data.age": { gt: "3d" } },
        cooldown: { for: "1d", per: "subject" },
        then: [{ memo: "{{title}} is waiting for a review", kind: "ask" }],
        off: "true",
      },
      "Reviews that wait for days are forgotten.\n",
    ),
  ],
  [
    "learnings/group-by-path.md",
    record({ applies: ["*.log"], sources: ["nginx-errors-61e3a"] }, "Group by path prefix first, then by referrer.\n"),
  ],
  [
    "insights/quiet-hours.md",
    record({ sources: ["disk-report-5eed1"] }, "The backup holds the disk from 03:00 to 03:30.\n"),
  ],
  [
    "memos/2026/11/dependency-watch-5f0a6.md",
    record(
      {
        kind: "ask",
        title: "Open the undici patch as a pull request?",
        subject: "dependency-watch",
        created: "2026-11-21T06:20:00Z",
        expires: "2026-11-23T08:00:00Z",
      },
      "The patch is ready on a branch. It changes one line of the lock file.\n",
    ),
  ],
  [
    "memos/2026/11/rotate-logs-failed.md",
    record(
      {
        kind: "warning",
        title: "Rotate the logs of the mail relay failed twice",
        subject: "task:rotate-logs",
        created: "2026-11-20T06:02:00Z",
        expires: "2026-11-27T08:00:00Z",
      },
      "`/var/log/mail.log: Permission denied` on lando.\n",
    ),
  ],
  [
    "memos/2026/11/old.md",
    record({
      kind: "info",
      title: "Answered long ago",
      subject: "disk-report",
      created: "2026-11-09T06:00:00Z",
      expires: "2026-11-12T08:00:00Z",
      status: "dismissed",
    }),
  ],
  [
    "reflections/2026/11/by-hand.md",
    record(
      {
        timestamp: "2026-11-20T21:40:00+01:00",
        title: "Sorted the cables behind the rack",
        domain: "HANDS",
        outcome: "success",
        surprise: "Port 7 was never plugged in.",
      },
      "Took an hour. Labelled both ends.\n",
    ),
  ],
  ["tasks/broken.md", "---\ntitle: Never closed\nevery: 6h\nRestart it on Mondays.\n"],
  ["tasks/evil.md", "---js\nmodule.exports = { title: 'x' }\n---\n"],
];

function attacks(): File[] {
  return hostile.flatMap((text, n): File[] => [
    [
      `reflections/2026/11/attack-${n}.md`,
      record(
        {
          timestamp: `2026-11-19T0${n}:30:00Z`,
          title: text.replaceAll("\n", " "),
          goal: text,
          intended_effect: text,
          surprise: text,
          technique: text,
          domain: "ATTACKS",
          session_id: text,
          host: text,
          outcome: "partial",
        },
        `${text}\n`,
      ),
    ],
    [
      `jobs/2026/11/19/attack-${n}.md`,
      record(
        {
          task: text,
          host: text,
          state: "lost",
          run: {
            occurrence: text,
            run_id: text,
            requested_by: text.replaceAll("\n", " "),
            epoch: 1,
            tick: "t",
            claimed_at: `2026-11-19T0${n}:30:00Z`,
            deadline: "2m",
            input_hash: "x",
            why: text.replaceAll("\n", " "),
          },
        },
        `${text}\n`,
      ),
    ],
    [
      `tasks/attack-${n}.md`,
      record(
        { title: text.replaceAll("\n", " "), hosts: text, after: [text], every: text.replaceAll("\n", " ") },
        text,
      ),
    ],
    [
      `memos/2026/11/attack-${n}.md`,
      record(
        {
          kind: "info",
          title: text.replaceAll("\n", " "),
          subject: text,
          created: "2026-11-19T05:00:00Z",
          expires: "2026-11-29T05:00:00Z",
        },
        text,
      ),
    ],
    [
      `hosts/attack-${n}.md`,
      record({ address: "192.0.2.9", labels: [text], cordon: text, network: text.replaceAll("\n", " ") }, text),
    ],
  ]);
}

const heard = [
  {
    id: "p3",
    at: "2026-11-21T04:10:00Z",
    source: "fleet",
    kind: "host.down",
    subject: "boba",
    title: "boba does not answer",
  },
  {
    id: "p2",
    at: "2026-11-21T06:02:00Z",
    source: "towline",
    kind: "job.failed",
    subject: "rotate-logs",
    title: "rotate-logs failed",
    verdict: "memo",
    rule: "failed-job",
    made: ["dependency-watch-5f0a6"],
  },
  { id: "p1", at: "2026-11-20T06:02:00Z", source: "fleet", kind: "host.up", subject: "boba", title: "boba answers" },
  {
    id: "p4",
    at: "2026-11-21T05:40:00Z",
    source: "towline",
    kind: "source.failed",
    subject: "github",
    title: "github could not be asked: 502",
    data: { why: "the server answered 502" },
    verdict: "ignored",
  },
];

/** Input of `exportData`. `hostile`: with the attacks; `empty`: a pack that holds nothing but its settings. */
export function sampleInput(kind: "quiet" | "hostile" | "empty" = "quiet"): ExportInput {
  const work = kind === "empty" ? [] : runs();
  const files = kind === "empty" ? [] : [...work, ...tasks(work), ...people, ...(kind === "hostile" ? attacks() : [])];
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  for (const [path, text] of files) {
    const parsed = parseEntry(path, kindOf(path) as "task", text);
    if (parsed.entry) entries.push(parsed.entry as Entry);
    problems.push(...parsed.problems);
  }
  return {
    settings: settings.parse({
      name: kind === "empty" ? "fresh pack" : "harbour",
      id: "harbour",
      zone: "Europe/Berlin",
      ...(kind === "empty" ? {} : page_settings),
    }),
    entries,
    problems,
    levels:
      kind === "empty"
        ? []
        : [{ source: "fleet", subject: "boba", family: "host", kind: "host.down", pupdate: "p3" }, ...page_levels],
    pupdates: kind === "empty" ? [] : heard.map((line) => pupdate.parse(line)),
    overview:
      kind === "quiet"
        ? "# harbour\n\nQuiet night: 2 done, 2 wait for you. boba has not answered since 05:10; nothing was lost.\n\n| task | state |\n| --- | --- |\n"
        : null,
    tips: {
      policy: "1111111aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      ledger: kind === "empty" ? null : "2222222bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      at: kind === "empty" ? null : "2026-11-21T08:12:00Z",
    },
    forge: kind === "quiet" ? "https://github.com/example/harbour" : null,
    branch: "main",
    files: kind === "empty" ? new Map() : pageFiles(now, kind === "hostile" ? hostile.join(" ") : ""),
    ticks: kind === "empty" ? [] : ["20261121t081145-0a0b0c0d", "20261121t071302-1a1b1c1d"],
    ...(kind === "quiet" && { database: { at: "2026-11-21T07:13:20Z", records: 214, differ: 2 } }),
    forecast: kind === "quiet" ? { day: "2026-11-21", line: "1,090 of 2,000 min, $3.20 of $10, 41 MB a year" } : null,
    beside: { files: besides(entries), reviews: new Map() },
  };
}

/** Writes an export as `writeExport` does, without a repository. */
export async function writeSample(dir: string, input: ExportInput): Promise<ExportFiles> {
  const files = exportData(input);
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  await writeFile(join(dir, digest_file), exportDigest(files));
  return files;
}
