// A pack in a real repository, and commits to it.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Repo, Tips } from "../../src/ports.ts";
import { openRepo } from "../../src/shell/repo.ts";

export interface Pack {
  dir: string;
  repo: Repo;
  git(...args: string[]): string;
  /** Writes or removes (null) files on a branch and commits them; answers the tips. */
  commit(files: Record<string, string | null>, branch?: string): Promise<Tips>;
  remove(): void;
}

const who = {
  GIT_AUTHOR_NAME: "t",
  GIT_AUTHOR_EMAIL: "t@example.org",
  GIT_COMMITTER_NAME: "t",
  GIT_COMMITTER_EMAIL: "t@example.org",
};

export async function makePack(options: { ledgerBranch?: string; id?: string } = {}): Promise<Pack> {
  const dir = mkdtempSync(join(tmpdir(), "towline-store-"));
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: dir, encoding: "utf8", env: { ...process.env, ...who }, stdio: "pipe" });
  git("init", "-q", "-b", "main");
  const write = (files: Record<string, string | null>) => {
    for (const [path, text] of Object.entries(files)) {
      const full = join(dir, path);
      if (text === null) rmSync(full);
      else {
        mkdirSync(dirname(full), { recursive: true });
        writeFileSync(full, text);
      }
    }
    git("add", "-A");
    git("commit", "-q", "--allow-empty", "-m", "x");
  };
  write({ "towline.yml": `id: ${options.id ?? "pack"}\n` });
  if (options.ledgerBranch) git("branch", options.ledgerBranch);
  const repo = await openRepo(dir, { ledgerBranch: options.ledgerBranch });
  return {
    dir,
    repo,
    git,
    commit: async (files, branch = "main") => {
      git("checkout", "-q", branch);
      write(files);
      git("checkout", "-q", "main");
      return repo.local();
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

const sheet = (fields: Record<string, string | number | undefined>, body: string) =>
  `---\n${Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n")}\n---\n${body}\n`;

export const reflection = (over: Record<string, string | undefined> = {}, body = "All of it.") =>
  sheet(
    { timestamp: "2026-11-20T09:00:00+01:00", title: "Disk report", outcome: "success", domain: "INFRA", ...over },
    body,
  );

export const task = (over: Record<string, string | undefined> = {}, body = "df -h") =>
  sheet({ title: "Disk report", agent: "scout", hosts: "label:web", every: "6h", ...over }, body);

const pupdate = (id: string, over: object = {}) =>
  JSON.stringify({
    id,
    at: "2026-11-20T08:00:00Z",
    source: "fleet",
    kind: "host.up",
    subject: "alpha",
    title: "up",
    ...over,
  });

/** One record of every kind that has a table. */
export const everything: Record<string, string> = {
  "agents/scout.md": sheet({ runtime: "shell", hosts: "any" }, "You are terse."),
  "hosts/alpha.md": sheet({ address: "127.0.0.1", cordon: "being moved", labels: "[web, db]" }, "A small board."),
  "rules/down.md": "---\nwhen:\n  kind: host.down\nthen:\n  - memo: down\n---\nWhy.\n",
  "insights/quotes.md": sheet({ scope: "all", expires: "2027-01-01T00:00:00Z" }, "Quote paths."),
  "learnings/paths.md": sheet({ applies: "['**/*.sh']" }, "Quote them."),
  "skills/deploy.md": sheet({ title: "Deploy" }, "How to."),
  "tasks/disk.md": task(),
  "queue/look-q0a1b2c3d.md": task({ title: "Look", born_of: "0a1b2c3d" }),
  "status/disk.md": sheet(
    { title: "Disk report", state: "done", since: "2026-11-20T08:00:00Z", seen: "2026-11-20T08:00:00Z" },
    "The answer.",
  ),
  "jobs/2026/11/20/disk-0123456789.md": `---
task: disk
agent: scout
host: alpha
state: finished
started_at: 2026-11-20T08:00:01Z
took: 1.5s
cost: 0.02
run:
  occurrence: "1"
  run_id: disk-0123456789
  epoch: 1
  tick: t1
  claimed_at: 2026-11-20T08:00:00Z
  deadline: 2m
  input_hash: abc
  exit: 0
---
12 % used
`,
  "memos/2026/11/m1.md": sheet(
    {
      kind: "ask",
      title: "Which disk?",
      subject: "disk",
      created: "2026-11-20T08:00:00Z",
      expires: "2026-11-27T08:00:00Z",
    },
    "Tell me.",
  ),
  "reflections/2026/11/2026-11-20-disk-0123456789.md": reflection({
    surprise: "two disks",
    session_id: "disk-0123456789",
  }),
  "pupdates/2026/11/20/t1.ndjson": `${pupdate("a")}\n${pupdate("b", { tags: ["x"], data: { age: 3 } })}\n`,
  "state/open.ndjson": "{}\n",
  "state/hosts/2026-11-20.ndjson": `${JSON.stringify({ at: "2026-11-20T08:00:00.000Z", host: "darth", load: 0.5, memory_free: 1, memory_total: 2, disk_free: 3, disk_total: 4, slots: 0 })}\n`,
  "reflections/README.md": "What comes here.\n",
};
