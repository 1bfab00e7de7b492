// The database as a view of the repository: on a file and on a real server.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { reflectionId, tables } from "../../src/core/rows.ts";
import type { Tips } from "../../src/ports.ts";
import { openStore, type Store } from "../../src/shell/store.ts";
import { StoreFault } from "../../src/shell/store-fault.ts";
import { migrations, renewal } from "../../src/shell/store-schema.ts";
import { canonicalDump, verify } from "../../src/shell/store-verify.ts";
import { sync } from "../../src/shell/sync.ts";
import { ending } from "../../src/shell/sync-batch.ts";
import { everything, makePack, type Pack, reflection, task } from "./pack.ts";
import { needs_sqld, no_sqld, type Sqld, startSqld } from "./sqld.ts";

const soon = () => performance.now() + 20_000;
const options = { packId: "pack", budgetMs: 20_000 };
const open: Store[] = [];
const folders: string[] = [];
const packs: Pack[] = [];

async function pack(over: Parameters<typeof makePack>[0] = {}) {
  const made = await makePack(over);
  packs.push(made);
  return made;
}

const shelf = () => {
  const folder = mkdtempSync(join(tmpdir(), "towline-db-"));
  folders.push(folder);
  return folder;
};

async function fileStore(path = join(shelf(), "a b.db")) {
  const store = await openStore({ url: pathToFileURL(path).href });
  open.push(store);
  return store;
}

afterEach(() => {
  for (const store of open.splice(0)) store.close();
  for (const made of packs.splice(0)) made.remove();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A dump of the same tips in a database of its own. */
async function rebuilt({ repo }: Pack, tips: Tips) {
  const store = await fileStore();
  expect(await sync(store, repo, tips, options)).toMatchObject({ state: "synced" });
  return canonicalDump(store);
}

describe("migrations", () => {
  test("the classic table is printed exactly, and its columns are what rows are made with", async () => {
    const sql = readFileSync(new URL("../../schema/001-reflections.sql", import.meta.url), "utf8");
    expect(/^CREATE TABLE reflections \(\n[\s\S]*?^\);/m.exec(sql)?.[0]).toMatchInlineSnapshot(`
      "CREATE TABLE reflections (
        id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))),
        timestamp TEXT NOT NULL,           -- ISO 8601
        title TEXT NOT NULL,               -- "Built Pico OS Dashboard"
        goal TEXT,                         -- what was I trying to do
        intended_effect TEXT,              -- real-world result expected
        outcome TEXT CHECK(outcome IN ('success', 'partial', 'failure')),
        surprise TEXT,                     -- unexpected finding (most valuable signal)
        technique TEXT,                    -- approach used
        domain TEXT,                       -- AEO, SECURITY, INFRA, SOCIAL, etc.
        body TEXT NOT NULL,                -- full markdown
        session_id TEXT,                   -- for cross-session correlation
        created_at TEXT DEFAULT (datetime('now'))
      );"
    `);
    const made = await pack();
    const store = await fileStore();
    await sync(store, made.repo, await made.repo.local(), options);
    for (const [table, columns] of Object.entries(tables)) {
      const info = await store.read(`SELECT name FROM pragma_table_info('${table}')`, [], soon());
      expect(info.map((column) => column.name)).toEqual(columns);
    }
  });

  test("their numbers have no gap and each says its own", async () => {
    for (const [at, { version, statements }] of (await migrations()).entries()) {
      expect(version).toBe(at + 1);
      expect(statements.at(-1)?.sql).toContain(`VALUES (${version},`);
    }
  });

  test("twice is once; a classic database that is still empty is taken over", async () => {
    const made = await pack();
    const store = await fileStore();
    const [classic] = await migrations();
    await store.write((classic?.statements ?? []).slice(0, 1), soon());
    const tips = await made.commit(everything);
    expect(await sync(store, made.repo, tips, options)).toMatchObject({ state: "synced" });
    const versions = await store.read("SELECT version FROM schema_version ORDER BY version", [], soon());
    expect(versions.map((row) => row.version)).toEqual((await migrations()).map((m) => m.version));
    expect(await sync(store, made.repo, tips, options)).toMatchObject({ state: "synced", written: 0, deleted: 0 });
  });

  test("a database of a newer towline is not written", async () => {
    const made = await pack();
    const store = await fileStore();
    const tips = await made.repo.local();
    await sync(store, made.repo, tips, options);
    await store.write([{ sql: "INSERT INTO schema_version (version) VALUES (99)" }], soon());
    const before = await canonicalDump(store);
    const next = await made.commit(everything);
    const result = await sync(store, made.repo, next, options);
    expect(result).toMatchObject({ state: "degraded", refused: true });
    expect("why" in result && result.why).toContain("schema 99");
    expect(await sync(store, made.repo, next, { ...options, rebuild: true })).toMatchObject({ refused: true });
    expect(await canonicalDump(store)).toBe(before);
  });

  test("another pack's database, and one with rows of someone else, are refused", async () => {
    const made = await pack();
    const store = await fileStore();
    const tips = await made.commit(everything);
    await sync(store, made.repo, tips, options);
    const before = await canonicalDump(store);
    const other = await sync(store, made.repo, tips, { ...options, packId: "other" });
    expect(other).toMatchObject({ state: "degraded", refused: true });
    expect("why" in other && other.why).toContain("belongs to the pack `pack`");
    expect(await sync(store, made.repo, tips, { ...options, packId: "other", rebuild: true })).toMatchObject({
      refused: true,
    });
    expect(await canonicalDump(store)).toBe(before);

    const foreign = await fileStore();
    const [classic] = await migrations();
    await foreign.write(classic?.statements ?? [], soon());
    await foreign.write(
      [{ sql: "INSERT INTO reflections (timestamp, title, body) VALUES ('t', 'mine', 'b')" }],
      soon(),
    );
    expect(await sync(foreign, made.repo, tips, { ...options, rebuild: true })).toMatchObject({ refused: true });
    expect(await foreign.read("SELECT title FROM reflections", [], soon())).toEqual([{ title: "mine" }]);
  });
});

describe("content", () => {
  test("every kind of record has its row; what is no record has none", async () => {
    const made = await pack();
    const store = await fileStore();
    const tips = await made.commit(everything);
    expect(await sync(store, made.repo, tips, options)).toMatchObject({ state: "synced", written: 13, skipped: [] });
    for (const table of Object.keys(tables)) {
      const [{ n } = { n: 0 }] = await store.read(`SELECT count(*) AS n FROM ${table}`, [], soon());
      expect([table, n]).toEqual([table, table === "tasks" || table === "pupdates" ? 2 : 1]);
    }
    const path = "reflections/2026/11/2026-11-20-disk-0123456789.md";
    expect(await store.read("SELECT * FROM reflections", [], soon())).toEqual([
      {
        id: reflectionId(path),
        timestamp: "2026-11-20T08:00:00.000Z",
        title: "Disk report",
        goal: null,
        intended_effect: null,
        outcome: "success",
        surprise: "two disks",
        technique: null,
        domain: "INFRA",
        body: "All of it.\n",
        session_id: "disk-0123456789",
        created_at: "2026-11-20 08:00:00",
      },
    ]);
    const joined = "SELECT p.path FROM reflections r JOIN sync_paths p ON p.tbl = 'reflections' AND p.id = r.id";
    expect(await store.read(joined, [], soon())).toEqual([{ path }]);
    const [job] = await store.read("SELECT took, cost, exit, data ->> '$.run.tick' AS tick FROM jobs", [], soon());
    expect(job).toEqual({ took: 1.5, cost: 0.02, exit: 0, tick: "t1" });
  });

  test("a broken record is left out and named; its old row goes, and comes back when it is mended", async () => {
    const made = await pack();
    const store = await fileStore();
    await sync(store, made.repo, await made.commit({ "tasks/a.md": task(), "tasks/b.md": task() }), options);
    const broken = await made.commit({
      "tasks/a.md": "---js\n{}\n---\n",
      "pupdates/2026/11/20/t.ndjson": 'nonsense\n{"id":"x"}\n',
    });
    const result = await sync(store, made.repo, broken, options);
    expect(result).toMatchObject({ state: "synced", written: 2 });
    expect("skipped" in result && result.skipped.map((p) => `${p.path}:${p.line}`)).toEqual([
      "pupdates/2026/11/20/t.ndjson:1",
      "pupdates/2026/11/20/t.ndjson:2",
      "tasks/a.md:1",
    ]);
    expect(await store.read("SELECT id FROM tasks", [], soon())).toEqual([{ id: "b" }]);
    expect(await canonicalDump(store)).toBe(await rebuilt(made, broken));
    const mended = await made.commit({ "tasks/a.md": task() });
    await sync(store, made.repo, mended, options);
    expect(await canonicalDump(store)).toBe(await rebuilt(made, mended));
  });

  test("hostile text is a value and nothing else; a value over 1 MiB is cut with a pointer", async () => {
    const made = await pack();
    const store = await fileStore();
    const evil = "'); DROP TABLE reflections; -- \u{1f99e} ?1 :x @y $z";
    const long = "\u20ac".repeat(500_000);
    const tips = await made.commit({
      "reflections/2026/11/a.md": reflection({ title: JSON.stringify(evil) }, evil),
      "reflections/2026/11/b.md": reflection({}, long),
    });
    await sync(store, made.repo, tips, options);
    const rows = await store.read("SELECT title, body FROM reflections ORDER BY length(body)", [], soon());
    expect(rows[0]).toEqual({ title: evil, body: `${evil}\n` });
    const body = String(rows[1]?.body);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1 << 20);
    expect(body.endsWith("[cut here: the whole text is in reflections/2026/11/b.md]")).toBe(true);
    expect(await verify(store, made.repo, tips, soon())).toEqual([]);
  });
});

const kinds: [string, boolean, () => Promise<Store>][] = [["file", false, () => fileStore()]];
let server: Sqld;
kinds.push([
  no_sqld ? `sqld: ${needs_sqld}` : "sqld",
  no_sqld,
  async () => {
    await server.restart();
    const store = await openStore({ url: server.url });
    open.push(store);
    await store.write(await renewal("pack", 1), soon());
    return store;
  },
]);

beforeAll(async () => {
  if (!no_sqld) server = await startSqld();
});
afterAll(async () => {
  await server?.stop();
});

describe.each(kinds)("incremental and rebuilt are the same bytes: %s", (_, absent, fresh) => {
  test.skipIf(absent)(
    "over additions, changes, renames, deletions, and commits that change nothing of ours",
    async () => {
      const made = await pack();
      const store = await fresh();
      const steps: Record<string, string | null>[] = [
        everything,
        { "tasks/disk.md": task({ title: "Changed" }), "tasks/new.md": task() },
        { "tasks/new.md": null, "tasks/moved.md": task(), "README.md": "x" },
        { "README.md": "y" },
        {
          "reflections/2026/11/2026-11-20-disk-0123456789.md": null,
          "reflections/2026/12/2026-11-20-disk-0123456789.md": reflection({ title: "Moved" }),
        },
        { "pupdates/2026/11/20/t1.ndjson": null, "queue/look-q0a1b2c3d.md": null, "agents/scout.md": null },
        { "agents/scout.md": everything["agents/scout.md"] as string },
      ];
      for (const files of steps) {
        const tips = await made.commit(files);
        expect(await sync(store, made.repo, tips, options)).toMatchObject({ state: "synced", skipped: [] });
        expect(await canonicalDump(store)).toBe(await rebuilt(made, tips));
        expect(await verify(store, made.repo, tips, soon())).toEqual([]);
      }
    },
  );

  test.skipIf(absent)("when the ledger has a branch of its own", async () => {
    const made = await pack({ ledgerBranch: "towline" });
    const store = await fresh();
    const policy = (path: string) => /^(agents|hosts|rules|insights|learnings|skills|tasks)\//.test(path);
    const of = (wanted: boolean) =>
      Object.fromEntries(Object.entries(everything).filter(([p]) => policy(p) === wanted));
    await made.commit(of(true));
    // A stray copy on the other branch is not read.
    await made.commit({ "jobs/2026/11/20/stray.md": everything["jobs/2026/11/20/disk-0123456789.md"] as string });
    const tips = await made.commit({ ...of(false), "tasks/stray.md": task() }, "towline");
    expect(await sync(store, made.repo, tips, options)).toMatchObject({ state: "synced", written: 13 });
    const next = await made.commit({ "status/disk.md": null }, "towline");
    expect(await sync(store, made.repo, next, options)).toMatchObject({ state: "synced", written: 0, deleted: 1 });
    expect(await canonicalDump(store)).toBe(await rebuilt(made, next));
  });

  test.skipIf(absent)("after a rewritten history", async () => {
    const made = await pack();
    const store = await fresh();
    await sync(store, made.repo, await made.commit(everything), options);
    made.git("checkout", "-q", "--orphan", "again");
    made.git("commit", "-q", "-m", "new root");
    made.git("branch", "-M", "again", "main");
    const tips = await made.commit({ "tasks/disk.md": null, "tasks/other.md": task() });
    made.git("reflog", "expire", "--expire=now", "--all");
    made.git("gc", "-q", "--prune=now");
    expect(await sync(store, made.repo, tips, options)).toMatchObject({ state: "synced", written: 1, deleted: 1 });
    expect(await canonicalDump(store)).toBe(await rebuilt(made, tips));
  });

  test.skipIf(absent)("after an interruption in the middle, towards commits that never were", async () => {
    const made = await pack();
    const store = await fresh();
    await sync(store, made.repo, await made.commit(everything), options);
    const many = Object.fromEntries([...Array(2500).keys()].map((i) => [`reflections/2026/11/r${i}.md`, reflection()]));
    const big = await made.commit(many);
    let writes = 0;
    const dying: Store = {
      ...store,
      write: async (statements, by) => {
        if (writes++ === 2) throw new Error("pulled the plug");
        return store.write(statements, by);
      },
    };
    const cut = await sync(dying, made.repo, big, options);
    expect(cut).toMatchObject({ state: "degraded", refused: false, written: 2000 });
    expect("why" in cut && cut.why).toContain("2000 records were written");
    const next = await made.commit(
      Object.fromEntries(
        Object.keys(many)
          .slice(0, 1200)
          .map((path) => [path, null]),
      ),
    );
    expect(await sync(store, made.repo, next, options)).toMatchObject({ state: "synced" });
    expect(await canonicalDump(store)).toBe(await rebuilt(made, next));
  });

  test.skipIf(absent)("after an answer that got lost on its way back", async () => {
    const made = await pack();
    const store = await fresh();
    const tips = await made.commit(everything);
    const losing = (fault: StoreFault): Store => ({
      ...store,
      write: async (statements, by) => {
        await store.write(statements, by);
        throw fault;
      },
    });
    await sync(store, made.repo, await made.repo.local(), options);
    const next = await made.commit({ "tasks/disk.md": task({ title: "Lost" }) });
    const lost = await sync(losing(new StoreFault("down", "gone")), made.repo, next, options);
    expect(lost).toMatchObject({ state: "degraded", why: "gone" });
    expect(await sync(store, made.repo, next, options)).toMatchObject({ state: "synced", written: 0, deleted: 0 });
    // The store's own second try finds its first one there.
    const last = await made.commit({ "tasks/disk.md": null });
    const twice = await sync(losing(new StoreFault("conflict", "was faster")), made.repo, last, options);
    expect(twice).toMatchObject({ state: "synced" });
    expect(tips.policy).not.toBe(last.policy);
    expect(await canonicalDump(store)).toBe(await rebuilt(made, last));
  });

  test.skipIf(absent)("a batch made for another version or another pack writes nothing", async () => {
    const made = await pack();
    const store = await fresh();
    await sync(store, made.repo, await made.commit(everything), options);
    const before = await canonicalDump(store);
    const [{ version } = { version: 0 }] = await store.read("SELECT version FROM sync_state", [], soon());
    const none = { writes: [], removes: [{ path: "tasks/disk.md", blob: null, held: { table: "tasks", id: "disk" } }] };
    const stand = { policy: null, ledger: null };
    for (const [name, at] of [
      ["pack", Number(version) - 1],
      ["pack", Number(version) + 1],
      ["other", Number(version)],
    ] as const)
      await expect(store.write(ending(none, name, at, stand), soon())).rejects.toMatchObject({ kind: "conflict" });
    expect(await canonicalDump(store)).toBe(before);
    await store.write(ending(none, "pack", Number(version), stand), soon());
    expect(await canonicalDump(store)).not.toBe(before);
  });

  test.skipIf(absent)("two syncs at once, of the same and of different commits", async () => {
    const made = await pack();
    const store = await fresh();
    const many = (n: number, title: string) =>
      Object.fromEntries([...Array(n).keys()].map((i) => [`reflections/2026/11/r${i}.md`, reflection({ title })]));
    const first = await made.commit(many(1500, "one"));
    const second = store.place.startsWith("/") ? await fileStore(store.place) : await openStore({ url: server.url });
    open.push(second);
    const both = await Promise.all([sync(store, made.repo, first, options), sync(second, made.repo, first, options)]);
    expect(both.map((r) => r.state)).toEqual(["synced", "synced"]);
    expect(await canonicalDump(store)).toBe(await rebuilt(made, first));
    const later = await made.commit(many(2500, "two"));
    await Promise.all([sync(store, made.repo, first, options), sync(second, made.repo, later, options)]);
    expect(await canonicalDump(store)).toBe(await rebuilt(made, later));
    // The slower tick comes last: the database stays where the faster one brought it.
    expect(await sync(store, made.repo, first, options)).toMatchObject({ state: "synced", written: 0 });
    expect(await canonicalDump(store)).toBe(await rebuilt(made, later));
    expect(await sync(store, made.repo, first, { ...options, fresh: true })).toMatchObject({ state: "synced" });
    expect(await canonicalDump(store)).toBe(await rebuilt(made, first));
  });

  test.skipIf(absent)("changes by hand are found, and a rebuild mends them", async () => {
    const made = await pack();
    const store = await fresh();
    const tips = await made.commit(everything);
    await sync(store, made.repo, tips, options);
    const good = await canonicalDump(store);
    await store.write(
      [
        { sql: "UPDATE reflections SET outcome = 'failure', surprise = NULL" },
        { sql: "DELETE FROM jobs" },
        { sql: "INSERT INTO insights VALUES ('insights/x.md', 'x', 'active', NULL, NULL, NULL, '{}', 'b')" },
      ],
      soon(),
    );
    expect(await verify(store, made.repo, tips, soon())).toEqual([
      { table: "insights", of: "insights/x.md", what: "extra", columns: [] },
      { table: "jobs", of: "jobs/2026/11/20/disk-0123456789.md", what: "missing", columns: [] },
      {
        table: "reflections",
        of: "reflections/2026/11/2026-11-20-disk-0123456789.md",
        what: "differs",
        columns: ["outcome", "surprise"],
      },
    ]);
    expect(await sync(store, made.repo, tips, { ...options, rebuild: true })).toMatchObject({ state: "synced" });
    expect(await canonicalDump(store)).toBe(good);
    await store.write([{ sql: "ALTER TABLE tasks DROP COLUMN body" }, { sql: "DROP TABLE jobs" }], soon());
    const next = await made.commit({ "tasks/disk.md": task({ title: "x" }) });
    const result = await sync(store, made.repo, next, options);
    expect(result).toMatchObject({ state: "degraded", refused: false });
    expect("why" in result && result.why).toContain("not as towline makes them");
    await sync(store, made.repo, next, { ...options, rebuild: true });
    expect(await canonicalDump(store)).toBe(await rebuilt(made, next));
  });
});
