// Which commits count: the pair (P, L) as the remote has it now, or as this clone last saw it.
import { setTimeout as delay } from "node:timers/promises";
import { configuration, outside, usage } from "../errors.ts";
import type { Clock, Tips, Written } from "../ports.ts";
import { runGit } from "./git.ts";
import type { Found } from "./repo-open.ts";
import { objectId } from "./repo-read.ts";
import {
  askDefaultBranch,
  askTip,
  beat_copy,
  branchCopy,
  copies,
  fetchRefs,
  gitAt,
  noDefault,
  pack_copy,
} from "./repo-remote.ts";

export interface RepoOptions {
  /** The ledger's own branch; absent: the ledger lives on the default branch. */
  ledgerBranch?: string;
  /** The default branch; absent: what `origin` says. */
  branch?: string;
  clock?: Clock;
  env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds for one ls-remote, one fetch, one push. */
  deadlines?: Partial<typeof deadlines>;
}

export const deadlines = { ask: 20_000, fetch: 120_000, push: 60_000 };

export interface Opened extends Found {
  options: RepoOptions;
  limits: typeof deadlines;
  clock: Clock;
  /** Known default branch. */
  branch: string | undefined;
  /** Our last won commit, and the beat as last fetched. */
  won: string | null;
  beat: string | null;
  /** Origin's `refs/towline/pack` as last fetched or pushed; undefined: not looked up yet. */
  pack: Written;
  /** The tips that were read last are newer than that: by a person's `git pull`, which brings no `refs/towline/pack`. */
  pulled: boolean;
}

export async function fetchTips(at: Opened): Promise<Tips> {
  await refresh(at);
  for (let tries = 1; ; tries++) {
    const refs = await readRefs(at, [copies]);
    const branch = at.branch as string;
    const ledger = at.options.ledgerBranch ?? branch;
    at.beat = refs.get(beat_copy) ?? null;
    at.pack = refs.get(pack_copy) ?? null;
    at.pulled = false;
    const tips = { policy: refs.get(branchCopy(branch)) as string, ledger: refs.get(branchCopy(ledger)) ?? null };
    // A lagging replica may still show the ledger from before our own win: what we know must not be decided again.
    if (!at.won || !tips.ledger || tips.ledger === at.won || !(await contains(at, at.won, tips.ledger))) return tips;
    if (tries >= 4)
      throw outside(
        "`origin` still shows the ledger from before a push that it accepted",
        "wait a moment and run again",
      );
    await delay(500 * tries);
    await refresh(at);
  }
}

/** One fetch of what there is: the ledger's branch may not exist yet, and the default branch may have a new name. */
async function refresh(at: Opened): Promise<void> {
  if (!at.remote)
    throw configuration("the repository has no remote called `origin`", "git remote add origin <address>");
  let branch = await defaultBranch(at);
  const refs = await readRefs(at, [copies, "HEAD"]);
  const known = new Set(
    [...refs.keys()].filter((ref) => ref.startsWith(`${copies}/heads/`)).map((ref) => ref.slice(copies.length + 7)),
  );
  const get = (branches: string[]) =>
    fetchRefs(at.place, {
      branches,
      known,
      shallowFile: at.shallowFile,
      head: () => resolve(at, "HEAD"),
      deadline: at.limits.fetch,
    });
  const ledger = at.options.ledgerBranch;
  let missing = await get(ledger === undefined || ledger === branch ? [branch] : [branch, ledger]);
  if (missing === branch && at.options.branch === undefined) {
    at.branch = undefined;
    const renamed = await askDefault(at);
    if (renamed === branch) throw noBranch(branch);
    branch = renamed;
    missing = await get(ledger === undefined || ledger === branch ? [branch] : [branch, ledger]);
  }
  if (missing === ledger && ledger !== branch) {
    if (known.has(ledger as string)) await gitAt(at.place).raw(["update-ref", "-d", branchCopy(ledger as string)]);
    missing = await get([branch]);
  }
  if (missing !== null) throw noBranch(missing);
}

const noBranch = (branch: string) =>
  configuration(`\`origin\` has no branch \`${branch}\``, "push a first commit to it, or name the right branch");

export async function defaultBranch(at: Opened): Promise<string> {
  at.branch ??= await knownDefault(at);
  return at.branch ?? (await askDefault(at));
}

/** What the clone knows by itself: the symbolic refs that a clone or we left. */
async function knownDefault(at: Opened): Promise<string | undefined> {
  const text = await gitAt(at.place).raw([
    "for-each-ref",
    "--format=%(symref)",
    "refs/remotes/origin/HEAD",
    `${copies}/HEAD`,
  ]);
  // `refs/remotes/…` sorts before `refs/towline/…`.
  return text
    .split("\n")
    .find(Boolean)
    ?.replace(/^refs\/(remotes\/origin|towline\/remote\/heads)\//, "");
}

async function askDefault(at: Opened): Promise<string> {
  const branch = await askDefaultBranch(at.place, at.limits.ask);
  if (branch === null) throw await noDefault(at.place, at.limits.ask);
  await gitAt(at.place).raw(["symbolic-ref", `${copies}/HEAD`, branchCopy(branch)]);
  at.branch = branch;
  return branch;
}

export async function localTips(at: Opened, ref = "HEAD"): Promise<Tips> {
  const policy = await resolve(at, ref);
  if (policy === null && ref === "HEAD")
    throw usage("this repository has no commit yet", "`towline init` makes a pack of it; else commit first");
  if (policy === null)
    throw usage(`there is no commit \`${ref}\` in this clone`, "name a branch, a tag or a commit that was fetched");
  const own = at.options.ledgerBranch;
  const branch = own ?? at.branch ?? (await knownDefault(at));
  if (branch === undefined) return { policy, ledger: policy };
  const [copy, tracking, head] = [branchCopy(branch), `refs/remotes/origin/${branch}`, `refs/heads/${branch}`];
  const refs = await readRefs(at, [copy, tracking, head, beat_copy]);
  at.beat = refs.get(beat_copy) ?? null;
  const ours = refs.get(copy);
  const theirs = refs.get(tracking);
  // Either may be newer: a tick fetches the one, a person's `git pull` the other.
  const newer = ours && theirs && ours !== theirs && (await contains(at, theirs, ours)) ? theirs : (ours ?? theirs);
  at.pulled = newer !== ours;
  return { policy, ledger: newer ?? refs.get(head) ?? (own === undefined ? policy : null) };
}

/** What the clone knows by itself. Where towline never fetched, the ref may be there all the same. */
export async function knownPack(at: Opened): Promise<Written> {
  if (at.pack !== undefined) return at.pack;
  const refs = await readRefs(at, [copies]);
  const fetched = [...refs.keys()].some((ref) => ref.startsWith(`${copies}/heads/`));
  at.pack = fetched ? (refs.get(pack_copy) ?? null) : undefined;
  return at.pack;
}

export async function policyTip(at: Opened): Promise<string> {
  const branch = await defaultBranch(at);
  const tip = await askTip(at.place, branch, at.limits.ask);
  if (tip === null) throw noBranch(branch);
  return tip;
}

/** Full ref name → commit, of what is there. */
async function readRefs(at: Opened, names: string[]): Promise<Map<string, string>> {
  const text = await gitAt(at.place).raw(["for-each-ref", "--format=%(objectname) %(refname)", ...names]);
  return new Map(
    text
      .split("\n")
      .filter(Boolean)
      .map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]),
  );
}

async function resolve(at: Opened, name: string): Promise<string | null> {
  if (name.startsWith("-")) return null;
  const ran = await runGit(at.place, ["rev-parse", "--verify", "--quiet", `${name}^{commit}`]);
  return ran.code === 0 ? ran.stdout.toString().trim() : null;
}

export async function contains(at: Opened, tip: string, commit: string): Promise<boolean> {
  const ran = await runGit(at.place, ["merge-base", "--is-ancestor", objectId(commit), objectId(tip)]);
  return ran.code === 0;
}
