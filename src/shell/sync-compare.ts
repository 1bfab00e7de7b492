// How far the database is from the records, as a tick may ask that has written to it: by the list that it keeps of the
// files, and by counting its rows. `towline sync --verify` compares every column.
import { isLines, tables } from "../core/rows.ts";
import type { Repo, Tips } from "../ports.ts";
import type { Store } from "./store.ts";
import { changesByTree } from "./sync-changes.ts";

export interface Compared {
  /** Records that the database should hold. */
  records: number;
  /** Of them missing or old, and rows of nothing. */
  differ: number;
}

/** Reads only. Throws StoreFault. */
export async function compare(store: Store, repo: Repo, tips: Tips, by: number): Promise<Compared> {
  const { writes, removes } = await changesByTree(store, repo, tips, by);
  // Two files may tell of one reflection: that is one row.
  const held = await store.read(
    "SELECT tbl, count(DISTINCT CASE tbl WHEN 'reflections' THEN id ELSE path END) AS n FROM sync_paths GROUP BY tbl",
    [],
    by,
  );
  const listed = new Map(held.map((row) => [String(row.tbl), Number(row.n)]));
  let differ = writes.length + removes.length;
  let records = writes.filter((one) => one.held === null).length - removes.length;
  for (const table of Object.keys(tables)) {
    const wanted = listed.get(table) ?? 0;
    records += wanted;
    const [row] = isLines(table) ? [] : await store.read(`SELECT count(*) AS n FROM ${table}`, [], by);
    if (row) differ += Math.abs(Number(row.n) - wanted);
  }
  return { records: Math.max(0, records), differ };
}
