// The pinned issue: what waits for you, what runs, what comes. No ages and no tick times, so that a quiet tick edits nothing.
import { command_help } from "./commands.ts";
import { post } from "./conversations.ts";
import { type Draft, isoNow } from "./draft.ts";
import { localDay } from "./due.ts";
import type { Entry } from "./entry.ts";
import { stopOf } from "./gate.ts";
import { digest } from "./hash.ts";
import { glyphs, isLive } from "./jobs.ts";
import { memoNumber, waiting } from "./memo-numbers.ts";
import { plainly } from "./overview-read.ts";
import type { State } from "./state.ts";
import { cell, counted } from "./text.ts";
import { link, type Web } from "./web-links.ts";
import { ownersOf } from "./who.ts";

export const inbox_title = "Towline: inbox";
const most = { memos: 30, runs: 20, due: 8, trouble: 15 };

export interface Inbox {
  title: string;
  body: string;
  /** Of the body: the same digest, nothing to edit. */
  digest: string;
  /** Addresses in it that are towline's own. */
  keep: string[];
}

export interface InboxOptions {
  web?: Web | undefined;
  /** Lines about minutes, money and growth. */
  forecast?: readonly string[];
}

/** The issue as it is to be for what stands in the records. */
export function inboxOf(state: State, now: Date, { web, forecast = [] }: InboxOptions): Inbox {
  const stop = stopOf(state, now);
  const parts = [
    stop ? `**‖ ${stop.words} stops everything** (${stop.lift} to go on).` : "",
    section("Waits for you", waitingLines(state, web), "Nothing waits for you."),
    section("Runs", runningLines(state, web), "Nothing runs."),
    section("Stands still", troubleLines(state, web), ""),
    section(`Next (${cell(state.settings.zone)})`, dueLines(state, web), ""),
    section(
      "Forecast",
      forecast.slice(0, 10).map((line) => `- ${cell(line, 200)}`),
      "",
    ),
    `Write a comment here, with one of these as its first line: ${command_help.map((one) => `\`${one}\``).join(" · ")}`,
  ];
  const body = `${parts.filter((part) => part !== "").join("\n\n")}\n`;
  const keep = waiting(state).flatMap((memo) => proposalOf(state, memo) ?? []);
  return { title: inbox_title, body, digest: digest(body).slice(0, 16), keep };
}

/** One comment that calls one owner, when something waits that nobody was called for yet. */
export function callForNew(draft: Draft, web?: Web): void {
  const open = waiting(draft).filter(({ data }) => data.kind !== "info");
  const told = new Set(draft.talks.inbox?.told);
  const fresh = open.filter(({ id }) => !told.has(id));
  const names = open.map(({ id }) => id).sort();
  if (fresh.length === 0 && names.length === told.size) return;
  draft.talks.inbox = names.length === 0 ? null : { told: names };
  if (fresh.length === 0) return;
  const lines = fresh.slice(0, most.memos).map((memo) => memoLine(draft, memo, web));
  const text = `${counted(fresh.length, "new thing")} for you:\n\n${lines.join("\n")}${more(fresh.length, most.memos)}`;
  const mention = ownersOf(draft.settings.owners).owners[0]?.login;
  const cause = `inbox ${fresh.map(({ id }) => id).join(" ")}`;
  post(draft.talks, cause, { at: isoNow(draft), to: "inbox", what: "comment", text, mention });
}

const section = (title: string, lines: string[], none: string) =>
  lines.length === 0 ? none : `### ${title}\n\n${lines.join("\n")}`;

const more = (count: number, shown: number) => (count > shown ? `\n- … and ${count - shown} more` : "");

const cut = (lines: string[], shown: number) =>
  lines.length <= shown ? lines : [...lines.slice(0, shown), `- … and ${lines.length - shown} more`];

function waitingLines(state: State, web?: Web): string[] {
  const memos = waiting(state).map((memo) => memoLine(state, memo, web));
  return cut(memos, most.memos);
}

function memoLine(state: State, memo: Entry<"memo">, web?: Web): string {
  const { kind, title, expires } = memo.data;
  const number = memoNumber(state, memo);
  const how = kind === "ask" || kind === "approval" ? `answer ${number} …` : `drop ${number}`;
  const pr = proposalOf(state, memo);
  const until = `until ${local(state, expires)}`;
  // Marks of code would stand there as they are: a title is no markdown.
  return `- ${link(web, plainly(title), memo.path, 160)}${pr ? `: ${pr}` : ""}\n  \`/towline ${how}\` · ${until}`;
}

/** Where the work can be looked at that a memo is about. */
function proposalOf(state: State, { data }: Entry<"memo">): string | null {
  if (data.event !== "job.review") return null;
  const job = [...state.jobs.values()].find((one) => one.data.task === data.subject && one.data.state === "review");
  const pr = job?.data.pr ?? "";
  return /^https:\/\/[^\s()<>"'`]+$/.test(pr) ? pr : null;
}

function runningLines(state: State, web?: Web): string[] {
  const open = [...state.jobs.values()].filter(isLive).sort((a, b) => (a.id < b.id ? -1 : 1));
  const lines = open.map((job) => {
    const title = state.tasks.get(job.data.task)?.data.title ?? job.data.task;
    const since = local(state, job.data.started_at ?? job.data.run.claimed_at);
    return `- ${glyphs.running} ${link(web, title, job.path, 120)}\n  on ${cell(job.data.host ?? "no host")} since ${since}`;
  });
  return cut(lines, most.runs);
}

/** What will not go on by itself. */
function troubleLines(state: State, web?: Web): string[] {
  const still = [...state.status.values()]
    .filter(({ data }) => data.state === "failed" || data.state === "lost" || data.state === "blocked")
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const lines = still.map(({ path, data }) => {
    const why = data.reason ? `\n  ${cell(data.reason, 160)}` : "";
    return `- ${glyphs[data.state]} ${link(web, data.title, path, 120)} ${data.state}${why}`;
  });
  return cut(lines, most.trouble);
}

function dueLines(state: State, web?: Web): string[] {
  return [...state.status.values()]
    .flatMap(({ path, data }) => (data.next_due === undefined ? [] : [{ path, title: data.title, due: data.next_due }]))
    .sort((a, b) => (`${a.due} ${a.path}` < `${b.due} ${b.path}` ? -1 : 1))
    .slice(0, most.due)
    .map(({ path, title, due }) => `- ${local(state, due)} ${link(web, title, path, 120)}`);
}

function local({ settings }: State, iso: string): string {
  const { day, time } = localDay(settings.zone, new Date(iso));
  return `${day} ${time}`;
}
