// How hosts fared: samples that each host keeps itself, brought into the ledger with a commit that is made anyway, and at
// least once a day. One file a UTC day; the same sample twice is one line.
import type { Sample } from "../ports.ts";
import type { Draft } from "./draft.ts";
import { ndjson } from "./render.ts";
import type { State } from "./state.ts";

/** Lines of a day's file at most: it is read whole, and written anew with each commit that adds to it. */
const most_lines = 4000;
/** A host's own ring reaches back no further, and a clock that was never set says 1970. */
const oldest = 8 * 86_400;
const ahead = 300;

/** A line of the file. Bytes, seconds and load per core. */
export interface SampleRow {
  at: string;
  host: string;
  load: number;
  memory_free: number;
  memory_total: number;
  disk_free: number;
  disk_total: number;
  slots: number;
}

export const samplesPath = (at: string) => `state/hosts/${at.slice(0, 10)}.ndjson`;

/** From when on a host is to be asked for its samples, in seconds since 1970; null: the ledger has fresh ones. */
export function samplesSince(state: State, host: string, now: Date): number | null {
  const at = now.getTime() / 1000;
  const seen = Date.parse(state.met.get(host)?.seen ?? "") / 1000;
  if (Number.isNaN(seen)) return Math.floor(at - oldest);
  return at - seen < (state.settings.fleet.probe || 1800) ? null : Math.floor(seen);
}

/** Samples that can be: by a clock that is set, and no older than a host keeps them. */
export const credible = (samples: Sample[], now: Date) => {
  const at = now.getTime() / 1000;
  return samples.filter((one) => one.at <= at + ahead && one.at > at - oldest);
};

/** The day files that these samples belong to. */
export const samplePaths = (samples: ReadonlyMap<string, Sample[]>, now: Date): string[] => [
  ...new Set([...samples.values()].flatMap((list) => credible(list, now).map((one) => samplesPath(iso(one.at))))),
];

export interface Brought {
  /** Files to write along with the next commit. */
  files: Map<string, string>;
  /** Host → its newest sample's time. */
  seen: Map<string, string>;
  /** A day is over whose samples no commit has taken along: they make one of their own. */
  pressing: boolean;
}

/** What the samples add to the ledger. Each host gives one line for a stretch of `fleet.probe`, or of more where hosts are many. */
export function bring(draft: Draft, samples: ReadonlyMap<string, Sample[]>): Brought {
  const brought: Brought = { files: new Map(), seen: new Map(), pressing: false };
  const stretch = Math.max(60, draft.settings.fleet.probe, Math.ceil((86_400 * draft.hosts.size) / most_lines));
  const days = new Map<string, { rows: SampleRow[]; taken: Set<string> }>();
  const key = (host: string, seconds: number) => `${host} ${Math.floor(seconds / stretch)}`;
  const dayOf = (path: string) => {
    const rows = readSamples(draft.texts.get(path));
    return { rows, taken: new Set(rows.map((row) => key(row.host, Date.parse(row.at) / 1000))) };
  };
  const today = samplesPath(draft.now.toISOString());
  for (const [host, list] of [...samples].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!draft.hosts.has(host)) continue;
    for (const sample of credible(list, draft.now).sort((a, b) => a.at - b.at)) {
      const at = iso(sample.at);
      brought.seen.set(host, at);
      const path = samplesPath(at);
      const day = days.get(path) ?? dayOf(path);
      days.set(path, day);
      if (day.taken.has(key(host, sample.at)) || day.rows.length >= most_lines) continue;
      day.taken.add(key(host, sample.at));
      day.rows.push(rowOf(host, at, sample));
      brought.files.set(path, "");
      if (path < today) brought.pressing = true;
    }
  }
  for (const path of brought.files.keys()) brought.files.set(path, ndjson(sorted(days.get(path)?.rows ?? [])));
  return brought;
}

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

function rowOf(host: string, at: string, sample: Sample): SampleRow {
  return {
    at,
    host,
    load: Math.round((sample.load / Math.max(1, sample.cores)) * 100) / 100,
    memory_free: sample.memory.free,
    memory_total: sample.memory.total,
    disk_free: sample.disk.free,
    disk_total: sample.disk.total,
    slots: sample.slots,
  };
}

const sorted = (rows: SampleRow[]) =>
  rows.sort((a, b) => (a.at !== b.at ? (a.at < b.at ? -1 : 1) : a.host < b.host ? -1 : 1));

const numbers = ["load", "memory_free", "memory_total", "disk_free", "disk_total", "slots"] as const;

/** A line as it was written, or null. */
export function readSample(line: string): SampleRow | null {
  try {
    const row = JSON.parse(line) as SampleRow;
    const fine =
      typeof row.host === "string" &&
      typeof row.at === "string" &&
      !Number.isNaN(Date.parse(row.at)) &&
      numbers.every((name) => Number.isFinite(row[name]));
    return fine ? row : null;
  } catch {
    return null; // a torn line costs itself only
  }
}

const readSamples = (text: string | undefined) => (text ?? "").split("\n").flatMap((line) => readSample(line) ?? []);

/** Host rows of the ledger, with the time up to which each host's samples stand in it. */
export function seenRows(draft: Draft, { seen }: Brought): string {
  const rows = [...draft.met.values()].map((row) => ({ ...row, seen: seen.get(row.host) ?? row.seen }));
  return ndjson(rows.sort((a, b) => (a.host < b.host ? -1 : 1)));
}
