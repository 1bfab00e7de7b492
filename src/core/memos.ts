// Memos: what waits for a person. They say how to answer them, and close by themselves when their cause is gone.

import { pausedUntil } from "./account.ts";
import { takeReply } from "./asking.ts";
import { isGoingOn } from "./budget-levels.ts";
import { openCampfire } from "./campfire.ts";
import { type Draft, isoNow, putMemo } from "./draft.ts";
import { type Entry, idOf } from "./entry.ts";
import { pupdateId } from "./ids.ts";
import { isLive } from "./jobs.ts";
import { openQuestion } from "./questions.ts";
import type { Memo, Pupdate } from "./schema.ts";
import { quarantined } from "./state.ts";
import { how_to_choose, takeChoice } from "./stuck.ts";
import { cell, fenced } from "./text.ts";

const from_memo = "../../../";

/** The body of a memo about a pupdate: links to what it is about, what was said, and what a person can do. */
export function memoBody(draft: Draft, kind: Memo["kind"], pupdate: Pupdate): string {
  const detail = typeof pupdate.data?.detail === "string" ? fenced(pupdate.data.detail) : "";
  return [`About ${links(draft, pupdate)}.`, jobLinks(pupdate), detail, advice(draft, kind, pupdate)]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Of one that is about several jobs. */
function jobLinks({ data = {} }: Pupdate): string {
  const paths = (Array.isArray(data.jobs) ? data.jobs : []).filter((path) => /^jobs\/[\w/-]+\.md$/.test(String(path)));
  return paths.map((path) => `- [${idOf(String(path))}](${from_memo}${path})`).join("\n");
}

function links(draft: Draft, pupdate: Pupdate): string {
  const task = draft.tasks.get(String(pupdate.data?.task ?? pupdate.subject));
  const job = draft.jobs.get(String(pupdate.data?.job ?? ""));
  const host = draft.hosts.get(pupdate.subject);
  const known = [
    task
      ? `[${cell(task.data.title)}](${from_memo}${task.path}) ([how it stands](${from_memo}status/${task.id}.md))`
      : "",
    job ? `[job ${job.id}](${from_memo}${job.path})` : "",
    host ? `[host ${host.id}](${from_memo}${host.path})` : "",
  ].filter(Boolean);
  if (known.length > 0) return known.join(", ");
  return pupdate.url && /^https?:\/\/[^\s()]+$/.test(pupdate.url)
    ? `[${cell(pupdate.subject)}](${pupdate.url})`
    : cell(pupdate.subject);
}

function advice(draft: Draft, kind: Memo["kind"], pupdate: Pupdate): string {
  const task = draft.tasks.get(String(pupdate.data?.task ?? pupdate.subject));
  const again = task ? ` To run the task again, raise \`run:\` in ${task.path} (to ${(task.data.run ?? 1) + 1}).` : "";
  if (pupdate.kind === "job.asked")
    return "To answer, set `status: answered` above and add a line `answer: …`, then commit: the same job goes on with it. With `status: dismissed`, or without an answer in time, the job ends.";
  if (pupdate.kind === "job.stuck" && pupdate.data?.quiet === "true") return how_to_choose;
  const resumes = pupdate.kind === "task.paused" ? " An answer lets the task go on at its next due time." : "";
  const how =
    kind === "ask" || kind === "approval"
      ? "To answer, set `status: answered` above and add a line `answer: …`, then commit."
      : "To put this away, set `status: dismissed` above, then commit.";
  return `${how}${resumes}${again} It closes by itself when its cause is gone.`;
}

/** Memos that ran out, or whose cause is gone, close by themselves and say so. */
export function closeMemos(draft: Draft): void {
  for (const memo of draft.memos.values()) {
    if (memo.data.status !== "open") continue;
    const gone = causeGone(draft, memo);
    if (gone !== null)
      putMemo(draft, { ...memo, data: { ...memo.data, status: "dismissed", answer: `closed by itself: ${gone}` } });
    else if (Date.parse(memo.data.expires) <= draft.now.getTime())
      putMemo(draft, { ...memo, data: { ...memo.data, status: "expired" } });
  }
}

/** Kinds of levels of a source that stay until they change. */
const standing =
  /^(pr\.(opened|updated|stale|approved|changes_requested|review_requested|green)|task\.overdue|issue\.labelled|check\.failed|host\.(disk|drifted)|network\.down|source\.failed|job\.overlaps)$/;

function causeGone(draft: Draft, memo: Entry<"memo">): string | null {
  const { event, subject } = memo.data;
  if (event === "host.down") {
    const level = draft.levels.find((row) => row.family === "host" && row.subject === subject);
    if (!draft.hosts.has(subject)) return "its host record is gone";
    return level?.kind === "host.down" ? null : `${subject} answers again`;
  }
  if (event === "job.asked") {
    const job = draft.jobs.get(subject);
    if (!job && quarantined(draft, "jobs").has(subject)) return null;
    return job && openQuestion(job)?.pupdate === memo.data.pupdate ? null : "nobody waits for the answer any more";
  }
  if (event === "job.stuck") return stuckGone(draft, memo);
  if (event === "job.review")
    return draft.status.get(subject)?.data.state === "review" ? null : "its work does not wait any more";
  if (event === "campfire.opened" || event === "campfire.refused")
    return openCampfire(draft)?.id === subject ? null : "it is decided";
  if (event === "account.limited")
    return pausedUntil(draft, subject, draft.now) === null ? "the limit has ended" : null;
  if (event === "budget.near" || event === "budget.reached") {
    const level = draft.levels.find((row) => row.family === "budget" && row.subject === subject);
    if (!level) return "the limit is another one now";
    if (level.kind !== event) return "it is reached";
    return isGoingOn(draft, level) ? null : "its time is over";
  }
  if (event !== undefined && standing.test(event))
    return draft.levels.some((row) => row.subject === subject && row.kind === event) ? null : "it is no longer so";
  if (event === undefined || !/^(job\.(failed|lost)|task\.(blocked|paused)|rollout\.stopped)$/.test(event)) return null;
  const status = draft.status.get(subject)?.data;
  if (!status) return "its task is gone";
  if (status.state === "done") return "the task is done";
  if (event === "task.blocked" && status.state !== "blocked") return `the task is ${status.state}`;
  return event === "task.paused" && status.held === undefined ? "the task goes on" : null;
}

/** One about work that cannot be brought in stays with its level; one about a silent run as long as that runs. */
function stuckGone(draft: Draft, { data: { subject, pupdate } }: Entry<"memo">): string | null {
  const job = draft.jobs.get(subject);
  if (!job && quarantined(draft, "jobs").has(subject)) return null;
  if (draft.levels.some((row) => row.family === "later" && row.pupdate === pupdate)) return null;
  return job && isLive(job) && job.data.run.stuck?.pupdate === pupdate ? null : "that run has ended";
}

/** Memos that a person answered or put away leave the open list and are themselves pupdates. */
export function takeAnswers(draft: Draft): void {
  for (const memo of draft.memos.values()) {
    if (memo.data.status === "open") continue;
    if (memo.data.event === "job.asked") takeReply(draft, memo);
    if (memo.data.event === "job.stuck" && !takeChoice(draft, memo)) continue;
    const status = draft.status.get(memo.data.subject);
    if (status?.data.held !== undefined && memo.data.status === "answered")
      draft.status.set(status.id, { ...status, data: { ...status.data, held: undefined, failures: 0 } });
    const kind = memo.data.status === "answered" ? "memo.answered" : "memo.dismissed";
    draft.raised.push({
      id: pupdateId("towline", memo.id, kind, null),
      at: isoNow(draft),
      source: "towline",
      kind,
      subject: memo.data.subject,
      title: `${memo.data.title}: ${memo.data.status}`,
      data: { memo: memo.id, status: memo.data.status, answer: memo.data.answer },
    });
    draft.memos.delete(memo.id);
  }
}
