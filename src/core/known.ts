// What is derived of insights and learnings while they are used: state/knowledge.ndjson.

export interface KnownRow {
  /** Path of the record. */
  path: string;
  /** When it came in by a merge, or was last confirmed. */
  confirmed: string;
  /** When an agent was last answered with it, or was given it. */
  last_hit?: string;
  hits: number;
  /** Nobody is given it any more. */
  retired?: boolean;
}

export interface Used {
  path: string;
  at: string;
}

/** The rows with what happened since; the same rows when nothing did. Records that are gone lose theirs. */
export function knownRows(
  rows: readonly KnownRow[],
  {
    present,
    hits,
    confirmed,
  }: { present: ReadonlyMap<string, string>; hits: readonly Used[]; confirmed: readonly Used[] },
): KnownRow[] {
  const byPath = new Map(rows.map((row) => [row.path, row]));
  const next = [...present].map(([path, since]): KnownRow => {
    const row = byPath.get(path) ?? { path, confirmed: since, hits: 0 };
    const mine = hits.filter((one) => one.path === path);
    const last_hit = latest([row.last_hit, ...mine.map(({ at }) => at)]);
    return {
      path,
      confirmed: latest([row.confirmed, ...confirmed.filter((one) => one.path === path).map(({ at }) => at)]) as string,
      hits: row.hits + mine.length,
      ...(last_hit === undefined ? {} : { last_hit }),
    };
  });
  return next.sort((one, other) => (one.path < other.path ? -1 : 1));
}

const latest = (times: readonly (string | undefined)[]) =>
  times
    .filter((at) => at !== undefined)
    .sort((one, other) => Date.parse(one) - Date.parse(other))
    .at(-1);

const still_true_after = 90 * 86_400_000;

/** Learnings that nobody was answered with for 90 days, and insights past their end: people are asked whether they hold. */
export function doubted(
  rows: readonly KnownRow[],
  expires: ReadonlyMap<string, string>,
  now: Date,
): { path: string; why: string }[] {
  return rows.flatMap(({ path, confirmed, last_hit, retired }) => {
    if (retired) return [];
    const end = expires.get(path);
    if (end !== undefined && Date.parse(end) <= now.getTime())
      return [{ path, why: `it was to hold until ${end.slice(0, 10)}` }];
    const used = latest([confirmed, path.startsWith("learnings/") ? last_hit : undefined]) as string;
    const idle = path.startsWith("learnings/") && now.getTime() - Date.parse(used) >= still_true_after;
    return idle ? [{ path, why: `nobody needed it since ${used.slice(0, 10)}` }] : [];
  });
}
