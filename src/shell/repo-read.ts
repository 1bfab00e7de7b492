// Bulk reads from git's object store, each by one process: lists of files, contents, differences.
import { createHash } from "node:crypto";
import { outside } from "../errors.ts";
import type { Authored, TreeItem } from "../ports.ts";
import { type Place, type Ran, runGit } from "./git.ts";

const max_argv = 100_000;
/** No commit has such a path, and git would end the whole call for it. Records may name one. */
const nowhere = /^\/|(^|\/)\.{0,2}\/|(^|\/)\.\.?$|^$|\0/;

/** Files of a commit below these folders or at these paths (none given: all of it). */
export async function readTree(place: Place, commit: string, paths?: string[]): Promise<TreeItem[]> {
  const asked = paths?.filter((path) => !nowhere.test(path));
  if (asked && asked.length === 0) return [];
  const found = new Map<string, TreeItem>();
  for (const group of groupsOf(asked ?? [])) {
    const ran = await runGit(place, ["ls-tree", "-r", "-z", "--full-tree", objectId(commit), "--", ...group]);
    if (ran.code !== 0) throw readFault(`the files of commit ${commit} cannot be listed`, ran);
    for (const line of ran.stdout.toString().split("\0")) {
      const tab = line.indexOf("\t");
      if (tab < 0) continue;
      const [mode, , blob] = line.slice(0, tab).split(" ") as [string, string, string];
      const path = line.slice(tab + 1);
      found.set(path, { path, mode, blob });
    }
  }
  return [...found.values()];
}

/** Splits so that each group fits into one command line; no paths are one empty group. */
function groupsOf(paths: string[]): string[][] {
  const groups: string[][] = [[]];
  let size = 0;
  for (const path of new Set(paths)) {
    if (size + path.length > max_argv) {
      groups.push([]);
      size = 0;
    }
    size += path.length + 1;
    (groups.at(-1) as string[]).push(path.replace(/\/+$/, ""));
  }
  return groups;
}

/** Blob id → bytes; null when over `maxBytes` (such a blob is skipped while it streams by, never held). */
export async function readBlobs(
  place: Place,
  ids: string[],
  maxBytes: number,
): Promise<Map<string, Uint8Array | null>> {
  const found = new Map<string, Uint8Array | null>();
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return found;
  const reader = batchReader(maxBytes, (id, bytes) => found.set(id, bytes));
  const ran = await runGit(place, ["cat-file", "--batch", "--buffer"], {
    input: [Buffer.from(`${wanted.map(objectId).join("\n")}\n`)],
    onData: reader,
  });
  if (ran.code !== 0 || found.size !== wanted.length) {
    const missing = wanted.find((id) => !found.has(id));
    throw readFault(`object ${missing ?? "?"} cannot be read from the clone`, ran);
  }
  return found;
}

/** Parser of `cat-file --batch` output, fed chunk by chunk. Objects of another kind, or not there, are left out. */
export function batchReader(
  maxBytes: number,
  found: (id: string, bytes: Uint8Array | null) => void,
  wanted: "blob" | "commit" | "tree" = "blob",
): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let open: { id: string; fits: boolean; left: number; parts: Buffer[] | null } | null = null;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (open === null) {
        const end = chunk.indexOf(10, at);
        header = Buffer.concat([header, chunk.subarray(at, end < 0 ? chunk.length : end)]);
        if (end < 0) return;
        at = end + 1;
        const [id, type, size] = header.toString("latin1").split(" ") as [string, string, string | undefined];
        header = Buffer.alloc(0);
        // `<id> missing` has no content; otherwise a line feed follows the content.
        if (size !== undefined)
          open = { id, fits: type === wanted, left: Number(size) + 1, parts: Number(size) > maxBytes ? null : [] };
        continue;
      }
      const take = Math.min(open.left, chunk.length - at);
      open.parts?.push(chunk.subarray(at, at + take));
      at += take;
      open.left -= take;
      if (open.left > 0) return;
      if (open.fits) found(open.id, open.parts && joined(open.parts));
      open = null;
    }
  };
}

function joined(parts: Buffer[]): Buffer {
  const all = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  return all.subarray(0, all.length - 1);
}

/** Paths that differ, with their blob at `to`, or null where it is gone there. */
export async function readDiff(
  place: Place,
  from: string | null,
  to: string | null,
): Promise<{ path: string; blob: string | null }[]> {
  if (from === to) return [];
  const empty = emptyTree((from ?? to) as string);
  const sides = [from, to].map((side) => (side === null ? empty : objectId(side)));
  const ran = await runGit(place, [
    "diff-tree",
    "-r",
    "-z",
    "--raw",
    "--no-renames",
    "--no-ext-diff",
    "--no-abbrev",
    ...sides,
  ]);
  if (ran.code !== 0) throw readFault(`commits ${from ?? "(none)"} and ${to ?? "(none)"} cannot be compared`, ran);
  const fields = ran.stdout.toString().split("\0");
  const changed: { path: string; blob: string | null }[] = [];
  // `:oldmode newmode oldid newid status`, then the path, each ended by NUL.
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [, , , blob, status] = (fields[i] as string).split(" ") as [string, string, string, string, string];
    changed.push({ path: fields[i + 1] as string, blob: status === "D" ? null : blob });
  }
  return changed;
}

/** At most this many commits are looked through. */
const max_log = 500;

export async function readPeople(place: Place, from: string, to: string): Promise<Map<string, Authored> | null> {
  const range = `${objectId(from)}..${objectId(to)}`;
  const ran = await runGit(place, ["cat-file", "-e", `${objectId(from)}^{commit}`]);
  if (ran.code !== 0) return null;
  const form = "--format=%x01%H%x02%an%x02%aI";
  const log = ["log", "-z", "--name-only", "--no-renames", "--first-parent", "-m", `--max-count=${max_log}`, form];
  const said = await runGit(place, [...log, range, "--"]);
  if (said.code !== 0) throw readFault(`the commits up to ${to} cannot be listed`, said);
  const found = new Map<string, Authored>();
  for (const one of said.stdout.toString().split("\u0001").slice(1)) {
    const [head = "", ...paths] = one.split("\0");
    const [commit = "", author = "", at = ""] = head.split("\u0002");
    if (!/^[0-9a-f]{40,64}$/.test(commit)) continue;
    for (const path of paths.map((name) => name.replace(/^\n/, "")).filter((name) => name !== ""))
      if (!found.has(path)) found.set(path, { commit, author, at });
  }
  return found;
}

const emptyTree = (like: string) =>
  like.length === 64
    ? "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
    : "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** Ids go to git as they are: anything else could be read as an option or another name. */
export function objectId(id: string): string {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(id)) throw new Error(`not an object id: ${JSON.stringify(id)}`);
  return id;
}

const readFault = (message: string, ran: Ran) =>
  outside(
    `${message}: ${ran.stderr.trim().split("\n").at(-1) || "git gave no reason"}`,
    "if the clone is damaged, or too shallow for that commit, make a fresh one",
  );

/** The id of a file of these bytes, as git names it. */
export const blobId = (bytes: Buffer, kind: "sha1" | "sha256"): string =>
  createHash(kind).update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
