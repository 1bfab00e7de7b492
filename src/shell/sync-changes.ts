// What a sync must write and remove: by the difference of commits, or by comparing every file with what is held.
import { isArchive } from "../core/archive.ts";
import type { Problem } from "../core/entry.ts";
import { type Row, rowsOf, type TableName, tableOf } from "../core/rows.ts";
import { pathClass } from "../core/schema.ts";
import type { Repo, Tips, TreeItem } from "../ports.ts";
import type { Store } from "./store.ts";
import type { Mark } from "./store-schema.ts";

/** A file whose rows the database must change. */
export interface Changed {
  path: string;
  /** Content at the tips; null: the file is gone. */
  blob: string | null;
  /** Table and id under which the database holds rows of it now. */
  held: { table: string; id: string } | null;
}

export interface Write extends Changed {
  blob: string;
  table: TableName;
  id: string;
  rows: Row[];
  problems: Problem[];
}

export interface Changes {
  writes: Changed[];
  removes: Changed[];
}

const chunk = 4000;
/** Files above this are not read. Records end at 1 MiB anyway; a day's busiest tick stays far below. */
const max_file = 16 << 20;

const utf8 = new TextDecoder();

const wanted = (path: string, ledger: boolean) => (pathClass(path) === "ledger") === ledger && tableOf(path) !== null;

/** Rows of ledger paths come from the ledger's commit, all others from the policy commit. */
export async function filesAt(repo: Repo, tips: Tips): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const trees = [await repo.tree(tips.policy)];
  trees.push(tips.ledger === tips.policy ? (trees[0] ?? []) : tips.ledger === null ? [] : await repo.tree(tips.ledger));
  for (const [at, tree] of trees.entries())
    for (const item of tree) if (isRegular(item) && wanted(item.path, at === 1)) files.set(item.path, item.blob);
  return files;
}

/** Throws when the clone does not know the commits that the database stands at. */
export async function changesBetween(store: Store, repo: Repo, mark: Mark, tips: Tips, by: number): Promise<Changes> {
  const blobs = new Map<string, string | null>();
  const sides = [
    [mark.policy, tips.policy],
    [mark.ledger, tips.ledger],
  ] as const;
  for (const [at, [from, to]] of sides.entries()) {
    if (from === to) continue;
    const all = await repo.diff(from, to);
    const differing = all.filter(({ path }) => wanted(path, at === 1));
    const regular = to === null ? new Set() : await regularFiles(repo, to, differing);
    for (const { path, blob } of differing) blobs.set(path, regular.has(path) ? blob : null);
    const files = at === 1 ? all.map(({ path }) => path).filter(isArchive) : [];
    for (const [path, blob] of await archivedIn(repo, { from, to }, files)) blobs.set(path, blob);
  }
  const held = new Map<string, Held>();
  const paths = [...blobs.keys()].sort();
  for (let at = 0; at < paths.length; at += chunk) {
    const asked = JSON.stringify(paths.slice(at, at + chunk));
    const sql = "SELECT path, blob, tbl, id FROM sync_paths WHERE path IN (SELECT value FROM json_each(?))";
    for (const row of await store.read(sql, [asked], by)) held.set(String(row.path), heldOf(row));
  }
  return split(paths, blobs, held);
}

/** Records in archives that differ, as they now stand in there or in the tree. One that was only rolled up is as it was. */
async function archivedIn(repo: Repo, { from, to }: { from: string | null; to: string | null }, files: string[]) {
  if (files.length === 0) return [];
  const at = async (commit: string | null, paths: string[]) =>
    commit === null
      ? []
      : (await repo.tree(commit, paths)).filter(({ path, mode }) => wanted(path, true) && isRegular({ mode }));
  const now = await at(to, files);
  const paths = [...new Set([...now, ...(await at(from, files))].map(({ path }) => path))];
  const found = new Map([...now, ...(await at(to, paths))].map(({ path, blob }) => [path, blob]));
  return paths.map((path) => [path, found.get(path) ?? null] as const);
}

/** A symbolic link or a submodule is no record, whatever its name. */
async function regularFiles(repo: Repo, commit: string, differing: { path: string; blob: string | null }[]) {
  const paths = differing.filter(({ blob }) => blob !== null).map(({ path }) => path);
  const items = await repo.tree(commit, paths.length > 5000 ? undefined : paths);
  return new Set(items.filter(isRegular).map(({ path }) => path));
}

const isRegular = ({ mode }: Pick<TreeItem, "mode">) => mode.startsWith("100");

/** Asks nothing of history: right after an interruption, a rewrite, in a shallow clone, for an empty database. */
export async function changesByTree(store: Store, repo: Repo, tips: Tips, by: number): Promise<Changes> {
  const files = await filesAt(repo, tips);
  const held = new Map<string, Held>();
  for (let after = "", more = true; more; ) {
    const sql = "SELECT path, blob, tbl, id FROM sync_paths WHERE path > ? ORDER BY path LIMIT 5000";
    const rows = await store.read(sql, [after], by);
    for (const row of rows) held.set(String(row.path), heldOf(row));
    more = rows.length === 5000;
    after = String(rows.at(-1)?.path ?? "");
  }
  return split([...new Set([...files.keys(), ...held.keys()])].sort(), files, held);
}

type Held = { blob: string; table: string; id: string };
const heldOf = (row: Record<string, unknown>): Held => ({
  blob: String(row.blob),
  table: String(row.tbl),
  id: String(row.id),
});

function split(paths: string[], blobs: Map<string, string | null>, holds: Map<string, Held>): Changes {
  const changes: Changes = { writes: [], removes: [] };
  for (const path of paths) {
    const held = holds.get(path) ?? null;
    const blob = blobs.get(path) ?? null;
    if (blob === null && held) changes.removes.push({ path, blob, held });
    else if (blob !== null && blob !== held?.blob) changes.writes.push({ path, blob, held });
  }
  return changes;
}

/** Reads the files and makes their rows, a chunk at a time; the next chunk is read while the last is being written. */
export async function* writesOf(repo: Repo, changed: Changed[]): AsyncGenerator<Write> {
  const readChunk = async (at: number) => {
    const part = changed.slice(at, at + chunk);
    const ids = part.map((file) => file.blob as string);
    return { part, blobs: part.length > 0 ? await repo.blobs(ids, max_file) : new Map<string, Uint8Array | null>() };
  };
  let next = readChunk(0);
  for (let at = 0; at < changed.length; at += chunk) {
    const { part, blobs } = await next;
    next = readChunk(at + chunk);
    next.catch(() => {}); // its fault is seen when it is awaited
    for (const file of part) {
      const bytes = blobs.get(file.blob as string) ?? null;
      const made = rowsOf(file.path, bytes === null ? null : utf8.decode(bytes));
      yield { ...file, blob: file.blob as string, ...made };
    }
  }
}
