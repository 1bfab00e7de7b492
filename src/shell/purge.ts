// Takes a leak out of the ledger: a cleaned commit on its tip, then, where that is allowed, a branch without a past.
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { mark_path, readMark, renderMark } from "../core/binding.ts";
import type { Leak } from "../core/purge.ts";
import { pathClass } from "../core/schema.ts";
import { configuration, outside } from "../errors.ts";
import type { Changes, Clock, Repo, Tips } from "../ports.ts";
import { runGit } from "./git.ts";
import { textOf } from "./pack-files.ts";
import { findRepo } from "./repo-open.ts";
import { pushCommit } from "./repo-push.ts";
import { objectId } from "./repo-read.ts";
import { askDefaultBranch, remote_name } from "./repo-remote.ts";

type Env = Readonly<Record<string, string | undefined>>;

const tries = 6;
/** Attachments above this are not looked into. */
const max_file = 64 << 20;

export type Files = Map<string, string | Uint8Array>;

/** Files of a commit below what `wanted` accepts, text where they are text. */
export async function filesAt(repo: Repo, commit: string, wanted: (path: string) => boolean): Promise<Files> {
  const items = (await repo.tree(commit, undefined, "stored")).filter(
    (item) => item.mode.startsWith("100") && wanted(item.path),
  );
  const blobs = await repo.blobs([...new Set(items.map((item) => item.blob))], max_file);
  const files: Files = new Map();
  for (const { path, blob } of items) {
    const bytes = blobs.get(blob);
    if (!bytes) throw outside(`${path} is over ${max_file >> 20} MiB and cannot be searched`, "look at it by hand");
    files.set(path, textOf(bytes) ?? bytes);
  }
  return files;
}

export interface Cleaned {
  tips: Tips;
  changes: Changes;
  /** Absent: nothing had to change, or nothing was to be written. */
  commit?: string;
}

/** `bound`: the ledger is this repository's own, and as towline wrote it last. Finds what must change at the tip and pushes it, again from the new tip while others are faster. */
export async function cleanTip(
  repo: Repo,
  first: Tips,
  { clock, dry, bound, decide }: { clock: Clock; dry: boolean; bound: boolean; decide(files: Files): Changes },
): Promise<Cleaned> {
  let tips = first;
  for (let attempt = 1; ; attempt++) {
    if (tips.ledger === null) return { tips, changes: new Map() };
    const files = await filesAt(repo, tips.ledger, (path) => pathClass(path) === "ledger");
    const changes = decide(files);
    if (changes.size === 0 || dry) return { tips, changes };
    const tick = `purge-${clock.now().toISOString().slice(0, 19)}-${randomBytes(4).toString("hex")}`;
    const note = { subject: `purged ${changes.size} ${changes.size === 1 ? "file" : "files"}`, tick, attempt };
    // `refs/towline/pack` holds the ledger's files, too: with the mark it goes along to the cleaned ones.
    const mark = bound ? readMark(String(files.get(mark_path) ?? "")) : null;
    const all = mark ? new Map([...changes, [mark_path, renderMark({ ...mark, last: tick })]]) : changes;
    const pushed = await repo.push(tips, all, note);
    if (pushed.state === "won") {
      const policy = tips.ledger === tips.policy ? pushed.commit : tips.policy;
      return { tips: { policy, ledger: pushed.commit }, changes, commit: pushed.commit };
    }
    if (attempt >= tries) throw outside(`the purge could not be pushed: ${pushed.why}`, "run it again");
    await clock.sleep(Math.random() * 200 * attempt);
    tips = await repo.fetch();
  }
}

/** How many objects that the commit reaches hold the leak, in contents, names or messages. */
export async function objectsWith(dir: string, env: Env, commit: string, leak: Leak): Promise<number> {
  const { place } = await findRepo(dir, env);
  const listed = await runGit(place, ["rev-list", "--objects", "--no-object-names", objectId(commit)]);
  if (listed.code !== 0)
    throw outside("the history cannot be listed", "fetch the whole of it: `git fetch --unshallow`");
  let found = 0;
  const look = (bytes: Buffer) => {
    const text = textOf(bytes) ?? bytes.toString("latin1");
    if (leak(text) !== text) found++;
  };
  await runGit(place, ["cat-file", "--batch", "--buffer"], { input: [listed.stdout], onData: eachObject(look) });
  return found;
}

/** Reads `cat-file --batch`: `<id> <type> <size>`, the content, a line end, over and over. */
function eachObject(look: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  let want = -1;
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (;;) {
      if (want < 0) {
        const end = held.indexOf(10);
        if (end < 0) return;
        want = Number(held.toString("latin1", 0, end).split(" ")[2]);
        held = held.subarray(end + 1);
      }
      if (held.length <= want) return;
      look(held.subarray(0, want));
      held = held.subarray(want + 1);
      want = -1;
    }
  };
}

/**
 * Replaces the ledger's own branch by one commit with the same files and no past, by compare-and-swap. Answers the new
 * commit and the local ref that keeps the old line.
 */
export async function forgetHistory(
  dir: string,
  env: Env,
  { branch, tips, at }: { branch: string; tips: Tips; at: Date },
): Promise<{ commit: string; backup: string }> {
  const { place } = await findRepo(dir, env);
  const old = objectId(tips.ledger as string);
  const policyBranch = await askDefaultBranch(place, 20_000);
  const git = async (args: string[], input?: string) => {
    const ran = await runGit(place, args, input === undefined ? {} : { input: [Buffer.from(input)] });
    if (ran.code !== 0) throw outside("the new branch cannot be made", ran.stderr.split("\n").find(Boolean));
    return ran.stdout.toString().trim();
  };
  const stamp = at.toISOString().slice(0, 19).replace(/[-:]/g, "");
  const backup = `refs/towline/backup/${stamp}`;
  await git(["update-ref", backup, old]);
  const message = `ledger without its past [skip ci]\n\nTowline-Tick: purge-${stamp}\nTowline-Attempt: 1\nTowline-Nonce: ${randomBytes(20).toString("hex")}\n`;
  const author = ["-c", "user.name=towline", "-c", "user.email=towline@localhost"];
  const commit = await git([...author, "commit-tree", "-F", "-", `${old}^{tree}`], message);
  const outcome = await pushCommit(place, {
    remote: remote_name,
    commit: objectId(commit),
    ref: `refs/heads/${branch}`,
    old,
    guard: { ref: `refs/heads/${policyBranch}`, at: objectId(tips.policy) },
    deadline: 60_000,
  });
  if (outcome.state === "won") return { commit, backup };
  await git(["update-ref", "-d", backup]);
  throw (outcome.state === "lost" ? configuration : outside)(
    `the history was not rewritten: ${outcome.why}`,
    "another tick may have been faster: run it again; a protected branch must allow a forced push for this one time",
  );
}

/** What this clone made of the records: all of it is made anew when it is next needed. */
export async function dropCopies(gitDir: string): Promise<void> {
  const place = join(gitDir, "towline");
  for (const name of ["towline.db", "towline.db-wal", "towline.db-shm", "export", "site"])
    await rm(join(place, name), { recursive: true, force: true });
}
