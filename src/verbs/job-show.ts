import type { Command } from "commander";
import type { Entry } from "../core/entry.ts";
import { toSeconds } from "../core/explain.ts";
import { sectionOf, unfenced } from "../core/job-text.ts";
import { glyphs, isOver } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import { formatDuration } from "../core/scalar.ts";
import type { State } from "../core/state.ts";
import { clean, oneLine } from "../core/text.ts";
import { outside, usage } from "../errors.ts";
import type { Repo } from "../ports.ts";
import { openLocal } from "../shell/pack.ts";
import { addRecords, addRolled, jobPaths, readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface ListFlags extends Common {
  task?: string;
  open?: boolean;
  limit: string;
}

/** Adds `towline job list`, `show ID` and `log ID`. They read this clone, no network. */
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
    .description("one run: its record (from this clone). A task's name shows its newest run")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON")
    .action(async (id: string, flags: Common) => {
      const job = await jobNamed(wire, flags, id);
      if (flags.json)
        return void wire.out(`${JSON.stringify({ ...row(job), ...job.data, body: job.body }, null, 2)}\n`);
      const { run } = job.data;
      const head = [line(job), ...(run.why === undefined ? [] : [`  ${oneLine(run.why, 300)}`]), `  ${job.path}`];
      wire.out(`${toSeconds(head.join("\n"))}\n\n${clean(job.body).trim()}\n`);
    });
  group
    .command("log <id>")
    .description("what a run printed, as far as its record keeps it (from this clone)")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON")
    .action(async (id: string, flags: Common) => {
      const job = await jobNamed(wire, flags, id);
      const log = logOf(job.body);
      if (flags.json) return void wire.out(`${JSON.stringify({ job: job.id, path: job.path, log }, null, 2)}\n`);
      if (log === null)
        throw usage(
          `${job.id} has no log in its record${isOver(job) ? "" : " yet: it is collected when the run has ended"}`,
          `towline job show ${job.id}`,
        );
      wire.out(`${log}\n`);
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
  for (const job of jobs) wire.out(`${toSeconds(line(job))}\n`);
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

/** The run of this id, or the newest of the task of this name. Throws a usage Fault. */
async function jobNamed(wire: Wire, flags: Common, said: string): Promise<Entry<"job">> {
  const { repo, state, paths } = await local(wire, flags);
  const name = said.replace(/^.*\//, "").replace(/\.md$/, "");
  await addRolled(repo, state, name);
  const own = state.status.get(name)?.data.jobs.at(-1)?.id;
  const id = paths.has(name) ? name : (own ?? name);
  const path = paths.get(id);
  if (path !== undefined && !state.jobs.has(id)) await addRecords(repo, state, [path]);
  const job = state.jobs.get(id);
  if (job) return job;
  if (path !== undefined) throw outside(`${path} cannot be read`, "towline check");
  const near = nearest(name, [...paths.keys(), ...state.tasks.keys()]);
  throw usage(`${said} is no job here`, near ? `did you mean ${near}?` : "towline job list");
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

function line({ id, data }: Entry<"job">): string {
  const parts = [
    data.state,
    [data.agent, data.host].filter(Boolean).join(" on "),
    data.started_at ?? data.run.claimed_at,
    data.took === undefined ? "" : formatDuration(data.took),
    data.cost === undefined ? "" : `$${data.cost.toFixed(2)}`,
  ];
  return `${glyphs[data.state] ?? "·"} ${id}  ${parts.filter(Boolean).join("  ")}`;
}

/** What it printed: its answer, then what it said beside that; null: its record holds neither. */
function logOf(body: string): string | null {
  const [answer, log] = ["Answer", "Log"].map((title) => clean(unfenced(sectionOf(body, title))).trim());
  return [answer === "_No answer._" ? "" : answer, log].filter(Boolean).join("\n\n") || null;
}
