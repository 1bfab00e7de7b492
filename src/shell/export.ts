// Reads the pair of commits and writes the dashboard's data. What the data says is decided in core/export.ts.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Beat, readBeatText } from "../core/beat.ts";
import { collectionOf } from "../core/collections.ts";
import { type Entry, kindOf, parseEntry } from "../core/entry.ts";
import { type ExportInput, exportAll } from "../core/export.ts";
import { isSampleFile, sample_days } from "../core/export-hosts.ts";
import { besideJob } from "../core/export-jobs.ts";
import type { PageFiles } from "../core/export-lines.ts";
import { type Older, windowOf } from "../core/export-window.ts";
import { newestJobs } from "../core/export-world.ts";
import type { ExportFiles } from "../core/exported.ts";
import { plugin_pages } from "../core/plugin-pages.ts";
import { type Pupdate, pathClass, pupdate as pupdateSchema, type Settings } from "../core/schema.ts";
import { readState, type SourceFile } from "../core/state.ts";
import { configuration } from "../errors.ts";
import type { Repo, Tips, TreeItem } from "../ports.ts";
import { shelvesIn } from "./archive-index.ts";
import { isHistory, readHistory, writeDays } from "./export-days.ts";
import { gitEnv, runGit } from "./git.ts";

export interface Export {
  dir: string;
  /** sha256 over all files of the export. */
  digest: string;
  /** The digest differs from that of the export which was in the folder before. */
  changed: boolean;
  settings: Settings;
}

export interface Known {
  /** Its id. */
  tick?: string | undefined;
  database?: Beat["database"];
}

export const digest_file = "export.sha256";
const single = new Set(["towline.yml", "OVERVIEW.md", "state/levels.ndjson"]);
const state_files = new Set(
  ["knowledge", "campfire", "candidates", "dismissed", "fired"].map((name) => `state/${name}.ndjson`),
);
const wanted_pupdates = 500;

/**
 * Writes the export of a pair of commits to a folder; each file appears whole or not at all, the digest last.
 * `known`: by the tick that wants it, which may have left no trace yet.
 */
export async function writeExport(repo: Repo, tips: Tips, dir: string, known: Known = {}): Promise<Export> {
  const input = await readInput(repo, tips, known);
  const { files, days } = exportAll(input);
  const digest = exportDigest(files);
  await mkdir(dir, { recursive: true });
  const before = await readFile(join(dir, digest_file), "utf8").catch(() => "");
  await writeDays(repo, dir, days, input.blobs);
  for (const [name, text] of [...Object.entries(files), [digest_file, `${digest}\n`] as const]) {
    const draft = join(dir, `.${name}.${randomBytes(6).toString("hex")}`);
    await writeFile(draft, text);
    await rename(draft, join(dir, name));
  }
  return { dir, digest, changed: before.trim() !== digest, settings: input.settings };
}

/** sha256 over names and contents, hex. */
export function exportDigest(files: ExportFiles): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(files).sort()) hash.update(`${name}\0${files[name]}\0`);
  return hash.digest("hex");
}

async function readInput(repo: Repo, tips: Tips, { tick, database }: Known) {
  const beat = readBeatText(await repo.readBeat());
  const { items, older } = await itemsOf(repo, tips);
  const history = items.filter(isHistory);
  const files = await texts(
    repo,
    items.filter(
      ({ path }) => (kindOf(path) !== null && !isHistory({ path })) || single.has(path) || path.startsWith("reviews/"),
    ),
  );
  const { state, problems } = readState(tips, files);
  if (!state)
    throw configuration(`${problems[0]?.path}:${problems[0]?.line}: ${problems[0]?.message}`, problems[0]?.fix);
  const reflections = await readHistory(repo, history, state);
  const kept: Entry[] = [state.agents, state.hosts, state.tasks, state.jobs, state.status, state.memos].flatMap(
    (shelf) => [...shelf.values()] as Entry[],
  );
  return {
    settings: state.settings,
    entries: [...kept, ...reflections, ...state.rules, ...others(files)],
    blobs: new Map(history.map(({ path, blob }) => [path, blob])),
    problems: state.problems,
    levels: state.levels,
    pupdates: await newestPupdates(repo, items),
    overview: files.find((file) => file.path === "OVERVIEW.md")?.text ?? null,
    tips: { ...tips, at: tips.ledger && (await commitTime(repo, tips.ledger)) },
    forge: await forgeOf(repo, state.settings.forge?.web),
    beside: { reviews: state.reviews, files: await besideFiles(repo, items, [...state.jobs.values()]) },
    older,
    branch: await branchOf(repo),
    files: await pageFiles(repo, items, state.settings),
    forecast: beat?.talked?.forecast ?? null,
    database: database ?? beat?.database,
    ticks: [
      ...(tick ? [tick] : []),
      ...(beat ? [beat.tick] : []),
      ...(tips.ledger ? await ticksIn(repo, tips.ledger) : []),
    ],
  } satisfies ExportInput;
}

/** Files that are no records, and that pages are made of. */
async function pageFiles(repo: Repo, items: TreeItem[], settings: Settings): Promise<PageFiles> {
  const samples = items.filter(({ path }) => isSampleFile(path)).sort((a, b) => (a.path < b.path ? 1 : -1));
  const wanted = new Set(samples.slice(0, sample_days).map(({ path }) => path));
  const read = items.filter(
    ({ path }) =>
      state_files.has(path) ||
      path.startsWith(`${plugin_pages}/`) ||
      wanted.has(path) ||
      collectionOf(path, settings.collections) !== null,
  );
  const files = await texts(repo, read);
  return new Map(files.flatMap(({ path, text }) => (text === null ? [] : [[path, text] as const])));
}

/** What lies beside the records of the jobs that have a page. */
async function besideFiles(repo: Repo, items: TreeItem[], jobs: Entry<"job">[]): Promise<Map<string, string>> {
  const wanted = new Set(newestJobs(jobs).flatMap(besideJob));
  const files = await texts(
    repo,
    items.filter(({ path }) => wanted.has(path)),
  );
  return new Map(files.flatMap(({ path, text }) => (text === null ? [] : [[path, text] as const])));
}

/** Records that a tick has no use for, and so are not in its state. Their problems are. */
function others(files: SourceFile[]): Entry[] {
  const kinds = new Set(["insight", "learning"]);
  return files.flatMap(({ path, text, mode }) => {
    const kind = kindOf(path);
    if (kind === null || text === null || !kinds.has(kind) || !mode.startsWith("100")) return [];
    return (parseEntry(path, kind, text).entry as Entry | null) ?? [];
  });
}

/**
 * The files of the pair: what people own from the policy commit, what towline writes from the ledger's. Of archives, those
 * with records that the dashboard lists are opened: years cost no more than months.
 */
async function itemsOf(repo: Repo, tips: Tips): Promise<{ items: TreeItem[]; older: Older }> {
  const policy = await repo.tree(tips.policy, undefined, "stored");
  const ledger = (
    tips.ledger === tips.policy ? policy : tips.ledger ? await repo.tree(tips.ledger, undefined, "stored") : []
  ).filter(({ path }) => pathClass(path) === "ledger");
  const count = (folder: string) => ledger.filter(({ path }) => path.startsWith(`${folder}/`)).length;
  const { open, older } = windowOf(await shelvesIn(repo, ledger), {
    history: ledger.filter(isHistory).length,
    pupdates: count("pupdates"),
    memos: count("memos"),
    queue: count("queue"),
  });
  const found = new Map<string, TreeItem>();
  if (tips.ledger !== null) for (const item of await repo.tree(tips.ledger, open)) found.set(item.path, item);
  // What stands in the tree itself is newer.
  for (const item of ledger) found.set(item.path, item);
  return { items: [...policy.filter(({ path }) => pathClass(path) !== "ledger"), ...found.values()], older };
}

async function texts(repo: Repo, items: TreeItem[]): Promise<SourceFile[]> {
  const regular = items.filter((item) => item.mode.startsWith("100"));
  const blobs = await repo.blobs([...new Set(regular.map((item) => item.blob))]);
  const decoder = new TextDecoder();
  return items.map(({ path, mode, blob }) => {
    const bytes = mode.startsWith("100") ? blobs.get(blob) : new Uint8Array();
    return { path, mode, text: bytes ? decoder.decode(bytes) : null };
  });
}

/** Whole days, newest first, until there are enough lines. Lines that are no pupdate are left out. */
async function newestPupdates(repo: Repo, files: TreeItem[]): Promise<Pupdate[]> {
  const days = Map.groupBy(
    files.filter((file) => /^pupdates\/\d{4}\/\d{2}\/\d{2}\/.+\.ndjson$/.test(file.path)),
    (file) => file.path.slice(0, "pupdates/YYYY/MM/DD".length),
  );
  const found: Pupdate[] = [];
  for (const day of [...days.keys()].sort().reverse()) {
    if (found.length >= wanted_pupdates) break;
    for (const { text } of await texts(repo, days.get(day) ?? []))
      for (const line of (text ?? "").split("\n")) {
        const read = line.trim() === "" ? undefined : pupdateSchema.safeParse(json(line));
        if (read?.success) found.push(read.data);
      }
  }
  return found;
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

async function git(repo: Repo, args: string[]): Promise<string> {
  const { code, stdout } = await runGit({ cwd: repo.gitDir, env: gitEnv(undefined) }, ["--git-dir", ".", ...args]);
  return code === 0 ? stdout.toString("utf8").trim() : "";
}

async function commitTime(repo: Repo, commit: string): Promise<string | null> {
  const at = await git(repo, ["log", "-1", "--format=%cI", commit]);
  return at === "" ? null : new Date(at).toISOString();
}

/** Ids of the newest ticks that left a commit; in a shallow clone there may be but one. */
async function ticksIn(repo: Repo, ledger: string): Promise<string[]> {
  const trailer = "%(trailers:key=Towline-Tick,valueonly,separator=)";
  const said = await git(repo, ["log", "-24", "--grep=^Towline-Tick: ", `--format=${trailer}`, ledger]);
  return said.split("\n").filter(Boolean);
}

/** The default branch by the symbolic refs that a clone or a tick left; null: neither did. */
async function branchOf(repo: Repo): Promise<string | null> {
  const known = ["refs/remotes/origin/HEAD", "refs/towline/remote/heads/HEAD"];
  const said = await git(repo, ["for-each-ref", "--format=%(symref)", ...known]);
  return (
    said
      .split("\n")
      .find(Boolean)
      ?.replace(/^refs\/(remotes\/origin|towline\/remote\/heads)\//, "") || null
  );
}

/** The setting when it is an address, else the origin's web address where its host is a known forge. */
async function forgeOf(repo: Repo, setting: string | undefined): Promise<string | null> {
  if (setting) return setting.replace(/\/+$/, "");
  return webAddress(await git(repo, ["config", "--get", "remote.origin.url"]));
}

/** `git@github.com:o/n.git`, `https://token@github.com/o/n` → `https://github.com/o/n`; unknown hosts → null. */
export function webAddress(remote: string): string | null {
  const found =
    /^(?:https?:\/\/|ssh:\/\/)?(?:[^@/]+@)?(github\.com|gitlab\.com|codeberg\.org)[:/](.+?)(?:\.git)?\/*$/.exec(remote);
  return found && /^[\w.-]+(\/[\w.-]+)+$/.test(found[2] as string) ? `https://${found[1]}/${found[2]}` : null;
}
