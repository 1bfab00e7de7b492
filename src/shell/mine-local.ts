// The past of a repository without a forge: files below reviews/, and commits that took others back and say why.

import { minedSignal } from "../core/mined.ts";
import { remarksOf } from "../core/review.ts";
import type { Signal } from "../core/signals.ts";
import { usage } from "../errors.ts";
import { runGit } from "./git.ts";
import { findRepo } from "./repo-open.ts";

const most_reverts = 500;
const apart = "\u0001";
const end = "\u0002";

/** `since`: a time. What people wrote there is data. */
export async function digLocally(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
  since: string,
): Promise<{ read: number; signals: Signal[] }> {
  const { place } = await findRepo(dir, env);
  const git = async (...args: string[]) => {
    const ran = await runGit(place, args);
    return ran.code === 0 ? ran.stdout.toString("utf8") : null;
  };
  if ((await git("rev-parse", "-q", "--verify", "HEAD^{commit}")) === null)
    throw usage(`${dir} has no commit yet`, "there is nothing to learn from");
  const words = [...(await reviews(git, since)), ...(await reverts(git, since))];
  return { read: words.length, signals: words.flatMap((one) => minedSignal(one) ?? []) };
}

type Git = (...args: string[]) => Promise<string | null>;

async function reviews(git: Git, since: string) {
  const listed = await git("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", "reviews");
  const paths = (listed ?? "").split("\0").filter((path) => /^reviews\/[a-z0-9-]{1,80}\.md$/.test(path));
  const found = [];
  for (const path of paths) {
    const at = (await git("log", "-1", "--format=%cI", "HEAD", "--", path))?.trim() ?? "";
    if (!(Date.parse(at) >= Date.parse(since))) continue;
    const job = path.slice("reviews/".length, -3);
    for (const [nth, one] of remarksOf((await git("cat-file", "blob", `HEAD:${path}`)) ?? "").entries())
      found.push({
        id: `${path} ${nth} ${one.text}`,
        at,
        text: one.text,
        origin: `job ${job}`,
        link: path,
        path: one.path,
      });
  }
  return found;
}

async function reverts(git: Git, since: string) {
  const form = `--format=%H${apart}%cI${apart}%B${end}`;
  const said = await git(
    "log",
    `--since=${since}`,
    `-${most_reverts}`,
    "--grep=^This reverts commit [0-9a-f]",
    form,
    "HEAD",
  );
  return (said ?? "").split(end).flatMap((one) => {
    const [commit = "", at = "", message = ""] = one.trim().split(apart);
    const why = message
      .split("\n")
      .slice(1)
      .filter((line) => !/^(This reverts commit |[A-Z][\w-]+: )/.test(line))
      .join("\n");
    if (!/^[0-9a-f]{40,64}$/.test(commit) || why.trim() === "") return [];
    return [
      { id: commit, at, text: why, origin: `commit ${commit}`, link: `commit ${commit.slice(0, 12)}`, path: null },
    ];
  });
}
