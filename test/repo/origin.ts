// Real git in temp folders: a bare origin with a first commit, and clones of it.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import type { Repo } from "../../src/ports.ts";
import { openRepo } from "../../src/shell/repo.ts";
import type { RepoOptions } from "../../src/shell/repo-tips.ts";

const root = mkdtempSync(join(tmpdir(), "towline-repo-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

export const env = {
  PATH: process.env.PATH,
  HOME: root,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
};

export const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", args, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 28,
  }).trim();

export const tempDir = (name = "t") => mkdtempSync(join(root, `${name}-`));

export function write(dir: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}

export interface Origin {
  bare: string;
  /** A person's clone. */
  person: string;
}

/** A bare origin whose branch `main` holds these files, and the clone that pushed them. */
export function origin(
  files: Record<string, string> = { "towline.yml": "id: pack-1\n", "tasks/a.md": "---\ntitle: A\n---\nhi\n" },
): Origin {
  const dir = tempDir("origin");
  const bare = join(dir, "origin.git");
  const person = join(dir, "person");
  git(dir, "init", "-q", "--bare", "-b", "main", bare);
  git(dir, "clone", "-q", bare, person);
  git(person, "checkout", "-q", "-b", "main");
  write(person, files);
  git(person, "add", "-A");
  git(person, "commit", "-q", "-m", "first");
  git(person, "push", "-q", "-u", "origin", "main");
  return { bare, person };
}

export function clone(from: Origin, ...args: string[]): string {
  const dir = join(tempDir("clone"), "c");
  git(root, "clone", "-q", ...args, `file://${from.bare}`, dir);
  return dir;
}

export const open = (dir: string, options: RepoOptions = {}): Promise<Repo> => openRepo(dir, { env, ...options });

/** A person's commit, pushed. */
export function personPushes(from: Origin, files: Record<string, string>, message = "by hand"): string {
  git(from.person, "pull", "-q", "--ff-only");
  write(from.person, files);
  git(from.person, "add", "-A");
  git(from.person, "commit", "-q", "-m", message);
  git(from.person, "push", "-q", "origin", "HEAD:main");
  return git(from.person, "rev-parse", "HEAD");
}

export function hook(from: Origin, name: string, script: string): void {
  const path = join(from.bare, "hooks", name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

export const note = { subject: "2 done", tick: "t1", attempt: 1 };

/** What must hold after whatever happened: sound objects, no refs of ours but the copies, nothing left in the object store. */
export function tidy(dir: string): string[] {
  const gitDir = git(dir, "rev-parse", "--absolute-git-dir");
  const wrong = git(dir, "fsck", "--full", "--strict")
    .split("\n")
    .filter((l) => l && !/^(dangling|notice)/.test(l));
  const refs = git(dir, "for-each-ref", "--format=%(refname)", "refs/towline")
    .split("\n")
    .filter((r) => r && !r.startsWith("refs/towline/remote/") && r !== "refs/towline/beat");
  const left = readdirSync(join(gitDir, "objects")).filter((f) => f.startsWith("tmp_"));
  return [...wrong, ...refs, ...left, ...readdirSync(gitDir).filter((f) => f.startsWith("fast_import_crash"))];
}
