// A target of coding work, and the worktree of an agent on it, with whatever it makes of it.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { authorOf } from "../../src/core/landed.ts";
import { env, git, origin, tempDir } from "../repo/origin.ts";

export const identity = authorOf("scout");
const as_agent = {
  ...env,
  GIT_AUTHOR_NAME: identity.name,
  GIT_AUTHOR_EMAIL: identity.email,
  GIT_COMMITTER_NAME: identity.name,
  GIT_COMMITTER_EMAIL: identity.email,
};
export const branch = "towline/count-1";

/** A target, its object store, and the worktree of an agent on it. */
export function stand(files?: Record<string, string>) {
  const { bare, person } = origin(files ?? { "README.md": "# Things\n", "src/a.ts": "one\ntwo\n" });
  const tree = join(tempDir("agent"), "tree");
  git(dirname(tree), "clone", "-q", bare, tree);
  git(tree, "checkout", "-q", "-b", branch);
  const base = git(tree, "rev-parse", "HEAD");
  const run = (...args: string[]) =>
    execFileSync("git", args, { cwd: tree, env: as_agent, stdio: "pipe" }).toString().trim();
  const put = (path: string, text: string | Buffer) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  const commit = (message = "Counts") => {
    run("add", "-A", "-f");
    run("commit", "-q", "--allow-empty", "-m", message);
    return run("rev-parse", "HEAD");
  };
  const bundle = (...refs: string[]) => {
    const file = join(dirname(tree), "out.bundle");
    run("bundle", "create", "-q", file, ...(refs.length > 0 ? refs : [`${base}..refs/heads/${branch}`]));
    return readFileSync(file);
  };
  const arriving = (bytes: Uint8Array, known: string[] = []) => ({
    bytes,
    branch,
    base,
    known,
    objects: join(bare, "objects"),
  });
  return { bare, person, tree, base, run, put, commit, bundle, arriving };
}
export type Stand = ReturnType<typeof stand>;
