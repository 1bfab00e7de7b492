import type { Command } from "commander";
import { changeRolled } from "../core/archive.ts";
import { shortest, weakness } from "../core/mask.ts";
import { type Leak, leakOf, purgeJob, purgeLeak, shapeOf } from "../core/purge.ts";
import { pathClass, type Settings } from "../core/schema.ts";
import { exit, usage } from "../errors.ts";
import type { Changes, Repo, Tips } from "../ports.ts";
import { bindingFault, readOwn } from "../shell/binding.ts";
import { visible } from "../shell/masked.ts";
import { openOrigin } from "../shell/pack.ts";
import { cleanTip, dropCopies, type Files, filesAt, forgetHistory, objectsWith } from "../shell/purge.ts";
import { jobPaths } from "../shell/read.ts";
import { databaseOf, openStore } from "../shell/store.ts";
import { sync } from "../shell/sync.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface PurgeFlags extends Common {
  dryRun?: boolean;
  rewriteHistory?: boolean;
}

interface Target {
  decide(files: Files): Changes;
  /** Absent: a whole job is purged, and nobody can tell its words from others in the history. */
  leak?: Leak;
}

/** Adds `towline purge`. Exit code 1: the leak still stands somewhere, and the output says where. */
export function purge(program: Command, wire: Wire): void {
  program
    .command("purge <what>")
    .description("remove what should never have been written: a job's words by its id, a leaked text by - or /pattern/")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--dry-run", "say what would change, and change nothing")
    .option("--rewrite-history", "leave no older commit of the ledger's own branch behind")
    .option("--json", "print the outcome as JSON")
    .addHelpText("after", help)
    .action(async (what: string, flags: PurgeFlags) => {
      const told = await run(wire, what, flags);
      wire.out(flags.json ? `${JSON.stringify(told, null, 2)}\n` : lines(told, flags));
      if (!flags.dryRun && (told.people.length > 0 || told.history.state === "kept" || told.database !== "clean"))
        wire.exit(exit.findings);
    });
}

const help = `
A leaked text does not belong on a command line: it would stand in the shell's history and in the list of processes.
Change the leaked secret first: what was pushed may have been read.`;

interface Told {
  changed: { path: string; what: "cleaned" | "deleted" }[];
  /** Files that belong to people and hold the leak. */
  people: string[];
  commit?: string;
  history: {
    state: "clean" | "kept" | "rewritten" | "unknown";
    objects?: number;
    commit?: string;
    backup?: string;
    commands?: string[];
  };
  /** `clean`, or why it is not. */
  database: string;
}

async function run(wire: Wire, what: string, flags: PurgeFlags): Promise<Told> {
  const dir = repoDir(wire, flags);
  const { repo, tips: fetched } = await openOrigin(dir, wire);
  const { tips, state, binding } = await readOwn({ repo, clock: wire.clock }, fetched);
  if (binding.state === "rewritten") throw bindingFault(binding);
  const { settings } = state;
  const bound = binding.state === "bound";
  const target = await targetOf(repo, tips, what);
  const hide = target.leak ?? ((text: string) => text);
  const dry = flags.dryRun === true;
  const cleaned = await cleanTip(repo, tips, { clock: wire.clock, dry, bound, decide: target.decide });
  const changed = [...cleaned.changes].map(([path, to]) => ({
    path: hide(path),
    what: to === null ? ("deleted" as const) : ("cleaned" as const),
  }));
  const people = target.leak ? await others(repo, cleaned.tips, target.leak) : [];
  if (dry) return { changed, people, history: { state: "unknown" }, database: "not looked at" };
  const history = await pastOf(wire, dir, settings, cleaned.tips, target, flags);
  const now = { ...cleaned.tips, ledger: history.commit ?? cleaned.tips.ledger };
  const database = await renew(wire, repo, settings, bound ? state.pack : settings.id, now);
  return { changed, people, commit: cleaned.commit, history, database };
}

async function targetOf(repo: Repo, tips: Tips, what: string): Promise<Target> {
  const shape = /^\/(.+)\/([ims]*)$/s.exec(what);
  if (shape) return leaking(shapeOf(pattern(shape[1] as string, shape[2] as string)));
  if (what === "-") {
    const value = (await standardInput()).trim();
    const why = weakness(value);
    if (why !== null)
      throw usage(
        `the text on standard input cannot be purged: ${why}`,
        `give the whole leaked text, at least ${shortest} characters`,
      );
    return leaking(leakOf([value]));
  }
  const id = what.replace(/^.*\//, "").replace(/\.md$/, "");
  const path = (await jobPaths(repo, tips, [id])).get(id);
  // What was given may be the leaked text itself: it is not repeated.
  if (path === undefined)
    throw usage(
      "there is no job with that id",
      "a leaked text goes to standard input: `towline purge -`; a shape is written `/pattern/`",
    );
  return { decide: (files) => changeRolled(files, (all) => purgeJob(all, path) ?? new Map()) };
}

const leaking = (leak: Leak): Target => ({
  leak,
  decide: (files) => changeRolled(files, (all) => purgeLeak(all, leak), leak),
});

function pattern(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch {
    throw usage("that pattern is no regular expression", "write it like '/ghp_[A-Za-z0-9]{36}/'");
  }
}

async function standardInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}

/** Files of people: towline does not change them. */
async function others(repo: Repo, tips: Tips, leak: Leak): Promise<string[]> {
  const files = await filesAt(repo, tips.policy, (path) => pathClass(path) !== "ledger");
  return [...purgeLeak(files, leak).keys()].filter((path) => files.has(path)).map(leak);
}

async function pastOf(
  wire: Wire,
  dir: string,
  settings: Settings,
  tips: Tips,
  { leak }: Target,
  flags: PurgeFlags,
): Promise<Told["history"]> {
  if (tips.ledger === null) return { state: "clean", objects: 0 };
  const branch = settings.ledger.branch;
  const objects = leak ? await objectsWith(dir, wire.env, tips.ledger, leak) : undefined;
  if (objects === 0) return { state: "clean", objects };
  if (branch === undefined) return { state: "kept", objects, commands: byHand };
  if (!flags.rewriteHistory) return { state: "kept", objects, commands: ["towline purge … --rewrite-history"] };
  return {
    state: "rewritten",
    objects,
    ...(await forgetHistory(dir, wire.env, { branch, tips, at: wire.clock.now() })),
  };
}

/** The default branch holds people's history, too: rewriting it is theirs to do, all clones agreed. */
const byHand = [
  "# 1. stop the ticks (disable the workflow, end `towline watch`) and tell everybody who has a clone",
  "git clone --mirror ADDRESS-OF-ORIGIN pack.git && cd pack.git",
  "# 2. with an editor, write the leaked text into ../leaked.txt, one a line (`regex:` before a pattern)",
  "git filter-repo --replace-text ../leaked.txt --replace-message ../leaked.txt",
  "git push --force --mirror ADDRESS-OF-ORIGIN",
  "# 3. remove ../leaked.txt, make every clone anew, ask the forge to drop unreachable commits, start the ticks again",
];

/** A local database is made anew from nothing, since deleted rows stay in its free pages. */
async function renew(wire: Wire, repo: Repo, settings: Settings, packId: string, tips: Tips): Promise<string> {
  await dropCopies(repo.gitDir);
  const store = await openStore(databaseOf(settings, wire.env, repo.gitDir));
  try {
    const result = await sync(store, visible(repo, wire.secrets), tips, {
      packId,
      budgetMs: 600_000,
      fresh: true,
    });
    return result.state === "synced" ? "clean" : `not brought up to date: ${result.why}`;
  } finally {
    store.close();
  }
}

function lines({ changed, people, commit, history, database }: Told, { dryRun }: PurgeFlags): string {
  const said = changed.map((one) => `  ${one.what}  ${one.path}`);
  if (dryRun) said.unshift(changed.length === 0 ? "Nothing of it at the ledger's tip." : "Would change:");
  else
    said.unshift(
      commit ? `✓ purged from the ledger's tip, now at ${commit.slice(0, 10)}` : "✓ nothing of it at the ledger's tip",
    );
  for (const path of people) said.push(`△ ${path} holds it, too: this file is yours to mend`);
  if (dryRun) return `${said.join("\n")}\n`;
  const count = history.objects === undefined ? "Older commits" : `${history.objects} older objects`;
  if (history.state === "kept")
    said.push(
      `△ ${count} may still hold it. To be rid of those, too:`,
      ...(history.commands ?? []).map((line) => `    ${line}`),
    );
  if (history.state === "rewritten")
    said.push(
      `✓ the ledger's branch has no past now (${history.commit?.slice(0, 10)})`,
      `  Only this clone keeps the old one, at ${history.backup}. When all is well:`,
      `    git update-ref -d ${history.backup} && git reflog expire --expire=now --all && git gc --prune=now`,
      "  Other clones keep what they fetched, and a forge may show unreachable commits until it cleans up.",
    );
  said.push(
    database === "clean"
      ? "✓ the database was made anew; the dashboard follows with the next tick"
      : `△ the database: ${database}`,
  );
  return `${said.join("\n")}\n`;
}
