// All that a pack holds, for use without towline: every record as JSON, the database as one SQLite file, a crontab.
import { chmod, mkdir, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { crontab } from "../core/crontab.ts";
import { kindOf } from "../core/entry.ts";
import { pathClass } from "../core/schema.ts";
import { split } from "../core/split.ts";
import type { State } from "../core/state.ts";
import { configuration, messageOf, outside } from "../errors.ts";
import type { Repo, Tips, TreeItem } from "../ports.ts";
import { scriptOf } from "../runtimes/shell.ts";
import { textOf } from "./pack-files.ts";
import { openStore } from "./store.ts";
import { sync } from "./sync.ts";

export interface Exported {
  dir: string;
  records: number;
  /** Recurring tasks. */
  tasks: number;
  files: string[];
}

const most = 8 << 20;
const at_once = 500;

/** `dir` is new or empty. `repo` shows no secret. Throws a Fault when it cannot be written. */
export async function exportAll(repo: Repo, tips: Tips, state: State, dir: string): Promise<Exported> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((thrown) => {
    throw configuration(`${dir} cannot be made: ${messageOf(thrown)}`, "name another folder with --out");
  });
  if ((await readdir(dir)).length > 0)
    throw configuration(`${dir} is not empty`, "name a new folder with --out, or empty it");
  const records = await writeRecords(repo, tips, join(dir, "records.json"));
  const store = await openStore({ url: pathToFileURL(join(dir, "records.db")).href });
  try {
    const synced = await sync(store, repo, tips, { packId: state.pack, budgetMs: 600_000, fresh: true });
    if (synced.state !== "synced") throw outside(`the database was not written: ${synced.why}`, "run it again");
  } finally {
    store.close();
  }
  const { text, files, tasks } = crontab(state, join(dir, "tasks"), scriptOf);
  await mkdir(join(dir, "tasks"));
  for (const [name, body] of files) {
    await writeFile(join(dir, "tasks", name), body);
    if (name.endsWith(".sh")) await chmod(join(dir, "tasks", name), 0o755);
  }
  await writeFile(join(dir, "crontab"), text);
  return {
    dir,
    records,
    tasks,
    files: ["records.json", "records.db", "crontab", ...(files.size > 0 ? ["tasks/"] : [])],
  };
}

/** One array, some records at a time: a ledger may be larger than memory. */
async function writeRecords(repo: Repo, tips: Tips, file: string): Promise<number> {
  const items = await itemsOf(repo, tips);
  const handle = await open(file, "wx", 0o600);
  let count = 0;
  try {
    await handle.write("[");
    for (let from = 0; from < items.length; from += at_once) {
      const some = items.slice(from, from + at_once);
      const blobs = await repo.blobs(
        some.map(({ blob }) => blob),
        most,
      );
      for (const { path, blob } of some) {
        const bytes = blobs.get(blob);
        const text = bytes ? textOf(bytes) : null;
        await handle.write(`${count++ === 0 ? "" : ","}\n${JSON.stringify(recordOf(path, text, bytes?.length))}`);
      }
    }
    await handle.write("\n]\n");
  } finally {
    await handle.close();
  }
  return count;
}

/** Records of people and all of the ledger. */
async function itemsOf(repo: Repo, tips: Tips): Promise<TreeItem[]> {
  const wanted = ({ path, mode }: TreeItem) =>
    mode.startsWith("100") && (kindOf(path) !== null || path === "towline.yml" || pathClass(path) !== "policy");
  const people = (await repo.tree(tips.policy)).filter(wanted);
  if (tips.ledger === null || tips.ledger === tips.policy) return people;
  const machines = (await repo.tree(tips.ledger)).filter((item) => wanted(item) && pathClass(item.path) === "ledger");
  return [...people.filter(({ path }) => pathClass(path) !== "ledger"), ...machines];
}

function recordOf(path: string, text: string | null, size = 0) {
  if (text === null) return { path, bytes: size };
  if (path.endsWith(".ndjson")) return { path, rows: text.split("\n").flatMap(rowOf) };
  const read = path.endsWith(".md") ? split(text) : null;
  return read === null || "message" in read ? { path, text } : { path, data: read.data, body: read.body };
}

function rowOf(line: string): unknown[] {
  if (line.trim() === "") return [];
  try {
    return [JSON.parse(line)];
  } catch {
    return [line];
  }
}
