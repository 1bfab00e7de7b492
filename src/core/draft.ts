// The state of a pair of commits while one pass decides: a copy that stages change, and the texts that follow from it.
import type { Changes, RawPupdate } from "../ports.ts";
import { ledger_format, type Mark, mark_path, renderMark } from "./binding.ts";
import { isCarried } from "./budget.ts";
import { calls_path, callsText } from "./calls.ts";
import { conversations_path, type HeardRow, readTalks, talkRows, withoutDone } from "./conversations.ts";
import { type Entry, idOf } from "./entry.ts";
import { memoPath } from "./ids.ts";
import { isOver } from "./jobs.ts";
import { hosts_path } from "./known-hosts.ts";
import { letters_path } from "./letters.ts";
import { notices_path, noticesText } from "./notices.ts";
import type { ProseRow } from "./prose.ts";
import { ndjson, render } from "./render.ts";
import { ruleRowsText, rules_path } from "./rule-state.ts";
import { type Brought, seenRows } from "./samples.ts";
import type { Kind, Pupdate } from "./schema.ts";
import type { LevelRow, State } from "./state.ts";
import type { Web } from "./web-links.ts";

export interface Draft extends State {
  now: Date;
  tick: string;
  /** Records to write, by path: null deletes. */
  written: Map<string, { kind: Kind; data: Record<string, unknown>; body: string } | null>;
  /** Jobs whose result came in this very pass: it is not acknowledged yet. */
  collected: Set<string>;
  /** Files that are kept with records, by path. */
  attached: Map<string, string | Uint8Array>;
  /** Judged pupdates of this pass. */
  pupdates: Pupdate[];
  /** Not yet judged. */
  raised: RawPupdate[];
  /** Rows of the levels that change with the next commit, and make none by themselves: to what, or null to nothing. */
  moved: Map<LevelRow, LevelRow | null>;
  /** Commands that nobody need be told of: they are remembered with the next commit, and make none. */
  overheard: HeardRow[];
  /** Posts that are done: forgotten in the same way. */
  posted: ReadonlySet<string>;
  /** Where the forge shows records. */
  web?: Web | undefined;
  /** What a model has put in words just now. */
  prose?: ProseRow | undefined;
}

export function draftOf(state: State, now: Date, tick: string): Draft {
  return {
    ...state,
    jobs: new Map(state.jobs),
    status: new Map(state.status),
    memos: new Map(state.memos),
    tasks: new Map(state.tasks),
    met: new Map(state.met),
    levels: [...state.levels],
    fired: [...state.fired],
    letters: [...state.letters],
    talks: { ...state.talks, heard: [...state.talks.heard], posts: [...state.talks.posts] },
    now,
    tick,
    written: new Map(),
    collected: new Set(),
    attached: new Map(),
    pupdates: [],
    raised: [],
    moved: new Map(),
    overheard: [],
    posted: new Set(),
  };
}

export const isoNow = (draft: Draft) => draft.now.toISOString();

export function putJob(draft: Draft, job: Entry<"job">): void {
  draft.jobs.set(job.id, job);
  draft.written.set(job.path, { kind: "job", data: job.data, body: job.body });
}

export function putStatus(draft: Draft, entry: Entry<"status">, old: Entry<"status"> | undefined): void {
  draft.status.set(entry.id, entry);
  // Most tasks of a pack are at rest: comparing values is far cheaper than rendering them all to compare texts.
  const same = old && JSON.stringify(old.data) === JSON.stringify(entry.data) && old.body.trim() === entry.body.trim();
  if (same) draft.written.delete(entry.path);
  else draft.written.set(entry.path, { kind: "status", data: entry.data, body: entry.body });
}

export function putMemo(draft: Draft, memo: Entry<"memo">): void {
  draft.memos.set(memo.id, memo);
  draft.written.set(memo.path, { kind: "memo", data: memo.data, body: memo.body });
}

export function putTask(draft: Draft, task: Entry<"task">): void {
  draft.tasks.set(task.id, task);
  draft.written.set(task.path, { kind: "task", data: task.data, body: task.body });
}

export function newMemo(id: string, data: Entry<"memo">["data"], body: string): Entry<"memo"> {
  return { path: memoPath(data.created, id), id, kind: "memo", data, body, bodyLine: 1 };
}

/**
 * Rows of state/open.ndjson. Ended jobs of a run on many hosts stay until the whole run has ended, some until their day or
 * month has. What a person wrote into a memo stays until a tick has taken it, and what cannot be read until it is mended.
 */
function openRows(draft: Draft): object[] {
  const unfinished = new Set([...draft.jobs.values()].filter((job) => !isOver(job)).map((job) => job.data.run.run_id));
  const jobs = [...draft.jobs.values()]
    .filter((job) => unfinished.has(job.data.run.run_id) || isCarried(draft, job))
    .map((job) => ({ job: job.id, path: job.path }));
  const memos = [...draft.memos.values()]
    .filter((memo) => memo.data.status === "open" || !draft.written.has(memo.path))
    .map((memo) => ({ memo: memo.id, path: memo.path }));
  return [...jobs, ...memos, ...brokenRows(draft)].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Rows as they were read whose records have an error. */
function brokenRows({ problems, texts }: Draft): { path: string }[] {
  const read = texts.get("state/open.ndjson") ?? "";
  const paths = problems.filter(({ level }) => level === "error").map(({ path }) => path);
  return [...new Set(paths)]
    .filter((path) => read.includes(`"path":${JSON.stringify(path)}`))
    .map((path) => ({ [path.startsWith("jobs/") ? "job" : "memo"]: idOf(path), path }));
}

/**
 * What a commit must hold for this draft: only files whose text differs from what was read. `last`: the name of this pass.
 * What was `brought` comes along, and makes no commit by itself unless it is pressing.
 */
export function changesOf(
  draft: Draft,
  overview: string | null,
  last: string,
  brought?: Brought,
  mask: (text: string) => string = (text) => text,
): Changes {
  const wanted: Changes = new Map();
  for (const [path, record] of draft.written) wanted.set(path, record && render(record.kind, record.data, record.body));
  wanted.set("state/open.ndjson", ndjson(openRows(draft)));
  wanted.set(levels_path, levelRows(draft.levels));
  wanted.set(
    "state/fired.ndjson",
    ndjson(draft.fired.toSorted((a, b) => compare(`${a.rule} ${a.key}`, `${b.rule} ${b.key}`))),
  );
  wanted.set(letters_path, ndjson(draft.letters));
  wanted.set(conversations_path, talksText(draft));
  wanted.set(calls_path, callsText(draft));
  wanted.set(notices_path, noticesText(draft));
  wanted.set(rules_path, ruleRowsText(draft));
  wanted.set(hosts_path, ndjson([...draft.met.values()].sort((a, b) => compare(a.host, b.host))));
  if (overview !== null) wanted.set("OVERVIEW.md", overview);
  const changes: Changes = new Map();
  for (const [path, text] of wanted) {
    const before = draft.texts.get(path);
    if (text === null ? before !== undefined : text !== (before ?? "") && !(text === "" && before === undefined))
      if (typeof text !== "string" || mask(text) !== before)
        // What stands there is what is let out of it: a secret in a title is no news of every tick.
        changes.set(path, text);
  }
  for (const [path, bytes] of draft.attached) changes.set(path, bytes);
  if (draft.moved.size > 0 && (changes.size > 0 || draft.pupdates.length > 0 || brought?.pressing)) {
    const { moved } = draft;
    changes.set(levels_path, levelRows(draft.levels.flatMap((row) => (moved.has(row) ? (moved.get(row) ?? []) : row))));
  }
  if (changes.size > 0) withQuietTalks(draft, changes);
  if (brought && (changes.size > 0 || brought.pressing)) {
    for (const [path, text] of brought.files) changes.set(path, text);
    if (brought.seen.size > 0) changes.set(hosts_path, seenRows(draft, brought));
  }
  const mark = typeof draft.mark === "object" ? draft.mark : null;
  if (changes.size > 0 || mark?.pack !== draft.pack) changes.set(mark_path, markOf(draft, mark, last));
  return changes;
}

const levels_path = "state/levels.ndjson";
const levelRows = (levels: LevelRow[]) =>
  ndjson(
    levels.toSorted((a, b) => compare(`${a.source} ${a.subject} ${a.family}`, `${b.source} ${b.subject} ${b.family}`)),
  );
/** Nothing: as it was read. What is only forgotten makes no commit. */
function talksText(draft: Draft): string {
  const before = draft.texts.get(conversations_path) ?? "";
  return JSON.stringify(draft.talks) === JSON.stringify(readTalks(before)) ? before : talkRows(draft.talks, draft.now);
}

function withQuietTalks(draft: Draft, changes: Changes): void {
  const talks = withoutDone(draft.talks, draft.posted);
  const text = talkRows({ ...talks, heard: [...talks.heard, ...draft.overheard.slice(-200)] }, draft.now);
  if (text === (draft.texts.get(conversations_path) ?? "")) changes.delete(conversations_path);
  else changes.set(conversations_path, text);
}

/** Each commit of towline's says whose it is, and is told apart from the one before. */
function markOf(draft: Draft, before: Mark | null, last: string): string {
  const known = before?.pack === draft.pack ? before.forge : undefined;
  return renderMark({ format: ledger_format, pack: draft.pack, forge: draft.forge ?? known, last });
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
