// Reads of a repository that find archived records at the paths where they were, under the ids of their texts.
import { askedIn, isArchive, mayHold, rowIn } from "../core/archive.ts";
import type { TreeItem } from "../ports.ts";
import type { Place } from "./git.ts";
import { blobId, readBlobs, readTree } from "./repo-read.ts";

/** Files of records that are held at once. */
const at_once = 16;
/** Above this one is not read: nothing of ours is that large. */
const max_file = 64 << 20;

interface Row {
  path: string;
  id: string;
}

export interface ArchivedReads {
  tree(commit: string, paths?: string[]): Promise<TreeItem[]>;
  blobs(ids: string[], maxBytes: number): Promise<Map<string, Uint8Array | null>>;
}

export function archivedReads(place: Place): ArchivedReads {
  /** Blob of an archive → its rows: one that was read is not read again to be listed. */
  const listed = new Map<string, Row[]>();
  /** Id of a record's text → the file that holds it. */
  const holders = new Map<string, { file: string; blob: string }>();

  const list = async (files: TreeItem[]) => {
    const sized = files[0]?.blob.length === 64 ? "sha256" : "sha1";
    const unread = files.filter(({ blob }) => !listed.has(blob));
    for (let from = 0; from < unread.length; from += at_once)
      for (const { file, blob, rows } of await rowsOf(place, unread.slice(from, from + at_once))) {
        const made = rows.map(({ path, bytes }) => ({ path, id: blobId(bytes, sized) }));
        for (const { id } of made) holders.set(id, { file, blob });
        listed.set(blob, made);
      }
  };

  return {
    async tree(commit, paths) {
      const wide = paths && [...paths, ...paths.flatMap(askedIn)];
      const items = await readTree(place, commit, wide);
      const files = items.filter(({ path, mode }) => isArchive(path) && mode.startsWith("100"));
      if (files.length === 0) return items;
      const wanted = files.filter(({ path }) => !paths || paths.some((one) => mayHold(path, one)));
      await list(wanted);
      const asked = new Set(paths);
      const found = new Map<string, TreeItem>();
      for (const { path: file, blob } of wanted.sort((a, b) => (a.path < b.path ? -1 : 1)))
        for (const { path, id } of listed.get(blob) ?? [])
          if (!paths || isAsked(asked, path) || isAsked(asked, file))
            found.set(path, { path, mode: "100644", blob: id });
      // What stands in the tree itself is newer.
      for (const item of items)
        if (!isArchive(item.path) || !paths || isAsked(asked, item.path)) found.set(item.path, item);
      return [...found.values()];
    },
    async blobs(ids, maxBytes) {
      const rolled = Map.groupBy(
        ids.filter((id) => holders.has(id)),
        (id) => holders.get(id)?.blob as string,
      );
      const found = await readBlobs(
        place,
        ids.filter((id) => !holders.has(id)),
        maxBytes,
      );
      const files = [...rolled].map(([blob, some]) => ({ blob, path: holders.get(some[0] as string)?.file as string }));
      for (let from = 0; from < files.length; from += at_once)
        for (const { blob, rows } of await rowsOf(place, files.slice(from, from + at_once))) {
          const wanted = new Set(rolled.get(blob));
          const sized = blob.length === 64 ? "sha256" : "sha1";
          for (const { bytes } of rows) {
            const id = blobId(bytes, sized);
            if (wanted.has(id)) found.set(id, bytes.length > maxBytes ? null : bytes);
          }
        }
      return found;
    },
  };
}

/** Asked for by its own path or by a folder above it. */
function isAsked(asked: ReadonlySet<string>, path: string): boolean {
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) if (asked.has(at)) return true;
  return false;
}

async function rowsOf(place: Place, files: { path: string; blob: string }[]) {
  const texts = await readBlobs(place, [...new Set(files.map(({ blob }) => blob))], max_file);
  return files.map(({ path: file, blob }) => {
    const bytes = texts.get(blob);
    const lines = bytes ? Buffer.from(bytes).toString("utf8").split("\n") : [];
    const rows = lines.flatMap((line) => {
      const row = rowIn(file, line);
      return row ? [{ path: row.path, bytes: Buffer.from(row.text) }] : [];
    });
    return { file, blob, rows };
  });
}
