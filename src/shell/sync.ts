// Brings the database to a pair of commits. The repository is the state and this a view of it: what is missing, wrong
// or interrupted here is made good by the next run, and nothing that happens here can stop a tick.
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Problem } from "../core/entry.ts";
import { messageOf } from "../errors.ts";
import type { Repo, Tips } from "../ports.ts";
import type { Store } from "./store.ts";
import { redact, StoreFault } from "./store-fault.ts";
import { type Mark, migrate, readMark, renewal } from "./store-schema.ts";
import { batches, ending } from "./sync-batch.ts";
import { type Changed, changesBetween, changesByTree, type Write, writesOf } from "./sync-changes.ts";

export interface SyncOptions {
  packId: string;
  /** Milliseconds for everything; default 5000. */
  budgetMs?: number;
  /** Empties the database first. */
  rebuild?: boolean;
  /** The tips were read from `origin` just now: then the database goes to them even if it holds later commits. */
  fresh?: boolean;
}

export type SyncResult =
  | { state: "synced"; written: number; deleted: number; skipped: Problem[] }
  | { state: "degraded"; why: string; refused: boolean; written: number };

/** Never throws. `degraded` says why in words; what is missing comes with the next sync. */
export async function sync(store: Store, repo: Repo, tips: Tips, options: SyncOptions): Promise<SyncResult> {
  const by = performance.now() + (options.budgetMs ?? 5000);
  const done = { written: 0, deleted: 0, skipped: [] as Problem[] };
  try {
    if (options.rebuild) await renew(store, options.packId, by);
    await bring(store, repo, tips, options, by, done);
    return { state: "synced", ...done };
  } catch (thrown) {
    const foreign = thrown instanceof StoreFault && thrown.kind === "foreign";
    const said = thrown instanceof StoreFault ? thrown.message : redact(messageOf(thrown), []);
    const rest = done.written > 0 ? `; ${done.written} records were written, the next sync goes on from there` : "";
    return { state: "degraded", why: said + rest, refused: foreign, written: done.written };
  }
}

type Done = { written: number; deleted: number; skipped: Problem[] };

async function bring(store: Store, repo: Repo, tips: Tips, options: SyncOptions, by: number, done: Done) {
  let mark = await migrate(store, options.packId, by);
  for (;;) {
    if (standsAt(mark, tips) || (!options.fresh && (await isAhead(repo, mark, tips)))) return;
    try {
      return await apply(store, repo, tips, mark, by, done);
    } catch (thrown) {
      if (!(thrown instanceof StoreFault) || thrown.kind !== "conflict") throw thrown;
      mark = await afterOthers(store, options.packId, mark, by);
    }
  }
}

const standsAt = (mark: Mark, tips: Tips) =>
  mark.towards === null && mark.policy === tips.policy && mark.ledger === tips.ledger;

/** A slower tick must not take the database back to where a faster one had brought it past. */
async function isAhead(repo: Repo, mark: Mark, tips: Tips): Promise<boolean> {
  if (mark.towards !== null || mark.policy === null || mark.ledger === null || tips.ledger === null) return false;
  try {
    return (await repo.contains(mark.policy, tips.policy)) && (await repo.contains(mark.ledger, tips.ledger));
  } catch {
    return false; // commits that this clone does not have
  }
}

async function apply(store: Store, repo: Repo, tips: Tips, mark: Mark, by: number, done: Done): Promise<void> {
  const changed = await changes(store, repo, tips, mark, by);
  const writes = writesOf(repo, changed.writes);
  let version = mark.version;
  const commit = async (batch: { writes: Write[]; removes: Changed[] }, last: boolean) => {
    const where = last ? tips : { ...mark, towards: `${tips.policy} ${tips.ledger ?? ""}` };
    await store.write(ending(batch, mark.pack, version, where), by);
    version++;
    done.written += batch.writes.length;
    done.deleted += batch.removes.length;
    done.skipped.push(...batch.writes.flatMap((write) => write.problems));
  };
  for await (const { batch, last } of batches(writes, changed.removes)) {
    await commit(batch, last);
    // A file's driver never waits: without a turn of the loop nothing else would move, the next read included.
    await turn();
  }
}

/** By comparing commits where that is enough; by comparing files where it is not. */
async function changes(store: Store, repo: Repo, tips: Tips, mark: Mark, by: number) {
  if (mark.towards === null && mark.policy !== null)
    try {
      return await changesBetween(store, repo, mark, tips, by);
    } catch (thrown) {
      if (thrown instanceof StoreFault) throw thrown;
      // The history was rewritten, or this clone is too shallow to know that commit.
    }
  return changesByTree(store, repo, tips, by);
}

/** Waits while another sync is making progress; then its mark, or ours to go on from. */
async function afterOthers(store: Store, pack: string, before: Mark, by: number): Promise<Mark> {
  for (let seen = before.version; ; ) {
    await sleep(300 + Math.random() * 200);
    const mark = await readMark(store, pack, by);
    if (!mark) return migrate(store, pack, by);
    if (mark.towards === null || mark.version === seen) return mark;
    seen = mark.version;
  }
}

async function renew(store: Store, pack: string, by: number): Promise<void> {
  const mark = await readMark(store, pack, by);
  await store.write(await renewal(pack, (mark?.version ?? 0) + 1), by);
}
