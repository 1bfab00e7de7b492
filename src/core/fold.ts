// What *is*, folded from jobs: one status record a task, one reflection a finished run.
import { answerOf, raise } from "./absorb.ts";
import { type Draft, isoNow, putStatus } from "./draft.ts";
import { type Entry, idOf } from "./entry.ts";
import { digest } from "./hash.ts";
import { pupdateId, reflectionPath, statusPath } from "./ids.ts";
import { glyphs, isLive, isOver, jobsByTask } from "./jobs.ts";
import { firstParagraph } from "./markdown.ts";
import { nextOwed } from "./occurrence.ts";
import { type Hold, heldKey, type Plan, stopped } from "./plan.ts";
import type { Status, TaskState } from "./schema.ts";
import { isEach } from "./select.ts";
import { quarantined } from "./state.ts";
import { cell, oneLine } from "./text.ts";

/** Failures in a row after which a recurring task is held. */
const failure_limit = 3;

/** Brings every status record up to the jobs and the plan; writes reflections of runs that ended in this draft. */
export function fold(draft: Draft, plan: Plan, before: ReadonlyMap<string, Entry<"job">>): void {
  const jobs = jobsByTask(draft.jobs.values());
  for (const task of draft.tasks.values()) foldTask(draft, task, jobs.get(task.id) ?? [], plan, before);
  const kept = new Set([...quarantined(draft, "tasks"), ...quarantined(draft, "queue")]);
  for (const status of draft.status.values()) {
    if (draft.tasks.has(status.id) || kept.has(status.id) || (jobs.get(status.id) ?? []).some((job) => !isOver(job)))
      continue;
    draft.status.delete(status.id);
    draft.written.set(status.path, null);
  }
}

function foldTask(
  draft: Draft,
  task: Entry<"task">,
  jobs: Entry<"job">[],
  plan: Plan,
  before: ReadonlyMap<string, Entry<"job">>,
): void {
  const old = draft.status.get(task.id);
  const at = isoNow(draft);
  const seen = old?.data.seen ?? at;
  const rows = mergeRows(old?.data.jobs ?? [], jobs);
  const ended = endedRun(jobs, before);
  const data: Status = {
    title: task.data.title,
    state: "queued",
    since: old?.data.since ?? at,
    seen,
    jobs: rows.slice(-10),
    last_due: lastDue(task, old, jobs, at),
    last_occurrence: plan.spent.get(task.id) ?? jobs.at(-1)?.data.run.occurrence ?? old?.data.last_occurrence,
    failures: old?.data.failures ?? 0,
    held: old?.data.held,
    answer_hash: old?.data.answer_hash,
  };
  let answer = old ? answerOf(old.body) : "";
  if (ended) {
    const good = succeeded(task, ended);
    data.failures = good ? 0 : data.failures + 1;
    answer = ended.length === 1 ? answerOf(ended[0]?.body ?? "") : eachAnswer(ended);
    const hash = digest(answer).slice(0, 16);
    reflect(draft, task, ended, good, hash !== data.answer_hash);
    data.answer_hash = hash;
    data.held = !good && task.data.every !== undefined && data.failures >= failure_limit ? heldKey(task) : undefined;
    if (data.held) raiseTask(draft, task, "task.paused", `failed ${data.failures} times in a row`, ended[0]?.id ?? "");
  }
  if (data.held !== undefined && data.held !== heldKey(task)) Object.assign(data, { held: undefined, failures: 0 });
  const verdict = stateOf(draft, task, jobs, plan.holds.get(task.id), data, ended);
  Object.assign(data, verdict);
  data.since = old && old.data.state === data.state ? old.data.since : at;
  data.next_due =
    task.data.status === "ready"
      ? nextOwed(task, data.last_due, seen, draft.settings.zone, draft.now)?.toISOString()
      : undefined;
  if (data.state === "blocked" && plan.holds.get(task.id)?.person) blockedLevel(draft, task, data.reason ?? "");
  else if (old?.data.state === "blocked") blockedLevel(draft, task, null);
  putStatus(draft, {
    path: statusPath(task.id),
    id: task.id,
    kind: "status",
    data,
    body: statusBody(task, data, answer),
    bodyLine: 1,
  });
}

type Row = Status["jobs"][number];

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
    });
  }
  return [...merged.values()].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : 1));
}

/** All jobs of a run that came to its end in this draft, or null. */
function endedRun(jobs: Entry<"job">[], before: ReadonlyMap<string, Entry<"job">>): Entry<"job">[] | null {
  const fresh = jobs.find(
    (job) =>
      isOver(job) && before.get(job.id) !== job && !(before.has(job.id) && isOver(before.get(job.id) as Entry<"job">)),
  );
  if (!fresh) return null;
  const run = jobs.filter((job) => job.data.run.run_id === fresh.data.run.run_id);
  return run.every(isOver) ? run : null;
}

function succeeded(task: Entry<"task">, run: Entry<"job">[]): boolean {
  const good = run.filter((job) => job.data.state === "finished").length;
  if (!isEach(task.data)) return good === run.length;
  const { need } = task.data;
  return good >= (need === "all" ? run.length : need === "any" ? 1 : Math.min(need, run.length));
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
    .filter((one) => !Number.isNaN(Date.parse(one)) && one.includes("T"));
  // Time spent paused or held is not owed afterwards.
  const idle = old && ["paused", "draft", "cancelled"].includes(old.data.state) ? [at] : [];
  return [old?.data.last_due, ...started, ...idle]
    .filter((one) => one !== undefined)
    .sort()
    .at(-1);
}

type Verdict = { state: TaskState; reason: string | undefined };

function stateOf(
  draft: Draft,
  task: Entry<"task">,
  jobs: Entry<"job">[],
  hold: Hold | undefined,
  data: Status,
  ended: Entry<"job">[] | null,
): Verdict {
  const say = (state: TaskState, reason?: string): Verdict => ({
    state,
    reason: reason === undefined ? undefined : oneLine(reason, 300),
  });
  const live = jobs.filter(isLive);
  const unknown = live.find((job) => job.data.state === "unknown");
  if (unknown)
    return say(
      "running",
      `${unknown.data.run.why ?? `${unknown.data.host} has not answered`}; its result is collected when it does`,
    );
  if (live.length > 0)
    return say("running", live.length === 1 ? `on ${live[0]?.data.host}` : `on ${live.length} hosts`);
  const open = jobs.filter((job) => !isOver(job));
  const waiting = open.find((job) => job.data.state === "released");
  if (waiting) return say("queued", `waits: ${waiting.data.run.why ?? "was released"}`);
  const retry = open.find((job) => job.data.run.retry_at !== undefined);
  if (retry)
    return say(
      "queued",
      `attempt ${retry.data.run.attempt} failed (${retry.data.run.why ?? retry.data.state}); next at ${retry.data.run.retry_at}`,
    );
  if (task.data.status !== "ready") return say(task.data.status);
  if (data.held !== undefined) return say("paused", `failed ${data.failures} times in a row; bump \`run:\` to go on`);
  if (hold) return say(hold.state, hold.reason);
  return last(draft, task, data, ended);
}

function last(draft: Draft, task: Entry<"task">, data: Status, ended: Entry<"job">[] | null): Verdict {
  const old = draft.status.get(task.id);
  if (ended) return result(task, ended);
  const kept = old?.data.state;
  if (kept === "done" || kept === "failed" || kept === "lost") return { state: kept, reason: old?.data.reason };
  const row = data.jobs.at(-1);
  if (row && ["finished", "failed", "timeout", "empty", "lost", "cancelled"].includes(row.state)) {
    return {
      state:
        row.state === "finished"
          ? "done"
          : row.state === "lost"
            ? "lost"
            : row.state === "cancelled"
              ? "cancelled"
              : "failed",
      reason: undefined,
    };
  }
  return { state: "queued", reason: stopped(draft, draft.now) ? "STOP.md stops everything" : undefined };
}

function result(task: Entry<"task">, run: Entry<"job">[]): Verdict {
  const good = run.filter((job) => job.data.state === "finished").length;
  if (succeeded(task, run))
    return { state: "done", reason: run.length > 1 ? `${good} of ${run.length} hosts` : undefined };
  const first = run.find((job) => job.data.state !== "finished");
  const why = first?.data.run.why ?? first?.data.state;
  if (run.length > 1)
    return { state: "failed", reason: oneLine(`${good} of ${run.length} hosts; ${first?.data.host}: ${why}`, 300) };
  return {
    state: first?.data.state === "lost" ? "lost" : first?.data.state === "cancelled" ? "cancelled" : "failed",
    reason: why && oneLine(why, 300),
  };
}

function eachAnswer(run: Entry<"job">[]): string {
  return run
    .map(
      (job) =>
        `### ${job.data.host}: ${glyphs[job.data.state]} ${job.data.state}${job.data.run.why ? ` (${oneLine(job.data.run.why)})` : ""}\n\n${answerOf(job.body) || "_No answer._"}`,
    )
    .join("\n\n");
}

function statusBody(task: Entry<"task">, data: Status, answer: string): string {
  const rows = data.jobs
    .toReversed()
    .map(
      (job) =>
        `| [${job.id}](../${job.path}) | ${glyphs[job.state]} ${job.state} | ${cell(job.host ?? "")} | ${job.at} |`,
    );
  const table =
    rows.length === 0
      ? "_None yet._"
      : `| Job | State | Host | Claimed |\n| --- | --- | --- | --- |\n${rows.join("\n")}`;
  const head = `# ${glyphs[data.state]} ${cell(task.data.title, 200)}\n\n${data.state}${data.reason ? `: ${cell(data.reason, 300)}` : ""}`;
  return `${head}\n\n## Answer\n\n${answer === "" ? "_No answer yet._" : answer}\n\n## Jobs\n\n${table}`;
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

function blockedLevel(draft: Draft, task: Entry<"task">, why: string | null): void {
  raise(draft, {
    source: "towline",
    subject: task.id,
    family: "task",
    kind: why === null ? "task.free" : "task.blocked",
    title: why === null ? `${task.id} can start again` : `${task.id} is blocked: ${why}`,
    data: { task: task.id, why, person: "true" },
  });
}

const outcomes: Record<string, "success" | "partial" | "failure"> = { finished: "success" };

function reflect(draft: Draft, task: Entry<"task">, run: Entry<"job">[], good: boolean, changed: boolean): void {
  const { reflect: wish } = task.data;
  if (wish === "never" || (wish === "failure" && good) || (wish === "on_change" && good && !changed)) return;
  if (run.every((job) => job.data.run.ended_at === undefined)) return;
  const one = run.length === 1 ? run[0] : undefined;
  const at = run
    .map((job) => job.data.run.ended_at ?? "")
    .sort()
    .at(-1) as string;
  const id = run[0]?.data.run.run_id as string;
  const some = run.some((job) => job.data.state === "finished" || isPartial(job));
  const outcome = good
    ? run.every((job) => outcomes[job.data.state] && !isPartial(job))
      ? "success"
      : "partial"
    : some
      ? "partial"
      : "failure";
  const path = reflectionPath(at, id);
  const cost = run.map((job) => job.data.cost).filter((c) => c !== undefined);
  const said = (field: "surprise" | "technique") =>
    oneLine(
      run
        .map((job) => job.data.run[field])
        .filter(Boolean)
        .join("; "),
      1000,
    ) || undefined;
  const data = {
    timestamp: at,
    title: oneLine(task.data.title),
    goal: firstParagraph(task.body).slice(0, 2000) || task.data.title,
    intended_effect: task.data.effect,
    outcome,
    surprise: said("surprise"),
    technique: said("technique"),
    domain: task.data.domain,
    session_id: id,
    host: one ? one.data.host : `${run.length} hosts`,
    agent: run[0]?.data.agent,
    runtime: run[0]?.data.run.runtime,
    took: Math.max(...run.map((job) => job.data.took ?? 0)),
    cost: cost.length > 0 ? cost.reduce((a, b) => a + b, 0) : undefined,
  };
  draft.written.set(path, { kind: "reflection", data, body: reflectionBody(run) });
}

/** Timed out, or ended at a limit of the runtime, but with something to show. */
const isPartial = (job: Entry<"job">) => job.data.run.outcome === "partial";

function reflectionBody(run: Entry<"job">[]): string {
  const one = run.length === 1 ? run[0] : undefined;
  if (one)
    return `${one.data.run.why ? `${one.data.run.why}\n\n` : ""}${answerOf(one.body) || "_No answer._"}\n\n[Job ${one.id}](../../../${one.path})`;
  const rows = run.map(
    (job) =>
      `| ${cell(job.data.host ?? "")} | ${glyphs[job.data.state]} ${job.data.state} | ${cell(job.data.run.why ?? "")} | [${idOf(job.path)}](../../../${job.path}) |`,
  );
  return `| Host | Outcome | Why | Job |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n\n${eachAnswer(run)}`;
}
