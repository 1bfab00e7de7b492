// What the database says of costs is what the fold over job records says.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { costsBy } from "../../src/core/costs.ts";
import { readExpenses } from "../../src/core/look-back.ts";
import { openStore } from "../../src/shell/store.ts";
import { sync } from "../../src/shell/sync.ts";
import { md } from "../fakes/pack.ts";
import { everything, makePack } from "./pack.ts";

const job = (fields: string, run = "") =>
  md(
    `${fields}\nrun:\n  occurrence: run-1\n  run_id: r\n  epoch: 1\n  tick: t\n  claimed_at: 2026-11-20T10:00:00Z\n  deadline: 3m\n  input_hash: x\n${run}`,
  );
const whole = "task: a\nagent: scout\nhost: ann\n";
const began = "started_at: 2026-11-20T10:00:01Z\n";

/** Every way in which an attempt can count. */
const jobs: Record<string, string> = {
  done: job(
    `${whole}${began}state: finished\ntook: 30s\ncost: 0.25`,
    "  result: abc\n  tokens: {input: 10, output: 5, cache_read: 99}",
  ),
  failed: job(`${whole}${began}state: failed\ntook: 60s\ncost: 0.5`, "  result: abc\n  rule: mill"),
  untold: job(`${whole}${began}state: timeout\ntook: 180s`, "  result: abc\n  reserved: {usd: 0.4, tokens: 700}"),
  lost: job(`${whole}state: lost`, "  reserved: {usd: 0.4}"),
  listed: job(`${whole}${began}state: finished\ntook: 1s\ncost: 3`, "  result: abc\n  list_price: true"),
  limited: job(
    `${whole}${began}state: failed\ntook: 1s\ncost: 0.01`,
    "  result: abc\n  limited: {account: max, until: 2026-11-20T14:00:00Z}",
  ),
  again: job(
    `${whole.replace("ann", "bob")}${began}state: started`,
    "  reserved: {usd: 0.3}\n  earlier:\n    - {at: 2026-11-20T09:00:00Z, usd: 0.2, tokens: 40, minutes: 1.5, runs: 1}\n    - {at: 2026-11-20T09:30:00Z, minutes: 1, runs: 1, list: 2}",
  ),
  waits: job(`${whole}state: released`, "  reserved: {usd: 0.3}"),
  never: job(`${whole.replace("task: a", "task: b")}state: cancelled`, "  reserved: {usd: 0.3}"),
};

test("views of costs agree with the fold, by task, agent, rule and host", async () => {
  const made = await makePack();
  const folder = mkdtempSync(join(tmpdir(), "towline-db-"));
  const store = await openStore({ url: pathToFileURL(join(folder, "db")).href });
  try {
    const files = Object.fromEntries(Object.entries(jobs).map(([id, text]) => [`jobs/2026/11/20/${id}.md`, text]));
    const tips = await made.commit({ ...everything, ...files });
    expect(await sync(store, made.repo, tips, { packId: "pack", budgetMs: 20_000 })).toMatchObject({ state: "synced" });
    const records = Object.entries({ ...everything, ...files }).filter(([path]) => path.startsWith("jobs/"));
    const expenses = records.flatMap(([path, text]) => readExpenses(path, text) ?? []);
    expect(expenses).toHaveLength(10);
    for (const by of ["task", "agent", "rule", "host"] as const) {
      const rows = await store.read(`SELECT * FROM costs_by_${by}`, [], performance.now() + 20_000);
      const seen = Object.fromEntries(
        rows.map(({ [by]: name, ...row }) => [
          name ?? "-",
          Object.fromEntries(
            Object.entries(row).map(([k, v]) => [k, v === null ? null : Math.round(Number(v) * 1e6) / 1e6]),
          ),
        ]),
      );
      const wanted = costsBy(expenses, by, "UTC").map(({ name, reserved_usd: _, ...row }) => [name, row]);
      // Jobs that never ran have a row in the table, and no expense.
      expect(seen).toMatchObject(Object.fromEntries(wanted));
    }
    const [sum] = await store.read(
      "SELECT sum(reserved_usd) AS held, sum(usd) AS usd FROM costs",
      [],
      performance.now() + 20_000,
    );
    expect(sum).toEqual({ held: 0.3, usd: expect.closeTo(0.25 + 0.5 + 0.4 + 0.4 + 0.01 + 0.2 + 0.02, 6) });
  } finally {
    store.close();
    made.remove();
    rmSync(folder, { recursive: true, force: true });
  }
});
