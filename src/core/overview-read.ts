// The read at the top of OVERVIEW.md: a few sentences in towline's voice, each with links to the records it speaks of.
// Out of records only, with no ages and no tick times: a quiet tick says the same.
import { type Campfire, campfire_path, textPath } from "./campfire.ts";
import type { Draft } from "./draft.ts";
import { localDay } from "./due.ts";
import type { Entry } from "./entry.ts";
import { stopOf } from "./gate.ts";
import { fileOf } from "./lessons.ts";
import { cell, counted } from "./text.ts";

export const order = [
  "running",
  "waiting",
  "review",
  "failed",
  "lost",
  "blocked",
  "paused",
  "queued",
  "done",
  "draft",
  "cancelled",
];

/** What a person would look at first: what went wrong, then what waits for a word, then what waits for those. */
const trouble = ["failed", "lost", "paused", "waiting", "review", "blocked"];

/** Of each, so that it stays a short read. */
const most = { named: 3, title: 60, why: 160 };

export interface Facts {
  statuses: readonly Entry<"status">[];
  memos: readonly Entry<"memo">[];
  down: readonly Entry<"host">[];
}

export interface Read {
  /** How it went, and how much of what there is. */
  headline: string;
  /** What is worth a look, in the order in which it is. */
  sentences: string[];
}

export function readOf(draft: Draft, facts: Facts): Read {
  const { statuses, memos } = facts;
  if (statuses.length === 0 && memos.length === 0)
    return {
      headline: "Nothing here yet. Nothing waits for you.",
      sentences: [...hostSentence(facts), ...campfire(draft)],
    };
  return {
    headline: headline(draft, facts),
    sentences: [
      ...firstLooks(facts),
      ...running(facts),
      ...doneLast(facts),
      ...hostSentence(facts),
      ...broken(draft),
      ...campfire(draft),
      ...next(draft, facts),
    ],
  };
}

/** "Quiet night: 7 done; 1 waits for you." */
function headline(draft: Draft, { statuses, memos }: Facts): string {
  const counts = order.flatMap((state) => {
    const some = statuses.filter((one) => one.data.state === state);
    return some.length === 0 ? [] : [`[${some.length} ${state}](${some.length === 1 ? some[0]?.path : "#tasks"})`];
  });
  const said = counts.join(", ") || "no tasks";
  const mood = moodOf(draft, statuses);
  const [first] = memos;
  if (!first) return `${mood}: ${said}. Nothing waits for you.`;
  const waits =
    memos.length === 1 ? `[1 waits for you](${first.path})` : `[${memos.length} wait for you](#waits-for-you)`;
  return `${mood}: ${said}; **${waits}.**`;
}

function moodOf(draft: Draft, statuses: readonly Entry<"status">[]): string {
  if (stopOf(draft, draft.now)) return "All stopped";
  const is = (...states: string[]) => statuses.some((one) => states.includes(one.data.state));
  const how = is("failed", "lost") ? "Rough" : is("blocked", "paused") ? "Slow" : is("running") ? "Busy" : "Quiet";
  return `${how} ${partOfDay(draft, statuses)}`;
}

/** When something last became another than it was. */
function partOfDay({ settings }: Draft, statuses: readonly Entry<"status">[]): string {
  const newest = Math.max(...statuses.map((one) => Date.parse(one.data.since)));
  if (!Number.isFinite(newest)) return "day";
  const hour = Number(localDay(settings.zone, new Date(newest)).time.slice(0, 2));
  return hour < 5 || hour >= 22 ? "night" : hour < 12 ? "morning" : hour < 18 ? "afternoon" : "evening";
}

/** A memo's title as it reads well in a link: marks of code would be shown as they are written. */
export const plainly = (title: string) => title.replaceAll("`", "");

const linkTo = ({ path, data }: Entry<"status">) => `[${cell(data.title, most.title)}](${path})`;

/** `[a](…), [b](…) and [4 more](#tasks)` */
function listOf(statuses: readonly Entry<"status">[]): string {
  const shown = statuses.slice(0, most.named).map(linkTo);
  const more = statuses.length - shown.length;
  const last = more > 0 ? `[${more} more](#tasks)` : shown.length > 1 ? shown.pop() : undefined;
  return `${shown.join(", ")}${last === undefined ? "" : ` and ${last}`}`;
}

function firstLooks({ statuses, memos }: Facts): string[] {
  const found = statuses.filter((one) => trouble.includes(one.data.state)).toSorted(byTrouble);
  // Nothing went wrong: then whatever needs a word.
  const asks = memos.find(({ data }) => data.kind === "ask" || data.kind === "approval") ?? memos[0];
  if (found.length === 0 && asks)
    return [`I would look at [${cell(plainly(asks.data.title), most.why)}](${asks.path}) first.`];
  const said = found.slice(0, most.named).map((one, at) => {
    const why =
      one.data.reason === undefined ? one.data.state : `${one.data.state}, ${cell(one.data.reason, most.why)}`;
    return `${["I would look at", "Then at", "And at"][at]} ${linkTo(one)}${at === 0 ? " first" : ""}: ${ended(why)}`;
  });
  const more = found.length - said.length;
  return more > 0 ? [...said, `After that there ${more === 1 ? "is" : "are"} [${more} more](#tasks).`] : said;
}

const byTrouble = (a: Entry<"status">, b: Entry<"status">) =>
  trouble.indexOf(a.data.state) - trouble.indexOf(b.data.state) || (a.id < b.id ? -1 : 1);

const ended = (words: string) => (/[.!?…]$/.test(words) ? words : `${words}.`);

function running({ statuses }: Facts): string[] {
  const some = statuses.filter((one) => one.data.state === "running");
  return some.length === 0 ? [] : [`At work: ${listOf(some)}.`];
}

function doneLast({ statuses }: Facts): string[] {
  const some = statuses
    .filter((one) => one.data.state === "done")
    .toSorted((a, b) => Date.parse(b.data.since) - Date.parse(a.data.since) || (a.id < b.id ? -1 : 1));
  if (some.length === 0) return [];
  return [`Done${some.length > most.named ? " last" : ""}: ${listOf(some.slice(0, most.named))}.`];
}

function hostSentence({ down }: Facts): string[] {
  if (down.length === 0) return [];
  const shown = down.slice(0, most.named).map(({ id, path }) => `[${cell(id)}](${path})`);
  const more = down.length - shown.length;
  return [
    `${shown.join(", ")}${more > 0 ? ` and [${more} more](#hosts)` : ""} ${down.length === 1 ? "does" : "do"} not answer.`,
  ];
}

function broken({ problems }: Draft): string[] {
  const some = problems.filter(({ level }) => level === "error");
  return some.length === 0 ? [] : [`[${counted(some.length, "record")} cannot be read](#records-that-cannot-be-read).`];
}

/** What people are asked to decide about what was learned. */
function campfire(draft: Draft): string[] {
  const line = fileOf(draft, campfire_path)
    .split("\n")
    .findLast((one) => one.includes('"state":"open"'));
  try {
    const { id, proposal, candidates } = JSON.parse(line ?? "") as Campfire;
    const what = counted(candidates.filter(({ gone }) => !gone).length, "candidate");
    const web = /^https:\/\/[^\s()<>"'`\\]+$/.test(proposal.url ?? "");
    // Without a forge its text is kept here.
    const place = web ? proposal.url : /^[\d-]+$/.test(id) ? textPath(id) : "";
    return [`The campfire has [${what}](${place}) for you${web ? "" : `, on the branch ${cell(proposal.branch)}`}.`];
  } catch {
    return [];
  }
}

function next({ settings, tasks }: Draft, { statuses }: Facts): string[] {
  const soonest = statuses
    .filter((one) => one.data.next_due !== undefined && tasks.has(one.id))
    .toSorted(
      (a, b) => Date.parse(a.data.next_due ?? "") - Date.parse(b.data.next_due ?? "") || (a.id < b.id ? -1 : 1),
    )[0];
  if (!soonest?.data.next_due) return [];
  return [`Next comes ${linkTo(soonest)}, ${localTime(settings.zone, soonest.data.next_due)}.`];
}

/** `11-29 08:00`: a table of them fits a phone. */
export function localTime(zone: string, iso: string): string {
  const { day, time } = localDay(zone, new Date(iso));
  return `${day.slice(5)} ${time}`;
}
