// What a tick finds out about the database once a day, by counting.
import { afterEach, expect, test } from "vitest";
import { localDatabase, openStore, type Store } from "../../src/shell/store.ts";
import { sync } from "../../src/shell/sync.ts";
import { compare } from "../../src/shell/sync-compare.ts";
import { everything, makePack, type Pack } from "./pack.ts";

let pack: Pack;
let store: Store;
afterEach(() => {
  store.close();
  pack.remove();
});

test("rows that are gone, old, or of nothing are counted; what is as the records is not", async () => {
  pack = await makePack();
  const tips = await pack.commit(everything);
  store = await openStore(localDatabase(pack.repo.gitDir));
  const by = () => performance.now() + 20_000;
  const hand = (sql: string) => store.write([{ sql }], by());
  const look = () => compare(store, pack.repo, tips, by());
  expect(await sync(store, pack.repo, tips, { packId: "p", budgetMs: 20_000 })).toMatchObject({ state: "synced" });
  const { records, differ } = await look();
  expect(differ).toBe(0);
  expect(records).toBeGreaterThan(8);
  await hand("DELETE FROM tasks WHERE path IN (SELECT path FROM tasks LIMIT 1)");
  expect(await look()).toEqual({ records, differ: 1 });
  await hand("UPDATE sync_paths SET blob = 'old' WHERE tbl = 'hosts'");
  const old = (await look()).differ;
  expect(old).toBeGreaterThan(1);
  await hand(
    "INSERT INTO reflections (id, timestamp, title, body) VALUES ('x', '2026-11-20T00:00:00Z', 'of nothing', '')",
  );
  expect(await look()).toEqual({ records, differ: old + 1 });
  await hand("DELETE FROM sync_paths WHERE tbl = 'jobs'");
  expect((await look()).records).toBe(records);
});
