// 100,000 reflections from git into a database file, beside the same rows in plain batches of the same driver.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createClient } from "@libsql/client";
import { type Row, rowsOf, tables } from "../src/core/rows.ts";
import { openRepo } from "../src/shell/repo.ts";
import { openStore } from "../src/shell/store.ts";
import { statementsOf } from "../src/shell/store-schema.ts";
import { sync as bring } from "../src/shell/sync.ts";
import type { Measured } from "./run.ts";

const count = 100_000;

const pathOf = (at: number) => `reflections/2026/${String((at % 12) + 1).padStart(2, "0")}/r${at}.md`;
const textOf = (at: number) => `---
timestamp: 2026-11-20T08:00:${String(at % 60).padStart(2, "0")}Z
title: "Run ${at} of the disk report"
goal: Say how full the disks are
outcome: ${["success", "partial", "failure"][at % 3]}
surprise: disk ${at % 97} was new
technique: df, then sort
domain: INFRA
session_id: disk-${at}
---
All disks are below 80 percent. Number ${at}.
${"One more line of the answer.\n".repeat(8)}`;

function makeRepo(dir: string): void {
  const git = (args: string[], input?: string) => execFileSync("git", args, { cwd: dir, input, maxBuffer: 1 << 30 });
  git(["init", "-q", "-b", "main"]);
  const parts = ["commit refs/heads/main\ncommitter b <b@example.org> 0 +0000\ndata 1\nx\n"];
  for (let at = 0; at < count; at++) {
    const text = textOf(at);
    parts.push(`M 100644 inline ${pathOf(at)}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
  }
  git(["fast-import", "--quiet"], parts.join(""));
}

/** The rows alone, one statement each, a thousand to a batch: what the driver can do without git and parsing. */
async function raw(file: string, rows: Row[]): Promise<void> {
  const client = createClient({ url: pathToFileURL(file).href, timeout: 5000 });
  await client.execute("PRAGMA journal_mode = WAL");
  const schema = readFileSync(new URL("../schema/001-reflections.sql", import.meta.url), "utf8");
  await client.batch(
    statementsOf(schema).map(({ sql }) => sql),
    "write",
  );
  const columns = tables.reflections;
  const sql = `INSERT INTO reflections (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
  for (let from = 0; from < rows.length; from += 1000) {
    const part = rows.slice(from, from + 1000);
    await client.batch(
      part.map((row) => ({ sql, args: columns.map((name) => row[name] ?? null) })),
      "write",
    );
  }
  client.close();
}

/** Changes ten records; nine of them are then not what they were. */
function changeTen(dir: string, round: number): void {
  const text = textOf(round);
  const ten = [...Array(10).keys()].map(
    (at) => `M 100644 inline ${pathOf(at + round * 10)}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
  );
  const header = "commit refs/heads/main\ncommitter b <b@example.org> 1 +0000\ndata 1\ny\nfrom refs/heads/main^0\n";
  execFileSync("git", ["fast-import", "--quiet"], { cwd: dir, input: header + ten.join("") });
}

/** A first sync of 100,000 records into a new file, ten changes, nothing, and raw batches of the same rows. */
export async function sync(rounds: number): Promise<Measured[]> {
  const dir = mkdtempSync(join(tmpdir(), "towline-bench-"));
  const raws: Measured = { name: "the same rows in plain batches of the driver", seconds: [] };
  const first: Measured = { name: "sync of 100,000 reflections from git", seconds: [] };
  const ten: Measured = { name: "sync with ten of them changed", seconds: [] };
  const none: Measured = { name: "sync with nothing changed", seconds: [] };
  const timed = async (row: Measured, work: () => Promise<void>) => {
    const before = performance.now();
    await work();
    row.seconds.push((performance.now() - before) / 1000);
  };
  try {
    makeRepo(dir);
    const repo = await openRepo(dir);
    const rows = [...Array(count).keys()].flatMap((at) => rowsOf(pathOf(at), textOf(at)).rows);
    for (let round = 1; round <= rounds; round++) {
      await timed(raws, () => raw(join(dir, `raw-${round}.db`), rows));
      const store = await openStore({ url: pathToFileURL(join(dir, `view-${round}.db`)).href });
      const go = async (written: number) => {
        const result = await bring(store, repo, await repo.local(), { packId: "bench", budgetMs: 600_000 });
        if (result.state !== "synced" || result.written !== written)
          throw new Error(JSON.stringify(result).slice(0, 300));
      };
      await timed(first, () => go(count));
      changeTen(dir, round);
      await timed(ten, () => go(10));
      await timed(none, () => go(0));
      store.close();
    }
    return [raws, first, ten, none];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
