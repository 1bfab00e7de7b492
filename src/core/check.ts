// The whole pack, judged in one pass: files in, problems out. One bad record never hides the others.

import { agentProblems } from "./check-agents.ts";
import { baseProblems } from "./check-base.ts";
import { budgetProblems } from "./check-budgets.ts";
import { collectionProblems } from "./check-collections.ts";
import { forgeProblems } from "./check-forge.ts";
import { hostProblems } from "./check-hosts.ts";
import { linkProblems } from "./check-links.ts";
import { atField, type CheckFile, type Pack, problem } from "./check-pack.ts";
import { paneProblems } from "./check-panes.ts";
import { pathProblems } from "./check-paths.ts";
import { pluginProblems } from "./check-plugins.ts";
import { pollerProblems } from "./check-pollers.ts";
import { type Expected, ruleProblems } from "./check-rules.ts";
import { settingsProblems } from "./check-settings.ts";
import { workflowProblems } from "./check-workflows.ts";
import { unpushable, unpushable_words } from "./doctor-forge.ts";
import { type Entry, kindOf, type Parsed, type Problem, parseEntry } from "./entry.ts";
import { type Kind, pathClass, type Settings } from "./schema.ts";
import { max_bytes } from "./split.ts";
import { readSettings } from "./state.ts";
import type { Touched } from "./touched.ts";

export interface CheckInput {
  /** Every file of the work tree or commit, also those that towline does not read: names can clash. */
  files: CheckFile[];
  /** Files of the ledger's own branch, when it has one. */
  ledger?: CheckFile[];
  /** What people changed since the base: every changed ledger path, and the old files of those that were there. */
  base?: { name: string; changed: string[]; files: CheckFile[] };
  /** Names of the runtimes that this version has. */
  runtimes: string[];
  /** What a rule does with a pupdate, in a word; for the examples in rules. */
  judge?: Expected;
}

export interface Checked {
  problems: Problem[];
  /** Records that were read, broken ones included. */
  records: number;
  /** Of a commit that is judged against a base: what it changes. */
  touches?: Touched;
}

const workflow = ".github/workflows/tick.yml";

const workflow_file = /^\.github\/workflows\/[^/]+\.ya?ml$/;

/** Whether the check needs a file's text. */
export const reads = (path: string) =>
  path === "towline.yml" ||
  workflow_file.test(path) ||
  path.startsWith("plugins/") ||
  kindOf(path) !== null ||
  (path.endsWith(".ndjson") && pathClass(path) === "ledger");

/** Everything that is wrong with a pack, sorted by place. */
export function check(input: CheckInput): Checked {
  const own = input.ledger !== undefined;
  const here = own ? input.files.filter((file) => pathClass(file.path) !== "ledger") : input.files;
  const files = [...here, ...(input.ledger ?? [])];
  const byPath = new Map(files.map((file) => [file.path, file]));
  const { settings, problems: broken } = readSettings(byPath.get("towline.yml")?.text);
  const problems = [
    ...unmerged(byPath.get("towline.yml"), broken),
    ...(own ? misplaced(input.files) : []),
    ...pathProblems(files),
  ];
  const pack = readPack(files, settings, input.runtimes, problems);
  const tick = byPath.get(workflow)?.text ?? null;
  const ticking = tick === null ? null : { path: workflow, text: tick };
  problems.push(
    ...settingsProblems(pack),
    ...linkProblems(pack),
    ...titleProblems(pack),
    ...hostProblems(pack, tick),
    ...pollerProblems(pack, ticking),
    ...pluginProblems(pack, [...byPath.keys()]),
    ...forgeProblems(pack, ticking),
    ...agentProblems(pack, ticking),
    ...budgetProblems(pack),
    ...pushProblems(pack, tick),
    ...paneProblems(pack),
    ...ruleProblems(pack, input.judge),
    ...workflowProblems(pack),
    ...collectionProblems(pack),
  );
  if (input.base) problems.push(...baseProblems(input.base, byPath));
  return { problems: sorted(problems), records: [...pack.names.values()].reduce((sum, ids) => sum + ids.size, 0) };
}

/**
 * Whose repository this is cannot be told here: a task that names it in full is meant to say `.`. Where a forge is set,
 * that is judged with it.
 */
function pushProblems(pack: Pack, workflow: string | null): Problem[] {
  if (pack.settings?.forge) return [];
  const tasks = pack.entries.filter((entry): entry is Entry<"task"> => entry.kind === "task");
  const { message, fix } = unpushable_words;
  return unpushable(workflow, tasks, undefined).map((task) =>
    atField(pack, task, ["repo"], "repo-token", message(task.data.repo), `${fix}; for this one write \`.\``, "warning"),
  );
}

/** Letters of a title that still fit into a line of a list, and those that are no title any more. */
const title_bounds = { long: 120, most: 500 };

function titleProblems(pack: Pack): Problem[] {
  return pack.entries.flatMap((entry) => {
    const { title } = entry.data as { title?: unknown };
    if (typeof title !== "string" || pathClass(entry.path) === "ledger" || title.length <= title_bounds.long) return [];
    const over = title.length > title_bounds.most;
    const message = `the title has ${title.length} characters${over ? `, and ${title_bounds.most} are the most` : ": lists cut it off"}`;
    return [
      atField(
        pack,
        entry,
        ["title"],
        "title",
        message,
        "say it shorter, and the rest in the body",
        over ? "error" : "warning",
      ),
    ];
  });
}

function readPack(files: CheckFile[], settings: Settings | null, runtimes: string[], problems: Problem[]): Pack {
  const pack: Pack = { settings, entries: [], names: new Map(), broken: new Set(), texts: new Map(), runtimes };
  for (const file of files) {
    if (file.text !== null) pack.texts.set(file.path, file.text);
    const kind = kindOf(file.path);
    if (!kind) {
      if (file.path.endsWith(".ndjson") && pathClass(file.path) === "ledger") problems.push(...lineProblems(file));
      continue;
    }
    const folder = file.path.split("/", 1)[0] as string;
    const id = file.path.slice(file.path.lastIndexOf("/") + 1, -3);
    pack.names.set(folder, (pack.names.get(folder) ?? new Set()).add(id));
    const { entry, partial } = readRecord(file, kind, problems);
    if (entry) pack.entries.push(entry);
    else {
      pack.broken.add(folder);
      // One wrong field must not hide a wrong link beside it.
      if (partial && linking.has(kind)) pack.entries.push(partial);
    }
  }
  return pack;
}

const linking: ReadonlySet<Kind> = new Set(["task", "agent", "host"]);

function readRecord(file: CheckFile, kind: Kind, problems: Problem[]): Omit<Parsed, "problems"> {
  if (!file.mode.startsWith("100")) return { entry: null }; // pathProblems has named it
  if (file.text === null) {
    problems.push(unreadable(file));
    return { entry: null };
  }
  const parsed = parseEntry(file.path, kind, file.text);
  problems.push(...(parsed.entry ? parsed.problems : unmerged(file, parsed.problems)));
  return parsed;
}

/** Faults that come from a committed merge conflict are that one fault. */
function unmerged(file: CheckFile | undefined, problems: Problem[]): Problem[] {
  const lines = file?.text?.split("\n") ?? [];
  const start = lines.findIndex((line) => line.startsWith("<<<<<<< "));
  if (!file || problems.length === 0 || start < 0 || !lines.some((line) => line.startsWith(">>>>>>> ")))
    return problems;
  const fix = "keep one side and remove the <<<<<<< ======= >>>>>>> lines";
  return [{ ...problem(file.path, "conflict", "a merge conflict was committed into this file", fix), line: start + 1 }];
}

const unreadable = (file: CheckFile): Problem =>
  file.size > max_bytes
    ? problem(file.path, "too-big", "the file is over 1 MiB", "move long text to an attachment or another file")
    : problem(file.path, "encoding", "the file is not UTF-8 text", "save it as UTF-8");

/** Lines of a ledger file that are no JSON. */
function lineProblems(file: CheckFile): Problem[] {
  if (file.text === null) return file.size > max_bytes ? [] : [unreadable(file)];
  return file.text.split("\n").flatMap((text, i) => {
    if (text === "") return [];
    try {
      JSON.parse(text);
      return [];
    } catch {
      return [
        {
          ...problem(file.path, "json", "the line is not JSON", "restore the file from its last good commit"),
          line: i + 1,
        },
      ];
    }
  });
}

/** With a ledger branch, ledger files on the default branch are dead letters. Each folder is named once. */
function misplaced(files: CheckFile[]): Problem[] {
  const first = new Map<string, string>();
  for (const { path } of files) {
    const folder = path.split("/", 1)[0] as string;
    if (pathClass(path) === "ledger" && !/(^|\/)(README\.md|\.git\w+)$/.test(path) && !first.has(folder))
      first.set(folder, path);
  }
  return [...first].map(([folder, path]) => ({
    ...problem(
      path,
      "misplaced",
      `the ledger has a branch of its own: \`${folder}\` on this branch is not read`,
      `remove \`${folder}\` from this branch`,
    ),
    level: "warning" as const,
  }));
}

/** By place, each once. */
export function sorted(problems: Problem[]): Problem[] {
  const seen = new Map(problems.map((p) => [`${p.path}\0${p.line}\0${p.column}\0${p.code}\0${p.message}`, p]));
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...seen.values()].sort(
    (a, b) =>
      order(a.path, b.path) ||
      a.line - b.line ||
      a.column - b.column ||
      order(a.code, b.code) ||
      order(a.message, b.message),
  );
}
