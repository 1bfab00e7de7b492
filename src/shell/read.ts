// Stage read: the records of a pair of commits (or of a work tree and a ledger commit) as one state.
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { formatFault, ledger_format } from "../core/binding.ts";
import { kindOf, type Problem } from "../core/entry.ts";
import { knowledge_folders } from "../core/knowledge-rows.ts";
import { max_bytes } from "../core/split.ts";
import {
  addFile,
  ledger_paths,
  openPaths,
  policy_paths,
  readState,
  type SourceFile,
  type State,
} from "../core/state.ts";
import { configuration } from "../errors.ts";
import type { Repo, Tips, TreeItem } from "../ports.ts";
import { textOf } from "./pack-files.ts";

function source(path: string, mode: string, bytes: Uint8Array): SourceFile {
  const text = textOf(bytes);
  return text === null ? { path, mode, text, why: "encoding" } : { path, mode, text };
}

/** Files of a commit, as text; blobs that several paths share are read once. */
async function filesOf(repo: Repo, items: TreeItem[]): Promise<SourceFile[]> {
  const wanted = items.filter((item) => item.mode.startsWith("100"));
  const blobs = await repo.blobs([...new Set(wanted.map((item) => item.blob))], max_bytes);
  return items.map((item) => {
    const bytes = item.mode.startsWith("100") ? blobs.get(item.blob) : new Uint8Array();
    return bytes ? source(item.path, item.mode, bytes) : { path: item.path, mode: item.mode, text: null };
  });
}

/** What every tick reads of the ledger's tree. */
const ledgerTree = (repo: Repo, tips: Tips) =>
  tips.ledger === null ? Promise.resolve([]) : repo.tree(tips.ledger, ledger_paths);

/** The files that the open-work file names; none, and nothing more is read. */
async function openFiles(repo: Repo, tips: Tips, files: SourceFile[]): Promise<SourceFile[]> {
  const open = openPaths(files.find((file) => file.path === "state/open.ndjson")?.text ?? undefined);
  return tips.ledger === null || open.length === 0 ? [] : filesOf(repo, await repo.tree(tips.ledger, open));
}

/** The state of a pair of commits. Throws a Fault when the pack's settings cannot be read. */
export async function readPair(repo: Repo, tips: Tips): Promise<State> {
  const items =
    tips.ledger === tips.policy
      ? await repo.tree(tips.policy, [...policy_paths, ...knowledge_folders, ...ledger_paths])
      : (
          await Promise.all([repo.tree(tips.policy, [...policy_paths, ...knowledge_folders]), ledgerTree(repo, tips)])
        ).flat();
  const present = new Map(items.filter(isKnowledge).map(({ path, blob }) => [path, blob.slice(0, 12)]));
  const reviews = items.filter(isReview);
  const others = items.filter((item) => !isReview(item) && !isFrom(knowledge_folders, item));
  const files = await filesOf(repo, others);
  const open = await openFiles(repo, tips, files);
  const state = usable(readState(tips, [...files, ...open, ...(await filesOf(repo, reviews.filter(isOpenIn(open))))]));
  state.present = present;
  return state;
}

const isFrom = (folders: readonly string[], { path }: TreeItem) => folders.some((one) => path.startsWith(`${one}/`));

/** Only that they are there is known of them: their texts are read when somebody is told of them. */
const isKnowledge = (item: TreeItem) =>
  isFrom(knowledge_folders, item) && item.mode.startsWith("100") && kindOf(item.path) !== null;

const isReview = ({ path }: { path: string }) => path.startsWith("reviews/");

/** Reviews of closed jobs stay for people to read; nothing is decided by them. */
const isOpenIn = (open: SourceFile[]) => {
  const names = new Set(open.map(({ path }) => path.slice(path.lastIndexOf("/") + 1)));
  return ({ path }: { path: string }) => names.has(path.slice("reviews/".length));
};

/** People's records from a folder as it is now, the ledger from a commit. */
export async function readWorkTree(repo: Repo, dir: string, tips: Tips): Promise<State> {
  const policy: SourceFile[] = [];
  for (const path of policy_paths) await collect(dir, path, policy);
  const ledger = await filesOf(repo, await ledgerTree(repo, tips));
  return usable(readState(tips, [...policy, ...ledger, ...(await openFiles(repo, tips, ledger))]));
}

async function collect(root: string, path: string, into: SourceFile[]): Promise<void> {
  const at = join(root, path);
  const stat = await lstat(at).catch(() => null);
  if (stat?.isDirectory()) for (const name of (await readdir(at)).sort()) await collect(root, `${path}/${name}`, into);
  else if (stat?.isSymbolicLink()) into.push({ path, mode: "120000", text: "" });
  else if (stat?.isFile() && stat.size > max_bytes) into.push({ path, mode: "100644", text: null });
  else if (stat?.isFile()) {
    const bytes = await readFile(at).catch(goneMeanwhile);
    if (bytes) into.push(source(path, "100644", bytes));
  }
}

/** Editors, and other verbs, write beside a file and rename: such a draft may be listed and then not be there. */
function goneMeanwhile(thrown: NodeJS.ErrnoException): null {
  if (thrown.code !== "ENOENT") throw thrown;
  return null;
}

function usable({ state, problems }: { state: State | null; problems: Problem[] }): State {
  if (state) return readable(state);
  const first = problems[0];
  throw configuration(`${first?.path}:${first?.line}:${first?.column}: ${first?.message}`, first?.fix);
}

/** A ledger that another version of towline writes in a form unknown here is not even looked at. */
function readable(state: State): State {
  const written = typeof state.mark === "object" ? state.mark?.format : undefined;
  const fault = formatFault(Math.max(written ?? ledger_format, state.settings.ledger.format));
  if (fault) throw configuration(fault.message, fault.advice);
  return state;
}

/**
 * Paths of all job records in the ledger, by job id. With `wanted` archives are opened only where one of those may be
 * that is not among the others: they hold years.
 */
export async function jobPaths(repo: Repo, tips: Tips, wanted?: readonly string[]): Promise<Map<string, string>> {
  if (tips.ledger === null) return new Map();
  if (!wanted) return namesOf(await repo.tree(tips.ledger, ["jobs"]));
  const near = namesOf(await repo.tree(tips.ledger, ["jobs"], "stored"));
  const missing = wanted.filter((id) => !near.has(id));
  if (missing.length === 0) return near;
  const { archivesNaming } = await import("./archive-index.ts");
  const archives = await archivesNaming(repo, tips.ledger, "jobs", missing);
  return archives.length === 0 ? near : new Map([...namesOf(await repo.tree(tips.ledger, archives)), ...near]);
}

function namesOf(items: TreeItem[]): Map<string, string> {
  return new Map(
    items
      .filter((item) => item.path.endsWith(".md") && !item.path.includes(".d/"))
      .map((item) => [item.path.slice(item.path.lastIndexOf("/") + 1, -3), item.path]),
  );
}

/**
 * Adds a task of the queue, and its status, out of the archives, where it is over since long. They hold years: only for
 * what is nowhere else. True: it was there.
 */
export async function addRolled(repo: Repo, state: State, task: string): Promise<boolean> {
  if (state.tips.ledger === null || state.tasks.has(task) || !/-q[0-9a-f]{8}$/.test(task)) return false;
  const own = [`queue/${task}.md`, `status/${task}.md`];
  const { archivesNaming } = await import("./archive-index.ts");
  const archives = await archivesNaming(repo, state.tips.ledger, "queue", [task]);
  if (archives.length === 0) return false;
  const items = (await repo.tree(state.tips.ledger, archives)).filter(({ path }) => own.includes(path));
  for (const file of await filesOf(repo, items)) addFile(state, file);
  return state.tasks.has(task);
}

/** Adds the records at these ledger paths to the state; paths that are not there are left out. */
export async function addRecords(repo: Repo, state: State, paths: string[]): Promise<void> {
  if (state.tips.ledger === null || paths.length === 0) return;
  for (const file of await filesOf(repo, await repo.tree(state.tips.ledger, paths))) addFile(state, file);
}
