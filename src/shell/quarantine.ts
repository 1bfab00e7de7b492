// Where work from a host arrives: a repository of its own that is thrown away, and nothing that it brings is run. What
// leaves here is a list of changes for the guard, and, once that has nothing to say, the commits.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBundle } from "../core/bundle.ts";
import type { Commit, Work } from "../core/guard.ts";
import { type Place, type Ran, type RunOptions, runGit, withSettings } from "./git.ts";
import { brought } from "./quarantine-read.ts";
import { objectId } from "./repo-read.ts";

export interface Arriving {
  bytes: Uint8Array;
  /** Branch that it must bring. */
  branch: string;
  /** Commit that the work started at: the branch must descend from it. */
  base: string;
  /** Commits besides that are none of the agent's, such as the target's tip. */
  known: string[];
  /** Object store in which these are, with all that they build on. */
  objects: string;
}

export interface Limits {
  /** Bytes of the bundle. */
  bytes: number;
  /** Milliseconds for one call of git. */
  deadline: number;
}

export const quarantine_limits: Limits = { bytes: 48 << 20, deadline: 60_000 };

/** What arrived, as far as git can tell. `drop` takes the repository away. */
export interface Arrived {
  head: string;
  commits: Commit[];
  work: Omit<Work, "secrets">;
  /** What is to be searched for secrets, by path or commit. */
  texts: Map<string, string>;
  /** Where it can be pushed from. */
  place: Place;
  drop(): Promise<void>;
}

/** Takes a bundle in, or says why it is not one that was asked for. Nothing of it stays but for what is returned. */
export async function quarantine(
  base: Record<string, string>,
  arriving: Arriving,
  limits: Limits = quarantine_limits,
): Promise<Arrived | { refused: string }> {
  const { bytes, branch } = arriving;
  if (bytes.length > limits.bytes) return { refused: `the bundle has ${bytes.length} bytes; at most ${limits.bytes}` };
  const head = readBundle(bytes, `refs/heads/${branch}`);
  if ("refused" in head) return head;
  const dir = await mkdtemp(join(tmpdir(), "towline-quarantine-"));
  const drop = () => rm(dir, { recursive: true, force: true });
  try {
    const place = await emptyRepo(dir, base, arriving.objects);
    const git: Git = (args, options = {}) => runGit(place, args, { deadline: limits.deadline, ...options });
    const fault =
      (await unpack(git, bytes.subarray(head.at), limits)) ?? (await standsOn(git, head.head, arriving.base));
    if (fault === null) {
      const read = await brought(git, { head: head.head, base: arriving.base, known: arriving.known });
      if (!("refused" in read)) return { head: head.head, ...read, place, drop };
      await drop();
      return read;
    }
    await drop();
    return { refused: fault };
  } catch (thrown) {
    await drop();
    throw thrown;
  }
}

export type Git = (args: string[], options?: RunOptions) => Promise<Ran>;

/** What git may take at once: a few bytes of a delta, or of a tree, can stand for gigabytes. */
const most_memory = String(128 << 20);

/** A bare repository without templates that finds what is known in another object store. */
async function emptyRepo(dir: string, base: Record<string, string>, objects: string): Promise<Place> {
  // Settings of whoever runs the tick could switch checks off.
  const own = { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_DIR: dir, GIT_ALLOC_LIMIT: most_memory };
  const env = withSettings({ ...base, ...own }, [
    // Larger files are checked as they stream by, and never held.
    ["core.bigFileThreshold", "8m"],
    ["pack.threads", "1"],
    ["diff.renames", "false"],
    ["core.quotePath", "false"],
  ]);
  for (const folder of ["objects/info", "objects/pack", "refs"]) await mkdir(join(dir, folder), { recursive: true });
  await writeFile(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  // A name that nothing has: no attributes of any commit count.
  await writeFile(join(dir, "HEAD"), "ref: refs/heads/none\n");
  await writeFile(join(dir, "objects/info/alternates"), `${objects}\n`);
  return { cwd: dir, env };
}

/** Checks every object of the pack and keeps it, or says why not. */
async function unpack(git: Git, pack: Uint8Array, { bytes }: Limits): Promise<string | null> {
  const ran = await git(["index-pack", "--stdin", "--fix-thin", "--strict", `--max-input-size=${bytes}`], {
    input: [pack],
  });
  if (ran.code === 0) return null;
  if (ran.killed) return "the bundle could not be checked in time";
  const said = ran.stderr.split("\n").find((line) => /^(fatal|error): /.test(line)) ?? "git gave no reason";
  return `the bundle is not sound: ${said.replace(/^\w+: /, "")}`;
}

async function standsOn(git: Git, head: string, base: string): Promise<string | null> {
  const kind = await git(["cat-file", "-t", objectId(head)]);
  if (kind.stdout.toString().trim() !== "commit") return "the bundle's ref is no commit";
  const ran = await git(["merge-base", "--is-ancestor", objectId(base), head]);
  return ran.code === 0 ? null : "the branch does not go on from the commit that was sent";
}
