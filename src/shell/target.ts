// Repositories that agents work on: looked at by one question, fetched whole into a bare cache of the runner's own. The
// credentials stay with git here: no host and no agent ever sees one.
import { join, resolve } from "node:path";
import { digest } from "../core/hash.ts";
import { plainAddress, targetAddress } from "../core/target.ts";
import { configuration } from "../errors.ts";
import type { PushOutcome } from "../ports.ts";
import { type Place, type RunOptions, runGit, withSettings } from "./git.ts";
import { findRepo } from "./repo-open.ts";
import { pushCommit } from "./repo-push.ts";
import { objectId, readTree } from "./repo-read.ts";
import { remote_name } from "./repo-remote.ts";
import {
  bring,
  bringCommits,
  type Limits,
  type Looked,
  look,
  type Reached,
  shown,
  target_limits,
  unreadable,
} from "./target-fetch.ts";
import { bundled, lacking, merges, peopleOn, present } from "./target-read.ts";

export interface Targets {
  /** By one question over the network, again only after a push. Throws a Fault. */
  look(repo: string): Promise<Looked>;
  /**
   * Brings the default branch, with all its history, and these branches; and these commits, where the server still has
   * them. `anew`: where its branches are is asked again, and not taken from what was asked before. Throws a Fault.
   */
  fetch(repo: string, branches?: readonly string[], more?: { commits?: string[]; anew?: boolean }): Promise<Target>;
}

/** A repository as it was fetched. */
export interface Target {
  /** Name of its mirror on hosts. */
  mirror: string;
  looked: Looked;
  objects: string;
  /** Whether `commit` is `tip` or behind it. */
  contains(tip: string, commit: string): Promise<boolean>;
  /** Whether merging `commit` into `tip` would change nothing: its work is there, as other commits. */
  holds(tip: string, commit: string): Promise<boolean>;
  /** Whether the two cannot be merged without a person. An old git (before 2.38) cannot tell: then no. */
  conflicts(tip: string, commit: string): Promise<boolean>;
  /** Why no work can be done from this commit, or null. */
  lacks(commit: string): Promise<string | null>;
  /** Who knows these paths, by the history that leads to a commit. */
  people(commit: string, on: (path: string) => boolean, now: Date): Promise<string[]>;
  /** All files of a commit. */
  paths(commit: string): Promise<string[]>;
  /** Whether the repository holds records of towline at this commit. */
  isPack(commit: string): Promise<boolean>;
  /** These commits, for somebody who has others; null: they have them all. */
  bundle(commits: string[], have: string[]): Promise<Uint8Array | null>;
  /** Puts a branch on a commit that is found in these objects, if it is still where we think it is (null: it is not there). */
  push(objects: string, commit: string, branch: string, expected: string | null): Promise<PushOutcome>;
  place: Place;
}

export interface TargetOptions {
  /** The pack's clone: its origin and how that is reached. */
  dir: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Folder of the caches. */
  cache: string;
  limits?: Partial<typeof target_limits>;
}

export function createTargets(options: TargetOptions): Targets {
  const limits = { ...target_limits, ...options.limits };
  const known = new Map<string, Promise<Looked>>();
  const last = new Map<string, Promise<unknown>>();
  const looks = (repo: string) => {
    const asked = known.get(repo) ?? reach(options, repo, limits).then(look);
    known.set(repo, asked);
    return asked;
  };
  return {
    look: looks,
    // One after the other: two would be in each other's way in the cache.
    fetch: (repo, branches = [], { commits = [], anew = false } = {}) => {
      const mine = (last.get(repo) ?? Promise.resolve()).then(async () => {
        if (anew) known.delete(repo);
        const [at, looked] = await Promise.all([reach(options, repo, limits), looks(repo)]);
        await bring(at, looked, branches);
        await bringCommits(at, commits);
        return targetOf(at, looked, () => void known.delete(repo));
      });
      last.set(
        repo,
        mine.catch(() => {}),
      );
      return mine;
    },
  };
}

/** Where the repository is. What the pack's clone knows of servers counts here, too: the token of a CI run is in its settings. */
async function reach({ dir, env, cache }: TargetOptions, repo: string, limits: Limits): Promise<Reached> {
  const { place } = await findRepo(dir, env);
  const asked = await runGit(place, ["config", "-z", "--get-all", `remote.${remote_name}.url`]);
  const origin = asked.code === 0 ? (asked.stdout.toString().split("\0")[0] as string) : null;
  const found = targetAddress(repo, origin);
  if ("fault" in found) throw configuration(found.fault, "write `.`, owner/name or the address of a repository");
  const mirror = digest("repository", plainAddress(found.address)).slice(0, 40);
  const at = join(cache, "targets", `${mirror}.git`);
  // A relative origin counts from the pack's folder, and the cache is elsewhere.
  const near = found.own && /^\.{1,2}(\/|$)/.test(found.address) ? resolve(place.cwd, found.address) : null;
  return {
    address: found.address,
    remote: near ?? (found.own ? remote_name : found.address),
    mirror,
    limits,
    place: {
      cwd: at,
      env: {
        ...withSettings(place.env, [
          ...(await localSettings(place)),
          ["fetch.fsckObjects", "false"],
          ["fetch.unpackLimit", "1"],
        ]),
        GIT_DIR: at,
      },
    },
  };
}

/** How servers are reached, as the clone's own settings have it; those of the user are found without us. */
async function localSettings(place: Place): Promise<[string, string][]> {
  const ran = await runGit(place, [
    "config",
    "-z",
    "--show-scope",
    "--get-regexp",
    "^(credential\\.|http\\.|ssh\\.|url\\..*\\.(push)?insteadof$|core\\.sshcommand$)",
  ]);
  const fields = ran.stdout.toString().split("\0");
  return fields.flatMap((scope, at): [string, string][] => {
    const field = fields[at + 1];
    if (at % 2 === 1 || field === undefined || (scope !== "local" && scope !== "worktree")) return [];
    const cut = field.indexOf("\n");
    return [cut < 0 ? [field, "true"] : [field.slice(0, cut), field.slice(cut + 1)]];
  });
}

function targetOf({ place, mirror, limits, remote, address }: Reached, looked: Looked, moved: () => void): Target {
  const git = (args: string[], more: RunOptions = {}) => runGit(place, args, { deadline: limits.fetch, ...more });
  return {
    mirror,
    looked,
    place,
    objects: join(place.cwd, "objects"),
    contains: async (tip, commit) =>
      (await git(["merge-base", "--is-ancestor", objectId(commit), objectId(tip)])).code === 0,
    holds: (tip, commit) => merges(git, tip, commit),
    conflicts: async (tip, commit) =>
      (await git(["merge-tree", "--write-tree", objectId(tip), objectId(commit)])).code === 1,
    lacks: (commit) => lacking(place, commit),
    people: (commit, on, now) => peopleOn(git, commit, on, now),
    paths: async (commit) => (await readTree(place, commit)).map((one) => one.path),
    isPack: async (commit) => (await readTree(place, commit, ["towline.yml"])).length > 0,
    bundle: async (commits, have) => {
      const there = await present(git, have);
      const span = [...commits.map(objectId), ...there.map((one) => `^${one}`)];
      const any = await git(["rev-list", "--max-count=1", ...span]);
      if (any.code !== 0) throw unreadable(address, any);
      if (any.stdout.length === 0) return null;
      return bundled(git, commits, there, limits.bundle, shown(address));
    },
    push: (objects, commit, branch, expected) => {
      moved();
      return pushCommit(place, {
        remote,
        commit: objectId(commit),
        ref: `refs/heads/${branch}`,
        old: expected,
        deadline: limits.push,
        env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(objects) },
      });
    },
  };
}
