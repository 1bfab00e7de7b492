// Names of files: ids, places, twins, links. What a text says plays no part here.
import { type CheckFile, problem } from "./check-pack.ts";
import { idOf, kindOf, type Problem } from "./entry.ts";
import { unsafePath } from "./path.ts";
import { slug } from "./scalar.ts";
import { folders, pathClass } from "./schema.ts";

// Folders of which people name the files, and how deep a record may stand in each.
const named: Record<string, number> = {
  agents: 2,
  hosts: 2,
  rules: 2,
  insights: 2,
  learnings: 2,
  skills: 2,
  tasks: 2,
  queue: 3,
};
const queue_form = /-q[0-9a-f]{8}$/;
const text_like = /\.(yml|yaml|markdown|mdx|txt|json|toml)$/i;

export function pathProblems(files: CheckFile[]): Problem[] {
  const problems = files.flatMap((file) => [...linkOf(file), ...nameOf(file.path)]);
  return [...problems, ...twins(files.map((file) => file.path)), ...sameIds(files)];
}

const folderOf = (path: string) => path.split("/", 1)[0] as string;
const inRecords = (path: string) =>
  Object.hasOwn(folders, folderOf(path)) ||
  pathClass(path) === "ledger" ||
  path === "STOP.md" ||
  path === "towline.yml";

/** A record is read from git's objects: a link would be read as its target's name, a submodule not at all. */
function linkOf({ path, mode }: CheckFile): Problem[] {
  if (!inRecords(path)) return [];
  if (mode === "120000")
    return [problem(path, "symlink", "a symbolic link is never followed", "commit the file itself in its place")];
  if (mode === "160000")
    return [
      problem(
        path,
        "gitlink",
        "a submodule or a repository of its own is not read",
        "commit the files themselves in its place",
      ),
    ];
  return [];
}

function nameOf(path: string): Problem[] {
  if (!inRecords(path)) return [];
  const unsafe = unsafePath(path);
  if (unsafe) return [problem(path, "path", `the path cannot be used everywhere: ${unsafe}`, "rename it")];
  const folder = folderOf(path);
  if (!Object.hasOwn(named, folder)) return [];
  if (kindOf(path) === null) return notRead(path, folder);
  // A skill may be a folder, whose name is its id.
  if (folder === "skills" && path.split("/").length > 2) return [];
  return [...placeOf(path, folder), ...idFault(path, folder)];
}

function notRead(path: string, folder: string): Problem[] {
  if (folder === "skills" || !text_like.test(path) || path.includes(".d/")) return [];
  return [
    {
      ...problem(
        path,
        "not-read",
        "is not read: records are files that end in .md",
        "rename it to end in .md, or move it elsewhere",
      ),
      level: "warning",
    },
  ];
}

function placeOf(path: string, folder: string): Problem[] {
  const parts = path.split("/");
  if (parts.length > (named[folder] as number))
    return [problem(path, "place", `records stand directly in ${folder}/`, `move it to ${folder}/${parts.at(-1)}`)];
  if (folder === "queue" && parts.length === 3 && !/^[0-9a-f]{2}$/.test(parts[1] as string))
    return [problem(path, "place", "folders in queue/ are two hex digits", `move it to queue/${parts.at(-1)}`)];
  return [];
}

function idFault(path: string, folder: string): Problem[] {
  const id = idOf(path);
  const read = slug.safeParse(id);
  if (!read.success)
    return [
      problem(
        path,
        "id",
        `the name \`${id}\` ${read.error.issues[0]?.message}`,
        "rename the file: its name is the record's id",
      ),
    ];
  if (folder === "queue" && !queue_form.test(id))
    return [
      problem(
        path,
        "id",
        "names in queue/ end in `-q` and the first 8 hex digits of a pupdate's id",
        "a task that a person writes belongs in tasks/",
      ),
    ];
  if (folder === "tasks" && queue_form.test(id))
    return [
      problem(path, "id", "names that end in `-q` and 8 hex digits belong to queue/", "give the task another name"),
    ];
  return [];
}

/** Paths, and folders above them, that some file systems take for one. */
function twins(paths: string[]): Problem[] {
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  for (const path of [...paths].sort()) {
    for (let end = path.indexOf("/"); ; end = path.indexOf("/", end + 1)) {
      const part = end < 0 ? path : path.slice(0, end);
      const folded = part.normalize("NFC").toLowerCase();
      const first = seen.get(folded);
      if (first === undefined) seen.set(folded, part);
      else if (first !== part) {
        const how =
          first.normalize("NFC") === part.normalize("NFC") ? "how its accents are stored" : "upper and lower case";
        problems.push(
          problem(
            path,
            "twin",
            `\`${part}\` and \`${first}\` differ only by ${how}: on macOS and Windows they are one`,
            "rename one of them",
          ),
        );
        break;
      }
      if (end < 0) break;
    }
  }
  return problems;
}

/** The same id in two places: neither can be run, for nobody knows which is meant. */
function sameIds(files: CheckFile[]): Problem[] {
  const paths = Map.groupBy(
    files.filter((file) => kindOf(file.path) !== null && folderOf(file.path) !== "skills").map((file) => file.path),
    (path) => `${folderOf(path)}/${idOf(path)}`,
  );
  return [...paths.values()]
    .filter((same) => same.length > 1)
    .flatMap((same) =>
      same.map((path) =>
        problem(
          path,
          "same-id",
          `the id \`${idOf(path)}\` is also used by ${same.find((other) => other !== path)}`,
          "rename or remove one of the two",
        ),
      ),
    );
}
