// Coding work from one round to the next: what a claim says of it, what its agent is told, and what people decide.
import type { CodeWork, Said } from "../ports.ts";
import { type Draft, isoNow, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { pupdateId } from "./ids.ts";
import { branchOf, checkIn, not_all } from "./landed.ts";
import { raise, raiseJob } from "./raise.ts";
import type { Remark } from "./review.ts";
import { byChecks, hear, openRemarks } from "./said.ts";
import type { Job } from "./schema.ts";
import type { State } from "./state.ts";
import { oneLine } from "./text.ts";
import { unwanted } from "./withdraw.ts";

/** What a repository said of itself in this tick, or why it could not be read. `person`: waiting will not mend it. */
export type RepoAnswer = { tip: string; heads: ReadonlyMap<string, string> } | { fault: string; person: boolean };

/**
 * How people have decided about the work of a job. `unclear`: its branch is gone, and that is all that can be told.
 * `refused`: somebody decided who may not, in words for people.
 */
export type Standing = "open" | "conflict" | "merged" | "closed" | "unclear" | { refused: string };

type Code = NonNullable<Job["run"]["code"]>;

/** Work waits for people, or for its agent's next round: then the repository tells how it stands. */
export const isWithPeople = ({ data }: Entry<"job">) =>
  data.run.code?.head !== undefined && (data.state === "review" || data.state === "reworking");

/** What a first claim says of the work; null: its repository does not answer. */
export function firstWork(
  state: State,
  job: string,
  repo: string,
  answer: RepoAnswer | undefined,
): Partial<Job["run"]> | null {
  if (!answer || "fault" in answer) return null;
  const taken = answer.heads.has("towline") || (repo === "." && state.settings.ledger.branch === "towline");
  return { branch: branchOf(job, taken), code: { repo, base: answer.tip, tip: answer.tip } };
}

/** What the next claim says of it: it goes on from its branch as that is now, people's pushes included. */
export function nextWork(state: Draft, job: Entry<"job">, answer: RepoAnswer | undefined): Partial<Job["run"]> | null {
  const { code, branch, round } = job.data.run;
  if (!code || branch === undefined) return {};
  // It was not begun yet, or another ticker began it: what its claim says of it still counts.
  if (job.data.state === "claimed" || job.data.state === "unknown") return { branch, code };
  if (!answer || "fault" in answer) return null;
  // A branch that people have taken away is not made again. One that was pushed in this pass was not seen yet.
  if (code.head !== undefined && !answer.heads.has(branch) && !state.collected.has(job.id)) return null;
  const telling = [...openRemarks(state, job).keys()];
  const asked = job.data.state === "reworking" && (telling.length > 0 || code.conflict === true);
  return {
    branch,
    round: asked ? round + 1 : round,
    code: {
      ...code,
      tip: answer.tip,
      base: answer.heads.get(branch) ?? code.head ?? code.base,
      telling: telling.length > 0 ? telling : undefined,
    },
  };
}

/** What the agent needs to know of it. */
export function workOf(state: State, job: Entry<"job">): CodeWork | undefined {
  const { code, branch, round } = job.data.run;
  if (!code || branch === undefined) return undefined;
  const remarks = [...openRemarks(state, job).values()];
  const failed = (code.failed ?? 0) > 0 && !code.note?.startsWith(not_all) ? { failed: checkIn(job.body) } : {};
  return {
    agent: job.data.agent ?? "",
    repo: code.repo,
    branch,
    base: code.base,
    ...(code.head === undefined ? {} : { head: code.head }),
    round: code.head === undefined ? 1 : Math.max(round, 2),
    remarks,
    ...failed,
    ...noted(code.note),
  };
}

/** Of what is not committed its host tells why: with names of files, and in the words of programs. */
function noted(note: string | undefined): Pick<CodeWork, "note" | "left"> {
  if (note === undefined) return {};
  const own = note.startsWith(not_all) ? not_all : note;
  const left = note.slice(own.length).replace(/^ \(|\)$/g, "");
  return { note: own, ...(left === "" ? {} : { left }) };
}

/** Work that people have decided about ends its job; work that they have remarks about wakes it. */
export function settleWork(
  draft: Draft,
  {
    repos,
    standing,
    remarks,
    forge,
  }: {
    repos: ReadonlyMap<string, RepoAnswer>;
    standing: ReadonlyMap<string, Standing>;
    remarks?: ReadonlyMap<string, readonly Said[]>;
    forge?: { name: string; why: string | null };
  },
): void {
  for (const [repo, answer] of repos) raiseRepo(draft, repo, answer);
  if (forge) raiseForge(draft, forge);
  for (const [id, stands] of standing) {
    const job = draft.jobs.get(id);
    if (!job || !isWithPeople(job) || stands === "open") continue;
    if (stands === "unclear") doubt(draft, job, branch_gone(job));
    else if (typeof stands === "object") doubt(draft, job, stands.refused);
    else if (stands === "conflict") clash(draft, job, repos.get(job.data.run.code?.repo ?? ""));
    else decided(draft, job, stands);
  }
  for (const [id, heard] of remarks ?? []) {
    const job = draft.jobs.get(id);
    if (job && isWithPeople(job)) hear(draft, job, heard);
  }
  for (const job of [...draft.jobs.values()]) if (isWoken(draft, job)) wake(draft, job);
}

function raiseRepo(draft: Draft, repo: string, answer: RepoAnswer): void {
  const level = { source: "repository", subject: repo, family: "source" };
  if ("fault" in answer)
    raise(draft, { ...level, kind: "source.failed", title: `${repo}: ${answer.fault}`, data: { why: answer.fault } });
  else raise(draft, { ...level, kind: "source.ok", first: "calm", title: `${repo} can be read again` });
}

/** What waits there stays as it is: no yes and no no is made up of silence. */
function raiseForge(draft: Draft, { name, why }: { name: string; why: string | null }): void {
  const level = { source: "forge", subject: name, family: "source" };
  if (why === null) raise(draft, { ...level, kind: "source.ok", first: "calm", title: `${name} answers again` });
  else raise(draft, { ...level, kind: "source.failed", title: `${name} could not be asked: ${why}`, data: { why } });
}

function decided(draft: Draft, job: Entry<"job">, stands: "merged" | "closed"): void {
  const merged = stands === "merged";
  const why = merged ? undefined : `its branch ${job.data.run.branch} was closed or taken away unmerged`;
  const next = withState(job, merged ? "finished" : "cancelled", {
    why,
    outcome: merged ? "success" : "failure",
    ended_at: isoNow(draft),
  });
  putJob(draft, next);
  raiseJob(draft, next, merged ? "job.finished" : "job.closed", why ?? "");
}

/** Neither a yes nor a no is made up: a person says which it was. */
function doubt(draft: Draft, job: Entry<"job">, what: string): void {
  const { task, run } = job.data;
  const why = `${what}, or close ${task} (\`status: cancelled\`)`;
  if (run.why === why) return;
  const next = withState(job, job.data.state, { why, outcome: "partial" });
  putJob(draft, next);
  raiseJob(draft, next, "job.unclear", why);
}

const branch_gone = ({ data }: Entry<"job">) =>
  `its branch ${data.run.branch} is gone, and whether it was merged cannot be told: push the branch again`;

/** People have changed what it changes, too. Each state of their branch is a reason once. */
function clash(draft: Draft, job: Entry<"job">, answer: RepoAnswer | undefined): void {
  const { state, run } = job.data;
  const code = run.code as Code;
  if (state !== "review" || !answer || "fault" in answer || code.tip === answer.tip) return;
  if (draft.tasks.get(job.data.task)?.data.status !== "ready" || unwanted(draft, job) !== null) return;
  const why = "its branch conflicts with what people have done meanwhile";
  const note = `${why}: merge commit ${answer.tip} into it (\`git merge ${answer.tip}\`), and settle the conflicts`;
  putJob(draft, withState(job, "reworking", { why, code: { ...code, conflict: true, failed: undefined, note } }));
}

/** People ask for changes. Who asks while the agent is at work is heard when it comes back. */
export function isWoken(state: State, job: Entry<"job">): boolean {
  if (job.data.state !== "review" || openRemarks(state, job).size === 0) return false;
  return state.tasks.get(job.data.task)?.data.status === "ready" && unwanted(state, job) === null;
}

function wake(draft: Draft, job: Entry<"job">): void {
  const remarks = openRemarks(draft, job);
  raiseRemarks(draft, job, remarks);
  const fresh = [...remarks.keys()];
  const why = fresh.length === 1 ? "one remark to settle" : `${fresh.length} remarks to settle`;
  const before = job.data.run.code as Code;
  const code = { ...before, checked: byChecks(before.checked, fresh), failed: undefined, note: undefined };
  putJob(draft, withState(job, "reworking", { why, code }));
}

/** What people asked to be changed in an agent's work, which others may learn from. */
function raiseRemarks(draft: Draft, { id: job, data }: Entry<"job">, remarks: ReadonlyMap<string, Remark>): void {
  const { task, agent, host, pr } = data;
  for (const [id, { path, line, text }] of remarks) {
    if (id.startsWith("check ")) continue;
    draft.raised.push({
      id: pupdateId("towline", job, `job.remarked ${id}`, null),
      at: isoNow(draft),
      source: "towline",
      kind: "job.remarked",
      subject: task,
      title: oneLine(`${task}: ${text}`),
      data: { task, job, host, agent, pr, path: path ?? undefined, line: line ?? undefined, text: text.slice(0, 4000) },
    });
  }
}

function withState(job: Entry<"job">, state: Job["state"], run: Partial<Job["run"]>): Entry<"job"> {
  return { ...job, data: { ...job.data, state, run: { ...job.data.run, ...run } } };
}

/** People hear that there is something to look at. */
export function raiseReview(draft: Draft, job: Entry<"job">): void {
  const { task, agent, host, run } = job.data;
  const detail = run.outcome === "partial" && run.why !== undefined ? { detail: run.why } : {};
  draft.raised.push({
    id: pupdateId("towline", job.id, `job.review ${run.epoch}`, null),
    at: run.ended_at ?? isoNow(draft),
    source: "towline",
    kind: "job.review",
    subject: task,
    title: `${task} waits for a review: ${run.branch}`,
    data: {
      task,
      job: job.id,
      host,
      agent,
      branch: run.branch,
      repo: run.code?.repo,
      round: run.round,
      why: run.why,
      ...detail,
    },
  });
}
