// The long history of a pack, read in portions: first what its records say in their headers, then the text of one day
// after the other. Never all of it at once.
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Entry, kindOf, parseEntry } from "../core/entry.ts";
import { dayLine, newestPaths, type OlderDay } from "../core/export-days.ts";
import { dayFile } from "../core/exported.ts";
import { addFile, type State } from "../core/state.ts";
import type { Repo, TreeItem } from "../ports.ts";

type Lived = Entry<"reflection"> | Entry<"job">;

/** Files that are read at a time: each portion is a process of git, and a large process is slow to start another. */
const portion = 6000;
const decoder = new TextDecoder();
const fence_end = Buffer.from("\n---");

export const isHistory = ({ path }: Pick<TreeItem, "path">) => {
  const kind = kindOf(path);
  return kind === "job" || kind === "reflection";
};

/**
 * Reflections, and jobs into the state, with their text only where the lists of the newest show it. What is wrong with
 * one goes to the state, too.
 */
export async function readHistory(repo: Repo, items: TreeItem[], state: State): Promise<Entry<"reflection">[]> {
  const found: Lived[] = [];
  for (const { item, bytes } of await inPortions(repo, items, (item, bytes) => ({ item, bytes: header(bytes) })))
    if (bytes === null || !item.mode.startsWith("100")) addFile(state, { ...item, text: null });
    else found.push(...entryOf(item.path, bytes, state));
  const newest = newestPaths(found);
  const wanted = items.filter(({ path }) => newest.has(path));
  const texts = new Map(
    await inPortions(repo, wanted, (item, bytes) => [item.path, bytes && decoder.decode(bytes)] as const),
  );
  for (const entry of found) {
    const text = texts.get(entry.path);
    if (text) entry.body = parseEntry(entry.path, entry.kind, text).entry?.body ?? "";
    if (entry.kind === "job") state.jobs.set(entry.id, entry as Entry<"job">);
  }
  return found.filter((entry): entry is Entry<"reflection"> => entry.kind === "reflection");
}

async function inPortions<T>(repo: Repo, items: TreeItem[], read: (item: TreeItem, bytes: Uint8Array | null) => T) {
  const made: T[] = [];
  for (let from = 0; from < items.length; from += portion) {
    const some = items.slice(from, from + portion);
    const files = some.filter(({ mode }) => mode.startsWith("100"));
    const blobs = await repo.blobs([...new Set(files.map(({ blob }) => blob))]);
    for (const item of some) made.push(read(item, blobs.get(item.blob) ?? null));
  }
  return made;
}

/** The beginning up to the closing line, as a text of its own: a piece of the whole would keep the whole in memory. */
function header(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null;
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = whole.indexOf(fence_end, 3);
  const next = end < 0 ? -1 : whole.indexOf("\n", end + 4);
  return decoder.decode(next < 0 ? whole : whole.subarray(0, next + 1));
}

function entryOf(path: string, text: string, state: State): Lived[] {
  const { entry, problems } = parseEntry(path, kindOf(path) as "job" | "reflection", text);
  state.problems.push(...problems);
  return entry ? [entry as Lived] : [];
}

/** What stands below the header of a record that was read before. */
function bodyIn(text: string): string {
  const end = /\r?\n---[ \t]*(?:\r?\n|$)/g;
  end.lastIndex = 3;
  const found = end.exec(text);
  return found ? text.slice(found.index + found[0].length) : "";
}

interface Wanted {
  name: string;
  entries: Lived[];
  withText: boolean;
}

/** One file a kind and day; a file's name holds what it was made from, so that what did not change is not written again. */
export async function writeDays(repo: Repo, dir: string, days: OlderDay[], blobs: ReadonlyMap<string, string>) {
  const folder = join(dir, "days");
  const there = new Set(await readdir(folder).catch(() => [] as string[]));
  const wanted = days.flatMap((day) =>
    (["reflections", "jobs"] as const).flatMap((kind): Wanted[] => {
      const name = basename(dayFile(day.row, kind));
      if (day.row.shows === "nothing" || day[kind].length === 0 || there.delete(name)) return [];
      return [{ name, entries: day[kind], withText: day.row.shows === "text" }];
    }),
  );
  if (wanted.length > 0) await mkdir(folder, { recursive: true });
  for (let from = 0; from < wanted.length; ) {
    const some: Wanted[] = [];
    for (let n = 0; from < wanted.length && n < portion; from++) {
      some.push(wanted[from] as Wanted);
      n += wanted[from]?.entries.length ?? 0;
    }
    await writeSome(repo, folder, some, blobs);
  }
  for (const name of there) await rm(join(folder, name), { force: true });
}

async function writeSome(repo: Repo, folder: string, some: Wanted[], blobs: ReadonlyMap<string, string>) {
  const blobOf = ({ path }: Lived) => blobs.get(path) ?? "";
  const ids = some.filter(({ withText }) => withText).flatMap(({ entries }) => entries.map(blobOf));
  const read = await repo.blobs([...new Set(ids)].filter((id) => id !== ""));
  for (const { name, entries, withText } of some) {
    const lines = entries.map((entry) => {
      const bytes = withText ? read.get(blobOf(entry)) : null;
      return JSON.stringify(dayLine({ ...entry, body: bytes ? bodyIn(decoder.decode(bytes)) : "" } as Lived, withText));
    });
    await writeFile(join(folder, `${name}.draft`), `[\n${lines.join(",\n")}\n]\n`);
    await rename(join(folder, `${name}.draft`), join(folder, name));
  }
}
