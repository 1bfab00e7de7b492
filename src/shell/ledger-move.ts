// Brings the ledger to a branch of its own, or back to the default branch: settings, files and mark in one atomic push.
// A tick that is at work meanwhile loses its push, finds a mark that is not the last one, and starts nothing.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ledger_format, mark_path, renderMark } from "../core/binding.ts";
import { isOver } from "../core/jobs.ts";
import { pathClass } from "../core/schema.ts";
import { withSetting } from "../core/setting-line.ts";
import type { State } from "../core/state.ts";
import { configuration, outside } from "../errors.ts";
import type { Repo, Tips, TreeItem } from "../ports.ts";
import { readBound } from "./binding.ts";
import { type Place, runGit } from "./git.ts";
import { openOrigin, type PackOptions } from "./pack.ts";
import { refusalOf } from "./refusal.ts";
import { findRepo } from "./repo-open.ts";
import { type Along, pushCommit } from "./repo-push.ts";
import { askDefaultBranch, pack_ref, remote_name } from "./repo-remote.ts";
import { deadlines } from "./repo-tips.ts";
import type { Secrets } from "./secrets.ts";

const tries = 8;

export interface MoveResult {
  from: string;
  to: string;
  /** Of the default branch; null: it was there already. */
  commit: string | null;
  /** Files of the ledger. */
  files: number;
  /** Jobs that run on, and are collected from there. */
  open: string[];
}

interface Origin {
  repo: Repo;
  tips: Tips;
  state: State;
  place: Place;
  /** The default branch. */
  base: string;
}

/** `to`: the branch; null: the default one. `keep`: the old branch stays. Throws a Fault when it cannot be done. */
export async function moveLedger(
  dir: string,
  options: PackOptions & { secrets: Secrets },
  { to, tick, keep = false }: { to: string | null; tick: string; keep?: boolean },
): Promise<MoveResult> {
  const { place } = await findRepo(dir, options.env);
  const base = await askDefaultBranch(place, deadlines.ask);
  if (base === null) throw configuration("origin names no default branch", "push one first");
  if (to === base) to = null;
  let why = "";
  for (let attempt = 1; attempt <= tries; attempt++) {
    const { repo, tips: fetched } = await openOrigin(dir, options);
    const { tips, state } = await readBound({ repo, clock: options.clock }, fetched);
    const own = state.settings.ledger.branch;
    const now = own === base ? undefined : own;
    const open = [...state.jobs.values()].filter((job) => !isOver(job)).map(({ id }) => id);
    const said = { from: now ?? base, to: to ?? base, open };
    if ((now ?? null) === to) return { ...said, commit: null, files: 0 };
    const at: Origin = { repo, tips, state, place, base };
    const { plan, files } =
      to === null ? await homeward(at, now as string, tick, keep) : await outward(at, now, to, tick);
    const pushed = await pushCommit(place, plan);
    if (pushed.state === "won") return { ...said, commit: plan.commit, files };
    const refusal = refusalOf(pushed.why);
    if (refusal.configuration) throw configuration(`origin refused the move: ${pushed.why}`, refusal.advice);
    why = pushed.why;
    await options.clock.sleep(Math.random() * 200 * attempt);
  }
  throw outside(`the ledger could not be moved: ${why}`, "nothing was changed; run the same command again");
}

const isLedger = ({ path }: TreeItem) => pathClass(path) === "ledger";

/** The default branch without the ledger's files, and a branch that has nothing else. */
async function outward(at: Origin, from: string | undefined, to: string, tick: string) {
  if (from !== undefined) return across(at, from, to, tick);
  const { place, repo, tips } = at;
  const all = await repo.tree(tips.policy, undefined, "stored");
  const ledger = await marked(at, all.filter(isLedger), tick);
  const message = messageOf(`The ledger moves to the branch ${to}`, tick);
  const first = await commitOf(place, ledger, [], message);
  const policy = await withSettings(
    at,
    all.filter((item) => !isLedger(item)),
    `{branch: ${to}}`,
  );
  const commit = await commitOf(place, policy, [tips.policy], message);
  return {
    plan: await planOf(at, commit, first, [{ ref: `refs/heads/${to}`, commit: first, old: null }]),
    files: ledger.length,
  };
}

/** From one branch to another: the commits go along as they are. */
async function across(at: Origin, from: string, to: string, tick: string) {
  const { place, repo, tips } = at;
  if (tips.ledger === null) throw nothing(from);
  const ledger = await marked(at, await repo.tree(tips.ledger, undefined, "stored"), tick);
  const message = messageOf(`The ledger moves from the branch ${from} to ${to}`, tick);
  const next = await commitOf(place, ledger, [tips.ledger], message);
  const policy = await withSettings(at, await repo.tree(tips.policy, undefined, "stored"), `{branch: ${to}}`);
  const commit = await commitOf(place, policy, [tips.policy], message);
  const moved = [
    { ref: `refs/heads/${to}`, commit: next, old: null },
    { ref: `refs/heads/${from}`, commit: null, old: tips.ledger },
  ];
  return { plan: await planOf(at, commit, await commitOf(place, ledger, [], message), moved), files: ledger.length };
}

/** The default branch with the ledger's files. Its past stays, as the second parent. */
async function homeward(at: Origin, from: string, tick: string, keep: boolean) {
  const { place, repo, tips } = at;
  if (tips.ledger === null) throw nothing(from);
  const ledger = await marked(at, (await repo.tree(tips.ledger, undefined, "stored")).filter(isLedger), tick);
  const message = messageOf("The ledger moves to the default branch", tick);
  const people = (await repo.tree(tips.policy, undefined, "stored")).filter((item) => !isLedger(item));
  const policy = [...(await withSettings(at, people, null)), ...ledger];
  const commit = await commitOf(place, policy, [tips.policy, tips.ledger], message);
  const mark = await commitOf(place, ledger, [], message);
  // The lease on the old branch is what keeps a commit that came in between from being lost.
  const old: Along = { ref: `refs/heads/${from}`, commit: keep ? tips.ledger : null, old: tips.ledger };
  return { plan: await planOf(at, commit, mark, [old]), files: ledger.length };
}

const nothing = (branch: string) =>
  configuration(`origin has no branch ${branch} yet`, "run a tick first, or only change `ledger:` in towline.yml");

async function planOf({ repo, tips, base }: Origin, commit: string, mark: string, moved: Along[]) {
  const before = (await repo.written()) ?? null;
  return {
    remote: remote_name,
    commit,
    ref: `refs/heads/${base}`,
    old: tips.policy,
    along: [{ ref: pack_ref, commit: mark, old: before }, ...moved],
    deadline: deadlines.push,
  };
}

const messageOf = (subject: string, tick: string) =>
  `${subject} [skip ci]\n\nTowline-Tick: ${tick}\nTowline-Attempt: 1\nTowline-Nonce: ${randomBytes(20).toString("hex")}\n`;

/** The ledger's files with a mark of their own: what was read before is not the newest any more. */
async function marked({ place, state }: Origin, items: TreeItem[], tick: string): Promise<TreeItem[]> {
  const mark = state.mark === null || state.mark === "broken" ? null : state.mark;
  if (mark === null)
    throw configuration("this pack has no ledger yet", "run a tick first, or only change `ledger:` in towline.yml");
  const blob = await blobOf(place, renderMark({ ...mark, format: ledger_format, last: tick }));
  return [...items.filter(({ path }) => path !== mark_path), { path: mark_path, mode: "100644", blob }];
}

async function withSettings({ place, repo }: Origin, items: TreeItem[], value: string | null): Promise<TreeItem[]> {
  const file = items.find(({ path }) => path === "towline.yml");
  const bytes = file && (await repo.blobs([file.blob])).get(file.blob);
  if (!file || !bytes) throw configuration("origin has no towline.yml that can be read", "push one first");
  const blob = await blobOf(place, withSetting(Buffer.from(bytes).toString("utf8"), "ledger", value));
  return items.map((item) => (item === file ? { ...item, blob } : item));
}

const who = ["AUTHOR", "COMMITTER"].flatMap((role) => [
  [`GIT_${role}_NAME`, "towline"],
  [`GIT_${role}_EMAIL`, "towline@localhost"],
]);

const blobOf = (place: Place, text: string) => git(place, ["hash-object", "-w", "--stdin"], text);

/** A commit of exactly these files; nothing is checked out, and no index of the person's is touched. */
async function commitOf(place: Place, items: TreeItem[], parents: string[], message: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "towline-index-"));
  try {
    const own = { ...place, env: { ...place.env, GIT_INDEX_FILE: join(folder, "index"), ...Object.fromEntries(who) } };
    const lines = items.map(({ mode, blob, path }) => `${mode} ${blob}\t${path}\0`).join("");
    await git(own, ["update-index", "-z", "--index-info"], lines);
    const tree = await git(own, ["write-tree", "--missing-ok"], "");
    return await git(own, ["commit-tree", tree, ...parents.flatMap((one) => ["-p", one])], message);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function git(place: Place, args: string[], input: string): Promise<string> {
  const ran = await runGit(place, args, { input: [Buffer.from(input)], deadline: deadlines.fetch });
  if (ran.code === 0) return ran.stdout.toString().trim();
  throw outside(`git ${args[0]} said no: ${ran.stderr.trim().split("\n").at(-1)}`, "look at the free space");
}
