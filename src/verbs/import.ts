import { relative, resolve } from "node:path";
import type { Command } from "commander";
import { readBacklogTask } from "../core/import-backlog.ts";
import { issueAsTask } from "../core/import-issues.ts";
import { type Foreign, type ImportedTask, planTasks } from "../core/import-tasks.ts";
import { counted } from "../core/text.ts";
import { exit, usage } from "../errors.ts";
import { githubPlace } from "../shell/init-look.ts";
import { newRecord } from "../shell/new-record.ts";
import { openLocal } from "../shell/pack.ts";
import { whereOf } from "../shell/person-edit.ts";
import { type PushedNew, pushNew } from "../shell/person-push.ts";
import { type Proposed, propose } from "../shell/propose.ts";
import { readWorkTree } from "../shell/read.ts";
import { originUrl } from "../shell/repo-open.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface ImportFlags extends Common {
  agent?: string;
  hosts?: string;
  on?: string;
  label?: string;
  dryRun?: boolean;
  push?: boolean;
  pr?: boolean;
}

interface Found {
  work: Foreign[];
  /** What could not be read, and why. */
  broken: { from: string; why: string }[];
}

const branch = "towline/import";

/** Adds `towline import backlog` and `towline import github`. */
export function importing(program: Command, wire: Wire): void {
  const group = program
    .command("import")
    .description("bring work from elsewhere in as tasks: drafts, none overwritten");
  const common = (command: Command) =>
    command
      .option("--agent <name>", "who does all of them")
      .option("--hosts <selector>", "where: a name, label:x or any")
      .option("--on <repo>", "they are work on this repository: `.`, owner/name or an address")
      .option("--dry-run", "say what would be written, and write nothing")
      .option("--push", "put them on origin at once, those files and nothing else")
      .option("--pr", "propose them as a branch to merge")
      .option("--repo <dir>", "the pack repository", ".")
      .option("--json", "print the outcome as JSON");
  common(
    group.command("backlog [dir]").description("from a folder of Backlog.md; what is done there is left out"),
  ).action(async (dir: string | undefined, flags: ImportFlags) =>
    run(wire, flags, await fromBacklog(wire, flags, dir)),
  );
  common(
    group
      .command("github [repository]")
      .description("from the open issues of owner/name, or of the pack's own repository; GITHUB_TOKEN reads them")
      .option("--label <label>", "only those that carry it"),
  ).action(async (named: string | undefined, flags: ImportFlags) =>
    run(wire, flags, await fromGithub(wire, flags, named)),
  );
}

async function fromBacklog(wire: Wire, flags: ImportFlags, dir = "backlog"): Promise<Found> {
  const { backlogFiles } = await import("../shell/foreign-work.ts");
  const at = resolve(dir === "backlog" ? repoDir(wire, flags) : wire.cwd, dir);
  const shown = relative(repoDir(wire, flags), at);
  const found: Found = { work: [], broken: [] };
  for (const { file, text } of await backlogFiles(at, shown === "" ? "." : shown)) {
    const read = text === null ? "it is no text in UTF-8, or over 1 MiB" : readBacklogTask(file, text);
    if (typeof read === "string") found.broken.push({ from: file, why: read });
    else found.work.push(read);
  }
  const [first] = found.broken;
  if (first && found.broken.length > 1 && found.work.length === 0)
    throw usage(
      `${shown === "" ? "." : shown} is no folder of Backlog.md: none of its ${found.broken.length} files is a task (${first.from}: ${first.why})`,
      "name that folder, like `backlog`",
    );
  return found;
}

async function fromGithub(wire: Wire, flags: ImportFlags, named: string | undefined): Promise<Found> {
  if (named !== undefined && !/^[\w.-]+\/[\w.-]+$/.test(named))
    throw usage(`\`${named.slice(0, 80)}\` is no repository`, "write it like owner/name");
  const own = githubPlace(await originUrl(repoDir(wire, flags), wire.env), wire.env);
  const web = own?.web ?? wire.env.GITHUB_SERVER_URL ?? "https://github.com";
  const place = named === undefined ? own : githubPlace(`${web.replace(/:\d+$/, "")}/${named}`, wire.env);
  if (place === null) throw usage("origin is not on GitHub", "name the repository: towline import github owner/name");
  const token = place.variable ? wire.env[place.variable] : undefined;
  if (!token)
    throw usage("there is no token that reads the issues", "set GITHUB_TOKEN, like GITHUB_TOKEN=$(gh auth token)");
  const { openIssues } = await import("../shell/foreign-work.ts");
  const issues = await openIssues({ ...place, token }, flags.label);
  const ours = own?.repository.toLowerCase() === place.repository.toLowerCase();
  return { work: issues.map((issue) => issueAsTask(place.repository, ours, issue)), broken: [] };
}

async function run(wire: Wire, flags: ImportFlags, { work, broken }: Found): Promise<void> {
  const dir = repoDir(wire, flags);
  const { repo, tips, top } = await openLocal(dir, wire);
  const state = await readWorkTree(repo, top, tips);
  if (flags.agent !== undefined && !state.agents.has(flags.agent))
    throw usage(`there is no agent ${flags.agent}`, `agents: ${[...state.agents.keys()].join(", ") || "none yet"}`);
  const where = whereOf(flags);
  const proposing =
    where === "pr" && !flags.dryRun ? await propose({ dir, ...wire }, branch, /^tasks\/[^/]+\.md$/) : null;
  const texts = new Map<string, string | null>();
  for (const { id } of work)
    texts.set(id, (proposing ? await proposing.text(`tasks/${id}.md`) : null) ?? (await textHere(top, id)));
  const planned = planTasks(work, (id) => texts.get(id) ?? null, flags);
  const fresh = planned.filter(({ state: one }) => one === "new");
  const message = `${counted(fresh.length, "task")} brought in`;
  const files = new Map(fresh.map(({ path, text }) => [path, text as string]));
  const made = proposing ? await proposing.push(files, message) : null;
  const pushed = where === "push" && !flags.dryRun ? await pushNew(dir, wire, files, message) : null;
  const tasks = pushed
    ? planned.map(lateOn(pushed))
    : flags.dryRun || proposing
      ? planned
      : await written(top, planned);
  for (const { from, why } of broken) wire.report.warning(`${from} was left out: ${why}`);
  const outcome = {
    tasks,
    broken,
    branch: made?.branch ?? null,
    url: made?.url ?? null,
    commit: pushed?.commit ?? made?.commit ?? null,
    dry_run: flags.dryRun === true,
  };
  wire.out(flags.json ? `${JSON.stringify(outcome, null, 2)}\n` : described(tasks, { made, pushed }, flags));
  if (broken.length > 0 || tasks.some(({ state: one }) => one === "refused" || one === "differs"))
    wire.exit(exit.findings);
}

/** What came to be on origin meanwhile is not written over. */
const lateOn =
  ({ there }: PushedNew) =>
  (one: ImportedTask): ImportedTask =>
    there.has(one.path) ? { ...one, state: "differs", why: "origin has it already" } : one;

async function textHere(top: string, id: string): Promise<string | null> {
  const { readFile } = await import("node:fs/promises");
  return readFile(resolve(top, "tasks", `${id}.md`), "utf8").catch(() => null);
}

/** One file a task; what came to be meanwhile is not written over. */
async function written(top: string, planned: ImportedTask[]): Promise<ImportedTask[]> {
  const done: ImportedTask[] = [];
  for (const one of planned) {
    const late = one.state === "new" && !(await newRecord(top, "tasks", one.id, one.text as string));
    done.push(late ? { ...one, state: "differs", why: "it came to be meanwhile" } : one);
  }
  return done;
}

interface Landed {
  made: Proposed | null;
  pushed: PushedNew | null;
}

function described(tasks: ImportedTask[], { made, pushed }: Landed, { dryRun }: ImportFlags): string {
  const of = (state: ImportedTask["state"]) => tasks.filter((one) => one.state === state);
  const fresh = of("new");
  const count = (n: number, words: string) => (n > 0 ? [`${n} ${words}`] : []);
  const left = [...of("differs"), ...of("refused")];
  return [
    ...fresh.map(({ path, from }) => `✓ ${path}  (${from})`),
    ...left.map(({ path, from, why }) => `△ ${path} was not written (${from}): ${why}`),
    `${[`${fresh.length} ${dryRun ? "would be written" : "written"}`, ...count(of("same").length, "there already"), ...count(of("over").length, "finished there"), ...count(left.length, "left as they are")].join(", ")}.`,
    ...(made
      ? [`  proposed on the branch ${made.branch}${made.url ? `: ${made.url}` : ""}; merging it is the yes`]
      : []),
    ...(pushed?.commit
      ? [`  pushed as ${pushed.commit.slice(0, 10)}${pushed.here ? "" : "; git pull brings them into this folder"}`]
      : []),
    ...(fresh.length > 0 && !dryRun ? ["They are drafts: nothing runs until `towline task ready ID`."] : []),
    "",
  ].join("\n");
}
