import { type Command, Option } from "commander";
import { localDay } from "../core/due.ts";
import { type ReflectionFilter, reflectionQuery } from "../core/reflection-query.ts";
import type { Value } from "../core/rows.ts";
import { oneLine } from "../core/text.ts";
import { configuration, outside, usage } from "../errors.ts";
import { visible } from "../shell/masked.ts";
import { openLocal } from "../shell/pack.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Found, localDatabase, openStore } from "../shell/store.ts";
import { StoreFault } from "../shell/store-fault.ts";
import { sync } from "../shell/sync.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface ReflectionFlags extends Common, Omit<ReflectionFilter, "limit"> {
  limit: string;
}

/** Adds `towline reflections`: what jobs set out to do, did, and were surprised by. Reads this clone, no network. */
export function reflections(program: Command, wire: Wire): void {
  program
    .command("reflections")
    .description("what was done, how it went, and what was a surprise (from this clone; newest first)")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--since <when>", "an ISO time, a day, today, or a duration back from now like 7d")
    .option("--day <day>", "one day of the pack's zone, like 2026-11-21")
    .option("--domain <domain>", "only this domain")
    .addOption(new Option("--outcome <outcome>", "only this outcome").choices(["success", "partial", "failure"]))
    .option("--session <id>", "only this job")
    .option("--limit <n>", "at most this many", "100")
    .option("--json", "print the rows as JSON")
    .action(async (flags: ReflectionFlags) => {
      const { rows, zone } = await find(wire, flags);
      if (flags.json) wire.out(`${JSON.stringify(rows, null, 2)}\n`);
      else if (rows.length === 0) wire.out("No reflections match.\n");
      else for (const line of timeline(rows, zone)) wire.out(`${line}\n`);
    });
}

async function find(wire: Wire, { limit, ...filter }: ReflectionFlags): Promise<{ rows: Found; zone: string }> {
  if (!/^[1-9]\d{0,5}$/.test(limit))
    throw usage(`--limit ${limit} is not a number of rows`, "write it like --limit 20");
  const dir = repoDir(wire, filter);
  const { repo, tips } = await openLocal(dir, wire);
  const { settings, pack } = await readWorkTree(repo, dir, tips);
  const zone = known(settings.zone);
  const query = reflectionQuery({ ...filter, limit: Number(limit) }, zone, wire.clock.now());
  if (typeof query === "string") throw usage(query);
  const store = await openStore(localDatabase(repo.gitDir));
  try {
    const result = await sync(store, visible(repo, wire.secrets), tips, { packId: pack, budgetMs: 600_000 });
    if (result.state === "degraded") wire.report.warning(`the local database may be behind: ${result.why}`);
    return { rows: await store.read(query.sql, query.args, performance.now() + 60_000), zone };
  } catch (thrown) {
    if (!(thrown instanceof StoreFault)) throw thrown;
    throw outside(thrown.message, `remove ${store.place} and try again: it is made anew from the records`);
  } finally {
    store.close();
  }
}

function known(zone: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    throw configuration(`towline.yml: there is no time zone \`${zone}\``, "write one like Europe/Berlin or UTC");
  }
}

const glyphs: Record<string, string> = { success: "✓", partial: "◐", failure: "✕" };

function timeline(rows: Found, zone: string): string[] {
  const lines: string[] = [];
  let current = "";
  for (const row of rows) {
    const { day, time } = localDay(zone, new Date(String(row.timestamp)));
    if (day !== current) lines.push(...(current === "" ? [] : [""]), day);
    current = day;
    const domain = row.domain ? `  [${text(row.domain)}]` : "";
    lines.push(`  ${time}  ${glyphs[String(row.outcome)] ?? "·"} ${text(row.title)}${domain}`);
    if (row.surprise) lines.push(`           surprise: ${text(row.surprise)}`);
  }
  return lines;
}

const text = (value: Value | undefined) => oneLine(String(value ?? ""), 160);
