// The dashboard as a branch of its own, without history: a folder becomes one parentless commit.
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { outside } from "../errors.ts";
import { runGit } from "./git.ts";
import { findRepo } from "./repo-open.ts";
import { remote_name } from "./repo-remote.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Replaces `branch` at origin by the files of `folder`. The work tree and the index of the clone are not touched. */
export async function pushFolder(dir: string, env: Env, folder: string, branch: string): Promise<void> {
  const { place, gitDir } = await findRepo(dir, env);
  const index = join(gitDir, `towline-site-${randomBytes(6).toString("hex")}`);
  const git = async (args: string[], deadline?: number) => {
    const ran = await runGit(place, args, { env: { GIT_INDEX_FILE: index, GIT_WORK_TREE: folder }, deadline });
    if (ran.code !== 0)
      throw outside(
        `the site could not be published to branch ${branch}`,
        ran.stderr.split("\n").find((line) => line !== ""),
      );
    return ran.stdout.toString().trim();
  };
  try {
    await git(["-C", folder, "add", "--all", "--force", "."]);
    const tree = await git(["write-tree"]);
    const author = ["-c", "user.name=towline", "-c", "user.email=towline@localhost"];
    const commit = await git([...author, "commit-tree", "-m", "site [skip ci]", tree]);
    await git(["push", "--force", "--no-verify", remote_name, `${commit}:refs/heads/${branch}`], 60_000);
  } finally {
    await rm(index, { force: true });
  }
}
