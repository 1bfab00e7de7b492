// Which records of a ledger are old enough to be rolled into the archive. Open work never is.
import { type Rolled, shelfOf } from "./archive.ts";
import { conversations_path } from "./conversations.ts";
import { idOf, kindOf, parseEntry } from "./entry.ts";
import { isOver } from "./jobs.ts";
import type { State } from "./state.ts";

/** Seconds, where towline.yml does not say it. */
export const usual_age = 90 * 86_400;

export type Shelved = Rolled & { shelf: string };

/** The day before which records are old. */
export const cutOff = (now: Date, age: number) => new Date(now.getTime() - age * 1000).toISOString();

/** By its path alone: whether a record may be old. Paths are made from times in UTC. */
export function mayBeOld(path: string, before: string): boolean {
  if (/^(queue|status)\/[^/]+\.md$/.test(path)) return true;
  const [, year, month, day] = /^(?:jobs|pupdates)\/(\d{4})\/(\d\d)\/(\d\d)\//.exec(path) ?? [];
  if (year !== undefined) return `${year}-${month}-${day}` < before.slice(0, 10);
  const [, of, at] = /^(?:reflections|memos)\/(\d{4})\/(\d\d)\//.exec(path) ?? [];
  return of !== undefined && `${of}-${at}` <= before.slice(0, 7);
}

/**
 * The records that go, each with its shelf. `texts`: what may be old, null where it is no text or too large: such a
 * record stays, and with it all that belongs to it.
 */
export function oldRecords(state: State, texts: ReadonlyMap<string, string | null>, before: string): Shelved[] {
  const gone: Shelved[] = [];
  const besides = Map.groupBy(
    [...texts.keys()].filter((path) => path.includes(".d/")),
    (path) => `${path.slice(0, path.indexOf(".d/"))}.md`,
  );
  const put = (paths: string[], ended?: string) => {
    const all = paths.map((path) => ({ path, text: texts.get(path), shelf: shelfOf(path, ended) }));
    if (all.every(isWhole)) gone.push(...all);
  };
  for (const [path, text] of texts) {
    if (text === null || path.includes(".d/")) continue;
    if (path.startsWith("pupdates/")) put([path]);
    else if (path.startsWith("jobs/")) {
      if (isOldJob(state, path, text, before)) put([path, ...(besides.get(path) ?? [])]);
    } else if (path.startsWith("queue/")) {
      const ended = endedTask(state, path, before);
      if (ended !== null) put([path, `status/${idOf(path)}.md`], ended);
    } else if (isOldWord(state, path, text, before)) put([path]);
  }
  return gone;
}

const isWhole = (one: { path: string; text?: string | null | undefined; shelf: string | null }): one is Shelved =>
  typeof one.text === "string" && one.shelf !== null;

function isOldJob(state: State, path: string, text: string, before: string): boolean {
  if (kindOf(path) !== "job" || state.jobs.has(idOf(path))) return false;
  const job = parseEntry(path, "job", text).entry;
  return job !== null && isOver(job) && earlier(job.data.run.ended_at ?? job.data.run.claimed_at, before);
}

/** The day on which a task of queue/ ended for good; null: it may go on, or something waits for it. */
function endedTask(state: State, path: string, before: string): string | null {
  const id = idOf(path);
  const status = state.status.get(id);
  if (state.tasks.get(id)?.path !== path || !status) return null;
  const { state: standing, since, next_due } = status.data;
  if (!["done", "cancelled"].includes(standing) || next_due !== undefined || !earlier(since, before)) return null;
  const open = [...state.jobs.values()].some((job) => job.data.task === id);
  const waited = [...state.tasks.values()].some((task) => task.data.after?.includes(id));
  const talked = state.texts.get(conversations_path)?.includes(id);
  return open || waited || talked ? null : new Date(since).toISOString().slice(0, 10);
}

/** Memos that were answered, and reflections. */
function isOldWord(state: State, path: string, text: string, before: string): boolean {
  if (path.startsWith("memos/")) {
    const memo = kindOf(path) === "memo" ? parseEntry(path, "memo", text).entry : null;
    if (memo === null || memo.data.status === "open" || state.memos.has(memo.id)) return false;
    return earlier(memo.data.created, before) && earlier(memo.data.expires, before);
  }
  const said = kindOf(path) === "reflection" ? parseEntry(path, "reflection", text).entry : null;
  return said !== null && earlier(said.data.timestamp, before);
}

const earlier = (at: string, before: string) => Date.parse(at) < Date.parse(before);
