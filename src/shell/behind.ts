// How the work tree in front of a person stands to what origin has: what ticks read, and what they cannot see yet.
import { existsSync } from "node:fs";
import { policy_paths } from "../core/state.ts";
import type { Tips } from "../ports.ts";
import { type Place, runGit } from "./git.ts";
import { findRepo } from "./repo-open.ts";
import { branchCopy, copies } from "./repo-remote.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Commits of the checked out branch that this tip lacks. 0 in bare, shallow and detached clones: nobody works there. */
export async function unpushed(dir: string, env: Env, tip: string): Promise<number> {
  const { place, gitDir, shallowFile } = await findRepo(dir, env);
  if (place.cwd === gitDir || existsSync(shallowFile)) return 0;
  if ((await ask(place, ["symbolic-ref", "-q", "HEAD"])) === null) return 0;
  return Number((await ask(place, ["rev-list", "--count", `${tip}..HEAD`])) ?? 0);
}

export interface Seen {
  /** People's records that differ from origin's default branch as last fetched. */
  unseen: string[];
  /** Those that differ from what the last tick read. */
  changed: Set<string>;
}

/** `ref`: look at this commit instead of the work tree. */
export async function seen(dir: string, env: Env, tips: Tips, ref?: string): Promise<Seen> {
  const { place, gitDir } = await findRepo(dir, env);
  const tip = await lastFetched(place);
  if (tip === null) return { unseen: [], changed: new Set() };
  const bare = place.cwd === gitDir;
  const unseen = await differing(place, tip, ref ?? (bare ? "HEAD" : undefined));
  const at = await lastTick(place, tips);
  const read = at === null ? null : await ask(place, ["rev-list", "-1", "--first-parent", `--before=${at}`, tip]);
  const since = read ? await differing(place, read, ref ?? (bare ? "HEAD" : undefined)) : unseen;
  return { unseen, changed: new Set([...unseen, ...since]) };
}

/** Origin's default branch as this clone knows it: a tick fetches the one copy, `git pull` the other. */
async function lastFetched(place: Place): Promise<string | null> {
  const heads = await ask(place, ["for-each-ref", "--format=%(symref)", "refs/remotes/origin/HEAD", `${copies}/HEAD`]);
  // Neither a clone nor a tick has named it yet: the branch that is checked out, then.
  const named = heads?.split("\n").find(Boolean) ?? (await ask(place, ["symbolic-ref", "-q", "HEAD"])) ?? undefined;
  if (named === undefined) return null;
  const branch = named.replace(/^refs\/(remotes\/origin|towline\/remote\/heads|heads)\//, "");
  const known: string[] = [];
  for (const name of [branchCopy(branch), `refs/remotes/origin/${branch}`]) {
    const commit = await ask(place, ["rev-parse", "-q", "--verify", `${name}^{commit}`]);
    if (commit !== null) known.push(commit);
  }
  const [ours, theirs] = known;
  if (ours === undefined || theirs === undefined) return ours ?? null;
  return (await ask(place, ["merge-base", "--is-ancestor", ours, theirs])) === null ? ours : theirs;
}

/** When a tick last looked: its heartbeat, or its last commit when that is newer. */
async function lastTick(place: Place, tips: Tips): Promise<string | null> {
  const beat = await beatTime(place);
  const commit =
    tips.ledger === null
      ? null
      : await ask(place, ["log", "-1", "--format=%cI", "--grep=^Towline-Tick: ", tips.ledger]);
  const times = [beat, commit].flatMap((one) => (one ? [Date.parse(one)] : [])).filter((one) => !Number.isNaN(one));
  return times.length === 0 ? null : new Date(Math.max(...times)).toISOString();
}

async function beatTime(place: Place): Promise<string | null> {
  const text = await ask(place, ["show", `${copies}/beat:beat.json`]);
  try {
    const { at } = JSON.parse(text ?? "{}") as { at?: unknown };
    return typeof at === "string" ? at : null;
  } catch {
    return null;
  }
}

async function differing(place: Place, from: string, to: string | undefined): Promise<string[]> {
  const paths = ["--", ...policy_paths];
  const tracked = await ask(place, ["diff", "--name-only", "--no-renames", "-z", from, ...(to ? [to] : []), ...paths]);
  const others = to ? "" : await ask(place, ["ls-files", "-z", "--others", "--exclude-standard", ...paths]);
  return [...new Set(`${tracked ?? ""}\0${others ?? ""}`.split("\0").filter(Boolean))].sort();
}

/** What git printed, trimmed; null when it said no. */
async function ask(place: Place, args: string[]): Promise<string | null> {
  const ran = await runGit(place, args);
  return ran.code === 0 ? ran.stdout.toString().trim() : null;
}
