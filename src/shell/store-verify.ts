// Is the database what the repository says? The same lines are made of the rows and of the files, and compared.
import { dumpLine, isLines, type Row, type TableName, tables, type Value } from "../core/rows.ts";
import type { Repo, Tips } from "../ports.ts";
import type { Found, Store } from "./store.ts";
import { StoreFault } from "./store-fault.ts";
import { keyOf } from "./sync-batch.ts";
import { filesAt, writesOf } from "./sync-changes.ts";

export interface Drift {
  table: string;
  /** Path of the record, or the row's own key when no record is behind it. */
  of: string;
  what: "missing" | "extra" | "differs";
  /** Columns that differ. */
  columns: string[];
}

/** All content that a rebuild must give again, one line a row, sorted. Not in it: the count of batches. */
export async function canonicalDump(store: Store, by = performance.now() + 600_000): Promise<string> {
  const lines: string[] = [];
  for await (const { table, row } of storedRows(store, by)) lines.push(dumpLine(table, row));
  return `${lines.sort().join("\n")}\n`;
}

/** What differs between the database and the records of a pair of commits. Reads only. Throws StoreFault. */
export async function verify(store: Store, repo: Repo, tips: Tips, by: number): Promise<Drift[]> {
  const wanted = await wantedRows(repo, tips);
  const drift: Drift[] = [];
  for await (const { table, row } of storedRows(store, by)) {
    const key = keyOfRow(table, row);
    const want = wanted.get(key);
    wanted.delete(key);
    if (!want) drift.push({ table, of: key.slice(table.length + 1), what: "extra", columns: [] });
    else {
      const columns = Object.keys(row).filter((name) => row[name] !== (want.row[name] ?? null));
      if (columns.length > 0) drift.push({ table, of: want.of, what: "differs", columns });
    }
  }
  for (const { table, of } of wanted.values()) drift.push({ table, of, what: "missing", columns: [] });
  return drift.sort((a, b) => (`${a.table} ${a.of}` < `${b.table} ${b.of}` ? -1 : 1));
}

type Wanted = { table: string; of: string; row: Row };

async function wantedRows(repo: Repo, tips: Tips): Promise<Map<string, Wanted>> {
  const wanted = new Map<string, Wanted>();
  const want = (table: string, of: string, row: Row) => wanted.set(keyOfRow(table, row), { table, of, row });
  const files = [...(await filesAt(repo, tips))].map(([path, blob]) => ({ path, blob, held: null }));
  for await (const { path, blob, table, id, rows } of writesOf(repo, files)) {
    for (const row of rows) want(table, path, row);
    want("sync_paths", path, { path, blob, tbl: rows.length > 0 ? table : "", id });
  }
  want("sync_state", "the commits", { policy: tips.policy, ledger: tips.ledger, towards: null });
  return wanted;
}

function keyOfRow(table: string, row: Row): string {
  if (table === "sync_state") return table;
  if (isLines(table)) return `${table} ${row.path} line ${row.line}`;
  return `${table} ${row[table === "reflections" ? keyOf(table) : "path"]}`;
}

const held: Record<string, string[]> = {
  ...tables,
  sync_paths: ["path", "blob", "tbl", "id"],
  sync_state: ["policy", "ledger", "towards"],
};

/** Every row of every table, a page at a time. */
async function* storedRows(store: Store, by: number): AsyncGenerator<{ table: string; row: Row }> {
  for (const [table, columns] of Object.entries(held)) {
    let size = 500;
    for (let after = Number.MIN_SAFE_INTEGER, more = true; more; ) {
      const page = await pageOf(store, table as TableName, columns, after, size, by);
      if (page === null) {
        size = Math.max(1, Math.floor(size / 8));
        continue;
      }
      for (const { rowid__, ...row } of page) {
        after = Number(rowid__);
        yield { table, row };
      }
      more = page.length === size;
    }
  }
}

/** Servers cap an answer (10 MiB): null asks for a smaller page. */
async function pageOf(
  store: Store,
  table: TableName,
  columns: string[],
  after: Value,
  size: number,
  by: number,
): Promise<Found | null> {
  const sql = `SELECT rowid AS rowid__, ${columns.join(", ")} FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${size}`;
  try {
    return await store.read(sql, [after], by);
  } catch (thrown) {
    if (size > 1 && thrown instanceof StoreFault && /too (?:big|large)/i.test(thrown.message)) return null;
    throw thrown;
  }
}
