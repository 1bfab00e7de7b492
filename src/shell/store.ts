// The one door to the database. Every call has a deadline, and no error that leaves here names a token or an address.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Client, createClient } from "@libsql/client";
import type { Value } from "../core/rows.ts";
import type { Settings } from "../core/schema.ts";
import { StoreFault, storeFault } from "./store-fault.ts";

export interface Statement {
  sql: string;
  args?: Value[];
}

export type Found = Record<string, Value>[];

export interface Store {
  /** For people: the file, or the server's name. Never a token. */
  readonly place: string;
  /** All statements or none. `by`: instant of performance.now() by which it must have ended. Throws StoreFault. */
  write(statements: Statement[], by: number): Promise<void>;
  read(sql: string, args: Value[], by: number): Promise<Found>;
  close(): void;
}

export interface StoreOptions {
  /** `file:`, `libsql:`, `http(s):` or `ws(s):`. */
  url: string;
  token?: string;
  /** Milliseconds for one call at most; also how long a locked file is waited for. */
  timeout?: number;
}

/** Where the pack's database is: the variables that its settings name, else a file beside the repository's objects. */
export function databaseOf(
  settings: Pick<Settings, "database">,
  env: Readonly<Record<string, string | undefined>>,
  gitDir: string,
): StoreOptions {
  const url = env[settings.database.url];
  if (url) return { url, token: env[settings.database.token] || undefined };
  return localDatabase(gitDir);
}

export const localDatabase = (gitDir: string): StoreOptions => ({
  url: pathToFileURL(join(gitDir, "towline", "towline.db")).href,
});

/** Opens nothing yet: the first call connects, so that whatever is wrong with the database comes out of a call. */
export async function openStore({ url, token, timeout = 5000 }: StoreOptions): Promise<Store> {
  const local = url.startsWith("file:");
  const secrets = [token, local ? undefined : url].filter((s): s is string => Boolean(s));
  let client: Client | null = null;
  let signal: AbortSignal | null = null;
  const fetching = (request: Request) => fetch(request, { signal });

  const connected = async () => {
    if (client) return client;
    if (local) mkdirSync(dirname(filePath(url)), { recursive: true });
    client = createClient({ url, authToken: token, timeout, fetch: fetching });
    if (local) {
      await client.execute("PRAGMA journal_mode = WAL");
      // With WAL a power cut can cost the last batches, never the file; and what is lost comes with the next sync.
      await client.execute("PRAGMA synchronous = NORMAL");
    }
    return client;
  };

  /** One call within its limits; a connection that broke is tried once more, on a new one. */
  const call = async <T>(by: number, work: (client: Client) => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      const left = Math.min(timeout, by - performance.now());
      if (left <= 0) throw new StoreFault("slow", "the time for the database is used up");
      try {
        return await within(left, async () => {
          signal = AbortSignal.timeout(Math.ceil(left));
          const open = await connected();
          if (local) await open.execute(`PRAGMA busy_timeout = ${Math.max(1, Math.floor(left))}`);
          return work(open);
        });
      } catch (thrown) {
        const fault = storeFault(thrown, secrets);
        client?.close();
        client = null;
        if (fault.kind !== "down" || tries > 1) throw fault;
        await sleep(Math.min(200, Math.max(0, by - performance.now())));
      }
    }
  };

  return {
    place: local ? filePath(url) : hostOf(url),
    write: async (statements, by) => {
      const all = statements.map(({ sql, args = [] }) => ({ sql, args }));
      await call(by, (open) => open.batch(all, "write"));
    },
    read: async (sql, args, by) => {
      const { columns, rows } = await call(by, (open) => open.execute({ sql, args }));
      return rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at] as Value])));
    },
    close: () => {
      client?.close();
      client = null;
    },
  };
}

/** The promise, or a StoreFault after `ms`: some clients never end by themselves. */
async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreFault("slow", `the database did not answer within ${Math.round(ms / 100) / 10}s`)),
      ms,
    );
  });
  try {
    return await Promise.race([work(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

const filePath = (url: string) => (url.startsWith("file://") ? fileURLToPath(url) : url.slice("file:".length));

function hostOf(url: string): string {
  try {
    return new URL(url).host || "the database server";
  } catch {
    return "the database server";
  }
}
