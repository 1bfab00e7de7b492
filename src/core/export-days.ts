// What is older than the lists of the newest: by day, so that the site can grow for years. A day is read by itself.
import type { Entry } from "./entry.ts";
import { most_listed, type Older } from "./export-window.ts";
import { compare, dayOf, fragment, newest_jobs, of, shown, sortedByTime, type World } from "./export-world.ts";
import type { DayLine, Exported } from "./exported.ts";
import { digest } from "./hash.ts";

/** Reflections with all of their text on the dashboard's own lists. */
export const newest_reflections = 2000;
/** Of these, records with the beginning of their text. Both together keep the whole site below 300 MB. */
const most_with_text = 50_000;
const day_text = 4 << 10;

type Row = Exported<"days">;
type Lived = Entry<"reflection"> | Entry<"job">;

export interface OlderDay {
  row: Row;
  reflections: Entry<"reflection">[];
  jobs: Entry<"job">[];
}

const at = (entry: Lived) =>
  entry.kind === "job" ? (entry as Entry<"job">).data.run.claimed_at : (entry as Entry<"reflection">).data.timestamp;

/** A little more than the lists hold: those are sorted by ids that are made unique first. */
const spare = 50;

/** Paths of the records whose text the lists of the newest show. */
export function newestPaths(entries: readonly Entry[]): Set<string> {
  const list = entries as Entry[];
  return new Set([
    ...sortedByTime(of(list, "reflection"), at)
      .slice(0, newest_reflections + spare)
      .map((entry) => entry.path),
    ...sortedByTime(of(list, "job"), at)
      .slice(0, newest_jobs + spare)
      .map((entry) => entry.path),
  ]);
}

/**
 * Days with a record that no list of the newest shows, newest first. `blobs`: what each path holds. `closed`: days of
 * which nothing else was read.
 */
export function olderDays(
  world: Pick<World, "entries" | "zone">,
  blobs: ReadonlyMap<string, string>,
  closed: Older["days"] = new Map(),
): OlderDay[] {
  const reflections = sortedByTime(of(world.entries, "reflection"), at);
  const jobs = sortedByTime(of(world.entries, "job"), at);
  const old = [...reflections.slice(newest_reflections), ...jobs.slice(newest_jobs)];
  const days = new Set([...old.map((entry) => dayOf(world, at(entry))), ...closed.keys()]);
  if (days.size === 0) return [];
  const byDay = <E extends Lived>(list: E[]) => Map.groupBy(list, (entry) => dayOf(world, at(entry)));
  const [told, ran] = [byDay(reflections), byDay(jobs)];
  let before = 0;
  return [...days]
    .sort((a, b) => compare(b, a))
    .map((day) => {
      const [some, others] = [told.get(day) ?? [], ran.get(day) ?? []];
      const all = [...some, ...others];
      const { reflections, jobs, marks } = closed.get(day) ?? { reflections: 0, jobs: 0, marks: [] };
      before += all.length;
      const full = before > most_listed || marks.length > 0;
      const shows: Row["shows"] = full ? "nothing" : before > most_with_text ? "lines" : "text";
      const lines = all.map(({ path }) => `${path} ${blobs.get(path) ?? ""}`);
      const counts = { reflections: some.length + reflections, jobs: others.length + jobs };
      const row = { id: day, ...counts, shows, digest: digest(shows, ...lines, ...marks) };
      return { row, reflections: some, jobs: others };
    });
}

const named = (facts: [string, string | undefined][]) =>
  facts.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1].trim() !== "");

/** The line of a record that was read as a whole. */
export function dayLine(entry: Lived, withText: boolean): DayLine {
  const { text, cut } = withText ? shown(entry, day_text) : { text: "", cut: undefined };
  const common = { id: fragment(entry.id), path: entry.path, at: at(entry), text: text.trim(), cut };
  if (entry.kind === "job") {
    const { task, host, agent, state, run } = (entry as Entry<"job">).data;
    return {
      ...common,
      state,
      title: task,
      facts: named([
        ["Host", host],
        ["Agent", agent],
        ["Why", run.why],
      ]),
    };
  }
  const { title, outcome, goal, surprise, domain, agent, host } = (entry as Entry<"reflection">).data;
  const facts = named([
    ["Goal", goal],
    ["Surprise", surprise],
    ["Domain", domain],
    ["Agent", agent],
    ["Host", host],
  ]);
  return { ...common, state: outcome, title, facts };
}
