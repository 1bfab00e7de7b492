// The database under random outages, with a real server: whatever happened to it, nothing reaches the repository, and
// the first sync after it came back brings it to what a rebuild would give, byte for byte. The rows of the catalogue
// of faults stand at each outage. `npm run test:long` plays 2,000 plans.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tips } from "../../src/ports.ts";
import { openStore, type Store } from "../../src/shell/store.ts";
import { takeOut } from "../../src/shell/store-mend.ts";
import { renewal } from "../../src/shell/store-schema.ts";
import { canonicalDump, verify } from "../../src/shell/store-verify.ts";
import { type SyncResult, sync } from "../../src/shell/sync.ts";
import { shard, size, watchProgress } from "../chaos/kit/sizes.ts";
import { everything, makePack, type Pack, reflection, task } from "./pack.ts";
import { type Middle, startProxy } from "./proxy.ts";
import { needs_sqld, no_sqld, type Sqld, startSqld } from "./sqld.ts";

/** In the gate three plans begin with each kind. */
const plans = size(57, 2000);
const packId = "pack";
const soon = () => performance.now() + 20_000;

/** Random numbers that a seed decides (mulberry32). */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Scene {
  pack: Pack;
  /** Commits, oldest first, and what a database rebuilt at each of them holds. */
  history: { tips: Tips; dump: string }[];
  server: Sqld;
  proxy: Middle;
  roll: () => number;
  /** Commit that the plan has reached. */
  at: number;
  /** A copy of the server's data from earlier, and the commit it stood at. */
  copy: string | null;
}

const token = (s: Scene) => s.server.token();
/** One sync as a tick does it, on a connection of its own. */
async function once(
  s: Scene,
  more: { url?: string; token?: string | null; budgetMs?: number; pack?: string; at?: number; rebuild?: boolean } = {},
): Promise<SyncResult> {
  const store = await openStore({
    url: more.url ?? s.server.url,
    token: more.token === null ? undefined : (more.token ?? token(s)),
  });
  const budgetMs = more.budgetMs ?? 20_000;
  const from = performance.now();
  try {
    const { tips } = s.history[more.at ?? s.at] as Scene["history"][number];
    return await sync(store, s.pack.repo, tips, { packId: more.pack ?? packId, budgetMs, rebuild: more.rebuild });
  } finally {
    // A tick never waits longer for the database than it means to, whatever that does.
    expect(performance.now() - from).toBeLessThan(5 * budgetMs);
    store.close();
  }
}

async function hold<T>(s: Scene, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ url: s.server.url, token: token(s) });
  try {
    return await work(store);
  } finally {
    store.close();
  }
}
const sql = (s: Scene, ...all: string[]) =>
  hold(s, (store) =>
    store.write(
      all.map((one) => ({ sql: one })),
      soon(),
    ),
  );
const dump = (s: Scene) => hold(s, (store) => canonicalDump(store));
const degraded = (result: SyncResult, words: RegExp, refused = false) => {
  expect(result).toMatchObject({ state: "degraded", refused });
  expect("why" in result && result.why).toMatch(words);
};
/** A refused sync changes nothing. */
async function untouched(s: Scene, work: () => Promise<void>): Promise<void> {
  const before = await dump(s);
  await work();
  expect(await dump(s)).toBe(before);
}

/** Each outage ends with the server there again; whether a sync got through meanwhile is not told. */
const outages: Record<string, (s: Scene) => Promise<void>> = {
  async "E1 stopped"(s) {
    s.server.process.kill("SIGKILL");
    await delay(20);
    // On a busy machine the time is over before the refusal is there.
    const result = await once(s, { budgetMs: 500 });
    await s.server.restart();
    degraded(result, /does not answer|did not answer|used up/);
  },
  async "E2 accepts and never answers"(s) {
    await s.server.freeze();
    degraded(await once(s, { budgetMs: 300 }), /did not answer|used up/);
    s.server.thaw();
  },
  async "E3 slow"(s) {
    s.proxy.next({ wait: 40 + s.roll() * 160 });
    await once(s, { url: s.proxy.url, budgetMs: 400 });
    s.proxy.next("pass");
  },
  async "E4 token expired, missing or garbage"(s) {
    for (const bad of [s.server.token("rw", -3600), null, "garbage"])
      degraded(await once(s, { token: bad }), /refused the token/);
  },
  async "E5 read-only token"(s) {
    const behind = s.at > 0 && (await dump(s)) !== s.history[s.at]?.dump;
    const result = await once(s, { token: s.server.token("ro") });
    if (behind) degraded(result, /may not write/);
  },
  async "E6 column dropped"(s) {
    await sql(s, "ALTER TABLE tasks DROP COLUMN body");
    const result = await once(s);
    if (result.state === "degraded") degraded(result, /not as towline makes them/);
    // Only a rebuild, which a person asks for, makes tables anew.
    expect(await once(s, { rebuild: true })).toMatchObject({ state: "synced" });
  },
  async "E7 newer schema"(s) {
    await sql(s, "INSERT INTO schema_version (version) VALUES (99)");
    await untouched(s, async () => degraded(await once(s), /has schema 99/, true));
    await untouched(s, async () => degraded(await once(s, { rebuild: true }), /has schema 99/, true));
    await sql(s, "DELETE FROM schema_version WHERE version = 99");
  },
  async "E8 killed in a batch"(s) {
    const going = once(s, { budgetMs: 500 });
    await delay(s.roll() * 60);
    s.server.process.kill("SIGKILL");
    await going;
    await s.server.restart();
  },
  async "E9 answer lost"(s) {
    s.proxy.next("lose-answer", 1 + Math.floor(s.roll() * 3), Math.floor(s.roll() * 8));
    await once(s, { url: s.proxy.url, budgetMs: 2000 });
    s.proxy.next("pass");
  },
  async "E10 another client holds the lock"(s) {
    const { createClient } = await import("@libsql/client");
    const other = createClient({ url: s.server.url, authToken: token(s) });
    const held = await other.transaction("write");
    // A table of its own, which nobody ever sees: after a wipe there is none of ours to write to.
    await held.execute("CREATE TABLE held_by_another (x)");
    await once(s, { budgetMs: 300 });
    await held.rollback();
    other.close();
  },
  async "E12 quota or trouble"(s) {
    s.proxy.next({ status: s.roll() < 0.5 ? 429 : 503 });
    degraded(await once(s, { url: s.proxy.url }), /quota|trouble/);
    s.proxy.next("pass");
  },
  async "E14 old after new"(s) {
    expect(await once(s)).toMatchObject({ state: "synced" });
    await untouched(s, async () => {
      expect(await once(s, { at: Math.floor(s.roll() * s.at) })).toMatchObject({ state: "synced", written: 0 });
    });
  },
  async "E15 wiped"(s) {
    await s.server.restore(null);
  },
  async "E15 restored to yesterday"(s) {
    if (s.copy !== null) await s.server.restore(s.copy);
    else s.copy = await s.server.keep();
  },
  async "E16 rows edited by hand"(s) {
    await once(s);
    await sql(
      s,
      "UPDATE tasks SET title = title || '!' WHERE path IN (SELECT path FROM tasks ORDER BY path LIMIT 2)",
      "DELETE FROM agents",
      "INSERT INTO insights VALUES ('insights/x.md', 'x', 'active', NULL, NULL, NULL, '{}', 'b')",
    );
    const { tips } = s.history[s.at] as Scene["history"][number];
    await hold(s, async (store) => {
      const drift = await verify(store, s.pack.repo, tips, soon());
      expect(drift.map((one) => one.what)).toEqual(expect.arrayContaining(["differs", "extra"]));
      await takeOut(store, packId, drift, soon());
    });
  },
  async "E17 two at once"(s) {
    const older = Math.floor(s.roll() * (s.at + 1));
    const both = await Promise.all([once(s), once(s, { at: older }), once(s)]);
    expect(both.map((one) => one.state)).toEqual(["synced", "synced", "synced"]);
  },
  async "E19 another project's"(s) {
    await once(s);
    await sql(s, "UPDATE sync_state SET pack = 'other'");
    await untouched(s, async () => degraded(await once(s), /belongs to the pack `other`/, true));
    await untouched(s, async () => degraded(await once(s, { rebuild: true }), /belongs to the pack `other`/, true));
    await sql(s, "UPDATE sync_state SET pack = 'pack'");
  },
  async "E20 restarts between calls"(s) {
    const going = once(s, { url: s.proxy.url, budgetMs: 3000 });
    await delay(s.roll() * 40);
    await s.server.restart();
    await going;
  },
  async "a connection that breaks"(s) {
    s.proxy.next("drop", 1 + Math.floor(s.roll() * 3), Math.floor(s.roll() * 6));
    await once(s, { url: s.proxy.url, budgetMs: 2000 });
    s.proxy.next("pass");
  },
};
const kinds = Object.keys(outages);

const refs = (pack: Pack) => pack.git("for-each-ref") + pack.git("status", "--porcelain");

async function play(scene: Omit<Scene, "roll" | "at" | "copy">, seed: number): Promise<string[]> {
  const s: Scene = { ...scene, roll: random(seed), at: 0, copy: null };
  const before = refs(s.pack);
  const said: string[] = [];
  await hold(s, async (store) => store.write(await renewal(packId, 1), soon()));
  for (const _ of [1, 2, 3]) {
    s.at = Math.min(s.history.length - 1, s.at + 1 + Math.floor(s.roll() * 2));
    if (s.roll() < 0.4) await once(s); // a good day in between
    // The first step of each plan goes through all kinds in turn.
    const kind = kinds[said.length === 0 ? seed % kinds.length : Math.floor(s.roll() * kinds.length)] as string;
    said.push(`${kind} at ${s.at}`);
    await outages[kind]?.(s).catch((cause) => {
      throw new Error(`plan ${seed}: ${said.join(", ")}: ${cause.message}`, { cause });
    });
  }
  // It is back: one sync, and it is what a rebuild gives.
  const back = await once(s);
  expect({ seed, said, back }).toMatchObject({ back: { state: "synced" } });
  const same = (await dump(s)) === s.history[s.at]?.dump;
  expect({ seed, said, same }).toEqual({ seed, said, same: true });
  expect(refs(s.pack)).toBe(before);
  return said;
}

describe.skipIf(no_sqld)(no_sqld ? `outages: ${needs_sqld}` : "outages", () => {
  let pack: Pack;
  let server: Sqld;
  let proxy: Middle;
  let folder: string;
  const history: Scene["history"] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "towline-outages-"));
    pack = await makePack();
    server = await startSqld({ jwt: true });
    proxy = await startProxy(server.url);
    const many = (from: number, to: number, title: string) =>
      Object.fromEntries(
        Array.from({ length: to - from }, (_, i) => [`reflections/2026/11/r${from + i}.md`, reflection({ title })]),
      );
    const steps: Record<string, string | null>[] = [
      everything,
      { "tasks/disk.md": task({ title: "Changed" }), ...many(0, 40, "one") },
      { "tasks/disk.md": null, "tasks/moved.md": task(), "agents/scout.md": null }, // E18
      many(20, 60, "two"),
      { "agents/scout.md": everything["agents/scout.md"] as string, "README.md": "x" },
      { "tasks/bad.md": "no frontmatter\n", "pupdates/2026/11/20/t1.ndjson": null, ...many(0, 1100, "three") }, // two batches
      Object.fromEntries(Object.keys(many(0, 1050, "")).map((path) => [path, null])),
    ];
    for (const [at, files] of steps.entries()) {
      const tips = await pack.commit(files);
      const store = await openStore({ url: pathToFileURL(join(folder, `${at}.db`)).href });
      expect(await sync(store, pack.repo, tips, { packId, budgetMs: 20_000 })).toMatchObject({ state: "synced" });
      history.push({ tips, dump: await canonicalDump(store) });
      store.close();
    }
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
    pack?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    `${plans} random plans end as a rebuild would, and none touches the repository`,
    async () => {
      const met = new Map<string, number>();
      let done = 0;
      const end = watchProgress("outages", () => ({ plans: done }));
      for (let seed = shard.index; seed <= plans; seed += shard.count, done++)
        for (const step of await play({ pack, history, server, proxy }, seed)) {
          const kind = step.replace(/ at \d+$/, "");
          met.set(kind, (met.get(kind) ?? 0) + 1);
        }
      end();
      expect([...met.keys()].sort()).toEqual([...kinds].sort());
    },
    plans * 9000,
  );

  test("two seconds an answer: what fits into the budget is kept, and the ticks after it end the work", async () => {
    const s: Scene = { pack, history, server, proxy, roll: random(7), at: 3, copy: null };
    await hold(s, async (store) => store.write(await renewal(packId, 1), soon()));
    proxy.next({ wait: 2000 });
    degraded(await once(s, { url: proxy.url, budgetMs: 5000 }), /did not answer|used up/);
    proxy.next("pass");
    expect(await once(s)).toMatchObject({ state: "synced" });
    expect(await dump(s)).toBe(history[3]?.dump);
  });
});
