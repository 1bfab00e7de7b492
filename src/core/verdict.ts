// The state of a task and the sentence that says why.
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import type { Folding } from "./fold.ts";
import { stopOf } from "./gate.ts";
import { isLive, isOver } from "./jobs.ts";
import { openQuestion } from "./questions.ts";
import { succeeded } from "./reflect.ts";
import { isWaiting, progress, stopWords } from "./rollout.ts";
import type { Status, TaskState, WaitsOn } from "./schema.ts";
import { isEach } from "./select.ts";
import { quietWords } from "./stuck.ts";
import { oneLine } from "./text.ts";
import { startedAnew } from "./withdraw.ts";

type Verdict = { state: TaskState; reason: string | undefined; waits_on?: WaitsOn };

export function stateOf(
  { draft, task, jobs, plan }: Folding,
  data: Status,
  old: Entry<"status"> | undefined,
  ended: Entry<"job">[] | null,
): Verdict {
  const hold = plan.holds.get(task.id);
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
  if (live.length > 0) {
    const asked = live.find((job) => job.data.run.cancel)?.data.run.cancel;
    const quiet = live.map(quietWords).find((words) => words !== "") ?? "";
    const where = `${live.length === 1 ? `on ${live[0]?.data.host}` : `on ${live.length} hosts`}${rolled(jobs, live)}`;
    return say("running", asked ? `${where}; ${asked.by} asked for it to be ended` : `${where}${quiet}`);
  }
  const open = jobs.filter((job) => !isOver(job));
  const released = open.filter((job) => job.data.state === "released");
  const waiting = released.find((job) => !isWaiting(job)) ?? released[0];
  if (waiting) {
    const until = waiting.data.run.turned_back?.until;
    const next = until === undefined ? "" : `; next at ${until}`;
    return say("queued", `waits: ${waiting.data.run.why ?? "was released"}${next}`);
  }
  const asking = open.find((job) => job.data.state === "asking");
  const held = hold && { ...say(hold.state, hold.reason), waits_on: hold.on };
  if (asking) return held && !openQuestion(asking) ? held : say("waiting", waitsFor(asking));
  const review = open.find((job) => job.data.state === "review");
  if (review) return say("review", reviewed(review));
  const back = open.find((job) => job.data.state === "reworking");
  if (back && held) return held;
  if (back) return say("queued", `goes back to its agent: ${back.data.run.why ?? "there is more to do"}`);
  const retry = open.find((job) => job.data.run.retry_at !== undefined);
  const limited = retry?.data.run.limited;
  if (limited) return say("queued", `${limited.account} has reached its own limit; next at ${limited.until}`);
  if (retry?.data.run.stuck?.answer === "retry") return say("queued", `is started anew: ${startedAnew}`);
  if (retry)
    return say(
      "queued",
      `attempt ${retry.data.run.attempt} failed (${retry.data.run.why ?? retry.data.state}); next at ${retry.data.run.retry_at}`,
    );
  if (task.data.status !== "ready") return say(task.data.status);
  if (data.held !== undefined) return say("paused", `failed ${data.failures} times in a row; bump \`run:\` to go on`);
  if (held) return held;
  return last(draft, task, data, old, ended);
}

function reviewed({ id, data }: Entry<"job">): string {
  const why = data.run.why === undefined ? "" : ` (${data.run.why})`;
  return `branch ${data.run.branch}${why}; look at it with \`towline review ${id}\``;
}

function waitsFor(job: Entry<"job">): string {
  const asked = openQuestion(job);
  return asked ? `for an answer to: ${asked.text}` : "its question is answered; it goes on when a host has room";
}

function last(
  draft: Draft,
  task: Entry<"task">,
  data: Status,
  old: Entry<"status"> | undefined,
  ended: Entry<"job">[] | null,
): Verdict {
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
      reason: row.state === "cancelled" && kept === "cancelled" ? old?.data.reason : undefined,
    };
  }
  const stop = stopOf(draft, draft.now);
  return { state: "queued", reason: stop ? `${stop.words} stops everything` : undefined };
}

function result(task: Entry<"task">, run: Entry<"job">[]): Verdict {
  const good = run.filter((job) => job.data.state === "finished").length;
  if (succeeded(task, run))
    return { state: "done", reason: isEach(task.data) ? `${good} of ${run.length} hosts${skippedOf(run)}` : undefined };
  const stop = stopWords(run);
  if (stop !== null) return { state: "failed", reason: oneLine(`${stop}${skippedOf(run)}`, 300) };
  const first = run.find((job) => job.data.state !== "finished");
  const why = first?.data.run.why ?? first?.data.state;
  if (run.length > 1)
    return {
      state: "failed",
      reason: oneLine(`${good} of ${run.length} hosts; ${first?.data.host}: ${why}${skippedOf(run)}`, 300),
    };
  return {
    state: first?.data.state === "lost" ? "lost" : first?.data.state === "cancelled" ? "cancelled" : "failed",
    reason: why && oneLine(why, 300),
  };
}

/** How far a rollout is. */
function rolled(jobs: Entry<"job">[], live: Entry<"job">[]): string {
  const run = jobs.filter((job) => job.data.run.run_id === live[0]?.data.run.run_id);
  return run.some((job) => job.data.run.wave !== undefined) ? `; ${progress(run)}` : "";
}

/** Cordoned hosts and others that took no work when the run was claimed. */
const skippedOf = (run: Entry<"job">[]) =>
  run[0]?.data.run.skipped ? `; skipped: ${run[0].data.run.skipped.join(", ")}` : "";
