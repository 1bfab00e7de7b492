// A database that is down, slow, hanging, refusing or held: the tick goes on within its budget, and no secret gets out.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createClient } from "@libsql/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tips } from "../../src/ports.ts";
import { openStore } from "../../src/shell/store.ts";
import { redact } from "../../src/shell/store-fault.ts";
import { canonicalDump } from "../../src/shell/store-verify.ts";
import { type SyncResult, sync } from "../../src/shell/sync.ts";
import { everything, makePack, type Pack, task } from "./pack.ts";
import { freePort, needs_sqld, no_sqld, type Sqld, startSqld } from "./sqld.ts";

const packId = "pack";
let pack: Pack;
let tips: Tips;
let folder: string;

beforeAll(async () => {
  pack = await makePack();
  tips = await pack.commit(everything);
  folder = mkdtempSync(join(tmpdir(), "towline-faults-"));
});
afterAll(() => {
  pack.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** One sync as a tick does it, with the default budget unless told; asserts that it kept it. */
async function degraded(url: string, token: string | undefined, budgetMs = 1500): Promise<string> {
  const store = await openStore({ url, token });
  const before = performance.now();
  const result = await sync(store, pack.repo, tips, { packId, budgetMs });
  const took = performance.now() - before;
  store.close();
  expect(result.state).toBe("degraded");
  expect(took).toBeLessThan(5 * budgetMs);
  return (result as Extract<SyncResult, { state: "degraded" }>).why;
}

describe("faults", () => {
  test("nobody listens", async () => {
    expect(await degraded(`http://127.0.0.1:${await freePort()}`, "tok")).toMatch(/does not answer \(ECONNREFUSED\)/);
  });

  test("no such name, no such scheme, no folder, not a database", async () => {
    expect(await degraded("libsql://no-such-host.invalid", "tok")).toMatch(/does not answer/);
    expect(await degraded("gopher://x", "tok")).not.toContain("gopher://");
    const junk = join(folder, "junk");
    writeFileSync(junk, "not a database at all\n".repeat(100));
    expect(await degraded(pathToFileURL(join(junk, "x.db")).href, undefined)).toMatch(/the database said/);
    expect(await degraded(pathToFileURL(junk).href, undefined)).toMatch(/file is not a database/);
  });

  test("an address with a token in it: neither shows in the text", async () => {
    const why = await degraded(`http://user:hunter22@127.0.0.1:${await freePort()}/?authToken=canary99`, "canary77");
    expect(why).not.toMatch(/hunter22|canary|127\.0\.0\.1/);
  });

  describe("a server that takes the connection and never answers", () => {
    let hole: Server;
    let port: number;
    beforeAll(async () => {
      hole = createServer(() => {});
      await new Promise<void>((resolve) => void hole.listen(0, "127.0.0.1", resolve));
      port = (hole.address() as { port: number }).port;
    });
    afterAll(() => void hole.close());

    test("over http", async () => {
      expect(await degraded(`http://127.0.0.1:${port}`, "tok")).toMatch(/did not answer/);
    });
    test("over ws", async () => {
      expect(await degraded(`ws://127.0.0.1:${port}`, "tok")).toMatch(/did not answer/);
    });
    test("with the default budget it takes five seconds", async () => {
      await degraded(`http://127.0.0.1:${port}`, "tok", 5000);
    });
  });

  test("a file that another process holds", async () => {
    const url = pathToFileURL(join(folder, "held.db")).href;
    const store = await openStore({ url });
    expect(await sync(store, pack.repo, tips, { packId })).toMatchObject({ state: "synced" });
    store.close();
    // In a process of its own: file locks do not hold a process off from itself.
    const hold = `const { DatabaseSync } = require("node:sqlite"); const db = new DatabaseSync(process.argv[1]);
      db.exec("BEGIN IMMEDIATE"); console.log("held"); setTimeout(() => {}, 60_000);`;
    const holder = spawn(process.execPath, ["-e", hold, join(folder, "held.db")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    tips = await pack.commit({ "tasks/held.md": task() });
    expect(await degraded(url, undefined)).toMatch(/another process holds/);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const again = await openStore({ url });
    expect(await sync(again, pack.repo, tips, { packId })).toMatchObject({ state: "synced", written: 1 });
    again.close();
  });

  test.each([
    [429, /quota is used up \(HTTP 429\)/],
    [503, /in trouble \(HTTP 503\)/],
  ])("a server that says %i", async (status, why) => {
    const server = createHttpServer((_, answer) => void answer.writeHead(status).end("no"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    expect(await degraded(`http://127.0.0.1:${(server.address() as { port: number }).port}`, "tok")).toMatch(why);
    server.closeAllConnections();
    server.close();
  });

  test("the repository itself failing is not thrown into the tick either", async () => {
    const store = await openStore({ url: pathToFileURL(join(folder, "norepo.db")).href });
    const unknown = { policy: "0".repeat(40), ledger: "0".repeat(40) };
    expect(await sync(store, pack.repo, unknown, { packId })).toMatchObject({ state: "degraded", refused: false });
    store.close();
  });

  test("redaction", () => {
    expect(redact("bad http://a:b@c/x?authToken=y and eyJhbGciOi.eyJh.sig", [])).toBe("bad … and …");
    expect(redact("token=secret99 authToken: zzzz", ["secret99"])).toBe("token=… authToken: …");
  });
});

describe.skipIf(no_sqld)(no_sqld ? `a real server: ${needs_sqld}` : "a real server", () => {
  let open: Sqld;
  let locked: Sqld;
  beforeAll(async () => {
    [open, locked] = await Promise.all([startSqld(), startSqld({ jwt: true })]);
  });
  afterAll(async () => {
    await Promise.all([open.stop(), locked.stop()]);
  });

  test("stopped: degraded in time; continued: the next sync catches up", async () => {
    const store = await openStore({ url: open.url });
    expect(await sync(store, pack.repo, tips, { packId })).toMatchObject({ state: "synced" });
    await open.freeze();
    tips = await pack.commit({ "tasks/stopped.md": task() });
    expect(await degraded(open.url, undefined)).toMatch(/did not answer/);
    open.thaw();
    expect(await sync(store, pack.repo, tips, { packId })).toMatchObject({ state: "synced" });
    const [row] = await store.read(
      "SELECT count(*) AS n FROM tasks WHERE id = 'stopped'",
      [],
      performance.now() + 5000,
    );
    expect(row).toEqual({ n: 1 });
    store.close();
  });

  test("restarted between two calls: the connection is made anew", async () => {
    const store = await openStore({ url: open.url });
    await sync(store, pack.repo, tips, { packId });
    const before = await canonicalDump(store);
    await open.restart();
    expect(await sync(store, pack.repo, tips, { packId })).toMatchObject({ state: "synced", written: 0 });
    expect(await canonicalDump(store)).toBe(before);
    store.close();
  });

  test("killed in the middle of a sync: all or nothing, and the next one ends it", async () => {
    const many = Object.fromEntries([...Array(6000).keys()].map((i) => [`tasks/k${i}.md`, task({ title: `t${i}` })]));
    tips = await pack.commit(many);
    const store = await openStore({ url: open.url });
    const going = sync(store, pack.repo, tips, { packId, budgetMs: 4000 });
    await new Promise((r) => setTimeout(r, 250));
    open.process.kill("SIGKILL");
    expect((await going).state).toBe("degraded");
    await open.restart();
    expect(await sync(store, pack.repo, tips, { packId, budgetMs: 20_000 })).toMatchObject({ state: "synced" });
    const fresh = await openStore({ url: pathToFileURL(join(folder, "k.db")).href });
    await sync(fresh, pack.repo, tips, { packId, budgetMs: 20_000 });
    expect(await canonicalDump(store)).toBe(await canonicalDump(fresh));
    fresh.close();
    store.close();
    tips = await pack.commit(Object.fromEntries(Object.keys(many).map((path) => [path, null])));
  });

  test("another client's open transaction: waited for in time, then left to the next sync", async () => {
    const store = await openStore({ url: open.url });
    expect(await sync(store, pack.repo, tips, { packId })).toMatchObject({ state: "synced" });
    const other = createClient({ url: open.url });
    const held = await other.transaction("write");
    await held.execute("INSERT INTO schema_version (version) VALUES (-1)");
    tips = await pack.commit({ "tasks/waiting.md": task() });
    expect(await degraded(open.url, undefined)).toMatch(/did not answer|another process holds/);
    await held.rollback();
    other.close();
    expect(await sync(store, pack.repo, tips, { packId, budgetMs: 15_000 })).toMatchObject({ state: "synced" });
    store.close();
  });

  test("tokens: right, missing, garbage, expired, read-only", async () => {
    const right = await openStore({ url: locked.url, token: locked.token() });
    expect(await sync(right, pack.repo, tips, { packId })).toMatchObject({ state: "synced" });
    expect(await degraded(locked.url, undefined)).toMatch(/HTTP 401/);
    expect(await degraded(locked.url, "garbage-canary")).toMatch(/HTTP 401/);
    const expired = locked.token("rw", -3600);
    const said = await degraded(locked.url, expired);
    expect(said).toMatch(/HTTP 401.*expired/);
    expect(said).not.toContain(expired.slice(0, 12));
    tips = await pack.commit({ "tasks/ro.md": task() });
    expect(await degraded(locked.url, locked.token("ro"))).toMatch(/may not write.*HTTP 403/);
    expect(await sync(right, pack.repo, tips, { packId })).toMatchObject({ state: "synced", written: 1 });
    right.close();
  });

  test("over ws as well", async () => {
    const store = await openStore({ url: open.url.replace("http:", "ws:") });
    expect(await sync(store, pack.repo, tips, { packId, budgetMs: 20_000 })).toMatchObject({ state: "synced" });
    store.close();
  });
});
