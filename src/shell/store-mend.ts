// Rows that differ from their records are taken out, and what the database says it holds of them, too: the next sync
// compares files instead of commits and writes them anew. Nothing else is touched.
import { isLines, reflectionId, tables, type Value } from "../core/rows.ts";
import type { Statement, Store } from "./store.ts";
import { StoreFault } from "./store-fault.ts";
import { readMark } from "./store-schema.ts";
import type { Drift } from "./store-verify.ts";
import { ending } from "./sync-batch.ts";

/** One batch, all or nothing. Throws StoreFault; `conflict` when another sync was faster. */
export async function takeOut(store: Store, pack: string, drift: Drift[], by: number): Promise<void> {
  const mark = await readMark(store, pack, by);
  if (!mark) throw new StoreFault("schema", "the database has lost its mark: rebuild it");
  const none = { writes: [], removes: [] };
  const stand = { policy: mark.policy, ledger: mark.ledger, towards: "mending" };
  const [guard, ...rest] = ending(none, pack, mark.version, stand);
  await store.write([guard as Statement, ...drift.flatMap(removal), ...rest], by);
}

/** The rows go, not only the note that they are held: their records may be gone by the time of the next sync. */
function removal({ table, of, what }: Drift): Statement[] {
  const held = (path: string) => ({ sql: "DELETE FROM sync_paths WHERE path = ?", args: [path] });
  const gone = (key: string, ...args: Value[]) => ({ sql: `DELETE FROM ${table} WHERE ${key}`, args });
  if (!Object.hasOwn(tables, table)) return table === "sync_paths" ? [held(of)] : [];
  // A row that no record is behind is named by its own key, any other by the path of its record.
  if (table === "reflections") return [gone("id = ?", what === "extra" ? of : reflectionId(of)), held(of)];
  const line = isLines(table) && what === "extra" ? /^(.*) line (\d+)$/s.exec(of) : null;
  if (line) return [gone("path = ? AND line = ?", line[1] as string, Number(line[2])), held(line[1] as string)];
  return [gone("path = ?", of), held(of)];
}
