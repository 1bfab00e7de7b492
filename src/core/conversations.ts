// What towline remembers of its talk with people on the forge: state/conversations.ndjson, a line each.
import { digest } from "./hash.ts";
import { ndjson } from "./render.ts";

export const conversations_path = "state/conversations.ndjson";

/** What towline is to say or do on the forge. Done twice it must be one: whoever does it looks for `id` first. */
export type Post = {
  /** Goes into the text as a hidden marker. */
  id: string;
  at: string;
  /** Where: `owner/name#12`, `owner/name@COMMIT`, or `inbox`. */
  to: string;
} & (
  | { what: "comment"; text: string /** Login of the one person who is to be called. */; mention?: string | undefined }
  | { what: "close"; reason: "completed" | "not_planned" }
  | { what: "label"; add: string[] }
  | { what: "status"; state: "success" | "failure" | "pending"; context: string; text: string }
);

/** A command that was taken up or turned down, by the id of its comment. */
export interface HeardRow {
  comment: string;
  at: string;
}

/** Whoever can write may hold everything back by a comment, as STOP.md does. */
export interface StopRow {
  at: string;
  by: string;
  until?: string | undefined;
  cancel?: boolean | undefined;
  why?: string | undefined;
}

/** What people were called for already, of what still waits for them. */
export interface InboxRow {
  told: string[];
}

export interface Talks {
  heard: HeardRow[];
  posts: Post[];
  stop: StopRow | null;
  inbox: InboxRow | null;
}

export const noTalks = (): Talks => ({ heard: [], posts: [], stop: null, inbox: null });

/** Milliseconds. A command that is older is not heard any more, and its id is remembered for twice as long. */
export const command_life = 7 * 86_400_000;
/** Posts that wait. Beyond it the oldest are given up: nobody has been able to say anything for long. */
const most_posts = 200;
/** Characters of one comment. */
const longest_text = 40_000;

export function readTalks(text: string | undefined): Talks {
  const talks = noTalks();
  for (const line of (text ?? "").split("\n")) {
    if (line.trim() === "") continue;
    const row = parsed(line);
    if (row && typeof row.comment === "string") talks.heard.push(row as unknown as HeardRow);
    else if (row && typeof row.what === "string") talks.posts.push(row as unknown as Post);
    else if (row && Array.isArray(row.told)) talks.inbox = row as unknown as InboxRow;
    else if (row && typeof row.by === "string") talks.stop = row as unknown as StopRow;
    // A stop that cannot be read still means stop.
    else if (line.includes('"by"')) talks.stop = { at: "", by: "somebody" };
  }
  return talks;
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const row: unknown = JSON.parse(line);
    return row !== null && typeof row === "object" ? (row as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export function talkRows({ heard, posts, stop, inbox }: Talks, now: Date): string {
  const known = heard.filter(({ at }) => now.getTime() - Date.parse(at) < 2 * command_life);
  return ndjson([
    ...(stop ? [stop] : []),
    ...(inbox ? [inbox] : []),
    ...known.toSorted((a, b) => (a.comment < b.comment ? -1 : 1)),
    ...posts.slice(-most_posts),
  ]);
}

/** Omit of a union, member by member. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Adds what is to be said; the same of the same cause is one. */
export function post(talks: Talks, cause: string, said: Without<Post, "id">): void {
  const id = digest("post", cause, said.to, said.what).slice(0, 16);
  if (talks.posts.some((one) => one.id === id)) return;
  const text = "text" in said && said.text.length > longest_text ? `${said.text.slice(0, longest_text)}\n…` : null;
  talks.posts.push({ ...said, ...(text === null ? {} : { text }), id } as Post);
}

/** Posts to be done now: in order, none whose forerunner at the same place waits, at most so many. */
export function postsDue(talks: Talks, done: ReadonlySet<string>, most = 10): Post[] {
  return talks.posts.filter(({ id }) => !done.has(id)).slice(0, most);
}

/** Those that are done are forgotten with the next commit that something else makes. */
export function withoutDone(talks: Talks, done: ReadonlySet<string>): Talks {
  return { ...talks, posts: talks.posts.filter(({ id }) => !done.has(id)) };
}
