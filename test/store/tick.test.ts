// Whole ticks beside a database that is away, hangs or refuses: the markdown is what it is without a database.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/shell/clock.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { openStore, type StoreOptions } from "../../src/shell/store.ts";
import { canonicalDump, verify } from "../../src/shell/store-verify.ts";
import { sync } from "../../src/shell/sync.ts";
import { machine } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { freePort, needs_sqld, no_sqld, type Sqld, startSqld } from "./sqld.ts";

const hours = ["10:10", "11:10", "12:10"];
const script = (job: string) => ({ stdout: `answer of ${job}\n`, at: "2026-11-20T10:00:00Z" });

interface Lived {
  pack: TestPack;
  /** Path → text, with the random ids of ticks left out. */
  files: Record<string, string>;
  degraded: string[];
  /** Milliseconds of the slowest tick. */
  slowest: number;
}

async function live(database?: (hour: number) => StoreOptions | Promise<StoreOptions>): Promise<Lived> {
  const machines = { ann: machine() };
  const pack = testPack({
    ...basics(["ann"]),
    "tasks/hourly.md": md("title: Hourly\nevery: 1h", "x"),
    "tasks/once.md": md("title: Once", "x"),
    "tasks/lost.md": md("title: Nowhere\nhosts: no-such", "x"),
  });
  const degraded: string[] = [];
  let slowest = 0;
  for (const [at, hour] of hours.entries()) {
    if (at === 1) pack.push({ "tasks/once.md": null, "tasks/again.md": md("title: Again", "x") });
    const options = await database?.(at);
    const from = performance.now();
    const outcome = await runTick(pack.clone, machines, script, {
      now: `2026-11-20T${hour}:00Z`,
      after: (repo) =>
        options === undefined
          ? []
          : [
              {
                name: "sync",
                run: async (state) => {
                  const store = await openStore(options);
                  const result = await sync(store, repo, state.tips, { packId: state.settings.id });
                  store.close();
                  return result.state === "synced" ? {} : { degraded: result.why };
                },
              },
            ],
    });
    slowest = Math.max(slowest, performance.now() - from);
    degraded.push(...outcome.degraded);
  }
  const steady = (text: string) => text.replace(/\b\d{8}t\d{6}-[0-9a-f]{8}\b/g, "TICK");
  const paths = pack.at("ls-tree", "-r", "-z", "--name-only", "main").split("\0").filter(Boolean);
  const files = Object.fromEntries(paths.map((path) => [steady(path), steady(pack.file(path))]));
  return { pack, files, degraded, slowest };
}

describe.skipIf(no_sqld)(no_sqld ? `ticks beside a database: ${needs_sqld}` : "ticks beside a database", () => {
  let server: Sqld;
  let alone: Lived;
  const lives: Lived[] = [];
  const lived = async (database?: Parameters<typeof live>[0]) => {
    const one = await live(database);
    lives.push(one);
    return one;
  };
  beforeAll(async () => {
    server = await startSqld({ jwt: true });
    alone = await lived();
  });
  afterAll(async () => {
    await server?.stop();
    for (const { pack } of lives) pack.remove();
  });
  const good = () => ({ url: server.url, token: server.token() });

  test("whatever it does, the records are the same, and its return brings it up to date in one sync", async () => {
    const nobody = { url: `http://127.0.0.1:${await freePort()}`, token: "t" };
    const bad: [string, () => StoreOptions | Promise<StoreOptions>, RegExp][] = [
      ["stopped", () => nobody, /does not answer/],
      ["expired", () => ({ url: server.url, token: server.token("rw", -3600) }), /refused the token/],
      ["read-only", () => ({ url: server.url, token: server.token("ro") }), /may not write/],
    ];
    for (const [name, options, words] of bad) {
      await server.restore(null);
      const one = await lived((hour) => (hour === 1 ? options() : good()));
      expect({ name, files: one.files }).toEqual({ name, files: alone.files });
      expect({ name, degraded: one.degraded }).toEqual({ name, degraded: [expect.stringMatching(words)] });
      const store = await openStore(good());
      const { repo, tips } = await openOrigin(one.pack.clone, {
        env: process.env,
        clock: systemClock(),
        secrets: noSecrets,
      });
      expect(await verify(store, repo, tips, performance.now() + 20_000)).toEqual([]);
      expect(await canonicalDump(store)).toContain("hourly");
      store.close();
    }
  });

  test("a server that hangs costs a tick five seconds at most", async () => {
    await server.restore(null);
    const one = await lived(async (hour) => {
      if (hour === 1) await server.freeze();
      else server.thaw();
      return good();
    });
    server.thaw();
    expect(one.files).toEqual(alone.files);
    expect(one.degraded).toEqual([expect.stringMatching(/did not answer/)]);
    // A hang limit: five times the budget and what a tick takes by itself.
    expect(one.slowest).toBeLessThan(5 * (alone.slowest + 5000));
  });
});
