// The work of an agent as people look at it: what its branch changes, as text that hides nothing.
import { clean } from "../core/text.ts";
import { configuration, outside } from "../errors.ts";
import { runGit } from "./git.ts";
import { readTree } from "./repo-read.ts";
import type { Target } from "./target.ts";

export interface Work {
  /** Where the branch left the default one. */
  base: string;
  head: string;
  files: { path: string; added: number | null; removed: number | null }[];
  diff: string;
  /** All paths of the branch. */
  paths: string[];
}

const most = 16 << 20;

/** What is known of a branch that may be gone or merged: where it was last, and where the default one stood before. */
export interface Past {
  head: string;
  tip: string;
}

export async function workOn(target: Target, branch: string, past?: Past): Promise<Work> {
  const there = target.looked.heads.get(branch);
  const head = there ?? (past && (await target.contains(past.head, past.head)) ? past.head : undefined);
  if (head === undefined)
    throw configuration(`there is no branch ${branch} any more`, "its work was merged, turned down, or never pushed");
  const git = async (...args: string[]) => {
    const ran = await runGit(target.place, args, { deadline: 60_000, most });
    if (ran.killed)
      throw outside("the work is too large to be shown here", `look at it with git: git diff ...${branch}`);
    if (ran.code !== 0) throw outside(`git ${args[0]} said no: ${ran.stderr.trim().split("\n").at(-1)}`);
    return ran.stdout.toString();
  };
  const left = async (tip: string) => (await git("merge-base", tip, head)).trim();
  const now = await left(target.looked.tip);
  // What was merged changes nothing any more: then, what it changed.
  const base = now === head && past ? await left(past.tip) : now;
  const plain = ["--no-ext-diff", "--no-textconv", "--no-renames"];
  const rows = (await git("diff-tree", "-r", "-z", "--numstat", ...plain, base, head)).split("\0").filter(Boolean);
  const files = rows.map((row) => {
    const [added, removed, path] = row.split("\t") as [string, string, string];
    const number = (text: string) => (text === "-" ? null : Number(text));
    return { path, added: number(added), removed: number(removed) };
  });
  const diff = clean(await git("diff-tree", "-r", "-p", "--no-color", ...plain, base, head));
  const paths = (await readTree(target.place, head)).map((one) => one.path);
  return { base, head, files, diff, paths };
}
