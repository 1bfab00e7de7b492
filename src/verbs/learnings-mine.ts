// `towline learnings mine`. Loaded when it is asked, since no other verb needs it.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Meanings } from "../core/meaning.ts";
import { type Mined, mined_paths, minedTexts, withMined } from "../core/mined.ts";
import { parseDuration } from "../core/scalar.ts";
import type { Settings } from "../core/schema.ts";
import type { Signal } from "../core/signals.ts";
import { counted, oneLine } from "../core/text.ts";
import { exit, Fault, usage } from "../errors.ts";
import { hearSignals, Interrupted } from "../interrupt.ts";
import type { Repo, Tips } from "../ports.ts";
import { bindingFault } from "../shell/binding.ts";
import { commitLedger } from "../shell/ledger-commit.ts";
import { dig, forget } from "../shell/mine.ts";
import { digLocally } from "../shell/mine-local.ts";
import { openOrigin } from "../shell/pack.ts";
import { findRepo } from "../shell/repo-open.ts";
import { createScan } from "../shell/scan.ts";
import { tickId } from "../shell/tick-run.ts";
import type { Wire } from "../wire.ts";
import { codeOf } from "./code.ts";
import type { MineFlags } from "./learnings.ts";
import { lent } from "./tick-after.ts";

const longest = 90 * 86_400;

interface Found {
  read: number;
  signals: Signal[];
  /** Called when all of it stands in the ledger. */
  done(): Promise<void>;
}

export async function mine(wire: Wire, flags: MineFlags): Promise<void> {
  const dir = resolve(wire.cwd, flags.pack);
  const age = parseDuration(flags.since);
  if (age === null || age <= 0 || age > longest)
    throw usage(
      `--since ${flags.since} is no age that counts`,
      "write it like 30d; at most 90d: older signals are forgotten",
    );
  const { signal, release } = hearSignals();
  try {
    const { repo, tips, settings } = await openOrigin(dir, wire);
    // Whole days: a run that goes on tomorrow morning finds what it began with.
    const since = `${new Date(wire.clock.now().getTime() - age * 1000).toISOString().slice(0, 10)}T00:00:00Z`;
    const found = await read(wire, { dir, repo: flags.repo ?? ".", settings, since, signal });
    const meanings = await meaningsOf(wire, { repo, tips, settings, signals: found.signals, signal });
    const made = await propose(wire, { repo, tips, signals: found.signals, meanings, dry: flags.dryRun === true });
    if (!flags.dryRun) await found.done();
    const { kept, fresh, commit } = made;
    const told = { repo: flags.repo ?? ".", since, read: found.read, signals: found.signals.length, kept };
    if (flags.json) wire.out(`${JSON.stringify({ ...told, candidates: fresh, commit: commit ?? null }, null, 2)}\n`);
    else wire.out(lines(told, made, flags.dryRun === true));
  } catch (thrown) {
    if (!(thrown instanceof Interrupted) && !signal.aborted) throw thrown;
    const advice = "what was read is kept: the same command goes on from there";
    throw new Fault(exit.interrupted, "interrupted before anything was written", advice, { cause: thrown });
  } finally {
    release();
  }
}

interface Reading {
  dir: string;
  repo: string;
  settings: Settings | undefined;
  since: string;
  signal: AbortSignal;
}

async function read(wire: Wire, { dir, repo, settings, since, signal }: Reading): Promise<Found> {
  const folder = resolve(wire.cwd, repo);
  const onForge = settings?.forge?.name === "github";
  if (repo === "." ? !onForge : existsSync(folder)) {
    const found = await digLocally(repo === "." ? dir : folder, wire.env, since);
    return { ...found, done: async () => {} };
  }
  if (repo !== "." && !/^[\w-]+\/[\w.-]+$/.test(repo))
    throw usage(`${repo} is neither a folder nor owner/name`, "towline learnings mine --repo owner/name");
  if (!onForge)
    throw usage(
      `${repo} cannot be read: towline.yml names no forge on which pull requests are`,
      "set `forge: github`, or give the folder of a clone",
    );
  const forge = codeOf(wire, dir, createScan()).forge(settings);
  const { gitDir } = await findRepo(dir, wire.env);
  const progress = (line: string) => wire.report.progress(line);
  const digging = { forge, repo, since, clock: wire.clock, signal, gitDir, progress };
  const found = await dig(digging);
  return { ...found, done: () => forget(digging) };
}

interface Proposing {
  repo: Repo;
  tips: Tips;
  signals: Signal[];
  meanings: Meanings | null | undefined;
  dry: boolean;
}

interface Meaning {
  repo: Repo;
  tips: Tips;
  settings: Settings | undefined;
  signals: Signal[];
  signal: AbortSignal;
}

/** undefined: the settings name no model; null: it cannot be asked, and words have to do. */
async function meaningsOf(wire: Wire, { repo, tips, settings, signals, signal }: Meaning) {
  const texts = settings?.embeddings && signals.length > 0 ? minedTexts(await textsAt(repo, tips), signals) : [];
  if (!settings?.embeddings || texts.length === 0) return undefined;
  const { askMeanings } = await import("../shell/meanings.ts");
  try {
    return await askMeanings(lent(wire, signal), settings.embeddings, texts);
  } catch (thrown) {
    if (!(thrown instanceof Fault) || signal.aborted) throw thrown;
    wire.report.warning(`${thrown.message}; signals are put together by their words alone`);
    return null;
  }
}

async function propose(
  wire: Wire,
  { repo, tips, signals, meanings, dry }: Proposing,
): Promise<Mined & { commit?: string }> {
  // Secrets that somebody pasted into a remark are masked on the way out, as in all that is pushed and printed.
  if (dry) return withMined(await textsAt(repo, tips), signals, wire.clock.now(), meanings);
  let made: Mined = { changes: new Map(), fresh: [], kept: 0 };
  const verb = { repo, clock: wire.clock, tick: `${tickId(wire.clock.now())}-mine`, subject: "signals out of reviews" };
  const commit = await commitLedger(verb, tips, async ({ tips: at }, binding) => {
    if (binding.state !== "bound") {
      if (binding.state === "fresh") throw usage("no tick has run in this pack yet", "run `towline tick` first");
      throw bindingFault(binding);
    }
    made = withMined(await textsAt(repo, at), signals, wire.clock.now(), meanings);
    return made.changes;
  });
  return commit === null ? made : { ...made, commit };
}

async function textsAt(repo: Repo, { ledger }: Tips): Promise<(path: string) => string> {
  const items = ledger === null ? [] : await repo.tree(ledger, Object.values(mined_paths));
  const blobs = await repo.blobs([...new Set(items.map(({ blob }) => blob))]);
  const texts = new Map(items.map(({ path, blob }) => [path, new TextDecoder().decode(blobs.get(blob))]));
  return (path) => texts.get(path) ?? "";
}

interface Told {
  repo: string;
  since: string;
  read: number;
  signals: number;
  kept: number;
}

function lines({ repo, since, read, signals, kept }: Told, { fresh }: Mined, dry: boolean): string {
  const head = `${counted(read, "remark")} of ${repo} since ${since.slice(0, 10)}: ${signals} may teach something, ${kept} ${dry ? "would be" : "are"} new signals\n`;
  if (fresh.length === 0) return `${head}no candidate: no two independent ones say the same\n`;
  const told = fresh.map(
    ({ text, sources, witnesses }) =>
      `  ${oneLine(text, 200)}\n    ${witnesses} witnesses: ${sources.map((one) => oneLine(one)).join(" · ")}\n`,
  );
  const next = dry ? "" : "The next campfire proposes them; nothing is active before somebody merges it.\n";
  return `${head}${counted(fresh.length, "candidate")}:\n${told.join("")}${next}`;
}
