// The indexes beside archives: written with them, mended where they are missing, asked before an archive is opened.
import { isArchive } from "../core/archive.ts";
import { indexedBy, indexPath, indexText, mayName, readIndex, type Shelf } from "../core/archive-index.ts";
import type { Changes, Repo, TreeItem } from "../ports.ts";
import { blobId } from "./repo-read.ts";

/** Indexes that one commit writes anew at most, and archives that are held for it at once. */
const most = { mended: 400, held: 8 };
const max_file = 64 << 20;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const isRegular = ({ mode }: TreeItem) => mode.startsWith("100");

/** Of a listing of what is stored. */
export async function shelvesIn(repo: Repo, items: readonly TreeItem[]): Promise<Shelf[]> {
  const regular = items.filter(isRegular);
  const indexes = new Map(regular.flatMap(({ path, blob }) => (indexedBy(path) ? [[path, blob]] : [])));
  const texts = await repo.blobs([...new Set(indexes.values())], max_file);
  return regular
    .filter(({ path }) => isArchive(path))
    .map(({ path: file, blob }) => {
      const bytes = texts.get(indexes.get(indexPath(file)) ?? "");
      return { file, blob, index: bytes ? readIndex(utf8.decode(bytes), blob) : null };
    });
}

/** Archives of a folder that may hold what has one of these names: those whose index says so, and those without one. */
export async function archivesNaming(repo: Repo, commit: string, folder: string, names: readonly string[]) {
  if (names.length === 0) return [];
  const shelves = await shelvesIn(repo, await repo.tree(commit, [`archive/${folder}`], "stored"));
  return shelves.filter(({ index }) => index === null || mayName(index, names)).map(({ file }) => file);
}

/**
 * Indexes of archives that change, and of those that stand there without one of their own. Indexes whose archive is gone
 * go, too. `more`: some were left for the next commit.
 */
export async function indexChanges(repo: Repo, ledger: string, files: ReadonlyMap<string, string>, zone: string) {
  const changes: Changes = new Map();
  const kind = ledger.length === 64 ? "sha256" : "sha1";
  for (const [file, text] of files)
    changes.set(indexPath(file), indexText(file, text, blobId(Buffer.from(text), kind), zone));
  const items = await repo.tree(ledger, ["archive"], "stored");
  const there = new Map(items.filter(isRegular).map(({ path, blob }) => [path, blob]));
  for (const { path } of items) {
    const of = indexedBy(path);
    if (of !== null && !there.has(of) && !files.has(of)) changes.set(path, null);
  }
  const lacking = (await shelvesIn(repo, items)).filter(({ file, index }) => index === null && !files.has(file));
  const some = lacking.slice(0, most.mended);
  for (let from = 0; from < some.length; from += most.held) {
    const now = some.slice(from, from + most.held);
    const texts = await repo.blobs(
      now.map(({ blob }) => blob),
      max_file,
    );
    for (const { file, blob } of now) {
      const bytes = texts.get(blob);
      const text = bytes ? indexText(file, utf8.decode(bytes), blob, zone) : null;
      // One that stands there as it would be written is not believed all the same: it is no news.
      if (text !== null && blobId(Buffer.from(text), kind) !== there.get(indexPath(file)))
        changes.set(indexPath(file), text);
    }
  }
  return { changes, more: lacking.length > some.length };
}
