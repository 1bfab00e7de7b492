// One repository as git reaches it: asked where it is, and fetched into the runner's cache, within limits.
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { oneLine } from "../core/text.ts";
import { configuration, outside } from "../errors.ts";
import { type Place, type Ran, type RunOptions, runGit } from "./git.ts";
import { objectId } from "./repo-read.ts";
import { deadlines } from "./repo-tips.ts";
import { present } from "./target-read.ts";

/** What a repository says of itself. */
export interface Looked {
  /** Its default branch, and where that is. */
  branch: string;
  tip: string;
  /** Branches with towline's name or below it, by name. */
  heads: ReadonlyMap<string, string>;
}

export const target_limits = { ...deadlines, fetch: 600_000, repository: 2 ** 30, bundle: 2 ** 28 };
export type Limits = typeof target_limits;

export interface Reached {
  address: string;
  /** As git is told to find it. */
  remote: string;
  mirror: string;
  place: Place;
  limits: Limits;
}

const ours = ["refs/heads/towline", "refs/heads/towline/*", "refs/heads/towline-work/*"];

export async function look({ remote, address, place, limits }: Reached): Promise<Looked> {
  await prepare(place.cwd);
  const ran = await runGit(place, ["ls-remote", "--symref", remote, "HEAD", ...ours], {
    deadline: limits.ask,
    most: 4 << 20,
  });
  if (ran.code !== 0) throw unreadable(address, ran);
  const text = ran.stdout.toString();
  const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(text)?.[1];
  const tip = /^([0-9a-f]{40})\tHEAD$/m.exec(text)?.[1];
  if (branch === undefined || tip === undefined)
    throw configuration(`${shown(address)} has no default branch with a commit of SHA-1`, "push a first commit to it");
  const heads = [...text.matchAll(/^([0-9a-f]{40})\trefs\/heads\/(towline(?:-work)?(?:\/\S+)?)$/gm)];
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

const locked = /\.lock'|cannot lock ref|unable to lock/i;
const broken = /corrupt|bad object|unable to read|not a git repository|missing (blob|tree|commit)/i;

/** Brings what is lacking of the default branch and these branches, as they were looked at. */
export async function bring(at: Reached, looked: Looked, branches: readonly string[]): Promise<void> {
  // Only what is there: a missing one would fail the whole fetch.
  const wanted = [looked.branch, ...branches.filter((name) => looked.heads.has(name))];
  const git = (more: string[], options: RunOptions = {}) =>
    runGit(at.place, more, { deadline: at.limits.fetch, ...options });
  const tips = [looked.tip, ...branches.flatMap((name) => looked.heads.get(name) ?? [])];
  // What a fetch brought is there with all that it builds on.
  if ((await present(git, tips)).length === tips.length) return;
  const specs = [...new Set(wanted)].map((name) => `+refs/heads/${name}:refs/heads/${name}`);
  const args = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--force", at.remote, ...specs];
  let ran = await limited(at, args);
  // Another tick on this runner holds a ref for a moment; one that was killed holds it for ever.
  for (let tries = 1; tries <= 3 && locked.test(ran.code === 0 ? "" : ran.stderr); tries++) {
    await delay(300 * tries);
    ran = await limited(at, args);
  }
  if (ran.code !== 0 && !ran.killed && (broken.test(ran.stderr) || locked.test(ran.stderr))) {
    // A cache that was broken half-way is worth nothing; it is made again.
    await rm(at.place.cwd, { recursive: true, force: true });
    await prepare(at.place.cwd);
    ran = await limited(at, args);
  }
  if (ran.code !== 0) throw unreadable(at.address, ran);
}

/** Commits that no branch names any more: a server keeps them for a while, and most hand them out when asked by id. */
export async function bringCommits(at: Reached, commits: readonly string[]): Promise<void> {
  const git = (more: string[], options: RunOptions = {}) =>
    runGit(at.place, more, { deadline: at.limits.fetch, ...options });
  const there = await present(git, [...commits]);
  for (const commit of commits)
    if (!there.includes(commit))
      await limited(at, ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", at.remote, objectId(commit)]);
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

export const shown = (address: string) => oneLine(address.replace(/(\w+:\/\/)[^/@\s]*@/g, "$1"), 200);

export function unreadable(address: string, ran: Ran) {
  const said = ran.stderr.replace(/(\w+:\/\/)[^/@\s]+@/g, "$1").split("\n");
  const line = ran.killed ? "it did not answer in time" : said.find((one) => /^(fatal|error|ssh|remote):/.test(one));
  return outside(
    `${shown(address)} cannot be read: ${oneLine(line ?? "git gave no reason", 200)}`,
    "check its address, the network and the credentials",
  );
}
