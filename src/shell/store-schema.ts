// Brings a database to our schema, and says whose it is. Never touches a database that is not this pack's.
import { readdir, readFile } from "node:fs/promises";
import { tables } from "../core/rows.ts";
import type { Statement, Store } from "./store.ts";
import { StoreFault } from "./store-fault.ts";

export interface Migration {
  version: number;
  name: string;
  statements: Statement[];
}

/** What the database says of itself. */
export interface Mark {
  pack: string;
  policy: string | null;
  ledger: string | null;
  /** Set: a sync was interrupted, rows of several commits stand side by side. */
  towards: string | null;
  /** Changes with every batch. */
  version: number;
}

const folder = new URL("../../schema/", import.meta.url);

/** The numbered migrations, in order. */
export async function migrations(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{3}-[a-z-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => ({
      version: Number(name.slice(0, 3)),
      name,
      statements: statementsOf(await readFile(new URL(name, folder), "utf8")),
    })),
  );
}

/** Each statement ends with `;` at a line's end. Tables that are there already are left as they are. */
export function statementsOf(sql: string): Statement[] {
  return sql
    .replace(/^--.*$/gm, "")
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "")
    .map((statement) => ({ sql: statement.replace(/^CREATE (TABLE|INDEX) (?!IF )/, "CREATE $1 IF NOT EXISTS ") }));
}

/** The database's mark, or null when it has none yet. Throws when it belongs to another pack or to a newer towline. */
export async function readMark(store: Store, pack: string, by: number): Promise<Mark | null> {
  const names = await tableNames(store, by);
  if (names.has("schema_version")) await refuseNewer(store, by);
  const [mark] = names.has("sync_state")
    ? await store.read("SELECT pack, policy, ledger, towards, version FROM sync_state WHERE one = 1", [], by)
    : [];
  if (!mark) {
    if (names.has("reflections")) await refuseForeign(store, by);
    return null;
  }
  // Filled before the pack's first tick, when it had no more than the `id` of its settings.
  if (mark.pack !== pack && pack.startsWith(`${mark.pack}-`)) return takeOver(store, mark as unknown as Mark, pack, by);
  if (mark.pack !== pack)
    throw new StoreFault(
      "foreign",
      `the database belongs to the pack \`${mark.pack}\`, this is \`${pack}\`: use a database of its own`,
    );
  return mark as unknown as Mark;
}

async function takeOver(store: Store, mark: Mark, pack: string, by: number): Promise<Mark> {
  const args = [pack, mark.pack];
  await store.write([{ sql: "UPDATE sync_state SET pack = ? WHERE one = 1 AND pack = ?", args }], by);
  return { ...mark, pack };
}

async function tableNames(store: Store, by: number): Promise<Set<string>> {
  const rows = await store.read("SELECT name FROM sqlite_master WHERE type = 'table'", [], by);
  return new Set(rows.map((row) => String(row.name)));
}

async function refuseNewer(store: Store, by: number): Promise<void> {
  const [row] = await store.read("SELECT max(version) AS version FROM schema_version", [], by);
  const known = (await migrations()).at(-1)?.version ?? 0;
  if (Number(row?.version ?? 0) > known)
    throw new StoreFault(
      "foreign",
      `the database has schema ${row?.version}, this towline knows ${known}: update towline; nothing was written`,
    );
}

/** Rows that no sync wrote are someone's own: a database with such rows is not taken over. */
async function refuseForeign(store: Store, by: number): Promise<void> {
  const [row] = await store.read("SELECT EXISTS (SELECT 1 FROM reflections) AS found", [], by);
  if (row?.found === 1)
    throw new StoreFault(
      "foreign",
      "the database holds reflections that towline did not write: use an empty database; nothing was written",
    );
}

/** Applies what is missing, and puts the pack's mark in. Doing it twice, or two at once, changes nothing. */
export async function migrate(store: Store, pack: string, by: number): Promise<Mark> {
  for (let tries = 1; ; tries++) {
    const before = await readMark(store, pack, by);
    const applied = await appliedVersions(store, by);
    const missing = (await migrations()).filter((migration) => !applied.has(migration.version));
    if (before && missing.length === 0) return before;
    try {
      await store.write([...missing.flatMap((migration) => migration.statements), claim(pack, 1)], by);
    } catch (thrown) {
      if (tries > 2 || !(thrown instanceof StoreFault) || thrown.kind !== "conflict") throw thrown;
    }
  }
}

async function appliedVersions(store: Store, by: number): Promise<Set<number>> {
  if (!(await tableNames(store, by)).has("schema_version")) return new Set();
  return new Set((await store.read("SELECT version FROM schema_version", [], by)).map((row) => Number(row.version)));
}

const claim = (pack: string, version: number): Statement => ({
  sql: "INSERT OR IGNORE INTO sync_state (one, pack, version) VALUES (1, ?, ?)",
  args: [pack, version],
});

/** Statements that make the database new: all our tables dropped and made again, still marked as this pack's. */
export async function renewal(pack: string, version: number): Promise<Statement[]> {
  const names = [...Object.keys(tables), "sync_paths", "sync_state", "schema_version"];
  return [
    ...names.map((name) => ({ sql: `DROP TABLE IF EXISTS ${name}` })),
    ...(await migrations()).flatMap((migration) => migration.statements),
    claim(pack, version),
  ];
}
