// What every export document is made from: the records in order, who belongs to whom, and ids fit for an address.
import { localDay } from "./due.ts";
import type { Entry } from "./entry.ts";
import type { Exported } from "./exported.ts";
import type { Fields, Kind, Pupdate } from "./schema.ts";
import type { LevelRow } from "./state.ts";

export type JobLink = Exported<"reflections">["jobs"][number];

const body_cap = 16 << 10;
export const newest_jobs = 200;
/** Tasks with a page of their own, in the order of the board: those at rest the longest are shown by the forge. */
export const most_tasks = 500;

export interface WorldInput {
  zone: string;
  entries: Entry[];
  pupdates: Pupdate[];
  /** Rows of state/levels.ndjson. */
  levels: LevelRow[];
}

export interface World {
  zone: string;
  entries: Entry[];
  pupdates: Pupdate[];
  /** Host → the pupdate that said it is down. */
  down: Map<string, string>;
  /** Newest first. */
  jobs: Entry<"job">[];
  /** Job id or run id → its jobs. */
  runs: Map<string, { job: Entry<"job">; link: JobLink }[]>;
  tasks: Map<string, Entry<"task">>;
  /** Ids, fit for an address, of those that have a page of their own; absent: all have. */
  listed?: Set<string>;
  hosts: Set<string>;
}

/** Sorts and joins the records; the order in which they came does not matter. */
export function worldOf(input: WorldInput): World {
  const entries = [...input.entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const jobs = newestFirst(of(entries, "job"));
  const runs: World["runs"] = new Map();
  jobs.forEach((job, index) => {
    const run = { job, link: jobLink(job, index < newest_jobs) };
    for (const key of new Set([job.id, job.data.run.run_id])) runs.set(key, [...(runs.get(key) ?? []), run]);
  });
  const pupdates = [...input.pupdates].sort((a, b) => instant(b.at) - instant(a.at) || (a.id < b.id ? -1 : 1));
  const tasks = new Map(of(entries, "task").map((task) => [task.id, task]));
  const hosts = new Set(of(entries, "host").map((host) => host.id));
  const silent = input.levels.filter((row) => row.family === "host" && row.kind === "host.down");
  const down = new Map(silent.map((row) => [row.subject, row.pupdate]));
  return { zone: knownZone(input.zone), entries, pupdates, down, jobs, runs, tasks, hosts };
}

const newestFirst = (jobs: Entry<"job">[]) => sortedByTime(jobs, (job) => job.data.run.claimed_at);

/** Those that have a page of their own; older ones are shown by the forge. */
export const newestJobs = (jobs: Entry<"job">[]) => newestFirst(jobs).slice(0, newest_jobs);

export const of = <K extends Kind>(entries: Entry[], kind: K) =>
  entries.filter((entry): entry is Entry<K> => (entry.kind as Kind) === kind);

export const instant = (at: string) => Date.parse(at) || 0;

const jobLink = (job: Entry<"job">, listed: boolean): JobLink => ({
  id: fragment(job.id),
  path: job.path,
  listed,
  state: job.data.state,
  host: job.data.host,
});

function knownZone(zone: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}

/** Fit for a URL fragment and an HTML id. */
export const fragment = (id: string) => id.replace(/[^A-Za-z0-9._-]+/g, "-");

export type Plain<K extends Kind> = { id: string; path: string; fields: Fields<K>; body: string; cut?: number };

/** All records of a kind, by path, ids made unique (two people may name two reflections alike). */
export function rows<K extends Kind>(world: World, kind: K): Plain<K>[] {
  const taken = new Set<string>();
  return of(world.entries, kind).map((entry) => {
    let id = fragment(entry.id);
    if (taken.has(id)) id = fragment(entry.path.replace(/\.md$/, ""));
    while (taken.has(id)) id += "-";
    taken.add(id);
    const { text, cut } = shown(entry);
    return { id, path: entry.path, fields: shortened(entry.data) as Fields<K>, body: text, cut };
  });
}

/** A record's text as people read it, up to the cap. */
export const shown = (entry: Entry, most = body_cap) => capped(readable(withoutRepeats(entry), runtimeOf(entry)), most);

function runtimeOf(entry: Entry): string | undefined {
  const fields = entry.data as { runtime?: unknown; run?: { runtime?: string } };
  return typeof fields.runtime === "string" ? fields.runtime : fields.run?.runtime;
}

const job_line = /\n+\[Job [^\]\n]*\]\([^)\n]*\)\s*$/;

/** Without the job's link at the end of a reflection and its reason at the start of a job: both are shown as fields. */
function withoutRepeats({ kind, data, body }: Entry): string {
  if (kind === "reflection") return body.replace(job_line, "\n");
  const why = kind === "job" ? (data as Fields<"job">).run.why : undefined;
  return why && body.startsWith(`${why}\n`) ? body.slice(why.length).trimStart() : body;
}

/** A model answers in markdown, which its record keeps in a fence; people read it better without the fence. */
export const readable = (body: string, runtime: string | undefined) =>
  runtime === undefined || runtime === "shell" ? body : body.replace(/^(`{3,})text\n([\s\S]*?)\n\1$/m, "$2");

export const taskLink = (world: World, id: string | undefined) =>
  id !== undefined && world.tasks.has(id) && (world.listed?.has(fragment(id)) ?? true) ? fragment(id) : undefined;

/** `task:x`, `hosts/x.md`, `x` → `x`. */
export const subjectId = (subject: string) => subject.replace(/^.*[:/]/, "").replace(/\.md$/, "");

export const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The beginning of a text, cut between characters, and the size of the whole when something was cut. */
export function capped(text: string, most = body_cap): { text: string; cut?: number } {
  if (text.length * 3 <= most) return { text };
  const whole = new TextEncoder().encode(text).length;
  if (whole <= most) return { text };
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(most));
  return { text: text.slice(0, read), cut: whole };
}

/** No single field is longer than a body may be; where none is, which is nearly always, the fields stay as they are. */
const shortened = (value: unknown): unknown => (isLong(value) ? cutShort(value) : value);

function isLong(value: unknown): boolean {
  if (typeof value === "string") return value.length * 3 > body_cap;
  if (value === null || typeof value !== "object") return false;
  for (const key in value) if (isLong((value as Record<string, unknown>)[key])) return true;
  return false;
}

function cutShort(value: unknown): unknown {
  if (typeof value === "string") return capped(value).text;
  if (Array.isArray(value)) return value.map(cutShort);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cutShort(item)]));
}

/** The day of an instant in the pack's zone. */
export function dayOf(world: Pick<World, "zone">, at: string): string {
  const days = known_days.get(world) ?? new Map<number, string>();
  known_days.set(world, days);
  // Clocks differ from UTC by whole quarters of an hour: all of one quarter is the same day.
  const quarter = Math.floor(instant(at) / 900_000);
  const day = days.get(quarter) ?? localDay(world.zone, new Date(instant(at))).day;
  days.set(quarter, day);
  return day;
}
const known_days = new WeakMap<object, Map<number, string>>();

/** Newest first; what is of the same moment, by id. Times are read once each: there may be a hundred thousand. */
export function sortedByTime<T extends { id: string }>(list: readonly T[], at: (one: T) => string): T[] {
  return list
    .map((one): [number, T] => [instant(at(one)), one])
    .sort(([a, one], [b, other]) => b - a || compare(one.id, other.id))
    .map(([, one]) => one);
}
