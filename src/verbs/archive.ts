import type { Command } from "commander";
import { usual_age } from "../core/archive-old.ts";
import { formatDuration, parseDuration } from "../core/scalar.ts";
import { oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import { type Archived, archiveOnce } from "../shell/archive.ts";
import { openOrigin } from "../shell/pack.ts";
import { tickId } from "../shell/tick-run.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface ArchiveFlags extends Common {
  after?: string;
  dryRun?: boolean;
}

const least = 7 * 86_400;

/** Adds `towline archive`: keeps the ledger's folders small; whatever reads records reads them there, too. */
export function archive(program: Command, wire: Wire): void {
  program
    .command("archive")
    .description("roll jobs, queue tasks, events, reflections and memos that are long over into files of many")
    .option("--after <age>", "how long they must be over, like 90d (default: `archive.after` of towline.yml)")
    .option("--dry-run", "say what would go, and change nothing")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the outcome as JSON")
    .action(async (flags: ArchiveFlags) => {
      const said = await run(wire, flags);
      wire.out(flags.json ? `${JSON.stringify(said, null, 2)}\n` : `${lines(said, flags).join("\n")}\n`);
    });
}

interface Said extends Omit<Archived, "commit" | "more"> {
  /** Seconds. */
  after: number;
  commits: string[];
}

async function run(wire: Wire, flags: ArchiveFlags): Promise<Said> {
  const { repo, tips, settings } = await openOrigin(repoDir(wire, flags), wire);
  const age = ageOf(flags) ?? settings?.archive?.after ?? usual_age;
  const dry = flags.dryRun === true;
  const said: Said = { after: age, records: {}, files: [], indexes: 0, commits: [] };
  for (let n = 1; ; n++) {
    const tick = `${tickId(wire.clock.now())}-archive${n === 1 ? "" : `-${n}`}`;
    const made = await archiveOnce({ repo, clock: wire.clock, tick, age, dry }, n === 1 ? tips : undefined);
    for (const [folder, count] of Object.entries(made.records))
      said.records[folder] = (said.records[folder] ?? 0) + count;
    said.files = [...new Set([...said.files, ...made.files])].sort();
    said.indexes += made.indexes;
    if (made.commit !== null) said.commits.push(made.commit);
    if (dry || made.commit === null || !made.more) return said;
    if (wire.terminal) wire.report.progress(`${total(said)} records so far`);
  }
}

function ageOf({ after }: ArchiveFlags): number | undefined {
  if (after === undefined) return undefined;
  const age = parseDuration(after);
  if (age === null || age < least)
    throw usage(`--after ${oneLine(after, 40)} is no age of at least ${formatDuration(least)}`, "write it like 90d");
  return age;
}

const total = ({ records }: Pick<Said, "records">) => Object.values(records).reduce((sum, one) => sum + one, 0);

function lines(said: Said, { dryRun }: ArchiveFlags): string[] {
  const count = total(said);
  const mended = `${said.indexes} ${said.indexes === 1 ? "index" : "indexes"} of archives ${dryRun ? "would be" : said.indexes === 1 ? "was" : "were"} written anew`;
  if (count === 0)
    return [
      `✓ nothing has been over for ${formatDuration(said.after)}: ${said.indexes > 0 ? mended : "no commit made"}`,
    ];
  const kinds = Object.entries(said.records).map(([folder, one]) => `${folder} ${one}`);
  const files = `${said.files.length} ${said.files.length === 1 ? "file" : "files"} below archive/`;
  const words = `${count} ${count === 1 ? "record" : "records"} ${dryRun ? "would go into" : "went into"} ${files}`;
  return [`${dryRun ? "○" : "✓"} ${words} (${kinds.join(", ")})`];
}
