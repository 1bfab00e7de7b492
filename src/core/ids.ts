// Ids and paths of machine-written records. The same work gets the same id on every runner, so it cannot exist twice.
import { digest } from "./hash.ts";

/** Lower-case words of a title, at most `length` characters. */
export function slugOf(title: string, length = 40): string {
  const words = title
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, length)
    .replace(/^-+|-+$/g, "");
  return words === "" || /^\d+$/.test(words) ? `x${words}` : words;
}

/** Id of one run of a task; with `spread: one` it is the job's id, too. */
export const runId = (pack: string, task: string, occurrence: string) =>
  `${task.slice(0, 48)}-${digest(pack, task, occurrence).slice(0, 10)}`;

/** Id of one host's job in a run with `spread: each`. */
export const hostJobId = (pack: string, task: string, occurrence: string, host: string) =>
  `${task.slice(0, 48)}-${digest(pack, task, occurrence, host).slice(0, 10)}`;

/** Architecture rule 18: the same fact twice is one pupdate; down → up → down is three. */
export const pupdateId = (source: string, subject: string, state: string, previous: string | null) =>
  digest(source, subject, state, previous ?? "").slice(0, 16);

const day = (iso: string) => iso.slice(0, 10).replaceAll("-", "/");
const month = (iso: string) => iso.slice(0, 7).replaceAll("-", "/");

export const jobPath = (claimedAt: string, job: string) => `jobs/${day(claimedAt)}/${job}.md`;
export const jobDay = (path: string) => path.split("/").slice(1, 4).join("/");
export const statusPath = (task: string) => `status/${task}.md`;
export const reflectionPath = (at: string, run: string) => `reflections/${month(at)}/${at.slice(0, 10)}-${run}.md`;
export const memoPath = (at: string, memo: string) => `memos/${month(at)}/${memo}.md`;
export const pupdatesPath = (at: string, tick: string) => `pupdates/${day(at)}/${tick}.ndjson`;
export const queuePath = (title: string, pupdate: string) => `queue/${slugOf(title)}-q${pupdate.slice(0, 8)}.md`;
