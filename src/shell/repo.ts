// The repository: reads at a pair of commits, writes by compare-and-swap. Never through the work tree.
import { randomBytes } from "node:crypto";
import { mark_path } from "../core/binding.ts";
import { unsafePath } from "../core/path.ts";
import { pathClass } from "../core/schema.ts";
import { configuration, outside } from "../errors.ts";
import type { CommitNote, Repo, Tips } from "../ports.ts";
import { archivedReads } from "./archived.ts";
import { systemClock } from "./clock.ts";
import { runGit } from "./git.ts";
import { buildCommit, checkPaths, drop, keep, snapshot, sweep } from "./repo-build.ts";
import { holding } from "./repo-held.ts";
import { findRepo } from "./repo-open.ts";
import { pushCommit, pushForced } from "./repo-push.ts";
import { objectId, readBlobs, readDiff, readPeople, readTree } from "./repo-read.ts";
import { beat_ref, branchCopy, pack_copy, pack_ref, remote_name } from "./repo-remote.ts";
import {
  contains,
  deadlines,
  defaultBranch,
  fetchTips,
  knownPack,
  localTips,
  type Opened,
  policyTip,
  type RepoOptions,
} from "./repo-tips.ts";

/** Opens the repository that holds `dir`: a clone, a shallow or bare one. Throws a Fault when there is none. */
export async function openRepo(dir: string, options: RepoOptions = {}): Promise<Repo> {
  for (const name of [options.branch, options.ledgerBranch]) if (name !== undefined) checkBranch(name);
  const found = await findRepo(dir, options.env);
  await sweep(found.objects);
  const at: Opened = {
    ...found,
    options,
    limits: { ...deadlines, ...options.deadlines },
    clock: options.clock ?? systemClock(),
    branch: options.branch,
    won: null,
    beat: null,
    pack: undefined,
    pulled: false,
  };
  const archived = archivedReads(at.place);
  const blobs = holding(archived.blobs);
  return {
    gitDir: at.gitDir,
    forge: at.forge,
    fetch: () => fetchTips(at),
    local: (ref) => localTips(at, ref),
    policyTipNow: () => policyTip(at),
    // What origin had there at another time says nothing of these tips.
    written: async () => (at.pulled ? undefined : knownPack(at)),
    contains: (tip, commit) => contains(at, tip, commit),
    tree: (commit, paths, as) => (as === "stored" ? readTree(at.place, commit, paths) : archived.tree(commit, paths)),
    blobs: (ids, maxBytes = 1 << 20) => blobs(ids, maxBytes),
    diff: (from, to) => readDiff(at.place, from, to),
    people: (from, to) => readPeople(at.place, from, to),
    push: (tips, changes, note) => pushLedger(at, tips, changes, note),
    beat: (file, text) => sendBeat(at, file, text),
    readBeat: () => readBeat(at),
  };
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
  const message = messageOf(note);
  const draft = await buildCommit(at.place, at.objects, { parent: tips.ledger, changes, message, at: at.clock.now() });
  try {
    const marked = changes.has(mark_path) ? await snapshot(at.place, draft, message, at.clock.now()) : undefined;
    const before = (await knownPack(at)) ?? null;
    const ledger = own ? (at.options.ledgerBranch as string) : branch;
    const outcome = await pushCommit(at.place, {
      remote: remote_name,
      commit: draft.commit,
      ref: `refs/heads/${ledger}`,
      old: tips.ledger,
      guard: own ? { ref: `refs/heads/${branch}`, at: objectId(tips.policy) } : undefined,
      along: marked === undefined ? undefined : { ref: pack_ref, commit: marked, old: before },
      deadline: at.limits.push,
      env: draft.env,
    });
    if (outcome.state === "won") {
      const moved: Moved[] = [{ ref: branchCopy(ledger), to: draft.commit, from: tips.ledger }];
      if (marked) moved.push({ ref: pack_copy, to: marked, from: before });
      if (marked) at.pack = marked;
      await remember(at, moved, draft);
    }
    return outcome;
  } finally {
    await drop(draft.objects);
  }
}

interface Moved {
  ref: string;
  to: string;
  from: string | null;
}

/** After a win: the objects stay in the clone and our copies of the refs follow. Should that fail, the next fetch brings all. */
async function remember(at: Opened, moved: Moved[], draft: { commit: string; objects: string }): Promise<void> {
  at.won = draft.commit;
  try {
    await keep(draft.objects, at.objects);
    const lines = moved.map(({ ref, to, from }) => `update ${ref} ${to} ${from ?? "0".repeat(to.length)}\n`);
    await runGit(at.place, ["update-ref", "--stdin"], { input: [Buffer.from(lines.join(""))] });
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
    const why = await pushForced(at.place, remote_name, draft.commit, beat_ref, at.limits.push, draft.env);
    if (why !== null) throw outside(`the heartbeat was not written: ${why}`, "the tick itself is not affected");
  } finally {
    await drop(draft.objects);
  }
}

async function readBeat(at: Opened): Promise<string | null> {
  if (at.beat === null) return null;
  const [file] = await readTree(at.place, at.beat);
  const bytes = file && (await readBlobs(at.place, [file.blob], 4 << 20)).get(file.blob);
  return bytes ? Buffer.from(bytes).toString() : null;
}

function checkBranch(name: string): void {
  if (/^[-/.]|[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\.lock($|\/)|[/.]$|^@$/.test(name))
    throw configuration(`\`${name}\` cannot be a branch's name`, "use letters, digits, dashes and slashes");
}
