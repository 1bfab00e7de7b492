// An agent's question: its job waits, a memo asks a person, and the answer wakes the same job.
import type { Outcome } from "../ports.ts";
import { end } from "./claim.ts";
import { type Draft, isoNow, putJob, putMemo } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { isOver } from "./jobs.ts";
import { memoOf, openQuestion } from "./questions.ts";
import { raiseJob } from "./raise.ts";
import type { State } from "./state.ts";
import { clean, oneLine } from "./text.ts";
import { unwanted } from "./withdraw.ts";

/** Questions of one job: an agent that goes on asking is not getting anywhere. */
const most_questions = 8;
/** How long a question waits that no memo is about, ms: a rule of the pack may have put it away. */
const life = 7 * 86_400_000;
const longest_answer = 8000;

/** What the agent asked, when its run ended so that an answer can still help; null: nothing, or nobody would hear it. */
export function asks(
  known: State,
  job: Entry<"job">,
  { state, messages = [] }: Pick<Outcome, "state" | "messages">,
): string | null {
  const asked = messages.filter(({ verb }) => verb === "ask").map(({ text }) => text);
  if (asked.length === 0 || isOver(job) || !["finished", "empty", "timeout"].includes(state)) return null;
  if ((job.data.run.questions?.length ?? 0) >= most_questions) return null;
  if (known.tasks.get(job.data.task)?.data.status !== "ready" || unwanted(known, job) !== null) return null;
  return asked.join("\n\n");
}

/** People hear of it by a memo, through the rule for `job.asked`. Each job's question has one of its own. */
export function raiseAsked(draft: Draft, job: Entry<"job">): void {
  const asked = openQuestion(job);
  if (!asked) return;
  const { task, host, agent } = job.data;
  draft.raised.push({
    id: asked.pupdate,
    at: asked.at,
    source: "towline",
    kind: "job.asked",
    subject: job.id,
    title: `${task} asks: ${oneLine(asked.text, 160)}`,
    data: { task, job: job.id, host, agent, question: oneLine(asked.text, 240), detail: asked.text },
  });
}

/** A person answered a memo or put it away: the job that asked hears of it. */
export function takeReply(draft: Draft, memo: Entry<"memo">): void {
  const { pupdate, status, answer = "" } = memo.data;
  const job = [...draft.jobs.values()].find((one) => pupdate !== undefined && openQuestion(one)?.pupdate === pupdate);
  if (!job) return;
  if (status === "answered") {
    const said = clean(answer).trim().slice(0, longest_answer) || "(no words)";
    const { run } = job.data;
    const questions = run.questions?.map((one) => (one.pupdate === pupdate ? { ...one, answer: said } : one));
    putJob(draft, { ...job, data: { ...job.data, run: { ...run, questions } } });
  } else close(draft, job, "cancelled", "its question was put away without an answer");
}

/** A question that nobody answered in time: no answer means no. */
export function endUnanswered(draft: Draft): void {
  for (const job of [...draft.jobs.values()]) {
    const asked = openQuestion(job);
    const memo = asked && memoOf(draft, asked);
    // One that a person has changed is taken on its own.
    if (!asked || (memo && memo.data.status !== "open")) continue;
    const until = memo ? Date.parse(memo.data.expires) : Date.parse(asked.at) + life;
    if (until > draft.now.getTime()) continue;
    if (memo) putMemo(draft, { ...memo, data: { ...memo.data, status: "expired" } });
    close(draft, job, "failed", "nobody answered its question in time");
  }
}

function close(draft: Draft, job: Entry<"job">, state: "cancelled" | "failed", why: string): void {
  const ended = end(job, state, why, state === "failed" ? isoNow(draft) : undefined);
  putJob(draft, ended);
  raiseJob(draft, ended, `job.${state}`, why);
}
