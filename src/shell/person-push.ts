// Files changed on origin in the name of the person who sits here, one of them mostly. Nothing else that they have in
// their folder goes along, committed or not.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configuration, outside } from "../errors.ts";
import { type Place, runGit } from "./git.ts";
import { openOrigin, type PackOptions } from "./pack.ts";
import { refusalOf } from "./refusal.ts";
import { findRepo } from "./repo-open.ts";
import { pushCommit } from "./repo-push.ts";
import { askDefaultBranch, remote_name } from "./repo-remote.ts";
import { deadlines } from "./repo-tips.ts";
import type { Secrets } from "./secrets.ts";

const tries = 6;

export interface FileChange {
  path: string;
  /** Where it stands: on the default branch with people's records, or with the ledger. Default: people's. */
  among?: "ledger";
  /** The new text, from the one that origin has; null: the file goes. */
  edit(text: string): string | null;
  message: string;
  /** It may be a new file. */
  fresh?: boolean;
}

/** The commit, or null when origin has it so already. Throws a Fault when it cannot be pushed. */
export const pushFile = (dir: string, options: PackOptions & { secrets: Secrets }, change: FileChange) =>
  pushFiles(dir, options, [change], change);

/** The same with several, in one commit. */
export async function pushFiles(
  dir: string,
  options: PackOptions & { secrets: Secrets },
  changes: readonly Pick<FileChange, "path" | "edit" | "fresh">[],
  { among, message }: Pick<FileChange, "among" | "message">,
): Promise<string | null> {
  const { place } = await findRepo(dir, options.env);
  const branch = await askDefaultBranch(place, deadlines.ask);
  if (branch === null) throw configuration("origin names no default branch", "push one first");
  let why = "";
  for (let attempt = 1; attempt <= tries; attempt++) {
    const { tips, settings } = await openOrigin(dir, options);
    const [ref, old] = among === "ledger" ? [settings?.ledger.branch ?? branch, tips.ledger] : [branch, tips.policy];
    const commit = old === null ? null : await commitOn(place, old, { changes, message }, options.secrets);
    if (commit === null || old === null) return null;
    const pushed = await pushCommit(place, {
      remote: remote_name,
      commit,
      ref: `refs/heads/${ref}`,
      old,
      deadline: deadlines.push,
    });
    if (pushed.state === "won") return commit;
    const refusal = refusalOf(pushed.why);
    if (refusal.configuration) throw configuration(`origin refused the commit: ${pushed.why}`, refusal.advice);
    why = pushed.why;
    await options.clock.sleep(Math.random() * 200 * attempt);
  }
  throw outside(
    `${changes.map(({ path }) => path).join(", ")} could not be pushed: ${why}`,
    "run the same command again",
  );
}

export interface PushedNew {
  commit: string | null;
  /** Those that origin has already: they stay as they are there. */
  there: Set<string>;
  /** The folder has them, too. */
  here: boolean;
}

/** New records in one commit; none is written over. */
export async function pushNew(
  dir: string,
  options: PackOptions & { secrets: Secrets },
  files: ReadonlyMap<string, string>,
  message: string,
): Promise<PushedNew> {
  const there = new Set<string>();
  if (files.size === 0) return { commit: null, there, here: true };
  const changes = [...files].map(([path, text]) => ({
    path,
    fresh: true,
    edit: (old: string) => {
      if (old === "") return text;
      there.add(path);
      return old;
    },
  }));
  const commit = await pushFiles(dir, options, changes, { message });
  return { commit, there, here: await followOrigin(dir, options.env) };
}

interface Commit {
  changes: readonly Pick<FileChange, "path" | "edit" | "fresh">[];
  message: string;
}

async function commitOn(
  place: Place,
  tip: string,
  { changes, message }: Commit,
  secrets: Secrets,
): Promise<string | null> {
  const changed = new Map<string, string | null>();
  for (const { path, edit, fresh } of changes) {
    const text = await git(place, ["show", `${tip}:${path}`], "").catch(() => {
      if (fresh) return "";
      throw configuration(`origin has no ${path}`, "commit and push it first");
    });
    const next = edit(text);
    if (next !== text) changed.set(path, next);
  }
  if (changed.size === 0) return null;
  // Before any object of it is written.
  for (const [what, words] of [...changed, ["the commit's message", message] as const])
    if (secrets.mask(words ?? "") !== (words ?? ""))
      throw configuration(
        `${what} holds a secret and is not pushed`,
        `take it out of ${[...changed.keys()].join(", ")} and out of the reason`,
      );
  const folder = await mkdtemp(join(tmpdir(), "towline-index-"));
  try {
    const own = { ...place, env: { ...place.env, GIT_INDEX_FILE: join(folder, "index") } };
    await git(own, ["read-tree", tip], "");
    for (const [path, text] of changed) await enter(own, tip, path, text);
    const tree = (await git(own, ["write-tree"], "")).trim();
    return (await git(own, ["commit-tree", tree, "-p", tip], message)).trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One file into the index of its own. */
async function enter(own: Place, tip: string, path: string, text: string | null): Promise<void> {
  if (text === null) return void (await git(own, ["update-index", "--force-remove", path], ""));
  const mode = (await git(own, ["ls-tree", tip, path], "")).split(" ", 1)[0] || "100644";
  const blob = (await git(own, ["hash-object", "-w", "--stdin"], text)).trim();
  await git(own, ["update-index", "--add", "--cacheinfo", `${mode},${blob},${path}`], "");
}

async function git(place: Place, args: string[], input: string): Promise<string> {
  const ran = await runGit(place, args, { input: [Buffer.from(input)], deadline: deadlines.ask });
  if (ran.code === 0) return ran.stdout.toString();
  const said = ran.stderr.trim().split("\n").at(-1) ?? "";
  throw configuration(`git ${args[0]} said no: ${said}`, "git config user.name and user.email may be missing");
}

/** Throws a Fault where git does not know in whose name to commit: before anything is done that would be left half-way. */
export async function knownToGit(dir: string, { env }: Pick<PackOptions, "env">): Promise<void> {
  const { place } = await findRepo(dir, env);
  const ran = await runGit(place, ["var", "GIT_COMMITTER_IDENT"], { deadline: deadlines.ask });
  if (ran.code !== 0)
    throw configuration(
      "git does not know who you are, so nothing can be pushed in your name",
      'git config --global user.name "YOUR NAME" && git config --global user.email YOU@EXAMPLE.ORG',
    );
}

/** A new file that stands in the folder already: pushed, and then the folder follows. Answers true, or throws a Fault. */
export async function pushHere(
  top: string,
  options: PackOptions & { secrets: Secrets },
  path: string,
  message: string,
): Promise<true> {
  const file = join(top, path);
  const text = await readFile(file, "utf8");
  await pushFile(top, options, { path, message, fresh: true, edit: () => text });
  // git would not merge over a file that it does not know, were it the very same.
  const { place } = await findRepo(top, options.env);
  const known = await runGit(place, ["ls-files", "--error-unmatch", "--", path]);
  if (known.code === 0) return true;
  await rm(file);
  if (!(await followOrigin(top, options.env))) await writeFile(file, text, { flag: "wx" }).catch(() => {});
  return true;
}

/** Brings the folder up to origin, unless a person is at work in it. True: it is. */
export async function followOrigin(dir: string, env: PackOptions["env"]): Promise<boolean> {
  const { place } = await findRepo(dir, env);
  const ask = (...args: string[]) => runGit(place, args, { deadline: deadlines.fetch });
  const status = await ask("status", "--porcelain", "--untracked-files=no");
  if (status.code !== 0 || String(status.stdout) !== "") return false;
  return (await ask("pull", "--quiet", "--ff-only")).code === 0;
}
