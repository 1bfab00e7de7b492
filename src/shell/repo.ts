// The repository: reads at a pair of commits, writes by compare-and-swap. Never through the work tree.
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { unsafePath } from "../core/path.ts";
import { pathClass } from "../core/schema.ts";
import { configuration, outside, usage } from "../errors.ts";
import type { Clock, CommitNote, Repo, Tips } from "../ports.ts";
import { systemClock } from "./clock.ts";
import { runGit } from "./git.ts";
import { buildCommit, checkPaths, drop, keep } from "./repo-build.ts";
import { type Found, findRepo } from "./repo-open.ts";
import { pushBeat, pushCommit } from "./repo-push.ts";
import { objectId, readBlobs, readDiff, readTree } from "./repo-read.ts";
import {
  askDefaultBranch,
  askTip,
  beat_copy,
  branchCopy,
  copies,
  fetchRefs,
  gitAt,
  remote_name,
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

const deadlines = { ask: 20_000, fetch: 120_000, push: 60_000 };

interface Opened extends Found {
  options: RepoOptions;
  limits: typeof deadlines;
  clock: Clock;
  /** Known default branch. */
  branch: string | undefined;
  /** Our last won commit, and the beat as last fetched. */
  won: string | null;
  beat: string | null;
}

/** Opens the repository that holds `dir`: a clone, a shallow or bare one. Throws a Fault when there is none. */
export async function openRepo(dir: string, options: RepoOptions = {}): Promise<Repo> {
  for (const name of [options.branch, options.ledgerBranch]) if (name !== undefined) checkBranch(name);
  const found = await findRepo(dir, options.env);
  const at: Opened = {
    ...found,
    options,
    limits: { ...deadlines, ...options.deadlines },
    clock: options.clock ?? systemClock(),
    branch: options.branch,
    won: null,
    beat: null,
  };
  return {
    gitDir: at.gitDir,
    fetch: () => fetchTips(at),
    local: (ref) => localTips(at, ref),
    policyTipNow: () => policyTip(at),
    contains: (tip, commit) => contains(at, tip, commit),
    tree: (commit, paths) => readTree(at.place, commit, paths),
    blobs: (ids, maxBytes = 1 << 20) => readBlobs(at.place, ids, maxBytes),
    diff: (from, to) => readDiff(at.place, from, to),
    push: (tips, changes, note) => pushLedger(at, tips, changes, note),
    beat: (file, text) => sendBeat(at, file, text),
    readBeat: () => readBeat(at),
  };
}

async function fetchTips(at: Opened): Promise<Tips> {
  await refresh(at);
  for (let tries = 1; ; tries++) {
    const refs = await readRefs(at, [copies]);
    const branch = at.branch as string;
    const ledger = at.options.ledgerBranch ?? branch;
    at.beat = refs.get(beat_copy) ?? null;
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

async function defaultBranch(at: Opened): Promise<string> {
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
  if (branch === null) throw configuration("`origin` has no default branch yet", "push a first commit to it");
  await gitAt(at.place).raw(["symbolic-ref", `${copies}/HEAD`, branchCopy(branch)]);
  at.branch = branch;
  return branch;
}

async function localTips(at: Opened, ref = "HEAD"): Promise<Tips> {
  const policy = await resolve(at, ref);
  if (policy === null)
    throw usage(`there is no commit \`${ref}\` in this clone`, "name a branch, a tag or a commit that was fetched");
  const own = at.options.ledgerBranch;
  const branch = own ?? at.branch ?? (await knownDefault(at));
  if (branch === undefined) return { policy, ledger: policy };
  const [copy, tracking, head] = [branchCopy(branch), `refs/remotes/origin/${branch}`, `refs/heads/${branch}`];
  const refs = await readRefs(at, [copy, tracking, head]);
  const ours = refs.get(copy);
  const theirs = refs.get(tracking);
  // Either may be newer: a tick fetches the one, a person's `git pull` the other.
  const newer = ours && theirs && ours !== theirs && (await contains(at, theirs, ours)) ? theirs : (ours ?? theirs);
  return { policy, ledger: newer ?? refs.get(head) ?? (own === undefined ? policy : null) };
}

async function policyTip(at: Opened): Promise<string> {
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

async function contains(at: Opened, tip: string, commit: string): Promise<boolean> {
  const ran = await runGit(at.place, ["merge-base", "--is-ancestor", objectId(commit), objectId(tip)]);
  return ran.code === 0;
}

async function pushLedger(
  at: Opened,
  tips: Tips,
  changes: Parameters<Repo["push"]>[1],
  note: CommitNote,
): ReturnType<Repo["push"]> {
  const branch = await defaultBranch(at);
  const own = at.options.ledgerBranch !== undefined && at.options.ledgerBranch !== branch;
  if (!own && tips.ledger !== tips.policy)
    throw new Error("the ledger lives on the default branch: both tips must be one commit");
  checkPaths(changes, (path) => pathClass(path) === "ledger");
  const draft = await buildCommit(at.place, at.objects, {
    parent: tips.ledger,
    changes,
    message: messageOf(note),
    at: at.clock.now(),
  });
  try {
    const ledger = own ? (at.options.ledgerBranch as string) : branch;
    const outcome = await pushCommit(at.place, {
      remote: remote_name,
      commit: draft.commit,
      ref: `refs/heads/${ledger}`,
      old: tips.ledger,
      guard: own ? { ref: `refs/heads/${branch}`, at: objectId(tips.policy) } : undefined,
      deadline: at.limits.push,
      env: draft.env,
    });
    if (outcome.state === "won") await remember(at, branchCopy(ledger), tips.ledger, draft);
    return outcome;
  } finally {
    await drop(draft.objects);
  }
}

/** After a win: the objects stay in the clone and our copy of the ref follows. Should that fail, the next fetch brings both. */
async function remember(
  at: Opened,
  copy: string,
  old: string | null,
  draft: { commit: string; objects: string },
): Promise<void> {
  at.won = draft.commit;
  try {
    await keep(draft.objects, at.objects);
    await gitAt(at.place).raw(["update-ref", copy, draft.commit, old ?? "0".repeat(draft.commit.length)]);
  } catch {
    // The win stands in the remote, whatever happened here.
  }
}

const oneLine = (text: string) => text.replace(/[\x00-\x1f\x7f]+/g, " ").trim();

function messageOf(note: CommitNote): string {
  const trailers = [
    `Towline-Tick: ${oneLine(note.tick)}`,
    `Towline-Attempt: ${note.attempt}`,
    `Towline-Nonce: ${randomBytes(20).toString("hex")}`,
  ];
  return `${oneLine(note.subject).slice(0, 200)} [skip ci]\n\n${trailers.join("\n")}\n`;
}

async function sendBeat(at: Opened, file: string, text: string): Promise<void> {
  const fault = unsafePath(file);
  if (fault) throw new Error(`refused to write ${JSON.stringify(file)}: ${fault}`);
  const changes = new Map([[file, text]]);
  const draft = await buildCommit(at.place, at.objects, {
    parent: null,
    changes,
    message: "beat [skip ci]\n",
    at: at.clock.now(),
  });
  try {
    const why = await pushBeat(at.place, remote_name, draft.commit, at.limits.push, draft.env);
    if (why !== null) throw outside(`the heartbeat was not written: ${why}`, "the tick itself is not affected");
  } finally {
    await drop(draft.objects);
  }
}

async function readBeat(at: Opened): Promise<string | null> {
  if (at.beat === null) return null;
  const [file] = await readTree(at.place, at.beat);
  const bytes = file && (await readBlobs(at.place, [file.blob], 1 << 16)).get(file.blob);
  return bytes ? Buffer.from(bytes).toString() : null;
}

function checkBranch(name: string): void {
  if (/^[-/.]|[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\.lock($|\/)|[/.]$|^@$/.test(name))
    throw configuration(`\`${name}\` cannot be a branch's name`, "use letters, digits, dashes and slashes");
}
