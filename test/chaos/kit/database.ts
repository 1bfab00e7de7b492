// A real sqld behind our proxy, which ends a ticker in the midst of the batch that brings the records.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { createClient, type Transaction } from "@libsql/client";
import { systemClock } from "../../../src/shell/clock.ts";
import { openOrigin } from "../../../src/shell/pack.ts";
import { noSecrets } from "../../../src/shell/secrets.ts";
import { openStore } from "../../../src/shell/store.ts";
import { canonicalDump } from "../../../src/shell/store-verify.ts";
import { sync } from "../../../src/shell/sync.ts";
import { startSqld } from "../../store/sqld.ts";
import { type Behaviour, raiseProxy, type Wire } from "./proxy.ts";

export interface Database {
  /** Where tickers find it. */
  env: Record<string, string>;
  /** The next batch of records meets this step; `kill` ends its ticker. Answers what ends the waiting for it. */
  arm(step: string, kill: () => void): () => Promise<void>;
  /** What a rebuild from this clone's origin would hold otherwise; null: it is the same. */
  unlike(clone: string): Promise<string | null>;
  stop(): Promise<void>;
}

/** Only the statements that end a batch of records hold this. */
const mark = "UPDATE sync_state SET policy";

interface Armed {
  step: string;
  kill(): void;
  /** Takes the write lock: a batch that comes now is with the server, and not done, for as long as we like. */
  hold(): Promise<void>;
}

function behave(armed: () => Armed | undefined, spent: () => void): Behaviour {
  let held: Buffer[] = [];
  let quiet: NodeJS.Timeout | undefined;
  let deaf: Armed | undefined;
  let inside: NodeJS.Timeout | undefined;
  const strike = async (wire: Wire, { step, kill, hold }: Armed) => {
    const whole = Buffer.concat(held);
    if (step === "sync:request") {
      wire.toServer(whole.subarray(0, Math.floor(whole.length / 2)));
      kill();
    } else {
      if (step === "sync:batch") await hold().catch(() => {}); // without it the server answers, and nothing is counted
      wire.toServer(whole);
      if (step === "sync:batch") inside = setTimeout(kill, 30);
    }
  };
  return {
    client(bytes, wire) {
      if (armed() === undefined) return wire.toServer(bytes);
      held.push(bytes);
      clearTimeout(quiet);
      quiet = setTimeout(() => {
        const now = armed();
        if (now && Buffer.concat(held).includes(mark)) {
          deaf = now;
          spent();
          void strike(wire, now);
        } else wire.toServer(Buffer.concat(held));
        held = [];
      }, 10);
    },
    server(bytes, wire) {
      if (deaf?.step === "sync:answer") return deaf.kill();
      // Answered before its time: this was no kill inside of the batch, and counts for none.
      clearTimeout(inside);
      wire.toClient(bytes);
    },
    clientEnd: (wire) => wire.endServer(),
  };
}

export async function raiseDatabase(): Promise<Database> {
  const server = await startSqld({ bound: true });
  let armed: Armed | undefined;
  const proxy = await raiseProxy({ host: "127.0.0.1", port: Number(new URL(server.url).port) }, () =>
    behave(
      () => armed,
      () => {
        armed = undefined;
      },
    ),
  );
  return {
    env: { TURSO_URL: `http://127.0.0.1:${proxy.port}` },
    arm(step, kill) {
      const other = createClient({ url: server.url });
      let held: Transaction | undefined;
      const hold = async () => {
        held = await other.transaction("write");
        await held.execute("INSERT INTO schema_version (version) VALUES (-1)"); // it begins with its first statement
      };
      armed = { step, kill, hold };
      return async () => {
        armed = undefined;
        if (held) await delay(20);
        await held?.rollback().catch(() => {}); // the server ends it by itself when it takes too long
        other.close();
      };
    },
    unlike: (clone) => unlike(server.url, clone),
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}

async function unlike(url: string, clone: string): Promise<string | null> {
  const dir = mkdtempSync(join(tmpdir(), "towline-rebuilt-"));
  const stores = [await openStore({ url }), await openStore({ url: pathToFileURL(join(dir, "rebuilt.db")).href })];
  try {
    const { repo, tips } = await openOrigin(clone, { env: process.env, clock: systemClock(), secrets: noSecrets });
    const [there, rebuilt] = stores as [(typeof stores)[0], (typeof stores)[0]];
    const made = await sync(rebuilt, repo, tips, { packId: "rebuilt", budgetMs: 60_000 });
    if (made.state !== "synced") return `the rebuild failed: ${made.why}`;
    const [is, should] = [await canonicalDump(there), await canonicalDump(rebuilt)];
    if (is === should) return null;
    const lines = new Set(is.split("\n"));
    return `the database lacks, of a rebuild: ${should.split("\n").find((line) => !lines.has(line)) ?? "nothing, it holds more"}`;
  } finally {
    for (const store of stores) store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
