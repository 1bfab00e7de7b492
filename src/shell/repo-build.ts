// Builds one commit by one fast-import, away from the work tree and the index, in an object folder of its
// own: what is not pushed leaves nothing behind, and a won commit's objects move over to the clone.
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { unsafePath } from "../core/path.ts";
import { configuration, outside } from "../errors.ts";
import type { Changes } from "../ports.ts";
import { type Place, runGit } from "./git.ts";
import { objectId } from "./repo-read.ts";

const draft_prefix = "tmp_objdir-towline-";
const bot = "towline <towline@localhost>";

/** A commit that exists only in `objects`. `env` lets git see both stores. */
export interface Draft {
  commit: string;
  objects: string;
  env: Record<string, string>;
}

export interface CommitPlan {
  parent: string | null;
  changes: Changes;
  message: string;
  at: Date;
}

/** Writes the commit into a fresh folder below the clone's own objects. Throws when a path would replace a folder or a file above it. */
export async function buildCommit(place: Place, store: string, plan: CommitPlan): Promise<Draft> {
  const objects = await mkdtemp(join(store, draft_prefix));
  const env = { GIT_OBJECT_DIRECTORY: objects, GIT_ALTERNATE_OBJECT_DIRECTORIES: alternate(store) };
  try {
    const ran = await runGit(place, ["fast-import", "--quiet", "--date-format=raw"], { input: script(plan), env });
    if (ran.code !== 0)
      throw outside(
        `the commit cannot be built: ${lastLine(ran.stderr)}`,
        "look at the free space and the rights of the clone's folder",
      );
    const answers = ran.stdout.toString().split("\n");
    const commit = objectId(answers.at(-2) ?? "");
    refuseOverlaps(answers.slice(0, -2), plan);
    return { commit, objects, env };
  } catch (thrown) {
    await drop(objects);
    throw thrown;
  }
}

/** A commit without history that holds the draft's files: written beside it, so that both go over in one push. */
export async function snapshot(place: Place, draft: Draft, message: string, at: Date): Promise<string> {
  const date = `${Math.floor(at.getTime() / 1000)} +0000`;
  const [, name = "", email = ""] = /^(.*) <(.*)>$/.exec(bot) ?? [];
  const who = ["AUTHOR", "COMMITTER"].flatMap((role) => [
    [`GIT_${role}_NAME`, name],
    [`GIT_${role}_EMAIL`, email],
    [`GIT_${role}_DATE`, date],
  ]);
  const ran = await runGit(place, ["commit-tree", `${draft.commit}^{tree}`], {
    input: [Buffer.from(message)],
    env: { ...draft.env, ...Object.fromEntries(who) },
  });
  if (ran.code !== 0) throw outside(`the commit cannot be built: ${lastLine(ran.stderr)}`, "look at the free space");
  return objectId(ran.stdout.toString().trim());
}

export const drop = (objects: string) => rm(objects, { recursive: true, force: true });

/** Removes what a killed tick left more than a day ago. (git's own clean-up knows such names too, but may never run.) */
export async function sweep(store: string): Promise<void> {
  for (const name of await readdir(store)) {
    if (!name.startsWith(draft_prefix)) continue;
    const found = await stat(join(store, name)).catch(() => null);
    if (found && Date.now() - found.mtimeMs > 86_400_000) await drop(join(store, name));
  }
}

/** Moves the draft's objects into the clone's store. */
export async function keep(objects: string, store: string): Promise<void> {
  for (const folder of await readdir(objects)) {
    await mkdir(join(store, folder), { recursive: true });
    // A pack counts from the moment its .idx is there: that one goes last.
    const files = (await readdir(join(objects, folder))).sort(
      (a, b) => Number(a.endsWith(".idx")) - Number(b.endsWith(".idx")),
    );
    for (const file of files) await rename(join(objects, folder, file), join(store, folder, file));
  }
  await drop(objects);
}

function* script({ parent, changes, message, at }: CommitPlan): Generator<Uint8Array> {
  const temporary = `refs/towline/draft/${crypto.randomUUID()}`;
  const text = Buffer.from(message);
  const asked = parent === null ? [] : touched(changes);
  yield Buffer.from(`feature done\n${asked.map((path) => `ls ${parent} ${quoted(path)}\n`).join("")}`);
  yield Buffer.from(
    `commit ${temporary}\nmark :1\ncommitter ${bot} ${Math.floor(at.getTime() / 1000)} +0000\ndata ${text.length}\n`,
  );
  yield text;
  yield Buffer.from(parent === null ? "\n" : `\nfrom ${objectId(parent)}\n`);
  for (const [path, content] of changes) {
    if (content === null) {
      yield Buffer.from(`D ${quoted(path)}\n`);
      continue;
    }
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    yield Buffer.from(`M 100644 inline ${quoted(path)}\ndata ${bytes.length}\n`);
    yield bytes;
    yield Buffer.from("\n");
  }
  // The ref is taken back inside the same stream, so it never exists on disk.
  yield Buffer.from(`\nget-mark :1\nreset ${temporary}\nfrom ${"0".repeat(parent?.length ?? 40)}\n\ndone\n`);
}

/** fast-import's C-style quoting: only backslash, quote and line feed are special inside. */
const quoted = (path: string) => `"${path.replace(/[\\"]/g, "\\$&")}"`;

/** Each path, then the folders above the paths, each once. */
function touched(changes: Changes): string[] {
  const above = new Set<string>();
  for (const path of changes.keys())
    for (let cut = path.lastIndexOf("/"); cut > 0; cut = path.lastIndexOf("/", cut - 1)) above.add(path.slice(0, cut));
  return [...changes.keys(), ...above];
}

/** `M` and `D` would silently take a whole folder with them, or a file that stands where a folder must be. */
function refuseOverlaps(answers: string[], { parent, changes }: CommitPlan): void {
  if (parent === null) return;
  touched(changes).forEach((path, i) => {
    const found = /^(?:\d+ (\w+) |missing )/.exec(answers[i] ?? "");
    if (!found) throw new Error(`fast-import did not answer for ${path}`);
    const type = found[1];
    const wanted = changes.has(path) ? "blob" : "tree";
    if (type !== undefined && type !== wanted)
      throw configuration(
        `\`${path}\` is a ${type === "tree" ? "folder" : type === "commit" ? "submodule" : "file"} in the ledger where towline keeps a ${wanted === "tree" ? "folder" : "file"}`,
        `move or delete \`${path}\` on the ledger's branch`,
      );
  });
}

/** Throws on a path that must never be written, and on two changes where one's file is the other's folder. */
export function checkPaths(changes: Changes, allowed: (path: string) => boolean): void {
  if (changes.size === 0) throw new Error("a commit without changes was asked for");
  for (const path of changes.keys()) {
    const fault = unsafePath(path);
    if (fault) throw new Error(`refused to write ${JSON.stringify(path)}: ${fault}`);
    if (!allowed(path)) throw new Error(`refused to write ${JSON.stringify(path)}: it does not belong to the ledger`);
  }
  for (const path of touched(changes).slice(changes.size))
    if (changes.get(path))
      throw new Error(`refused to write ${JSON.stringify(path)}: it is a file and a folder at once`);
}

const alternate = (store: string) => (/[:"\n]/.test(store) ? `"${store.replace(/[\\"]/g, "\\$&")}"` : store);
const lastLine = (text: string) => text.trim().split("\n").at(-1) || "git gave no reason";
