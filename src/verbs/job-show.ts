import type { Command } from "commander";
import { tabled } from "../core/columns.ts";
import type { Entry } from "../core/entry.ts";
import { toSeconds } from "../core/explain.ts";
import { glyphs, isOver } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import { formatDuration } from "../core/scalar.ts";
import type { State } from "../core/state.ts";
import { clean, oneLine } from "../core/text.ts";
import { usage } from "../errors.ts";
import type { Repo } from "../ports.ts";
import { openLocal } from "../shell/pack.ts";
import { addRecords, addRolled, jobPaths, readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { jobIn } from "./job-named.ts";

interface ListFlags extends Common {
  task?: string;
  open?: boolean;
  limit: string;
}

/** Adds `towline job list` and `show ID`. They read this clone, no network. */
export function showingJobs(group: Command, wire: Wire): void {
  group
    .command("list")
    .description("runs, the newest first (from this clone)")
    .option("--task <id>", "of this task only")
    .option("--open", "only those that are not over")
    .option("--limit <n>", "at most this many", "20")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the list as JSON")
    .action(async (flags: ListFlags) => list(wire, flags));
  group
    .command("show <id>")
    .description("one run: its record (from this clone). A task's name shows its open or newest run")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON")
    .action(async (id: string, flags: Common) => {
      const job = await localJob(wire, flags, id);
      if (flags.json)
        return void wire.out(`${JSON.stringify({ ...row(job), ...job.data, body: job.body }, null, 2)}\n`);
      const { run } = job.data;
      const head = [jobLine(job), ...(run.why === undefined ? [] : [`  ${oneLine(run.why, 300)}`]), `  ${job.path}`];
      wire.out(`${toSeconds(head.join("\n"))}\n\n${clean(job.body).trim()}\n`);
    });
}

async function list(wire: Wire, flags: ListFlags): Promise<void> {
  if (!/^[1-9]\d{0,4}$/.test(flags.limit)) throw usage(`--limit ${flags.limit} is not a number of runs`, "--limit 20");
  const { repo, state, paths } = await local(wire, flags);
  if (flags.task !== undefined) await addRolled(repo, state, flags.task);
  if (flags.task !== undefined && !state.tasks.has(flags.task) && !state.status.has(flags.task)) {
    const near = nearest(flags.task, [...state.tasks.keys()]);
    throw usage(
      `there is no task ${flags.task}`,
      near ? `did you mean ${near}?` : "`towline task list` names the tasks",
    );
  }
  const newest = flags.open ? [] : [...paths.values()].sort().reverse();
  // A folder a day: of a pack with many runs only the newest days are read, until there are enough.
  for (let at = 0; at < newest.length && chosen(state, flags).length < Number(flags.limit); at += 200)
    await addRecords(repo, state, newest.slice(at, at + 200));
  const jobs = chosen(state, flags);
  for (const one of state.problems.filter(({ path }) => path.startsWith("jobs/")))
    wire.report[one.level](`${one.message} (${one.fix})`, one);
  if (flags.json) return void wire.out(`${JSON.stringify(jobs.map(row), null, 2)}\n`);
  if (jobs.length === 0) return void wire.out(flags.open ? "No run is open.\n" : "No runs yet.\n");
  for (const line of tabled(jobs.map(cells), wire.columns)) wire.out(`${line}\n`);
}

const chosen = ({ jobs }: State, { task, open, limit }: ListFlags): Entry<"job">[] =>
  [...jobs.values()]
    .filter((job) => (task === undefined || job.data.task === task) && !(open && isOver(job)))
    .sort((a, b) => (when(a) < when(b) ? 1 : when(a) > when(b) ? -1 : a.id < b.id ? -1 : 1))
    .slice(0, Number(limit));

const when = ({ data }: Entry<"job">) => data.started_at ?? data.run.claimed_at;

async function local(wire: Wire, flags: Common): Promise<{ repo: Repo; state: State; paths: Map<string, string> }> {
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  return { repo, state: await readWorkTree(repo, top, tips), paths: await jobPaths(repo, tips) };
}

/** A run as this clone has it, by its id or its task's name. Throws a usage Fault. */
export async function localJob(wire: Wire, flags: Common, said: string): Promise<Entry<"job">> {
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  return jobIn(repo, tips, await readWorkTree(repo, top, tips), said);
}

const row = ({ id, path, data }: Entry<"job">) => ({
  job: id,
  path,
  task: data.task,
  state: data.state,
  agent: data.agent ?? null,
  host: data.host ?? null,
  claimed_at: data.run.claimed_at,
  started_at: data.started_at ?? null,
  ended_at: data.run.ended_at ?? null,
  took: data.took ?? null,
  cost: data.cost ?? null,
  why: data.run.why ?? null,
});

export const jobLine = (job: Entry<"job">): string => cells(job).filter(Boolean).join("  ");

function cells({ id, data }: Entry<"job">): string[] {
  return [
    `${glyphs[data.state] ?? "·"} ${id}`,
    data.state,
    [data.agent, data.host].filter(Boolean).join(" on "),
    toSeconds(data.started_at ?? data.run.claimed_at),
    data.took === undefined ? "" : formatDuration(data.took),
    data.cost === undefined ? "" : `$${data.cost.toFixed(2)}`,
  ];
}
