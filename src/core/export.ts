// Records → the documents that the dashboard is built from. Same records, same bytes: no build time, no ages in here.

import type { Beat } from "./beat.ts";
import type { Entry, Problem } from "./entry.ts";
import { collectionRows } from "./export-collections.ts";
import { costRows, spendingRows } from "./export-costs.ts";
import { newest_reflections, type OlderDay, olderDays } from "./export-days.ts";
import { healthDocument } from "./export-health.ts";
import { homeDocument } from "./export-home.ts";
import { historyRows, hostRows } from "./export-hosts.ts";
import { type Beside, jobStory } from "./export-jobs.ts";
import { campfireRows, candidateRows, dismissedRows, knowledgeRows } from "./export-knowledge.ts";
import type { PageFiles } from "./export-lines.ts";
import { pupdateRows } from "./export-pupdates.ts";
import { facetRows } from "./export-reflections.ts";
import { ruleRows } from "./export-rules.ts";
import type { Older } from "./export-window.ts";
import { type DocumentName, type Exported, type ExportFiles, export_version } from "./exported.ts";
import { answerOf } from "./job-text.ts";
import { pageRows } from "./plugin-pages.ts";
import type { Job, Pupdate, Settings, TaskState } from "./schema.ts";
import type { LevelRow } from "./state.ts";

export interface ExportInput {
  settings: Settings;
  entries: Entry[];
  pupdates: Pupdate[];
  /** Rows of state/levels.ndjson. */
  levels: LevelRow[];
  problems: Problem[];
  /** OVERVIEW.md as it is. */
  overview: string | null;
  /** `at`: ISO time of the ledger's newest commit. */
  tips: { policy: string; ledger: string | null; at: string | null };
  /** Web address of the repository, like https://github.com/owner/name. */
  forge: string | null;
  /** Files beside the records: `state/*.ndjson`, the newest `state/hosts/*.ndjson`, those of collections. */
  files?: PageFiles;
  /** Ids of the newest ticks: of those that wrote, of the heartbeat, of the one that exports. */
  ticks?: readonly string[];
  /** What a month comes to, as it was last said. */
  forecast?: { day: string; line: string } | null;
  /** How the database stands, as the heartbeat or the tick that exports has it. */
  database?: Beat["database"];
  /** Path → blob of jobs and reflections: a day whose records are as they were is not written again. */
  blobs?: ReadonlyMap<string, string>;
  beside?: Beside;
  /** What archives hold that were not opened. */
  older?: Older;
  /** The default branch, where the clone knows its name. */
  branch?: string | null;
}

import {
  capped,
  compare,
  dayOf,
  fragment,
  instant,
  most_tasks,
  newest_jobs,
  of,
  type Plain,
  readable,
  rows,
  sortedByTime,
  subjectId,
  taskLink,
  type World,
  worldOf,
} from "./export-world.ts";

type Row<N extends DocumentName> = Exported<N>;

const newest_pupdates = 500;
const newest_memos = 200;

/** File name → JSON text. Rows are newest first, keys sorted, bodies at most 16 KiB of UTF-8. */
export const exportData = (input: ExportInput): ExportFiles => exportAll(input).files;

/** The same, with the older days whose records go into files of their own. */
export function exportAll(input: ExportInput): { files: ExportFiles; days: OlderDay[] } {
  const world = worldOf({ ...input, zone: input.settings.zone });
  const days = olderDays(world, input.blobs ?? new Map(), input.older?.days);
  const tasks = taskRows(world);
  world.listed = new Set(tasks.slice(0, most_tasks).map((task) => task.id));
  const reflections = reflectionRows(world);
  const memos = memoRows(world);
  const beside: PageFiles = input.files ?? new Map();
  const history = historyRows(world, beside);
  const hosts = hostRows(world, input.levels, history);
  const documents: Record<DocumentName, unknown> = {
    meta: metaDocument(input, world.zone),
    home: homeDocument({
      ...{ reflections, tasks, memos, hosts, overview: input.overview, world, at: input.tips.at },
      ...{ ticks: input.ticks ?? [], every: input.settings.tick.every },
      older: input.older,
    }),
    reflections: reflections.slice(0, newest_reflections),
    facets: facetRows(reflections.slice(0, newest_reflections)),
    tasks: tasks.slice(0, most_tasks),
    jobs: jobRows(world, input.beside),
    hosts,
    agents: rows(world, "agent").map((row) => ({ ...row, fields: without(row.fields, ["env", "account"]) })),
    rules: ruleRows(world, beside),
    memos,
    knowledge: knowledgeRows(world, beside, input.tips.at),
    pupdates: pupdateRows(world, newest_pupdates),
    costs: costRows(world, input.older?.costs),
    campfire: campfireRows(beside),
    candidates: candidateRows(beside),
    dismissed: dismissedRows(beside),
    spending: spendingRows(world),
    health: healthDocument(world, input),
    history,
    collections: collectionRows(input.settings, beside),
    plugins: pageRows(input.settings, beside),
    problems: problemRows(input.problems),
    days: days.map(({ row }) => row),
  };
  documents.meta = { ...(documents.meta as Row<"meta">), pages: pagesOf(documents) };
  const files = Object.entries(documents)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, document]) => [`${name}.json`, jsonText(document)]);
  return { files: Object.fromEntries(files), days };
}

function reflectionRows(world: World): Row<"reflections">[] {
  const found = rows(world, "reflection").map((row) => {
    const runs = world.runs.get(row.fields.session_id ?? "") ?? [];
    const jobs = runs.map((run) => run.link);
    const task = taskLink(world, runs[0]?.job.data.task);
    const surprise = row.fields.surprise?.trim().toLowerCase().replace(/\.$/, "") ?? "";
    const day = dayOf(world, row.fields.timestamp);
    return { ...row, day, task, jobs, surprised: surprise !== "" && surprise !== "none" };
  });
  return sortedByTime(found, (row) => row.fields.timestamp);
}

const attention = ["waiting", "review", "lost", "failed", "blocked"];
const order = [...attention, "running", "queued", "new", "paused", "done", "draft", "cancelled"];

function groupOf(state: TaskState | "new", held: boolean): Row<"tasks">["group"] {
  if (attention.includes(state) || (state === "paused" && held)) return "attention";
  return ["running", "queued", "new"].includes(state) ? "moving" : "settled";
}

function taskRows(world: World): Row<"tasks">[] {
  const statuses = new Map(of(world.entries, "status").map((status) => [status.id, status]));
  const late = "9999";
  return rows(world, "task")
    .map((row) => {
      const entry = statuses.get(row.path.replace(/^.*\/|\.md$/g, ""));
      const state = entry?.data.state ?? (row.fields.status === "ready" ? ("new" as const) : row.fields.status);
      const newest = world.runs.get(entry?.data.jobs.at(-1)?.id ?? "")?.[0]?.job;
      const said = answerOf(entry?.body ?? "").replace(/^_No answer.*_$/, "");
      const { text: answer, cut: answer_cut } = capped(readable(said, newest?.data.run.runtime));
      const queued = row.path.startsWith("queue/");
      const jobs = (entry?.data.jobs ?? []).toReversed().flatMap((job) => world.runs.get(job.id)?.[0]?.link ?? []);
      const group = groupOf(state, (entry?.data.failures ?? 0) > 0);
      return { ...row, queued, group, state, status: entry?.data, status_path: entry?.path, answer, answer_cut, jobs };
    })
    .sort(
      (a, b) =>
        order.indexOf(a.state) - order.indexOf(b.state) ||
        compare(a.status?.next_due ?? late, b.status?.next_due ?? late) ||
        a.fields.priority - b.fields.priority ||
        compare(a.id, b.id),
    );
}

function jobRows(world: World, beside?: Beside): Row<"jobs">[] {
  const listed = new Map(world.jobs.slice(0, newest_jobs).map((job, index) => [job.path, index]));
  return rows(world, "job")
    .filter((row) => listed.has(row.path))
    .sort((a, b) => (listed.get(a.path) as number) - (listed.get(b.path) as number))
    .map((row) => {
      const job: Job = row.fields;
      const task = world.tasks.get(job.task);
      const day = dayOf(world, job.run.claimed_at);
      // Whose account it is stays in the repository.
      const run = without(job.run, ["account", "limited"]) as Job["run"];
      const fields = { ...job, run };
      const story = jobStory(world, world.jobs[listed.get(row.path) as number] as Entry<"job">, beside);
      const rest = story.sections.length > 0 ? { body: "", cut: undefined } : {};
      const title = task?.data.title ?? job.task;
      return { ...row, ...rest, fields, day, title, task_listed: taskLink(world, job.task) !== undefined, ...story };
    });
}

function memoRows(world: World): Row<"memos">[] {
  const open = (row: Plain<"memo">) => (row.fields.status === "open" ? 0 : 1);
  return rows(world, "memo")
    .sort(
      (a, b) =>
        open(a) - open(b) ||
        (open(a) === 0
          ? instant(a.fields.expires) - instant(b.fields.expires)
          : instant(b.fields.created) - instant(a.fields.created)) ||
        compare(a.id, b.id),
    )
    .filter((row, index) => open(row) === 0 || index < newest_memos)
    .map((row) => {
      const about = subjectId(row.fields.subject);
      const run = world.runs.get(about)?.[0];
      const host = world.hosts.has(about) ? fragment(about) : undefined;
      return { ...row, job: run?.link, host, task: taskLink(world, run?.job.data.task ?? about) };
    });
}

function problemRows(problems: Problem[]): Row<"problems">[] {
  return problems
    .filter((problem) => problem.level === "error")
    .sort((a, b) => compare(a.path, b.path) || a.line - b.line || a.column - b.column)
    .map(({ path, line, column, code, message, fix }, index) => {
      return { id: `${fragment(path)}-${index}`, path, line, column, code, message, fix };
    });
}

/** Pages that are worth a place in the navigation: those whose documents hold something. */
function pagesOf(documents: Readonly<Record<string, unknown>>): string[] {
  const some = (document: unknown) => (Array.isArray(document) ? document.length > 0 : document !== undefined);
  return ["pupdates", "rules", "knowledge", "campfire", "costs", "health", "collections", "plugins"].filter((name) =>
    some(documents[name]),
  );
}

function metaDocument(input: ExportInput, zone: string): Row<"meta"> {
  return {
    id: "meta",
    version: export_version,
    name: input.settings.name,
    pack: input.settings.id,
    zone,
    policy: input.tips.policy,
    ledger: input.tips.ledger ?? undefined,
    at: input.tips.at ? new Date(input.tips.at).toISOString() : undefined,
    forge: input.forge ?? undefined,
    pages: [],
    every: input.settings.tick.every,
    alarm: input.settings.tick.alarm,
    forge_name: input.settings.forge?.name,
    branch: input.branch ?? undefined,
    ledger_branch: input.settings.ledger.branch,
  };
}

const without = (fields: object, names: string[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

/** JSON with sorted keys, without what is not set; one row of a list a line. */
function jsonText(document: unknown): string {
  if (!Array.isArray(document)) return `${JSON.stringify(sorted(document))}\n`;
  if (document.length === 0) return "[]\n";
  return `[\n${document.map((row) => JSON.stringify(sorted(row))).join(",\n")}\n]\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined && item !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
