// Reads the pair of commits and writes the dashboard's data. What the data says is decided in core/export.ts.
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Entry, kindOf, type Problem, parseEntry, readYaml } from "../core/entry.ts";
import { type ExportInput, exportData } from "../core/export.ts";
import type { ExportFiles } from "../core/exported.ts";
import { type Pupdate, pathClass, pupdate as pupdateSchema, type Settings, settings } from "../core/schema.ts";
import type { Repo, Tips, TreeItem } from "../ports.ts";

export interface Export {
  dir: string;
  /** sha256 over all files of the export. */
  digest: string;
  /** The digest differs from that of the export which was in the folder before. */
  changed: boolean;
  settings: Settings | null;
}

export const digest_file = "export.sha256";
const wanted_pupdates = 500;
const run = promisify(execFile);

/** Writes the export of a pair of commits to a folder; each file appears whole or not at all, the digest last. */
export async function writeExport(repo: Repo, tips: Tips, dir: string): Promise<Export> {
  const input = await readInput(repo, tips);
  const files = exportData(input);
  const digest = exportDigest(files);
  await mkdir(dir, { recursive: true });
  const before = await readFile(join(dir, digest_file), "utf8").catch(() => "");
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

async function readInput(repo: Repo, tips: Tips): Promise<ExportInput> {
  const files = await filesOf(repo, tips);
  const records = files.filter((file) => kindOf(file.path) !== null);
  const single = files.filter((file) => file.path === "towline.yml" || file.path === "OVERVIEW.md");
  const read = await texts(repo, [...records, ...single]);
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  for (const { path } of records) {
    const kind = kindOf(path);
    const text = read.get(path);
    if (!kind || text === undefined) continue;
    const parsed = parseEntry(path, kind, text);
    if (parsed.entry) entries.push(parsed.entry as Entry);
    problems.push(...parsed.problems);
  }
  return {
    settings: settingsOf(read.get("towline.yml")),
    entries,
    problems,
    pupdates: await newestPupdates(repo, files),
    overview: read.get("OVERVIEW.md") ?? null,
    tips: { ...tips, at: tips.ledger && (await commitTime(repo, tips.ledger)) },
    forge: await forgeOf(repo, settingsOf(read.get("towline.yml"))?.forge),
  };
}

/** Regular files of the pair: what people own from the policy commit, what towline writes from the ledger's. */
async function filesOf(repo: Repo, tips: Tips): Promise<TreeItem[]> {
  const regular = (items: TreeItem[]) => items.filter((item) => item.mode.startsWith("100"));
  const policy = regular(await repo.tree(tips.policy));
  if (tips.ledger === tips.policy) return policy;
  const ledger = tips.ledger ? regular(await repo.tree(tips.ledger)) : [];
  return [
    ...policy.filter((item) => pathClass(item.path) !== "ledger"),
    ...ledger.filter((item) => pathClass(item.path) === "ledger"),
  ];
}

async function texts(repo: Repo, files: TreeItem[]): Promise<Map<string, string>> {
  const bytes = await repo.blobs([...new Set(files.map((file) => file.blob))]);
  const decoder = new TextDecoder();
  const found = new Map<string, string>();
  for (const { path, blob } of files) {
    const content = bytes.get(blob);
    if (content) found.set(path, decoder.decode(content));
  }
  return found;
}

function settingsOf(text: string | undefined): Settings | null {
  try {
    return text === undefined ? null : (settings.safeParse(readYaml(text)).data ?? null);
  } catch {
    return null;
  }
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
    for (const text of (await texts(repo, days.get(day) ?? [])).values())
      for (const line of text.split("\n")) {
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

async function commitTime(repo: Repo, commit: string): Promise<string> {
  const { stdout } = await run("git", ["--git-dir", repo.gitDir, "log", "-1", "--format=%cI", commit]);
  return new Date(stdout.trim()).toISOString();
}

/** The setting when it is an address, else the origin's web address where its host is a known forge. */
async function forgeOf(repo: Repo, setting: string | undefined): Promise<string | null> {
  if (setting && /^https?:\/\/[^\s@]+$/.test(setting)) return setting.replace(/\/+$/, "");
  const origin = await run("git", ["--git-dir", repo.gitDir, "config", "--get", "remote.origin.url"]).catch(() => null);
  return origin && webAddress(origin.stdout.trim());
}

/** `git@github.com:o/n.git`, `https://token@github.com/o/n` → `https://github.com/o/n`; unknown hosts → null. */
export function webAddress(remote: string): string | null {
  const found =
    /^(?:https?:\/\/|ssh:\/\/)?(?:[^@/]+@)?(github\.com|gitlab\.com|codeberg\.org)[:/](.+?)(?:\.git)?\/*$/.exec(remote);
  return found && /^[\w.-]+(\/[\w.-]+)+$/.test(found[2] as string) ? `https://${found[1]}/${found[2]}` : null;
}
