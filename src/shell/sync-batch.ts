// Changes as batches of statements. Rows travel as one JSON value a table: few statements, whatever their number.
import { type TableName, tables, type Value } from "../core/rows.ts";
import type { Statement } from "./store.ts";
import type { Changed, Write } from "./sync-changes.ts";

export interface Batch {
  writes: Write[];
  removes: Changed[];
}

const max_records = 1000;
const max_bytes = 2 << 20;

/** Cuts the changes into batches; there is always a last one, because it carries the commits. */
export async function* batches(
  writes: AsyncIterable<Write>,
  removes: Changed[],
): AsyncGenerator<{ batch: Batch; last: boolean }> {
  let batch: Batch = { writes: [], removes: [] };
  let bytes = 0;
  const full = () => batch.writes.length + batch.removes.length >= max_records || bytes >= max_bytes;
  for (const remove of removes) {
    if (full()) {
      yield { batch, last: false };
      batch = { writes: [], removes: [] };
    }
    batch.removes.push(remove);
  }
  for await (const write of writes) {
    if (full()) {
      yield { batch, last: false };
      batch = { writes: [], removes: [] };
      bytes = 0;
    }
    batch.writes.push(write);
    bytes += sizeOf(write);
  }
  yield { batch, last: true };
}

function sizeOf(write: Write): number {
  let size = 200;
  for (const row of write.rows)
    for (const value of Object.values(row)) size += typeof value === "string" ? value.length : 8;
  return size;
}

/** Where the database stands after a batch. */
export interface Stand {
  policy: string | null;
  ledger: string | null;
  towards?: string | null;
}

/**
 * The statements of one batch. The first fails, and with it the batch, when the database is not as it was read: the
 * pack's, at that version.
 */
export function ending(batch: Batch, pack: string, version: number, stand: Stand): Statement[] {
  return [
    {
      sql: `INSERT INTO sync_state (one, pack, version) SELECT 2, '', 0
        WHERE NOT EXISTS (SELECT 1 FROM sync_state WHERE one = 1 AND pack = ? AND version = ?)`,
      args: [pack, version],
    },
    ...deletions([...batch.removes, ...batch.writes]),
    ...insertions(batch.writes),
    ...heldPaths(batch),
    {
      sql: "UPDATE sync_state SET policy = ?, ledger = ?, towards = ?, version = version + 1 WHERE one = 1",
      args: [stand.policy, stand.ledger, stand.towards ?? null],
    },
  ];
}

/** The rows that the database holds of these files, under the table and id that it holds them by. */
function deletions(changed: Changed[]): Statement[] {
  const keys = new Map<string, string[]>();
  for (const { path, held } of changed) {
    if (!held || !Object.hasOwn(tables, held.table)) continue;
    const list = keys.get(held.table) ?? [];
    list.push(held.table === "reflections" ? held.id : path);
    keys.set(held.table, list);
  }
  return [...keys].map(([table, list]) => ({
    sql: `DELETE FROM ${table} WHERE ${keyOf(table as TableName)} IN (SELECT value FROM json_each(?))`,
    args: [JSON.stringify(list)],
  }));
}

/** The classic table has no column for the path: its id is made of the path instead. */
export const keyOf = (table: TableName) => (table === "reflections" ? "id" : "path");

function insertions(writes: Write[]): Statement[] {
  const rows = new Map<TableName, Value[][]>();
  for (const write of writes) {
    const list = rows.get(write.table) ?? [];
    for (const row of write.rows) list.push(tables[write.table].map((column) => row[column] ?? null));
    rows.set(write.table, list);
  }
  return [...rows].flatMap(([table, list]) => (list.length === 0 ? [] : [fill(table, tables[table], list)]));
}

function heldPaths({ writes, removes }: Batch): Statement[] {
  const statements: Statement[] = [];
  if (removes.length > 0)
    statements.push({
      sql: "DELETE FROM sync_paths WHERE path IN (SELECT value FROM json_each(?))",
      args: [JSON.stringify(removes.map(({ path }) => path))],
    });
  const held = writes.map(({ path, blob, table, id, rows }) => [path, blob, rows.length > 0 ? table : "", id]);
  if (held.length > 0) statements.push(fill("sync_paths", ["path", "blob", "tbl", "id"], held));
  return statements;
}

function fill(table: string, columns: string[], rows: Value[][]): Statement {
  const values = columns.map((_, at) => `value ->> ${at}`).join(", ");
  return {
    sql: `INSERT OR REPLACE INTO ${table} (${columns.join(", ")}) SELECT ${values} FROM json_each(?)`,
    args: [JSON.stringify(rows)],
  };
}
