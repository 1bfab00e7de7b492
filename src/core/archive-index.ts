// What stands beside an archive: how much it holds, by what its records are looked for, and what they come to. Whoever
// looks for one record opens the archives that may hold it, and sums of old days need none at all.
import { z } from "zod";
import { isArchive, type Rolled, rowIn } from "./archive.ts";
import { archived_cost, costsOf } from "./archive-costs.ts";
import { type Entry, idOf, kindOf, parseEntry } from "./entry.ts";
import { digest } from "./hash.ts";

/** Hex digits of each key: in ten years of a busy pack a stranger's is among them once in some hundred looks. */
const width = 6;

const count = z.number().int().nonnegative();
const form = z.strictObject({
  /** Blob of the archive that this was made from. */
  of: z.string().regex(/^[0-9a-f]{40,64}$/),
  /** Records of the folder's own kind; of pupdates, events. */
  records: count,
  /** Beginnings of hashes, in order, one after the other. */
  keys: z.string().regex(/^([0-9a-f]{6})*$/),
  /** Reflections by outcome. */
  outcomes: z.record(z.string(), count).optional(),
  /** Jobs: what each month's came to. */
  costs: z.array(archived_cost).optional(),
});
export type ArchiveIndex = z.infer<typeof form>;

/** An archive, with its index where that is its own. */
export interface Shelf {
  file: string;
  blob: string;
  index: ArchiveIndex | null;
}

export const indexPath = (archive: string) => archive.replace(/\.ndjson$/, ".index.json");
/** The archive beside which that file stands; null: it is no index. */
export function indexedBy(path: string): string | null {
  const archive = path.replace(/\.index\.json$/, ".ndjson");
  return archive !== path && isArchive(archive) ? archive : null;
}

const keyOf = (id: string) => digest(id).slice(0, width);
const sumOf = (index: object) => digest(JSON.stringify(index)).slice(0, 16);

/** The text of the index of this archive. `blob`: the archive's own, as git names it. */
export function indexText(file: string, text: string, blob: string, zone: string): string {
  const rows = text.split("\n").flatMap((line) => rowIn(file, line) ?? []);
  const parts = rows.map(partOf);
  const keys = [...new Set(parts.flatMap((part) => part.ids.map(keyOf)))].sort().join("");
  const index: ArchiveIndex = { of: blob, records: parts.reduce((sum, one) => sum + one.records, 0), keys };
  for (const { outcome } of parts)
    if (outcome) index.outcomes = { ...index.outcomes, [outcome]: (index.outcomes?.[outcome] ?? 0) + 1 };
  const costs = costsOf(
    parts.flatMap((part) => part.job ?? []),
    zone,
  );
  if (costs.length > 0) index.costs = costs;
  return `${JSON.stringify({ ...index, sum: sumOf(index) })}\n`;
}

interface Part {
  records: number;
  ids: string[];
  outcome?: string;
  job?: Entry<"job">;
}

function partOf({ path, text }: Rolled): Part {
  if (path.startsWith("pupdates/")) {
    const events = text.split("\n").flatMap(eventIn);
    return { records: events.length, ids: events.flatMap(namesIn) };
  }
  const kind = kindOf(path);
  // What lies beside a job is no record, and a status is its task's.
  if (kind === null || kind === "status") return { records: 0, ids: [] };
  if (kind === "reflection") {
    const outcome = parseEntry(path, kind, text).entry?.data.outcome;
    return { records: 1, ids: [], ...(outcome && { outcome }) };
  }
  const job = kind === "job" ? parseEntry(path, kind, text).entry : null;
  return { records: 1, ids: [idOf(path)], ...(job && { job }) };
}

type Event = Record<"id" | "subject", unknown> & { data?: Record<string, unknown> };

function eventIn(line: string): Event[] {
  try {
    const event = line.startsWith("{") ? (JSON.parse(line) as Event) : null;
    return event ? [event] : [];
  } catch {
    return []; // a torn line costs itself only
  }
}

/** An event is looked for by its id, its subject, and the job and the task that it tells of. */
const namesIn = ({ id, subject, data }: Event) =>
  [id, subject, data?.job, data?.task].filter((one) => typeof one === "string");

/**
 * The index in such a file, or null: it was made from another archive, or is not as it was written. Then the archive
 * itself must be asked: an index that is wrong could let work start twice.
 */
export function readIndex(text: string, blob: string): ArchiveIndex | null {
  try {
    const { sum, ...rest } = JSON.parse(text) as { sum: string };
    const { data: index } = form.safeParse(rest);
    return index && index.of === blob && sum === sumOf(rest) ? index : null;
  } catch {
    return null;
  }
}

/** Whether a record that is looked for by one of these names may be in that archive. */
export function mayName({ keys }: ArchiveIndex, names: readonly string[]): boolean {
  return names.some((name) => {
    const key = keyOf(name);
    for (let at = keys.indexOf(key); at >= 0; at = keys.indexOf(key, at + 1)) if (at % width === 0) return true;
    return false;
  });
}
