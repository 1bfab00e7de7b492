// A record of people's, changed in their name: in the folder, on origin at once, or as a branch that they may merge.
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digest } from "../core/hash.ts";
import { configuration, messageOf, usage } from "../errors.ts";
import type { PackOptions } from "./pack.ts";
import { followOrigin, pushFile } from "./person-push.ts";
import { propose } from "./propose.ts";
import type { Secrets } from "./secrets.ts";
import { writeWhole } from "./write-whole.ts";

/** `here`: the file in the folder, which a person commits. */
export type Where = "here" | "push" | "pr";

/** Reads `--push` and `--pr`. Throws a usage Fault for both at once. */
export function whereOf({ push, pr }: { push?: boolean | undefined; pr?: boolean | undefined }): Where {
  if (push && pr) throw usage("--push and --pr are given", "give one of them: --pr leaves the yes to a merge");
  return pr ? "pr" : push ? "push" : "here";
}

export interface Edit {
  path: string;
  /** The new text, from the one that is there (null: none); null: the file goes. */
  edit(text: string | null): string | null;
  /** First line of the commit. */
  message: string;
}

export interface Edited {
  path: string;
  changed: boolean;
  /** Of the change on origin, or on the branch. */
  commit: string | null;
  /** The folder has it, too. */
  here: boolean;
  branch?: string;
  /** Where a pull request is opened for the branch; null on a forge that is not known. */
  url?: string | null;
}

const allowed =
  /^(?:(?:tasks|agents|hosts|rules|insights|learnings|skills)\/[^/]+\.md|STOP\.md|\.github\/ISSUE_TEMPLATE\/task\.yml)$/;

/** `dir`: the top of the work tree, or a folder in it. */
export async function editRecord(
  dir: string,
  options: PackOptions & { secrets: Secrets },
  where: Where,
  change: Edit,
): Promise<Edited> {
  const { path, edit, message } = change;
  if (where === "here") return editHere(dir, change);
  if (where === "pr") {
    const proposing = await propose(
      { dir, ...options },
      `towline/edit-${digest("edit", path, message).slice(0, 10)}`,
      allowed,
    );
    const text = await proposing.text(path);
    const next = edit(text);
    const changes = new Map(next === text ? [] : [[path, next]]);
    const made = await proposing.push(changes, message);
    return { path, changed: made !== null, commit: made?.commit ?? null, here: false, ...of(made) };
  }
  // "" is what stands where no file is: taking that away changes nothing.
  const onOrigin = (text: string) => edit(text === "" ? null : text) ?? (text === "" ? "" : null);
  const commit = await pushFile(dir, options, { path, message, fresh: true, edit: onOrigin });
  return { path, changed: commit !== null, commit, here: await followOrigin(dir, options.env) };
}

const of = (made: { branch: string; url: string | null } | null) =>
  made === null ? {} : { branch: made.branch, url: made.url };

async function editHere(dir: string, { path, edit }: Edit): Promise<Edited> {
  const file = join(dir, path);
  const failed = (thrown: unknown) => configuration(`${path}: ${messageOf(thrown)}`, "look at the file and its folder");
  const text = await readFile(file, "utf8").catch((thrown) => {
    if (thrown.code === "ENOENT") return null;
    throw failed(thrown);
  });
  const next = edit(text);
  try {
    if (next === null) await rm(file, { force: true });
    else if (next !== text) {
      await mkdir(dirname(file), { recursive: true });
      await writeWhole(file, next);
    }
  } catch (thrown) {
    throw failed(thrown);
  }
  return { path, changed: next !== text, commit: null, here: true };
}

/** What became of it, after the sentence that says what was changed. */
export function editedLine({ path, changed, commit, here, branch, url }: Edited, message: string): string {
  if (branch !== undefined)
    return `  proposed on the branch ${branch}${url ? `: ${url}` : ""}; merging it is the yes${changed ? "" : " (it stood there already)"}`;
  if (!changed) return "  it stood there already";
  if (commit !== null)
    return `  pushed as ${commit.slice(0, 10)}${here ? "" : "; git pull brings it into this folder"}`;
  return `  ticks see it once it is pushed: git add -A ${path} && git commit -m "${message}" -- ${path} && git pull --rebase && git push`;
}
