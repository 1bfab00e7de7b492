// Changes to people's records as a branch that they may merge: built from git's objects, past work tree and index.
import { compareAddress } from "../core/compare.ts";
import { configuration, outside } from "../errors.ts";
import type { Changes, Clock } from "../ports.ts";
import { runGit } from "./git.ts";
import { openOrigin } from "./pack.ts";
import { refusalOf } from "./refusal.ts";
import { buildCommit, checkPaths, drop } from "./repo-build.ts";
import { findRepo, originUrl } from "./repo-open.ts";
import { pushCommit } from "./repo-push.ts";
import { askTip, branchCopy, remote_name } from "./repo-remote.ts";
import type { Secrets } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface Proposed {
  branch: string;
  /** Where a pull request for it is opened; null on a forge that is not known. */
  url: string | null;
  /** The commit that was pushed now; null: the branch held all of it already. */
  commit: string | null;
}

export interface Proposing {
  /** A record as the branch has it, or else the default branch; null: neither does. */
  text(path: string): Promise<string | null>;
  /** null: there is nothing to propose, and no such branch waits. */
  push(changes: Changes, subject: string): Promise<Proposed | null>;
  /** Where the branch is; null: there is none. */
  tip: string | null;
  /** Takes the branch away, if it is still where it was. */
  remove(): Promise<void>;
}

const deadline = 60_000;

const hosts = /^hosts\/[^/]+\.md$/;

/**
 * Opens a branch for changes of people's records, of hosts where nothing else is `allowed`. One that waits for its merge
 * is added to, never rewritten: what people did there stays.
 */
export async function propose(
  { dir, env, clock, secrets }: { dir: string; env: Env; clock: Clock; secrets: Secrets },
  branch: string,
  allowed = hosts,
): Promise<Proposing> {
  const { repo, tips } = await openOrigin(dir, { env, clock, secrets });
  const { place, objects } = await findRepo(dir, env);
  const tip = await askTip(place, branch, deadline);
  if (tip !== null) {
    const spec = `+refs/heads/${branch}:${branchCopy(branch)}`;
    const ran = await runGit(place, ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote_name, spec], {
      deadline,
    });
    if (ran.code !== 0) throw outside(`branch ${branch} cannot be fetched`, ran.stderr.trim().split("\n")[0]);
  }
  const waits = tip !== null && !(await repo.contains(tips.policy, tip));
  const parent = waits ? tip : tips.policy;
  const done = async (commit: string | null): Promise<Proposed> => {
    const origin = await originUrl(dir, env);
    return { branch, commit, url: origin && compareAddress(origin, branch, env.GITHUB_SERVER_URL) };
  };
  return {
    tip,
    async remove() {
      if (tip === null) return;
      const ref = `refs/heads/${branch}`;
      const args = ["push", "--quiet", "--no-verify", `--force-with-lease=${ref}:${tip}`, remote_name, `:${ref}`];
      const ran = await runGit(place, args, { deadline });
      if (ran.code !== 0) throw outside(`branch ${branch} was not taken away: ${ran.stderr.trim().split("\n")[0]}`);
    },
    async text(path) {
      const [item] = await repo.tree(parent, [path]);
      const bytes = item && (await repo.blobs([item.blob])).get(item.blob);
      return bytes ? Buffer.from(bytes).toString() : null;
    },
    async push(changes, subject) {
      if (changes.size === 0) return waits ? done(null) : null;
      checkPaths(changes, (path) => allowed.test(path));
      for (const [path, text] of changes)
        if (typeof text === "string" && secrets.mask(text) !== text)
          throw configuration(`${path} holds a secret and is not pushed`, "take it out of the record");
      const draft = await buildCommit(place, objects, { parent, changes, message: `${subject}\n`, at: clock.now() });
      try {
        const ref = `refs/heads/${branch}`;
        const plan = { remote: remote_name, commit: draft.commit, ref, old: tip, deadline, env: draft.env };
        const outcome = await pushCommit(place, plan);
        if (outcome.state === "won") return await done(draft.commit);
        throw outside(`branch ${branch} was not pushed: ${outcome.why}`, refusalOf(outcome.why).advice);
      } finally {
        await drop(draft.objects);
      }
    },
  };
}
