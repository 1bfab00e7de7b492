// Old records in dated files of many: where each goes, what such a file holds, and which are old enough. The record's
// path and its text stay byte for byte what they were, so that whoever reads the ledger finds it as before.
import { unsafePath } from "./path.ts";

export interface Rolled {
  path: string;
  text: string;
}

/** Folders whose records a path alone leads to. Tasks of queue/ and their status go by the day they ended. */
export const dated_folders = ["jobs", "pupdates", "reflections", "memos"] as const;
export const rolled_folders = [...dated_folders, "queue", "status"];
/** A file of records is begun anew above this, in bytes. */
export const most_bytes = 4 << 20;

const file_form = /^archive\/(jobs|pupdates|reflections|memos|queue)\/\d{4}\/\d\d\/\d\d(?:-\d{1,4})?\.ndjson$/;

export const isArchive = (path: string) => file_form.test(path);

/** `archive/KIND/YYYY/MM/DD` for a record; null: it has none. `ended`: a day, for what has no date in its path. */
export function shelfOf(path: string, ended?: string): string | null {
  if (unsafePath(path) !== null) return null;
  const [, kind, year, month, rest = ""] =
    /^(jobs|pupdates|reflections|memos)\/(\d{4})\/(\d\d)\/(.+)$/.exec(path) ?? [];
  if (kind === undefined)
    return ended && /^(queue|status)\/[^/]+\.md$/.test(path) ? `archive/queue/${ended.replaceAll("-", "/")}` : null;
  const day = dayIn(kind, `${year}-${month}`, rest);
  return day === null ? null : `archive/${kind}/${year}/${month}/${day}`;
}

/** `00`: the path names no day. */
function dayIn(kind: string, month: string, rest: string): string | null {
  if (kind === "memos") return "00";
  if (kind === "reflections") return rest.startsWith(`${month}-`) ? (/^.{8}(\d\d)-/.exec(rest)?.[1] ?? "00") : "00";
  return /^(\d\d)\/./.exec(rest)?.[1] ?? null;
}

const shelfIn = (file: string) => file.replace(/(?:-\d+)?\.ndjson$/, "");

/** A row is believed only in the file where that record belongs: it can be no policy, and no other day's record. */
function belongs(file: string, path: string): boolean {
  return shelfOf(path, shelfIn(file).slice("archive/queue/".length)) === shelfIn(file);
}

/** The record in a line of such a file, or null. */
export function rowIn(file: string, line: string): Rolled | null {
  if (!line.startsWith("{")) return null;
  try {
    const { path, text } = JSON.parse(line) as Rolled;
    return typeof path === "string" && typeof text === "string" && belongs(file, path) ? { path, text } : null;
  } catch {
    return null; // a torn line costs itself only
  }
}

type Files = ReadonlyMap<string, string | Uint8Array>;

/** Changes to records wherever they lie: those in archives are made in there. `whole`: what is done to all their text besides. */
export function changeRolled(
  files: Files,
  decide: (records: Files) => Map<string, string | Uint8Array | null>,
  whole = (text: string) => text,
) {
  const archives = [...files].filter((one): one is [string, string] => isArchive(one[0]) && typeof one[1] === "string");
  const records = new Map([...files].filter(([path]) => !isArchive(path)));
  const rolled = archives.flatMap(([file, text]) =>
    text.split("\n").flatMap((line) => {
      const row = rowIn(file, line);
      return row && !files.has(row.path) ? [row] : [];
    }),
  );
  for (const { path, text } of rolled) records.set(path, text);
  const changes = decide(records);
  const lineOf = (file: string, line: string): string => {
    const path = rowIn(file, line)?.path;
    const to = path === undefined || files.has(path) ? undefined : changes.get(path);
    if (to === undefined) return line;
    return typeof to === "string" ? `${JSON.stringify({ path, text: to })}\n` : "";
  };
  const made = archives.flatMap(([file, text]) => {
    const lines = text.split(/(?<=\n)/).map((line) => lineOf(file, line));
    const clean = whole(lines.join(""));
    return clean === text ? [] : [[file, clean === "" ? null : clean] as const];
  });
  for (const { path } of rolled) changes.delete(path);
  return new Map([...changes, ...made]);
}

/** What must be listed, too, for whoever asks for this folder or file: none, where no archive can hold it. */
export function askedIn(path: string): string[] {
  if (!dated_folders.some((one) => path === one || path.startsWith(`${one}/`))) return [];
  const [kind, year, month] = path.split("/") as [string, string?, string?];
  const at = [kind, ...(isNumber(year) ? [year, ...(isNumber(month) ? [month] : [])] : [])];
  return [`archive/${at.join("/")}`];
}

const isNumber = (text: string | undefined) => text !== undefined && /^\d+$/.test(text);

/** Whether records at or below this path may be in that file. */
export function mayHold(file: string, path: string): boolean {
  if (file === path || file.startsWith(`${path}/`)) return true;
  if (!askedIn(path).some((above) => file.startsWith(`${above}/`))) return false;
  const exact = shelfOf(path.split("/").length > 3 ? `${path}/x` : path);
  return exact === null || exact === shelfIn(file);
}

/**
 * Files with these records added, their old copies replaced: new ones behind those that are there, in order of their
 * paths. `there`: what stands on these shelves now. Answers only files that change.
 */
export function rollInto(there: ReadonlyMap<string, string>, records: readonly (Rolled & { shelf: string })[]) {
  const files = new Map([...there].filter(([path]) => isArchive(path)));
  const changed = new Set<string>();
  const put = (file: string, text: string) => {
    if (files.get(file) === text) return;
    files.set(file, text);
    changed.add(file);
  };
  for (const [shelf, rows] of Map.groupBy(records, (one) => one.shelf)) {
    const left = new Map(rows.map(({ path, text }) => [path, `${JSON.stringify({ path, text })}\n`]));
    const parts = [...files.keys()].filter((file) => shelfIn(file) === shelf).sort(byPart);
    for (const file of parts) put(file, replaced(file, files.get(file) as string, left));
    let part = Math.max(1, parts.length);
    for (const [, line] of [...left].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const before = files.get(partOf(shelf, part)) ?? "";
      if (before !== "" && before.length + line.length > most_bytes) part++;
      put(partOf(shelf, part), (files.get(partOf(shelf, part)) ?? "") + line);
    }
  }
  return new Map([...changed].map((file) => [file, files.get(file) as string]));
}

const partOf = (shelf: string, part: number) => `${shelf}${part === 1 ? "" : `-${part}`}.ndjson`;
const numberOf = (file: string) => Number(/-(\d+)\.ndjson$/.exec(file)?.[1] ?? 1);
const byPart = (a: string, b: string) => numberOf(a) - numberOf(b);

/** The file's text with newer copies in place; those that were found are taken out of `left`. */
function replaced(file: string, text: string, left: Map<string, string>): string {
  if (left.size === 0) return text;
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      const path = rowIn(file, line)?.path;
      const newer = path === undefined ? undefined : left.get(path);
      if (path !== undefined) left.delete(path);
      return newer ?? line;
    })
    .join("");
}
