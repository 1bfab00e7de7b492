// How many paths the folders of a branch unfold into, counted without unfolding them: a few shared trees can stand for
// billions, and git would list them all.
import type { Git } from "./quarantine.ts";
import { batchReader } from "./repo-read.ts";

const most = { objects: 300_000, bytes: 64 << 20, depth: 100, paths: 200_000 };

/** Why its trees are not to be walked, or null. `span`: revisions, as lines for git. */
export async function unfolds(git: Git, span: string[]): Promise<string | null> {
  const listed = await git(["rev-list", "--objects", "--no-object-names", "--stdin"], {
    input: [Buffer.from(`${span.join("\n")}\n`)],
    most: most.objects * 41,
  });
  if (listed.code !== 0 || listed.killed) return "it brings too many objects, or some that are not there";
  const sized = await git(["cat-file", "--batch-check", "--buffer"], { input: [listed.stdout] });
  const rows = sized.stdout
    .toString()
    .split("\n")
    .map((row) => row.split(" "));
  const trees = rows.filter(([, type]) => type === "tree");
  if (trees.reduce((sum, [, , size]) => sum + Number(size), 0) > most.bytes) return "its folders are too large";
  const counted = new Map<string, number>();
  const folders = await readTrees(
    git,
    trees.map(([id]) => id as string),
  );
  for (const id of folders.keys()) {
    const paths = count(id, folders, counted, 0);
    if (paths === null) return `its folders are more than ${most.depth} deep`;
    if (paths > most.paths) return `a folder of it holds more than ${most.paths} files`;
  }
  return null;
}

type Folders = ReadonlyMap<string, { files: number; folders: string[] }>;

/** Paths below a tree, as far as it is new: what was there before counts as one. null: too deep. */
function count(id: string, folders: Folders, counted: Map<string, number>, depth: number): number | null {
  const known = counted.get(id);
  if (known !== undefined) return known;
  const tree = folders.get(id);
  if (!tree) return 1;
  if (depth > most.depth) return null;
  let sum = tree.files;
  for (const one of tree.folders) {
    const below = count(one, folders, counted, depth + 1);
    if (below === null) return null;
    sum += below;
  }
  counted.set(id, sum);
  return sum;
}

async function readTrees(git: Git, ids: string[]): Promise<Folders> {
  const found = new Map<string, { files: number; folders: string[] }>();
  if (ids.length === 0) return found;
  const onData = batchReader(most.bytes, (id, bytes) => void (bytes && found.set(id, entriesOf(bytes))), "tree");
  await git(["cat-file", "--batch", "--buffer"], { input: [Buffer.from(`${ids.join("\n")}\n`)], onData });
  return found;
}

/** `<mode> <name>NUL<20 bytes of id>`, one after the other. */
function entriesOf(bytes: Uint8Array): { files: number; folders: string[] } {
  const buffer = Buffer.from(bytes);
  const folders: string[] = [];
  let files = 0;
  for (let at = 0; at < buffer.length; ) {
    const end = buffer.indexOf(0, at);
    if (end < 0) break;
    if (buffer.toString("latin1", at, at + 6) === "40000 ") folders.push(buffer.toString("hex", end + 1, end + 21));
    else files++;
    at = end + 21;
  }
  return { files, folders };
}
