// The first page's facts: what waits, what is, what happened. Everything else on the site is lists.
import { startOfDay } from "./due.ts";
import { beatDocument } from "./export-beat.ts";
import type { Older } from "./export-window.ts";
import { dayOf, instant, most_tasks, type World } from "./export-world.ts";
import type { DocumentName, Exported } from "./exported.ts";

type Row<N extends DocumentName> = Exported<N>;
type Home = Row<"home">;

interface HomeInput {
  reflections: Row<"reflections">[];
  tasks: Row<"tasks">[];
  memos: Row<"memos">[];
  hosts: Row<"hosts">[];
  overview: string | null;
  world: World;
  /** When the ledger's newest commit was made. */
  at: string | null;
  /** Ids of the newest ticks. */
  ticks: readonly string[];
  /** `tick.every`, s. */
  every: number;
  /** What archives hold that were not opened. */
  older?: Older | undefined;
}

// Home shows whole days until it has this many rows, and never more than the second number.
const enough_rows = 12;
const most_rows = 40;
const most_today = 60;
const day_ms = 86_400_000;

export function homeDocument(input: HomeInput): Home {
  const waits = input.memos.filter((memo) => memo.fields.status === "open").map((memo) => memo.id);
  const counts = countsOf(input.tasks);
  const said = firstParagraph(input.overview ?? "") ?? headline(counts, waits.length);
  const soonest = input.tasks
    .slice(0, most_tasks)
    .filter((task) => task.status?.next_due && task.group !== "attention" && task.fields.status === "ready")
    .sort((a, b) => Date.parse(a.status?.next_due as string) - Date.parse(b.status?.next_due as string))[0];
  return {
    id: "home",
    headline: said,
    // What the sentence above already counts is not counted again.
    counts: counts.filter(({ state, n }) => !said.includes(`${n} ${state}`)),
    next: soonest && { task: soonest.id, title: soonest.fields.title, at: soonest.status?.next_due as string },
    waits,
    stats: statsOf(input),
    today: todayOf(input.world),
    domains: domainsOf(input.reflections),
    days: daysOf(input.reflections),
    hosts: hostsOf(input.hosts),
    has: { tasks: input.tasks.length > 0, jobs: input.world.jobs.length > 0 },
    beat: beatDocument(input.ticks, input.every),
  };
}

function countsOf(tasks: Row<"tasks">[]): Home["counts"] {
  const counts = new Map<string, number>();
  for (const task of tasks) counts.set(task.state, (counts.get(task.state) ?? 0) + 1);
  // What waits for a person has its own place, at the top.
  for (const state of ["new", "waiting", "review"]) counts.delete(state);
  return [...counts].map(([state, n]) => ({ state: state as Home["counts"][number]["state"], n }));
}

function hostsOf(hosts: Row<"hosts">[]): Home["hosts"] {
  const n = (state: string) => hosts.filter((host) => host.state === state).length;
  return { total: hosts.length, ready: n("ready"), down: n("down"), cordoned: n("cordoned") };
}

/** One sentence when no overview was written yet. */
function headline(counts: Home["counts"], waiting: number): string {
  const n = (state: string) => counts.find((count) => count.state === state)?.n ?? 0;
  if (counts.length === 0 && waiting === 0) return "A new pack, with no work yet.";
  const facts = ["running", "queued", "failed", "lost", "done"].filter((state) => n(state) > 0);
  const waits = waiting === 0 ? "nothing waits for you" : waiting === 1 ? "1 waits for you" : `${waiting} wait for you`;
  const mood = n("failed") + n("lost") > 0 ? "Some work went wrong" : "All quiet";
  return `${mood}: ${[...facts.map((state) => `${n(state)} ${state}`), waits].join(", ")}.`;
}

/** The first running text of a markdown document as plain words: no heading, list, table or fence. */
export function firstParagraph(markdown: string): string | null {
  for (const block of markdown.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const text = block.trim();
    if (text === "" || /^(#|\||[-*+] |>|`{3}|~{3}|<|!|\d+[.)] |---)/.test(text)) continue;
    return text
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replace(/(\*\*|__|(?<!\\)[*_`])/g, "")
      .replace(/\\([\\`*_[\]<>|{}()#+.!-])/g, "$1")
      .replace(/\s+/g, " ")
      .slice(0, 400);
  }
  return null;
}

function tallyOf(reflections: Row<"reflections">[], older?: Older["outcomes"]) {
  const counts = new Map(older);
  for (const { fields } of reflections)
    if (fields.outcome !== undefined) counts.set(fields.outcome, (counts.get(fields.outcome) ?? 0) + 1);
  const n = (outcome: string) => counts.get(outcome) ?? 0;
  const tally = { success: n("success"), partial: n("partial"), failure: n("failure") };
  return { tally, with_outcome: tally.success + tally.partial + tally.failure };
}

/** The rate is successes over rows that have an outcome; an empty surprise or the word `none` is no surprise. */
function statsOf({ reflections, at, older }: HomeInput): Home["stats"] {
  const surprised = reflections.filter((row) => row.surprised);
  const closed = [...(older?.days ?? [])].filter(([, day]) => day.reflections > 0);
  const [oldest] = closed.map(([day]) => `${day}T00:00:00Z`).sort();
  return {
    total: closed.reduce((n, [, day]) => n + day.reflections, reflections.length),
    first: oldest ?? reflections.at(-1)?.fields.timestamp,
    ...tallyOf(reflections, older?.outcomes),
    domains: domainsOf(reflections).filter((domain) => domain.name !== "").length,
    surprises: surprised.length,
    surprise: surprised[0]?.id,
    ...weeksOf(reflections, instant(at ?? reflections[0]?.fields.timestamp ?? "")),
  };
}

/** A number alone says little: the last seven days stand beside the seven before. */
function weeksOf(reflections: Row<"reflections">[], until: number) {
  const tally = (from: number, to: number) => {
    const rows = reflections.filter(({ fields }) => {
      const at = instant(fields.timestamp);
      return at > from && at <= to;
    });
    const { tally, with_outcome } = tallyOf(rows);
    const domains = new Set(rows.map((row) => row.fields.domain?.trim()).filter(Boolean)).size;
    const surprises = rows.filter((row) => row.surprised).length;
    return { total: rows.length, with_outcome, success: tally.success, domains, surprises };
  };
  const week = until - 7 * day_ms;
  return { week: tally(week, until), week_before: tally(week - 7 * day_ms, week) };
}

/** Jobs of the newest day on which any was claimed, the newest first. */
function todayOf(world: World): Home["today"] {
  const newest = world.jobs[0];
  if (!newest) return undefined;
  const day = dayOf(world, newest.data.run.claimed_at);
  const all = world.jobs.filter((job) => dayOf(world, job.data.run.claimed_at) === day);
  const from = startOfDay(world.zone, new Date(instant(newest.data.run.claimed_at)));
  const to = startOfDay(world.zone, new Date(from + 1.5 * day_ms));
  return {
    day,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    more: Math.max(0, all.length - most_today),
    jobs: all.slice(0, most_today).flatMap((job) => {
      const link = world.runs.get(job.id)?.[0]?.link;
      const { task, started_at, cost, took, run } = job.data;
      const title = world.tasks.get(task)?.data.title ?? task;
      return link ? [{ ...link, title, cost, took, at: started_at ?? run.claimed_at, ended: run.ended_at }] : [];
    }),
  };
}

/** By count; rows without a domain come last under an empty name. */
function domainsOf(reflections: Row<"reflections">[]): Home["domains"] {
  const groups = Map.groupBy(reflections, (row) => row.fields.domain?.trim() ?? "");
  return [...groups]
    .map(([name, rows]) => ({ name, n: rows.length, ...tallyOf(rows) }))
    .sort((a, b) => Number(a.name === "") - Number(b.name === "") || b.n - a.n || (a.name < b.name ? -1 : 1));
}

function daysOf(reflections: Row<"reflections">[]): Home["days"] {
  const days: Home["days"] = [];
  let shown = 0;
  for (const [day, rows] of Map.groupBy(reflections, (row) => row.day)) {
    if (shown >= enough_rows) break;
    const ids = rows.map((row) => row.id).slice(0, most_rows - shown);
    days.push({ day, reflections: ids });
    shown += ids.length;
  }
  return days;
}
