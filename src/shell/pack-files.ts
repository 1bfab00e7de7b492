// Every file of a pack as the check wants it: from the disk as it is now, or from a commit.
import { lstatSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { CheckFile } from "../core/check-pack.ts";
import { pathClass } from "../core/schema.ts";
import { max_bytes } from "../core/split.ts";
import { outside, usage } from "../errors.ts";
import type { Repo } from "../ports.ts";
import { type Place, runGit } from "./git.ts";
import { type Found, findRepo } from "./repo-open.ts";
import { objectId } from "./repo-read.ts";

type Env = Readonly<Record<string, string | undefined>>;
type Reads = (path: string) => boolean;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text, or null when the bytes are no UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** The work tree that holds `dir`: its top, and where git runs for it. */
export async function openWorkTree(dir: string, env: Env): Promise<Place> {
  const found: Found = await findRepo(dir, env);
  if (found.place.cwd === found.gitDir)
    throw usage(`${dir} is a bare repository: it has no work tree`, "name a commit with --at, for example `--at HEAD`");
  return found.place;
}

/** Tracked and new files on disk, ignored ones left out. Links are never followed. */
export async function workFiles(place: Place, reads: Reads): Promise<CheckFile[]> {
  const staged = await listed(place, ["ls-files", "-s", "-z"]);
  const fresh = await listed(place, ["ls-files", "-o", "-z", "--exclude-standard"]);
  const links = new Map<string, boolean>();
  const files = new Map<string, CheckFile>();
  for (const line of staged) {
    const path = line.slice(line.indexOf("\t") + 1);
    const file = line.startsWith("160000") ? submodule(path) : onDisk(place.cwd, path, reads, links);
    if (file) files.set(path, file);
  }
  for (const path of fresh) {
    // A folder with a repository of its own is listed with a slash at its end.
    const file = path.endsWith("/") ? submodule(path.slice(0, -1)) : onDisk(place.cwd, path, reads, links);
    if (file) files.set(file.path, file);
  }
  return [...files.values()];
}

async function listed(place: Place, args: string[]): Promise<string[]> {
  const ran = await runGit(place, args);
  if (ran.code !== 0)
    throw outside(`git cannot list the files: ${ran.stderr.trim()}`, "look at the clone with `git status`");
  return ran.stdout.toString().split("\0").filter(Boolean);
}

const submodule = (path: string): CheckFile => ({ path, mode: "160000", text: "", size: 0 });

function onDisk(root: string, path: string, reads: Reads, links: Map<string, boolean>): CheckFile | null {
  if (underLink(root, path, links)) return null; // the link itself is in the list
  const stat = statOf(join(root, path));
  if (!stat || stat.isDirectory()) return null;
  if (stat.isSymbolicLink()) return { path, mode: "120000", text: "", size: 0 };
  const mode = stat.mode & 0o100 ? "100755" : "100644";
  const text = !reads(path)
    ? ""
    : stat.size > max_bytes || !stat.isFile()
      ? null
      : textOf(readFileSync(join(root, path)));
  return { path, mode, text, size: stat.size };
}

function statOf(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

function underLink(root: string, path: string, links: Map<string, boolean>): boolean {
  const cut = path.lastIndexOf("/");
  if (cut < 0) return false;
  const folder = path.slice(0, cut);
  const known = links.get(folder);
  if (known !== undefined) return known;
  const found = underLink(root, folder, links) || statOf(join(root, folder))?.isDirectory() !== true;
  links.set(folder, found);
  return found;
}

/** Files of a commit; with `paths`, only those that are there of them. */
export async function commitFiles(repo: Repo, commit: string, reads: Reads, paths?: string[]): Promise<CheckFile[]> {
  const items = await repo.tree(commit, paths);
  const wanted = items.filter((item) => item.mode.startsWith("100") && reads(item.path));
  const blobs = await repo.blobs(
    wanted.map((item) => item.blob),
    max_bytes,
  );
  return items.map(({ path, mode, blob }) => {
    const bytes = blobs.get(blob);
    if (bytes === undefined) return { path, mode, text: "", size: 0 };
    return { path, mode, text: bytes && textOf(bytes), size: bytes?.length ?? max_bytes + 1 };
  });
}

/** The commit that two lines of history have in common, or the first of them where that cannot be told (a shallow clone). */
export async function forkPoint(place: Place, base: string, head: string): Promise<string> {
  const ran = await runGit(place, ["merge-base", objectId(base), objectId(head)]);
  return ran.code === 0 ? ran.stdout.toString().trim() : base;
}

/** Ledger paths that are new, changed or gone on disk since a commit. May name some that only look changed. */
export async function changedOnDisk(place: Place, base: string): Promise<string[]> {
  // Answered from the index alone, so no filter of the repository's runs.
  const tracked = await listed(place, [
    "diff-index",
    "-z",
    "--name-only",
    "--no-renames",
    "--no-ext-diff",
    objectId(base),
  ]);
  const fresh = await listed(place, ["ls-files", "-o", "-z", "--exclude-standard"]);
  return [...new Set([...tracked, ...fresh])].filter((path) => pathClass(path) === "ledger");
}
