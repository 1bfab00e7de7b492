// Record → database rows. Every value comes from the record, so that the same commits give the same bytes.
import { type Entry, idOf, kindOf, type Problem, parseEntry } from "./entry.ts";
import { digest } from "./hash.ts";
import { readSample, type SampleRow } from "./samples.ts";
import { type Kind, type Pupdate, pupdate } from "./schema.ts";

export type Value = string | number | null;
/** Column → value; the columns of a table always in the same order. */
export type Row = Record<string, Value>;

/** Column → its value, of the record and the columns above it. */
type Columns<From> = Record<string, (from: From, row: Row) => unknown>;

const common = {
  data: <K extends Kind>(e: Entry<K>) => json(e.data, e.path),
  body: <K extends Kind>(e: Entry<K>) => e.body,
};
const keys = { path: (e: Entry) => e.path, id: (e: Entry) => e.id };

const reflections: Columns<Entry<"reflection">> = {
  id: (e) => reflectionId(e.path),
  timestamp: (e) => utc(e.data.timestamp),
  title: (e) => e.data.title,
  goal: (e) => e.data.goal,
  intended_effect: (e) => e.data.intended_effect,
  outcome: (e) => e.data.outcome,
  surprise: (e) => e.data.surprise,
  technique: (e) => e.data.technique,
  domain: (e) => e.data.domain,
  body: (e) => e.body,
  session_id: (e) => e.data.session_id,
  // The form that the table's own default has.
  created_at: (_, row) => String(row.timestamp).slice(0, 19).replace("T", " "),
};

const tasks: Columns<Entry<"task">> = {
  ...keys,
  title: (e) => e.data.title,
  agent: (e) => e.data.agent,
  status: (e) => e.data.status,
  run: (e) => e.data.run,
  hosts: (e) => list(e.data.hosts),
  spread: (e) => e.data.spread,
  priority: (e) => e.data.priority,
  due: (e) => utc(e.data.due),
  every: (e) => e.data.every,
  after: (e) => list(e.data.after),
  timeout: (e) => e.data.timeout,
  repo: (e) => e.data.repo,
  domain: (e) => e.data.domain,
  effect: (e) => e.data.effect,
  ...common,
};

const statuses: Columns<Entry<"status">> = {
  path: (e) => e.path,
  task: (e) => e.id,
  title: (e) => e.data.title,
  state: (e) => e.data.state,
  reason: (e) => e.data.reason,
  since: (e) => utc(e.data.since),
  next_due: (e) => utc(e.data.next_due),
  last_due: (e) => utc(e.data.last_due),
  failures: (e) => e.data.failures,
  ...common,
};

const jobs: Columns<Entry<"job">> = {
  ...keys,
  task: (e) => e.data.task,
  agent: (e) => e.data.agent,
  host: (e) => e.data.host,
  state: (e) => e.data.state,
  claimed_at: (e) => utc(e.data.run.claimed_at),
  started_at: (e) => utc(e.data.started_at),
  ended_at: (e) => utc(e.data.run.ended_at),
  took: (e) => e.data.took,
  cost: (e) => e.data.cost,
  pr: (e) => e.data.pr,
  occurrence: (e) => e.data.run.occurrence,
  run_id: (e) => e.data.run.run_id,
  epoch: (e) => e.data.run.epoch,
  attempt: (e) => e.data.run.attempt,
  round: (e) => e.data.run.round,
  tick: (e) => e.data.run.tick,
  exit: (e) => e.data.run.exit,
  why: (e) => e.data.run.why,
  runtime: (e) => e.data.run.runtime,
  ...common,
};

const memos: Columns<Entry<"memo">> = {
  ...keys,
  kind: (e) => e.data.kind,
  title: (e) => e.data.title,
  subject: (e) => e.data.subject,
  created: (e) => utc(e.data.created),
  expires: (e) => utc(e.data.expires),
  status: (e) => e.data.status,
  answer: (e) => e.data.answer,
  rule: (e) => e.data.rule,
  pupdate: (e) => e.data.pupdate,
  ...common,
};

const insights: Columns<Entry<"insight">> = {
  ...keys,
  status: (e) => e.data.status,
  scope: (e) => list(e.data.scope),
  sources: (e) => list(e.data.sources),
  expires: (e) => utc(e.data.expires),
  ...common,
};

const learnings: Columns<Entry<"learning">> = {
  ...keys,
  status: (e) => e.data.status,
  applies: (e) => list(e.data.applies),
  sources: (e) => list(e.data.sources),
  ...common,
};

const agents: Columns<Entry<"agent">> = {
  ...keys,
  runtime: (e) => e.data.runtime,
  model: (e) => e.data.model,
  provider: (e) => e.data.provider,
  hosts: (e) => list(e.data.hosts),
  off: (e) => e.data.off ?? false,
  ...common,
};

const rules: Columns<Entry<"rule">> = {
  ...keys,
  stop: (e) => e.data.stop,
  ask_first: (e) => e.data.ask_first,
  off: (e) => e.data.off ?? false,
  ...common,
};

const hosts: Columns<Entry<"host">> = {
  ...keys,
  address: (e) => e.data.address,
  port: (e) => e.data.port,
  user: (e) => e.data.user,
  arch: (e) => e.data.arch,
  labels: (e) => list(e.data.labels),
  slots: (e) => e.data.slots,
  network: (e) => e.data.network,
  transport: (e) => e.data.transport,
  cordon: (e) => e.data.cordon,
  off: (e) => e.data.off ?? false,
  ...common,
};

type Line = { path: string; line: number; event: Pupdate };
const pupdates: Columns<Line> = {
  path: (l) => l.path,
  line: (l) => l.line,
  id: (l) => l.event.id,
  at: (l) => utc(l.event.at),
  source: (l) => l.event.source,
  kind: (l) => l.event.kind,
  subject: (l) => l.event.subject,
  title: (l) => l.event.title,
  actor: (l) => l.event.actor?.login ?? l.event.actor?.id,
  url: (l) => l.event.url,
  tags: (l) => list(l.event.tags),
  verdict: (l) => l.event.verdict,
  rule: (l) => l.event.rule,
  made: (l) => list(l.event.made),
  data: (l) => json(l.event, l.path),
};

type SampleLine = { path: string; line: number; sample: SampleRow };
const samples: Columns<SampleLine> = {
  path: (l) => l.path,
  line: (l) => l.line,
  host: (l) => l.sample.host,
  at: (l) => utc(l.sample.at),
  load: (l) => l.sample.load,
  memory_free: (l) => l.sample.memory_free,
  memory_total: (l) => l.sample.memory_total,
  disk_free: (l) => l.sample.disk_free,
  disk_total: (l) => l.sample.disk_total,
  slots: (l) => l.sample.slots,
};

const defined = {
  agents,
  hosts,
  insights,
  jobs,
  learnings,
  memos,
  pupdates,
  reflections,
  rules,
  samples,
  statuses,
  tasks,
} as const;
export type TableName = keyof typeof defined;

/** Table → its columns, in the order of every row. */
export const tables = Object.fromEntries(
  Object.entries(defined).map(([name, columns]) => [name, Object.keys(columns)]),
) as Record<TableName, string[]>;

const by_kind: Partial<Record<Kind, TableName>> = {
  agent: "agents",
  host: "hosts",
  insight: "insights",
  job: "jobs",
  learning: "learnings",
  memo: "memos",
  reflection: "reflections",
  rule: "rules",
  status: "statuses",
  task: "tasks",
};

/** The table that a file's rows go to, or null for files that the database does not hold. */
export function tableOf(path: string): TableName | null {
  if (/^pupdates\/.+\.ndjson$/.test(path)) return "pupdates";
  if (/^state\/hosts\/.+\.ndjson$/.test(path)) return "samples";
  const kind = kindOf(path);
  return (kind && by_kind[kind]) || null;
}

/** Tables with a row for each line of a file. */
export const isLines = (table: string) => table === "pupdates" || table === "samples";

/** The classic table's key, in its classic form: sixteen hex digits, but always the same ones for a path. */
export const reflectionId = (path: string) => digest(path).slice(0, 16);

export interface FileRows {
  table: TableName;
  /** Id of the row; where rows are lines, of the file. */
  id: string;
  rows: Row[];
  problems: Problem[];
}

/** The rows of one file. A broken record has none, and says why in `problems`. `text` null: larger than is read. */
export function rowsOf(path: string, text: string | null): FileRows {
  const table = tableOf(path);
  if (!table) throw new Error(`no table holds ${path}`);
  const id = table === "reflections" ? reflectionId(path) : idOf(path);
  if (text === null)
    return { table, id, rows: [], problems: [problem(path, 1, "too-big", "the file is too large", "split it")] };
  if (table === "pupdates") return { table, id, ...eventRows(path, text) };
  if (table === "samples") return { table, id, ...sampleRows(path, text) };
  const kind = kindOf(path) as Kind;
  const { entry, problems } = parseEntry(path, kind, text);
  const wrong = problems.filter((p) => p.level === "error");
  if (!entry) return { table, id, rows: [], problems: wrong };
  return { table, id, rows: [rowOf(defined[table] as Columns<Entry>, entry as Entry, path)], problems: wrong };
}

/** A row for each line that has something in it; a line that cannot be read costs itself only. */
function lineRows(
  text: string,
  row: (written: string, line: number) => Row | null,
  wrong: (line: number) => Problem,
): { rows: Row[]; problems: Problem[] } {
  const rows: Row[] = [];
  const problems: Problem[] = [];
  for (const [at, written] of text.split("\n").entries()) {
    if (written.trim() === "") continue;
    const made = row(written, at + 1);
    if (made) rows.push(made);
    else problems.push(wrong(at + 1));
  }
  return { rows, problems };
}

function eventRows(path: string, text: string) {
  const row = (written: string, line: number) => {
    const event = eventOf(written);
    return event && rowOf(pupdates, { path, line, event }, path);
  };
  return lineRows(text, row, (line) =>
    problem(path, line, "pupdate", "this line is not a pupdate", "see schema/pupdate.schema.json"),
  );
}

function sampleRows(path: string, text: string) {
  const row = (written: string, line: number) => {
    const sample = readSample(written);
    return sample && rowOf(samples, { path, line, sample }, path);
  };
  return lineRows(text, row, (line) =>
    problem(path, line, "sample", "this line is not a sample of a host", "remove it: the others count"),
  );
}

function eventOf(line: string): Pupdate | null {
  try {
    return pupdate.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

function rowOf<From>(columns: Columns<From>, from: From, path: string): Row {
  const row: Row = {};
  for (const [name, value] of Object.entries(columns)) row[name] = stored(value(from, row), path);
  return row;
}

/** Bytes of one value at most; servers refuse larger ones, and the whole text is in the repository anyway. */
export const max_value = 1 << 20;

function stored(value: unknown, path: string): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  // A NUL would end the text for some readers; a half surrogate has no bytes.
  const text = wellFormed(String(value));
  if (text.length * 3 <= max_value || utf8.encode(text).length <= max_value) return text;
  const pointer = `\n\n[cut here: the whole text is in ${path}]`;
  // Three bytes a character at most (four for two of them), so this many always fit.
  return `${text.slice(0, Math.floor((max_value - pointer.length) / 3)).toWellFormed()}${pointer}`;
}

const utf8 = new TextEncoder();

const wellFormed = (text: string) => {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\ufffd") : whole;
};

const utc = (time: string | undefined) => (time === undefined ? null : new Date(time).toISOString());
const list = (values: string[] | undefined) => (values?.length ? JSON.stringify(values) : null);

/** JSON with sorted keys; what is too large for a value becomes a pointer, because cut JSON is none. */
function json(value: unknown, path: string): string {
  const text = JSON.stringify(value, (_, inner) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
  return text.length * 3 <= max_value ? text : JSON.stringify({ cut: path });
}

const problem = (path: string, line: number, code: string, message: string, fix: string): Problem => ({
  path,
  line,
  column: 1,
  level: "error",
  code,
  message,
  fix,
});

/** One line of the canonical dump: the table, then the row with its columns sorted. */
export function dumpLine(table: string, row: Row): string {
  const sorted = Object.keys(row)
    .sort()
    .map((name) => [name, row[name] ?? null]);
  return `${table} ${JSON.stringify(Object.fromEntries(sorted))}`;
}
