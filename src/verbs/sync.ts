import type { Command } from "commander";
import { exit } from "../errors.ts";
import type { Repo, Tips } from "../ports.ts";
import { readOwn } from "../shell/binding.ts";
import { visible } from "../shell/masked.ts";
import { openOrigin } from "../shell/pack.ts";
import { databaseOf, openStore, type Store } from "../shell/store.ts";
import { StoreFault } from "../shell/store-fault.ts";
import { takeOut } from "../shell/store-mend.ts";
import { type Drift, verify } from "../shell/store-verify.ts";
import { sync as bring, type SyncOptions, type SyncResult } from "../shell/sync.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface SyncFlags extends Common {
  rebuild?: boolean;
  verify?: boolean;
  dryRun?: boolean;
}

/** A person waits for this one: as long as rows are being written it may go on. One call still ends after 5 s. */
const budgetMs = 600_000;

interface Came {
  result: SyncResult;
  /** Absent: not asked for, or not to be had. */
  drift?: Drift[];
  /** What differed before, and was mended. */
  mended?: Drift[];
}

/** Adds `towline sync`. Exit code 1: drift was found and not mended; 3: not this pack's database; 4: the database is out of reach. */
export function sync(program: Command, wire: Wire): void {
  program
    .command("sync")
    .description("bring the database to the tips of origin")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--rebuild", "empty the database and fill it again; with --verify only when something differs")
    .option("--verify", "compare every row with the records, and write anew what differs")
    .option("--dry-run", "with --verify: only say what differs")
    .option("--json", "print the outcome as JSON")
    .action(async (flags: SyncFlags) => {
      const { repo: bare, tips: fetched } = await openOrigin(repoDir(wire, flags), wire);
      const repo = visible(bare, wire.secrets);
      const { tips, state, binding } = await readOwn({ repo, clock: wire.clock }, fetched);
      const { settings } = state;
      // A copy of a pack has no claim to the original's database.
      const pack = binding.state === "copy" ? settings.id : state.pack;
      const store = await openStore(databaseOf(settings, wire.env, repo.gitDir));
      try {
        const came = await run(store, repo, tips, { packId: pack, budgetMs, fresh: true }, flags);
        tell(wire, flags, store.place, tips, came);
      } finally {
        store.close();
      }
    });
}

async function run(store: Store, repo: Repo, tips: Tips, options: SyncOptions, flags: SyncFlags): Promise<Came> {
  const result = await bring(store, repo, tips, { ...options, rebuild: flags.rebuild && !flags.verify });
  if (!flags.verify) return { result };
  const first = await compared(store, repo, tips, result);
  const wrong = "state" in first || first.drift.length > 0;
  const lost = "state" in first && !flags.rebuild;
  if (flags.dryRun || !wrong || lost || (result.state === "degraded" && result.refused))
    return "state" in first ? { result: first } : { result, drift: first.drift };
  const again = await mend(
    store,
    repo,
    tips,
    { ...options, rebuild: flags.rebuild },
    "state" in first ? [] : first.drift,
  );
  const second = await compared(store, repo, tips, again);
  if ("state" in second) return { result: second };
  return { result: again, drift: second.drift, mended: "state" in first ? [] : first.drift };
}

async function mend(store: Store, repo: Repo, tips: Tips, options: SyncOptions, drift: Drift[]): Promise<SyncResult> {
  try {
    if (!options.rebuild) await takeOut(store, options.packId, drift, performance.now() + budgetMs);
  } catch (thrown) {
    if (!(thrown instanceof StoreFault)) throw thrown;
    return { state: "degraded", why: thrown.message, refused: thrown.kind === "foreign", written: 0 };
  }
  return bring(store, repo, tips, options);
}

/** The drift, or why it could not be told. */
async function compared(store: Store, repo: Repo, tips: Tips, result: SyncResult) {
  if (result.state === "degraded") return result;
  try {
    return { drift: await verify(store, repo, tips, performance.now() + budgetMs) };
  } catch (thrown) {
    if (!(thrown instanceof StoreFault)) throw thrown;
    return { ...result, state: "degraded" as const, why: thrown.message, refused: thrown.kind === "foreign" };
  }
}

function tell(wire: Wire, flags: SyncFlags, place: string, tips: Tips, { result, drift, mended }: Came): void {
  const skipped = result.state === "synced" ? result.skipped : [];
  for (const problem of skipped) wire.report.warning(`left out: ${problem.message} (${problem.fix})`, problem);
  if (flags.json) wire.out(`${JSON.stringify({ place, ...tips, ...result, drift, mended }, null, 2)}\n`);
  else for (const line of lines(place, tips, result, drift, mended)) wire.out(`${line}\n`);
  if (result.state === "degraded") {
    wire.report.error(`the database was not brought up to date: ${result.why}`);
    wire.exit(result.refused ? exit.configuration : exit.outside);
  } else if (drift?.length) wire.exit(exit.findings);
}

function lines(place: string, tips: Tips, result: SyncResult, drift?: Drift[], mended?: Drift[]): string[] {
  if (result.state === "degraded") return [];
  const at = tips.ledger === null || tips.ledger === tips.policy ? "" : `, ledger ${tips.ledger.slice(0, 10)}`;
  const did =
    result.written + result.deleted > 0 ? `${result.written} written, ${result.deleted} deleted` : "up to date";
  const told = [`${did} (${tips.policy.slice(0, 10)}${at}) in ${place}`];
  if (mended?.length) told.push(`mended ${mended.length}:`, ...listed(mended));
  if (drift?.length) told.push(`${drift.length} differ from the records:`, ...listed(drift));
  else if (drift) told.push("every row is as its record says");
  return told;
}

const shown = 50;
const listed = (drift: Drift[]) => [
  ...drift
    .slice(0, shown)
    .map(({ table, of, what, columns }) => `  ${what.padEnd(7)}  ${table}  ${of}  ${columns.join(", ")}`.trimEnd()),
  ...(drift.length > shown ? [`  … and ${drift.length - shown} more`] : []),
];
