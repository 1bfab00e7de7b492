import { type Command, Option } from "commander";
import { type Checked, type CheckInput, check as judge, reads, sorted } from "../core/check.ts";
import { type Format, formats, render } from "../core/check-format.ts";
import type { CheckFile } from "../core/check-pack.ts";
import { collectionOf } from "../core/collections.ts";
import { type Problem, parseEntry } from "../core/entry.ts";
import type { Settings } from "../core/schema.ts";
import { readSettings } from "../core/state.ts";
import { type Touched, touchedBy } from "../core/touched.ts";
import { configuration, exit, usage } from "../errors.ts";
import type { Repo } from "../ports.ts";
import { runtimes } from "../runtimes/index.ts";
import { scriptOf } from "../runtimes/shell.ts";
import { fetchHead } from "../shell/fetch-head.ts";
import { changedOnDisk, commitFiles, forkPoint, openWorkTree, workFiles } from "../shell/pack-files.ts";
import { openRepo } from "../shell/repo.ts";
import { findRepo } from "../shell/repo-open.ts";
import { type Script, scriptProblems } from "../shell/sh-check.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface CheckFlags extends Common {
  at?: string;
  base?: string;
  fetch?: string;
  /** A proposal: what was wrong before it stands in nobody's way. */
  proposal?: boolean;
  format: Format;
}

/** Adds `towline check`: the whole pack in one pass. Exit code 1 when there is an error; warnings alone are 0. */
export function check(program: Command, wire: Wire): void {
  program
    .command("check")
    .description("what is wrong in the records, and how to mend it")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--at <ref>", "read this commit instead of the work tree")
    .option("--base <ref>", "also refuse changes since this commit that belong to towline")
    .option("--fetch <ref>", "fetch this ref of origin and judge it by what is checked out, like refs/pull/12/head")
    .addOption(new Option("--format <form>", "how to print").choices(formats).default("text"))
    .option("--json", "the same as --format json")
    .action(async (flags: CheckFlags) => {
      const checked = await checkPack(wire, flags);
      wire.out(render(checked, flags.json ? "json" : flags.format));
      if (checked.problems.some((problem) => problem.level === "error")) wire.exit(exit.findings);
    });
}

/** The verdict on a commit that was fetched, by the policy of `base`. No process is started with a text of it. */
export const checkProposal = (wire: Wire, dir: string, head: string, base: string): Promise<Checked> =>
  checkPack(wire, { repo: dir, at: head, base, proposal: true, format: "json" });

async function checkPack(wire: Wire, asked: CheckFlags): Promise<Checked> {
  const dir = repoDir(wire, asked);
  const repo = await openRepo(dir, wire);
  const flags = asked.fetch === undefined ? asked : await proposed(wire, dir, repo, asked, asked.fetch);
  const head = flags.at === undefined ? null : (await repo.local(flags.at)).policy;
  const take = async (wanted: (path: string) => boolean) =>
    head === null ? workFiles(await openWorkTree(dir, wire.env), wanted) : commitFiles(repo, head, wanted);
  const files = await withCollections(await take(reads), take);
  const settings = files.find((file) => file.path === "towline.yml");
  if (!settings)
    throw configuration(
      `there is no towline.yml ${head === null ? `in ${dir}` : `at ${flags.at}`}: this is not a pack repository`,
      "`towline init` makes one of it; from elsewhere, name a pack with --repo",
    );
  const read = readSettings(settings.text).settings;
  const found = flags.base === undefined ? undefined : await baseOf(wire, dir, repo, flags.base, head);
  const ledger = await ownLedger(wire, dir, (found?.settings ?? read)?.ledger.branch);
  const common = { ledger, runtimes: Object.keys(runtimes) };
  const checked = judge({ ...common, files, base: found?.base });
  const refused = asked.proposal ? [] : await scriptProblems(scripts(files, read), wire.env);
  const all = sorted([...checked.problems, ...refused]);
  const before =
    asked.fetch === undefined && !asked.proposal
      ? []
      : judge({ ...common, files: await filesAt(repo, await headOf(repo, flags)) }).problems;
  const problems = all.map((one) => (isOld(one, before, found?.touches) ? { ...one, level: "warning" as const } : one));
  return { ...checked, problems, ...(found?.touches ? { touches: found.touches } : {}) };
}

type Take = (wanted: (path: string) => boolean) => Promise<CheckFile[]>;

/** Which files belong to collections is known once the settings are: then all is read once more, with those. */
async function withCollections(files: CheckFile[], take: Take): Promise<CheckFile[]> {
  const named = readSettings(files.find((file) => file.path === "towline.yml")?.text).settings?.collections;
  return named === undefined ? files : take((path) => reads(path) || collectionOf(path, named) !== null);
}

async function filesAt(repo: Repo, commit: string): Promise<CheckFile[]> {
  const take: Take = (wanted) => commitFiles(repo, commit, wanted);
  return withCollections(await take(reads), take);
}

const headOf = async (repo: Repo, { base = "HEAD" }: CheckFlags) => (await repo.local(base)).policy;

/** Nobody has to mend in a proposal what was wrong before it and what it does not touch. */
function isOld(one: Problem, before: Problem[], touches: Touched | undefined): boolean {
  if (!touches || Object.values(touches).some((paths) => paths.includes(one.path))) return false;
  return before.some(({ path, code, message }) => path === one.path && code === one.code && message === one.message);
}

/** Of a proposal nothing is checked out: `at` is what was fetched, `base` what is checked out. */
async function proposed(wire: Wire, dir: string, repo: Repo, flags: CheckFlags, ref: string): Promise<CheckFlags> {
  if (flags.at !== undefined) throw usage("--fetch and --at name two heads", "give one of the two");
  const base = flags.base ?? "HEAD";
  const { policy: onto } = await repo.local(base);
  return { ...flags, base, at: await fetchHead(dir, wire.env, ref, onto) };
}

/** Scripts of people's tasks whose agent runs them with `sh`. */
function scripts(files: CheckFile[], settings: Settings | null): Script[] {
  const agents = new Map(
    files.flatMap(({ path, text }): [string, string][] => {
      const agent = text !== null && /^agents\/[^/]+\.md$/.test(path) ? parseEntry(path, "agent", text).entry : null;
      return agent ? [[agent.id, agent.data.runtime]] : [];
    }),
  );
  return files.flatMap(({ path, text }) => {
    const task = text !== null && /^tasks\/.+\.md$/.test(path) ? parseEntry(path, "task", text).entry : null;
    if (!task || text === null) return [];
    const id = task.data.agent ?? settings?.defaults.agent;
    if ((id === undefined ? settings?.defaults.runtime : agents.get(id)) !== "shell") return [];
    const script = scriptOf(task.body);
    const whole = text.replace(/\r\n?/g, "\n");
    const above = whole.slice(0, Math.max(0, whole.lastIndexOf(script.replace(/\n$/, ""))));
    return [{ path, text: script, line: above.split("\n").length }];
  });
}

/** The last fetched files of a ledger on a branch of its own; none yet is an empty ledger. */
async function ownLedger(wire: Wire, dir: string, ledgerBranch: string | undefined): Promise<CheckInput["ledger"]> {
  if (ledgerBranch === undefined) return undefined;
  const repo = await openRepo(dir, { env: wire.env, clock: wire.clock, ledgerBranch });
  const ledger = await repo.local().then(
    (tips) => tips.ledger,
    () => null, // no commit yet
  );
  return ledger === null ? [] : commitFiles(repo, ledger, reads);
}

interface Since {
  base: NonNullable<CheckInput["base"]>;
  /** The policy of the base: no proposal decides how it is judged itself. null: it has none that can be read. */
  settings: Settings | null;
  /** Of two commits: all that was changed. */
  touches?: Touched;
}

/** What changed since the point where this line of history left the base. */
async function baseOf(wire: Wire, dir: string, repo: Repo, name: string, head: string | null): Promise<Since> {
  const { place } = await findRepo(dir, wire.env);
  const named = (await repo.local(name)).policy;
  const commit = await forkPoint(place, named, head ?? (await repo.local()).policy);
  const touches = head === null ? undefined : touchedBy((await repo.diff(commit, head)).map((one) => one.path));
  const changed = touches?.ledger ?? (await changedOnDisk(place, commit));
  const files = changed.length === 0 ? [] : await commitFiles(repo, commit, () => true, changed);
  const [settings] = await commitFiles(repo, named, reads, ["towline.yml"]);
  const policy = settings?.text ? readSettings(settings.text).settings : null;
  return { base: { name, changed, files }, settings: policy, touches };
}
