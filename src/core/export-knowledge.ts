// What the pack knows: insights and learnings with how they are used, what was turned down, and the campfires where
// people decided it.
import { z } from "zod";
import { linesOf, type PageFiles } from "./export-lines.ts";
import { instant, rows, type World } from "./export-world.ts";
import type { Exported } from "./exported.ts";
import { campfire_row } from "./exported-pages.ts";
import { doubted } from "./known.ts";
import { oneLine } from "./text.ts";

const known_row = z.object({
  path: z.string(),
  confirmed: z.string(),
  last_hit: z.string().optional(),
  hits: z.number().int().nonnegative(),
});
const dismissed_row = z.object({
  id: z.string(),
  text: z.string(),
  signals: z.array(z.unknown()).default([]),
  at: z.string(),
});
const candidate_row = z.object({
  id: z.string(),
  text: z.string(),
  sources: z.array(z.string()).default([]),
  since: z.string(),
  witnesses: z.number().int().nonnegative(),
});
const most = { dismissed: 200, campfires: 120, candidates: 60, text: 2000 };

/** `at`: the time that the records are of. Doubts are as of then, so that the same records make the same page. */
export function knowledgeRows(world: World, files: PageFiles, at: string | null): Exported<"knowledge">[] {
  const known = linesOf(files.get("state/knowledge.ndjson"), known_row);
  const byPath = new Map(known.map((row) => [row.path, row]));
  const insights = rows(world, "insight");
  const expires = new Map(
    insights.flatMap(({ path, fields }) => (fields.expires ? [[path, fields.expires] as const] : [])),
  );
  const doubts = new Map(
    at === null ? [] : doubted(known, expires, new Date(at)).map((one) => [one.path, one.why] as const),
  );
  const use = (path: string) => {
    const row = byPath.get(path);
    return { hits: row?.hits ?? 0, last_hit: row?.last_hit, confirmed: row?.confirmed, doubt: doubts.get(path) };
  };
  return [
    ...insights.map((row) => ({ ...row, kind: "insight" as const, ...use(row.path) })),
    ...rows(world, "learning").map((row) => ({ ...row, kind: "learning" as const, ...use(row.path) })),
  ];
}

export function dismissedRows(files: PageFiles): Exported<"dismissed">[] {
  return linesOf(files.get("state/dismissed.ndjson"), dismissed_row)
    .map(({ id, text, signals, at }) => ({ id, text: oneLine(text, 300), at, signals: signals.length }))
    .sort((a, b) => instant(b.at) - instant(a.at) || (a.id < b.id ? -1 : 1))
    .slice(0, most.dismissed);
}

/** What two witnesses said and no campfire has taken up yet. */
export function candidateRows(files: PageFiles): Exported<"candidates">[] {
  const taken = new Set(campfireRows(files).flatMap((fire) => fire.candidates.map(({ name }) => name)));
  return linesOf(files.get("state/candidates.ndjson"), candidate_row)
    .filter(({ id }) => !taken.has(id))
    .slice(-most.candidates)
    .map((row) => ({ ...row, text: row.text.slice(0, most.text) }));
}

/** Open ones first, then the newest. */
export function campfireRows(files: PageFiles): Exported<"campfire">[] {
  const open = (row: { state: string }) => (row.state === "open" ? 0 : 1);
  const byId = new Map(linesOf(files.get("state/campfire.ndjson"), campfire_row).map((row) => [row.id, row]));
  return [...byId.values()]
    .sort((a, b) => open(a) - open(b) || instant(b.at) - instant(a.at) || (a.id < b.id ? -1 : 1))
    .slice(0, most.campfires)
    .map((row) => ({ ...row, candidates: row.candidates.slice(0, most.candidates) }));
}
