// Rolls old records of the ledger into its archive, a commit for so many of them: whole, or not at all.
import { isArchive, rolled_folders, rollInto } from "../core/archive.ts";
import { cutOff, mayBeOld, oldRecords, type Shelved } from "../core/archive-old.ts";
import { mark_path, renderMark } from "../core/binding.ts";
import { max_bytes } from "../core/split.ts";
import type { State } from "../core/state.ts";
import { usage } from "../errors.ts";
import type { Changes, Clock, Repo, Tips } from "../ports.ts";
import { indexChanges } from "./archive-index.ts";
import { bindingFault } from "./binding.ts";
import { commitLedger } from "./ledger-commit.ts";
import { textOf } from "./pack-files.ts";

/** Records that one commit rolls up at most. */
const most = 20_000;

interface Archiving {
  repo: Repo;
  clock: Clock;
  /** Id of this run. */
  tick: string;
  /** Seconds. */
  age: number;
  dry?: boolean;
  /** Records a commit; fewer in tests. */
  most?: number;
}

export interface Archived {
  /** Records by folder. */
  records: Record<string, number>;
  files: string[];
  /** Indexes that are written, with these files or because they were missing. */
  indexes: number;
  commit: string | null;
  /** There is more to roll up: by another commit. */
  more: boolean;
}

/** One commit, or none where nothing is old. Throws a Fault where the ledger is not this pack's own. */
export async function archiveOnce(options: Archiving, tips?: Tips): Promise<Archived> {
  const { repo, clock, tick, age, dry = false } = options;
  let made: Archived = { records: {}, files: [], indexes: 0, commit: null, more: false };
  const subject = "old records into the archive";
  const commit = await commitLedger({ repo, clock, tick, subject }, tips, async (state, binding) => {
    if (binding.state === "fresh") throw usage("no tick has run in this pack yet", "run `towline tick` first");
    if (binding.state !== "bound") throw bindingFault(binding);
    const found = await look(repo, state, cutOff(clock.now(), age), options.most ?? most);
    made = { ...made, ...found.said };
    if (dry || found.changes.size === 0 || typeof state.mark !== "object" || state.mark === null) return new Map();
    // `refs/towline/pack` holds the ledger's files, too: with the mark it goes along.
    return found.changes.set(mark_path, renderMark({ ...state.mark, last: tick }));
  });
  return { ...made, commit };
}

async function look(repo: Repo, state: State, before: string, limit: number) {
  const changes: Changes = new Map();
  const { ledger } = state.tips;
  if (ledger === null) return { changes, said: { records: {}, files: [], indexes: 0, more: false } };
  const items = await repo.tree(ledger, rolled_folders, "stored");
  const fine = items.filter(({ path, mode }) => mode.startsWith("100") && mayBeOld(path, before));
  const { records, more } = await oldest(repo, state, fine, before, limit);
  for (const { path } of records) changes.set(path, null);
  const files = rollInto(await onShelves(repo, ledger, records), records);
  const indexes = await indexChanges(repo, ledger, files, state.settings.zone);
  for (const [path, text] of [...files, ...indexes.changes]) changes.set(path, text);
  const counts: Record<string, number> = {};
  for (const { path } of records) {
    const folder = path.slice(0, path.indexOf("/"));
    counts[folder] = (counts[folder] ?? 0) + 1;
  }
  const said = { records: counts, files: [...files.keys()].sort(), indexes: indexes.changes.size };
  return { changes, said: { ...said, more: more || indexes.more } };
}

/** In portions, by their paths: what belongs together stands together, except the status of a task of queue/. */
async function oldest(
  repo: Repo,
  state: State,
  items: { path: string; blob: string }[],
  before: string,
  limit: number,
) {
  const tasks = items.filter(({ path }) => /^(queue|status)\//.test(path));
  const others = items.filter(({ path }) => !/^(queue|status)\//.test(path));
  const records: Shelved[] = [];
  const portions = [tasks];
  for (const [at, one] of others.entries()) {
    // A day is never cut: its jobs and what lies beside them go together.
    if (at === 0 || dayOf(one.path) !== dayOf((others[at - 1] as typeof one).path)) portions.push([]);
    (portions.at(-1) as typeof others).push(one);
  }
  for (const some of portions) {
    if (records.length >= limit) return { records, more: true };
    const blobs = await repo.blobs([...new Set(some.map(({ blob }) => blob))], max_bytes);
    const texts = new Map(
      some.map(({ path, blob }) => {
        const bytes = blobs.get(blob);
        return [path, bytes ? textOf(bytes) : null] as const;
      }),
    );
    records.push(...oldRecords(state, texts, before));
  }
  return { records, more: false };
}

const dayOf = (path: string) =>
  path
    .split("/")
    .slice(0, 4)
    .join("/")
    .replace(/\/[^/]*\.md$/, "");

/** The archives that these records come into, as they are. */
async function onShelves(repo: Repo, ledger: string, records: Shelved[]): Promise<Map<string, string>> {
  const shelves = new Set(records.map(({ shelf }) => shelf));
  const months = new Set([...shelves].map((shelf) => shelf.slice(0, shelf.lastIndexOf("/"))));
  const items = (months.size === 0 ? [] : await repo.tree(ledger, [...months], "stored")).filter(
    ({ path, mode }) => mode.startsWith("100") && isArchive(path) && shelves.has(path.replace(/(-\d+)?\.ndjson$/, "")),
  );
  const blobs = await repo.blobs([...new Set(items.map(({ blob }) => blob))], 64 << 20);
  return new Map(
    items.map(({ path, blob }) => [
      path,
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(blobs.get(blob) ?? new Uint8Array()),
    ]),
  );
}
