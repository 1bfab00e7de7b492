// What a tick knows: the records of one pair of commits. Built once from texts, then only copied and changed as a value.
import type { Tips } from "../ports.ts";
import { type Mark, mark_path, readMark } from "./binding.ts";
import { type CallRow, calls_path, readCalls } from "./calls.ts";
import { conversations_path, readTalks, type Talks } from "./conversations.ts";
import { type Entry, idOf, kindOf, type Problem, parseEntry } from "./entry.ts";
import type { WindowRow } from "./firing.ts";
import { statusPath } from "./ids.ts";
import { hosts_path, type Met, readMet } from "./known-hosts.ts";
import { type LetterRow, letters_path } from "./letters.ts";
import { locate } from "./locate.ts";
import { nearest } from "./nearest.ts";
import { type Notice, notices_path, readNotices } from "./notices.ts";
import type { Part } from "./part.ts";
import { unsafePath } from "./path.ts";
import type { Plugged } from "./plugin-offers.ts";
import { plugin_pages } from "./plugin-pages.ts";
import { type AskedRow, readRuleRows, rules_path } from "./rule-state.ts";
import { type Kind, pathClass, pollers, type Settings, settings } from "./schema.ts";
import type { Spent } from "./spent.ts";
import { max_header, readYaml } from "./split.ts";
import { oneLine } from "./text.ts";

/** A line of state/levels.ndjson: the last known level of a subject in a family of kinds. */
export interface LevelRow {
  source: string;
  subject: string;
  family: string;
  kind: string;
  state?: string;
  pupdate: string;
  /** A host that is down with its network: the pupdate is the network's. */
  quiet?: boolean;
}

/** A line of state/fired.ndjson: when a rule last fired for a key, and how often on that day. */
export interface FiredRow {
  rule: string;
  key: string;
  at: string;
  count: number;
}

export interface State {
  tips: Tips;
  settings: Settings;
  /** The mark that the ledger carries: whose it is, and in which format. null: nothing was ever written. */
  mark: Mark | "broken" | null;
  /** The pack's id on hosts and in job ids. Before the first commit no more than the `id` of towline.yml. */
  pack: string;
  /** What this ticker looks after, where several share the work. */
  part?: Part;
  /** The forge's own id of the repository, where it is known. */
  forge: string | undefined;
  stop: Entry<"stop"> | null;
  agents: Map<string, Entry<"agent">>;
  hosts: Map<string, Entry<"host">>;
  rules: Entry<"rule">[];
  tasks: Map<string, Entry<"task">>;
  /** Open jobs, and others that something named. */
  jobs: Map<string, Entry<"job">>;
  status: Map<string, Entry<"status">>;
  /** What people said of the work of open jobs, by job id: texts of reviews/. */
  reviews: Map<string, string>;
  /** Insights and learnings that there are, by path, with the start of the id of their text; absent: not looked at. */
  present?: ReadonlyMap<string, string>;
  /** Open memos. */
  memos: Map<string, Entry<"memo">>;
  /** Machines as ticks have met them, by host name. */
  met: Map<string, Met>;
  levels: LevelRow[];
  fired: FiredRow[];
  /** Messages between agents that wait to be heard. */
  letters: LetterRow[];
  /** What was said on the forge, and is to be said there. */
  talks: Talks;
  /** Actions of plugins that are to be done. */
  calls?: CallRow[];
  /** Runtimes that plugins offer, as far as they were looked at; absent: nobody looks. */
  plugged?: Map<string, Plugged>;
  /** What rules remember: how often something has happened, and what people are asked first. */
  windows?: WindowRow[];
  asked?: AskedRow[];
  /** What is to be said on channels. */
  notices?: Notice[];
  /** What was spent besides open work, as far back as limits need it; absent: it was not looked up. */
  spent?: Spent;
  problems: Problem[];
  /** Ledger files as they were read: what is rendered equal is not written. */
  texts: Map<string, string>;
}

/** Files that every tick reads; the jobs and memos named in state/open.ndjson come on top. */
export const policy_paths = ["towline.yml", "STOP.md", "agents", "hosts", "rules", "tasks", "reviews"];
export const ledger_paths = [
  "queue",
  "status",
  mark_path,
  hosts_path,
  "state/open.ndjson",
  "state/levels.ndjson",
  "state/fired.ndjson",
  letters_path,
  conversations_path,
  calls_path,
  rules_path,
  notices_path,
  plugin_pages,
  "state/signals.ndjson",
  "state/candidates.ndjson",
  "state/dismissed.ndjson",
  "state/campfire.ndjson",
  "state/knowledge.ndjson",
  "state/prose.ndjson",
  "OVERVIEW.md",
];

export interface SourceFile {
  path: string;
  mode: string;
  /** null: larger than a record may be, or what `why` says. */
  text: string | null;
  why?: "encoding";
}

/** Paths of the open jobs and memos named by the open-work file. */
export function openPaths(text: string | undefined): string[] {
  return rows<{ path: string }>(text).flatMap((row) =>
    typeof row.path === "string" && pathClass(row.path) === "ledger" ? [row.path] : [],
  );
}

export function rows<T>(text: string | undefined): T[] {
  const lines = (text ?? "").split("\n").filter((line) => line.startsWith("{"));
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as T];
    } catch {
      return []; // a torn line costs itself only; every row can be derived again
    }
  });
}

/** The pack's settings, or the problems that keep the whole pack from being read. */
export function readSettings(text: string | null | undefined): { settings: Settings | null; problems: Problem[] } {
  const path = "towline.yml";
  const wrong = (line: number, column: number, message: string, fix: string): Problem => ({
    path,
    line,
    column,
    level: "error",
    code: "settings",
    message,
    fix,
  });
  if (text === undefined)
    return {
      settings: null,
      problems: [
        wrong(
          1,
          1,
          "there is no towline.yml: this is not a pack repository",
          "`towline init` makes one of it; from elsewhere, name a pack with --repo",
        ),
      ],
    };
  if (text === null || text.length > max_header)
    return { settings: null, problems: [wrong(1, 1, "the file is too large", "keep settings short")] };
  let raw: unknown;
  try {
    raw = text.trim() === "" ? {} : readYaml(text);
  } catch (thrown) {
    const mark = (thrown as { mark?: { line: number; column: number } }).mark;
    return {
      settings: null,
      problems: [
        wrong(
          (mark?.line ?? 0) + 1,
          (mark?.column ?? 0) + 1,
          String((thrown as { reason?: string }).reason ?? thrown),
          "check indentation and quoting",
        ),
      ],
    };
  }
  const read = settings.safeParse(raw);
  if (read.success) return { settings: read.data, problems: [] };
  const fenced = `---\n${text}\n---\n`;
  const unknownPoller = (name: string) => {
    const place = locate(fenced, ["pollers", name]);
    const names = Object.keys(pollers.shape);
    const near = nearest(name, names);
    return wrong(
      Math.max(1, place.line - 1),
      place.column,
      `there is no poller \`${oneLine(name, 60)}\``,
      near ? `did you mean \`${near}\`?` : `this version has ${names.join(", ")}`,
    );
  };
  return {
    settings: null,
    problems: read.error.issues.slice(0, 20).flatMap((issue) => {
      if (issue.code === "unrecognized_keys") return issue.keys.slice(0, 20).map((key) => unknownPoller(key));
      const place = locate(fenced, issue.path);
      return wrong(
        Math.max(1, place.line - 1),
        place.column,
        `\`${issue.path.join(".")}\`: ${issue.message}`,
        "see schema/settings.schema.json",
      );
    }),
  };
}

/** The state of a pair of commits. Broken records are left out and stand in `problems`; null: no usable settings. */
export function readState(tips: Tips, files: SourceFile[]): { state: State | null; problems: Problem[] } {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const { settings: read, problems } = readSettings(byPath.get("towline.yml")?.text);
  if (!read) return { state: null, problems };
  const mark = byPath.has(mark_path) ? (readMark(byPath.get(mark_path)?.text ?? "") ?? "broken") : null;
  const state: State = {
    tips,
    settings: read,
    mark,
    pack: typeof mark === "object" && mark !== null ? mark.pack : read.id,
    forge: undefined,
    stop: null,
    agents: new Map(),
    hosts: new Map(),
    rules: [],
    tasks: new Map(),
    jobs: new Map(),
    status: new Map(),
    reviews: new Map(),
    memos: new Map(),
    met: readMet(rows<Met>(byPath.get(hosts_path)?.text ?? undefined)),
    levels: rows<LevelRow>(byPath.get("state/levels.ndjson")?.text ?? undefined),
    fired: rows<FiredRow>(byPath.get("state/fired.ndjson")?.text ?? undefined),
    letters: rows<LetterRow>(byPath.get(letters_path)?.text ?? undefined),
    calls: readCalls(byPath.get(calls_path)?.text ?? undefined),
    talks: readTalks(byPath.get(conversations_path)?.text ?? undefined),
    notices: readNotices(byPath.get(notices_path)?.text ?? undefined),
    ...readRuleRows(byPath.get(rules_path)?.text ?? undefined),
    problems,
    texts: new Map(),
  };
  for (const file of files) addFile(state, file);
  state.rules.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { state, problems: state.problems };
}

const bare_stop: Entry<"stop"> = {
  path: "STOP.md",
  id: "STOP",
  kind: "stop",
  data: { cancel: false },
  body: "",
  bodyLine: 1,
};

/** Adds one more file (a job that a host named) to a state that is being built. */
export function addFile(state: State, file: SourceFile): void {
  if (file.text !== null && pathClass(file.path) === "ledger") state.texts.set(file.path, file.text);
  // A STOP that cannot be read, or is a folder, still means stop.
  if (file.path === "STOP.md" || file.path.startsWith("STOP.md/")) state.stop ??= bare_stop;
  const review = /^reviews\/([a-z0-9-]{1,80})\.md$/.exec(file.path)?.[1];
  if (review !== undefined && file.text !== null && file.mode.startsWith("100")) state.reviews.set(review, file.text);
  const kind = kindOf(file.path);
  if (!kind) return;
  const refuse = (code: string, message: string, fix: string) =>
    state.problems.push({ path: file.path, line: 1, column: 1, level: "error", code, message, fix });
  if (file.mode === "120000")
    return void refuse("symlink", "a record must not be a symbolic link", "commit the file itself");
  if (file.mode === "160000")
    return void refuse("gitlink", "a record must not be a submodule", "commit the file itself");
  if (file.why === "encoding") return void refuse("encoding", "the file is not UTF-8 text", "save it as UTF-8");
  if (file.text === null) return void refuse("too-big", "the file is over 1 MiB", "move long text to an attachment");
  const { entry, problems } = parseEntry(file.path, kind, file.text);
  state.problems.push(...problems);
  if (entry) place(state, kind, entry);
}

function place(state: State, kind: Kind, entry: Entry): void {
  if (kind === "stop") state.stop = entry as Entry<"stop">;
  else if (kind === "rule") state.rules.push(entry as Entry<"rule">);
  else if (kind === "task") placeTask(state, entry as Entry<"task">);
  else {
    const shelf = { agent: state.agents, host: state.hosts, job: state.jobs, status: state.status, memo: state.memos }[
      kind as string
    ];
    (shelf as Map<string, Entry> | undefined)?.set(entry.id, entry);
  }
}

const slug_form = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const queue_form = /-q[0-9a-f]{8}$/;

function placeTask(state: State, entry: Entry<"task">): void {
  const queued = entry.path.startsWith("queue/");
  const fault =
    !slug_form.test(entry.id) || /^\d+$/.test(entry.id)
      ? "a task's file name must be lower-case letters, digits and dashes, not only digits"
      : queued !== queue_form.test(entry.id)
        ? "names that end in -q and 8 hex digits belong to queue/, and only they"
        : entry.path.split("/").length > (queued ? 3 : 2)
          ? "tasks stand directly in their folder"
          : unsafePath(statusPath(entry.id));
  if (fault)
    state.problems.push({
      path: entry.path,
      line: 1,
      column: 1,
      level: "error",
      code: "id",
      message: fault,
      fix: "rename the file",
    });
  else state.tasks.set(entry.id, entry);
}

/** Ids of records of this folder that have a file which cannot be read. They are not gone. */
export function quarantined(state: State, folder: string): Set<string> {
  return new Set(
    state.problems.filter((p) => p.level === "error" && p.path.startsWith(`${folder}/`)).map((p) => idOf(p.path)),
  );
}
