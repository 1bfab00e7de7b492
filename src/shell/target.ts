// Repositories that agents work on: looked at by one question, fetched whole into a bare cache of the runner's own. The
// credentials stay with git here: no host and no agent ever sees one.
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { digest } from "../core/hash.ts";
import { plainAddress, targetAddress } from "../core/target.ts";
import { oneLine } from "../core/text.ts";
import { configuration, outside } from "../errors.ts";
import type { PushOutcome } from "../ports.ts";
import { type Place, type Ran, type RunOptions, runGit, withSettings } from "./git.ts";
import { findRepo } from "./repo-open.ts";
import { pushCommit } from "./repo-push.ts";
import { objectId, readTree } from "./repo-read.ts";
import { remote_name } from "./repo-remote.ts";
import { deadlines } from "./repo-tips.ts";
import { bundled, lacking, merges, present } from "./target-read.ts";

/** What a repository says of itself. */
export interface Looked {
  /** Its default branch, and where that is. */
  branch: string;
  tip: string;
  /** Branches of towline's, by name. */
  heads: ReadonlyMap<string, string>;
}

export interface Targets {
  /** By one question over the network, again only after a push. Throws a Fault. */
  look(repo: string): Promise<Looked>;
  /** Brings the default branch, with all its history, and these branches. Throws a Fault. */
  fetch(repo: string, branches?: readonly string[]): Promise<Target>;
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
  /** Why no work can be done from this commit, or null. */
  lacks(commit: string): Promise<string | null>;
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

export const target_limits = { ...deadlines, fetch: 600_000, repository: 2 ** 30, bundle: 2 ** 28 };
type Limits = typeof target_limits;

interface Reached {
  address: string;
  /** As git is told to find it. */
  remote: string;
  mirror: string;
  place: Place;
  limits: Limits;
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
    fetch: (repo, branches = []) => {
      const mine = (last.get(repo) ?? Promise.resolve()).then(async () => {
        // Asked anew: what is done here follows from where the branches are now.
        const at = await reach(options, repo, limits);
        return fetched(at, await look(at), branches, () => void known.delete(repo));
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

async function look({ remote, address, place, limits }: Reached): Promise<Looked> {
  await prepare(place.cwd);
  const ran = await runGit(place, ["ls-remote", "--symref", remote, "HEAD", "refs/heads/towline/*"], {
    deadline: limits.ask,
    most: 4 << 20,
  });
  if (ran.code !== 0) throw unreadable(address, ran);
  const text = ran.stdout.toString();
  const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(text)?.[1];
  const tip = /^([0-9a-f]{40})\tHEAD$/m.exec(text)?.[1];
  if (branch === undefined || tip === undefined)
    throw configuration(`${shown(address)} has no default branch with a commit of SHA-1`, "push a first commit to it");
  const heads = [...text.matchAll(/^([0-9a-f]{40})\trefs\/heads\/(towline\/\S+)$/gm)];
  return { branch, tip, heads: new Map(heads.map(([, commit, name]) => [name as string, commit as string])) };
}

/** The cache as an empty bare repository, where it is not there yet. */
async function prepare(dir: string): Promise<void> {
  for (const folder of ["objects/info", "objects/pack", "refs/heads"])
    await mkdir(join(dir, folder), { recursive: true, mode: 0o700 });
  const file = (name: string, text: string) => writeFile(join(dir, name), text, { flag: "wx" }).catch(ifThere);
  await file("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  await file("HEAD", "ref: refs/heads/none\n");
}

function ifThere(thrown: NodeJS.ErrnoException): void {
  if (thrown.code !== "EEXIST") throw thrown;
}

async function fetched(at: Reached, looked: Looked, branches: readonly string[], moved: () => void): Promise<Target> {
  // Only what is there: a missing one would fail the whole fetch.
  const wanted = [looked.branch, ...branches.filter((name) => looked.heads.has(name))];
  const git = (more: string[], options: RunOptions = {}) =>
    runGit(at.place, more, { deadline: at.limits.fetch, ...options });
  const tips = [looked.tip, ...branches.flatMap((name) => looked.heads.get(name) ?? [])];
  // What a fetch brought is there with all that it builds on.
  if ((await present(git, tips)).length === tips.length) return targetOf(at, looked, moved);
  const specs = [...new Set(wanted)].map((name) => `+refs/heads/${name}:refs/heads/${name}`);
  const args = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--force", at.remote, ...specs];
  let ran = await limited(at, args);
  if (
    ran.code !== 0 &&
    !ran.killed &&
    /corrupt|bad object|unable to read|not a git repository|missing (blob|tree|commit)/i.test(ran.stderr)
  ) {
    // A cache that was broken half-way is worth nothing; it is made again.
    await rm(at.place.cwd, { recursive: true, force: true });
    await prepare(at.place.cwd);
    ran = await limited(at, args);
  }
  if (ran.code !== 0) throw unreadable(at.address, ran);
  return targetOf(at, looked, moved);
}

/** A fetch that ends when the cache grows over its limit. */
async function limited({ place, limits, address }: Reached, args: string[]): Promise<Ran> {
  const over = new AbortController();
  let size = 0;
  const watch = setInterval(async () => {
    size = await sizeOf(join(place.cwd, "objects/pack"));
    if (size > limits.repository) over.abort();
  }, 500);
  try {
    const ran = await runGit(place, args, { deadline: limits.fetch, signal: over.signal });
    size = Math.max(size, await sizeOf(join(place.cwd, "objects/pack")));
    if (size <= limits.repository) return ran;
    await rm(place.cwd, { recursive: true, force: true });
    throw configuration(
      `${shown(address)} is larger than ${limits.repository >> 20} MiB, the most that is sent to hosts`,
      "work on a smaller repository",
    );
  } finally {
    clearInterval(watch);
  }
}

async function sizeOf(dir: string): Promise<number> {
  const names = await readdir(dir).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(dir, name)).then(
        (one) => one.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, one) => sum + one, 0);
}

const shown = (address: string) => oneLine(address.replace(/(\w+:\/\/)[^/@\s]*@/g, "$1"), 200);

function unreadable(address: string, ran: Ran) {
  const said = ran.stderr.replace(/(\w+:\/\/)[^/@\s]+@/g, "$1").split("\n");
  const line = ran.killed ? "it did not answer in time" : said.find((one) => /^(fatal|error|ssh|remote):/.test(one));
  return outside(
    `${shown(address)} cannot be read: ${oneLine(line ?? "git gave no reason", 200)}`,
    "check its address, the network and the credentials",
  );
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
    lacks: (commit) => lacking(place, commit),
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
