// What *is*, folded from jobs: one status record a task, one reflection a finished run.

import { type Draft, isoNow, putStatus } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { type Hold, heldKey } from "./gate.ts";
import { digest } from "./hash.ts";
import { pupdateId, statusPath } from "./ids.ts";
import { answerOf } from "./job-text.ts";
import { glyphs, isAtRest, isOver, jobsByTask } from "./jobs.ts";
import { nextOwed, wasIdle } from "./occurrence.ts";
import type { Plan } from "./plan.ts";
import { raise } from "./raise.ts";
import { eachAnswer, reflect, succeeded } from "./reflect.ts";
import type { Status } from "./schema.ts";
import { quarantined } from "./state.ts";
import { cell } from "./text.ts";
import { besides } from "./told.ts";
import { stateOf } from "./verdict.ts";

/** Failures in a row after which a recurring task is held. */
const failure_limit = 3;

/** What a fold starts from: the records as they were read. */
export interface Base {
  jobs: ReadonlyMap<string, Entry<"job">>;
  status: ReadonlyMap<string, Entry<"status">>;
}

/**
 * Brings every status record up to the jobs and the plan. The first fold of a pass (`final` false) only lets the plan
 * see what the results changed; the final one also raises pupdates and writes the reflections of runs that ended.
 */
export function fold(draft: Draft, plan: Plan, base: Base, final: boolean): void {
  const jobs = jobsByTask(draft.jobs.values());
  for (const task of draft.tasks.values()) foldTask({ draft, task, jobs: jobs.get(task.id) ?? [], plan, base, final });
  const kept = new Set([...quarantined(draft, "tasks"), ...quarantined(draft, "queue")]);
  for (const status of draft.status.values()) {
    if (draft.tasks.has(status.id) || kept.has(status.id) || (jobs.get(status.id) ?? []).some((job) => !isOver(job)))
      continue;
    draft.status.delete(status.id);
    draft.written.set(status.path, null);
  }
}

export interface Folding {
  draft: Draft;
  task: Entry<"task">;
  jobs: Entry<"job">[];
  plan: Plan;
  base: Base;
  final: boolean;
}

/** Brings the status record of one task up to its jobs and the plan. */
export function foldTask(folding: Folding): void {
  const { draft, task, plan, base } = folding;
  const jobs = folding.jobs.toSorted(asDue);
  const old = base.status.get(task.id);
  const at = isoNow(draft);
  const ended = endedRun(jobs, old?.data.jobs ?? [], base.jobs);
  const data: Status = {
    title: task.data.title,
    state: "queued",
    since: at,
    seen: old?.data.seen ?? at,
    jobs: newest(mergeRows(old?.data.jobs ?? [], jobs)),
    last_due: lastDue(task, old, jobs, at),
    last_occurrence: plan.spent.get(task.id) ?? jobs.at(-1)?.data.run.occurrence ?? old?.data.last_occurrence,
    failures: old?.data.failures ?? 0,
    held: old?.data.held,
    answer_hash: old?.data.answer_hash,
  };
  // Work that waits for people has said something, though its run is not over.
  const waiting = jobs.findLast(isAtRest);
  const answer = ended ? settle(folding, data, ended) : answerOf(waiting?.body ?? old?.body ?? jobs.at(-1)?.body ?? "");
  if (data.held !== undefined && data.held !== heldKey(task)) Object.assign(data, { held: undefined, failures: 0 });
  // The time that it was held is not owed afterwards.
  if (old?.data.held !== undefined && data.held === undefined && task.data.every !== undefined) data.last_due = at;
  Object.assign(data, stateOf(folding, data, old, ended));
  data.since = old && old.data.state === data.state ? old.data.since : at;
  data.next_due =
    task.data.status === "ready" && data.held === undefined
      ? nextOwed(task, data.last_due, data.seen, draft.settings.zone, draft.now)?.toISOString()
      : undefined;
  if (folding.final) blockedLevel(draft, task, plan.holds.get(task.id), data, old);
  putStatus(
    draft,
    {
      path: statusPath(task.id),
      id: task.id,
      kind: "status",
      data,
      body: statusBody(task, data, answer),
      bodyLine: 1,
    },
    old,
  );
}

/** Counts an ended run, holds a recurring task that keeps failing, and writes the reflection. Returns the answer. */
function settle({ draft, task, final }: Folding, data: Status, ended: Entry<"job">[]): string {
  const good = succeeded(task, ended);
  const answer = ended.length === 1 ? answerOf(ended[0]?.body ?? "") : eachAnswer(ended);
  const hash = digest(answer).slice(0, 16);
  // A run that was ended because nobody wanted it says nothing about how the task fares.
  const failed = !good && ended.some((job) => job.data.state !== "finished" && job.data.state !== "cancelled");
  data.failures = good ? 0 : data.failures + (failed ? 1 : 0);
  data.held = !good && task.data.every !== undefined && data.failures >= failure_limit ? heldKey(task) : undefined;
  if (final) reflect(draft, task, ended, good, hash !== data.answer_hash);
  if (final && data.held)
    raiseTask(draft, task, "task.paused", `failed ${data.failures} times in a row`, ended[0]?.id ?? "");
  data.answer_hash = hash;
  return answer;
}

type Row = Status["jobs"][number];

/** In the order in which they were due: all passes of a tick claim at one time, and ids say nothing about it. */
function asDue(a: Entry<"job">, b: Entry<"job">): number {
  const key = ({ id, data }: Entry<"job">) => `${data.run.claimed_at} ${data.run.occurrence} ${id}`;
  return key(a) < key(b) ? -1 : 1;
}

function mergeRows(rows: Row[], jobs: Entry<"job">[]): Row[] {
  const merged = new Map(rows.map((row) => [row.id, row]));
  for (const job of jobs) {
    merged.set(job.id, {
      id: job.id,
      path: job.path,
      state: job.data.state,
      occurrence: job.data.run.occurrence,
      host: job.data.host,
      at: job.data.run.claimed_at,
      told: job.data.run.told,
      proposal: job.data.run.proposal,
    });
  }
  // All passes of a tick claim at one time: what is caught up in one tick stands in the order in which it was due.
  const place = (row: Row) => `${row.at} ${row.occurrence} ${row.host} ${row.id}`;
  return [...merged.values()].sort((a, b) => (place(a) < place(b) ? -1 : 1));
}

/** The last ten; and the last run asked for by `run:`, however old: it is how its value is known to have had its run. */
function newest(rows: Row[]): Row[] {
  const kept = rows.slice(-10);
  const asked = rows.findLast((row) => row.occurrence.startsWith("run-"));
  return asked === undefined || kept.some((row) => row.occurrence === asked.occurrence)
    ? kept
    : [asked, ...kept.slice(1)];
}

/** All jobs of a run that came to its end in this draft, or to another end than was known before; or null. */
function endedRun(jobs: Entry<"job">[], rows: Row[], before: ReadonlyMap<string, Entry<"job">>): Entry<"job">[] | null {
  const fresh = jobs.find((job) => {
    const was = before.get(job.id);
    return isOver(job) && (!was || !isOver(was) || was.data.run.result !== job.data.run.result);
  });
  if (!fresh) return null;
  const { run_id, occurrence } = fresh.data.run;
  const run = jobs.filter((job) => job.data.run.run_id === run_id);
  // A late result of one host of many: the others' records are closed and were not read.
  const whole = rows.every((row) => row.occurrence !== occurrence || run.some((job) => job.id === row.id));
  return whole && run.every(isOver) ? run : null;
}

function lastDue(
  task: Entry<"task">,
  old: Entry<"status"> | undefined,
  jobs: Entry<"job">[],
  at: string,
): string | undefined {
  if (task.data.every === undefined) return undefined;
  const started = jobs
    .map((job) => job.data.run.occurrence)
    .filter((one) => one.includes("T") && !Number.isNaN(Date.parse(one)));
  const idle = task.data.status === "ready" && wasIdle(old) ? [at] : [];
  return [old?.data.last_due, ...started, ...idle]
    .filter((one) => one !== undefined)
    .sort()
    .at(-1);
}

function statusBody(task: Entry<"task">, data: Status, answer: string): string {
  const rows = data.jobs
    .toReversed()
    .map(
      (job) =>
        `| [${job.id}](../${job.path})${besidesOf(job)} | ${glyphs[job.state]} ${job.state} | ${cell(job.host ?? "")} | ${job.at} |`,
    );
  const table =
    rows.length === 0
      ? "_None yet._"
      : `| Job | State | Host | Claimed |\n| --- | --- | --- | --- |\n${rows.join("\n")}`;
  const head = `# ${glyphs[data.state]} ${cell(task.data.title, 200)}\n\n${data.state}${data.reason ? `: ${cell(data.reason, 300)}` : ""} · [${task.path}](../${task.path})`;
  return `${head}\n\n## Answer\n\n${answer === "" ? "_No answer yet._" : answer}\n\n## Jobs\n\n${table}`;
}

/** Links to what is kept with a job. */
function besidesOf({ path, told, proposal }: Row): string {
  const link = (words: string, file: string) => `[${words}](../${besides(path)}${file})`;
  const links = [...(told ? [link("told", told)] : []), ...(proposal ? [link("proposal", "proposal.md")] : [])];
  return links.length === 0 ? "" : ` (${links.join(", ")})`;
}

function raiseTask(draft: Draft, task: Entry<"task">, kind: string, why: string, key: string): void {
  draft.raised.push({
    id: pupdateId("towline", task.id, kind, key),
    at: isoNow(draft),
    source: "towline",
    kind,
    subject: task.id,
    title: `${task.data.title}: ${why}`,
    data: { task: task.id, why },
  });
}

function blockedLevel(
  draft: Draft,
  task: Entry<"task">,
  hold: Hold | undefined,
  data: Status,
  old: Entry<"status"> | undefined,
): void {
  const blocked = data.state === "blocked" && hold?.person === true;
  if (!blocked && old?.data.state !== "blocked") return;
  raise(draft, {
    source: "towline",
    subject: task.id,
    family: "task",
    kind: blocked ? "task.blocked" : "task.free",
    first: blocked ? undefined : "calm",
    title: blocked ? `${task.id} is blocked: ${data.reason}` : `${task.id} can start again`,
    data: blocked ? { task: task.id, why: data.reason, person: "true" } : { task: task.id },
  });
}
