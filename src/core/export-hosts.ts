// The hosts, and how each fared in the last days, thinned out to what a small picture can show.
import type { PageFiles } from "./export-lines.ts";
import { fragment, instant, type JobLink, rows, type World } from "./export-world.ts";
import { type Exported, host_fields } from "./exported.ts";
import { readSample, type SampleRow } from "./samples.ts";
import type { LevelRow } from "./state.ts";

type History = Exported<"history">;

/** Days of samples that the export reads, and points of a picture at most. */
export const sample_days = 14;
const most_points = 168;

export const isSampleFile = (path: string) => /^state\/hosts\/\d{4}-\d{2}-\d{2}\.ndjson$/.test(path);

export function historyRows(world: World, files: PageFiles): History[] {
  const samples = [...files].flatMap(([path, text]) =>
    isSampleFile(path) ? text.split("\n").flatMap((line) => readSample(line) ?? []) : [],
  );
  const byHost = Map.groupBy(
    samples.filter((row) => world.hosts.has(row.host)),
    (row) => row.host,
  );
  return [...byHost].sort(([a], [b]) => (a < b ? -1 : 1)).map(([host, rows]) => historyOf(host, rows));
}

function historyOf(host: string, rows: SampleRow[]): History {
  const sorted = rows.toSorted((a, b) => instant(a.at) - instant(b.at));
  const last = sorted.at(-1) as SampleRow;
  const from = instant(last.at) - sample_days * 86_400_000;
  const step = (sample_days * 86_400_000) / most_points;
  const recent = sorted.filter((row) => instant(row.at) > from);
  // The worst of each stretch: a peak must not be thinned away.
  const stretches = Map.groupBy(recent, (row) => Math.ceil((instant(row.at) - from) / step));
  const points = [...stretches.values()].map((stretch) => ({
    at: (stretch.at(-1) as SampleRow).at,
    load: Math.max(...stretch.map((row) => percent(row.load, 1))),
    memory: Math.max(...stretch.map((row) => used(row.memory_free, row.memory_total))),
    disk: Math.max(...stretch.map((row) => used(row.disk_free, row.disk_total))),
  }));
  const { at, load, disk_free, disk_total, slots } = last;
  return { id: fragment(host), points, last: { at, load: percent(load, 1), disk_free, disk_total, slots } };
}

const percent = (value: number, of: number) => Math.max(0, Math.round((value / of) * 100));
const used = (free: number, total: number) => (total > 0 ? Math.min(100, percent(total - free, total)) : 0);

const open_states = new Set(["claimed", "started", "reworking", "unknown"]);

export function hostRows(world: World, levels: LevelRow[], history: History[]): Exported<"hosts">[] {
  const level = (host: string, kind: string) => levels.find((row) => row.subject === host && row.kind === kind);
  return rows(world, "host").map((row) => {
    const name = row.path.replace(/^.*\/|\.md$/g, "");
    const jobs = world.jobs.filter((job) => job.data.host === name);
    const enrolled = row.fields.identity !== undefined;
    const down = world.down.has(name);
    const since = down ? world.pupdates.find((p) => p.id === world.down.get(name))?.at : undefined;
    // The same rule as in OVERVIEW.md: work goes to a host that is not enrolled, too.
    const state = row.fields.off ? "off" : row.fields.cordon ? "cordoned" : down ? "down" : "ready";
    const newest = jobs[0]?.data;
    const last = newest && {
      ...(world.runs.get(jobs[0]?.id as string)?.[0]?.link as JobLink),
      at: newest.run.ended_at ?? newest.started_at ?? newest.run.claimed_at,
    };
    const fields = only(row.fields, host_fields) as Exported<"hosts">["fields"];
    const open = jobs.filter((job) => open_states.has(job.data.state)).length;
    const seen = history.find((one) => one.id === row.id)?.last.at;
    const drift = level(name, "host.drifted")?.state;
    const disk_full = level(name, "host.disk") !== undefined;
    const program = jobs.find((job) => job.data.run.program !== undefined)?.data.run.program;
    return { ...row, fields, state, since, enrolled, open, last, seen, drift, disk_full, program };
  });
}

const only = (fields: object, names: string[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
