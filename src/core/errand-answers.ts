// What came of an errand, a row a job: from the records that stand, and the answers in full.
import type { Outcome, RawResult } from "../ports.ts";
import type { Answer, AnswerState } from "./answers.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { hostsOf } from "./gate.ts";
import { answerOf as inRecord } from "./job-text.ts";
import type { HostAnswer } from "./place.ts";
import type { Plan } from "./plan.ts";
import { openQuestion } from "./questions.ts";
import { clean, oneLine } from "./text.ts";

export interface Came {
  draft: Draft;
  plan: Plan;
  answers: ReadonlyMap<string, HostAnswer>;
  results: { host: string; result: RawResult; outcome: Outcome }[];
  /** Why what a host holds of a job is no result, by job id. */
  spoiled: ReadonlyMap<string, string>;
}

/** `tasks`: of the errand, in their order. */
export function answersOf(tasks: Entry<"task">[], came: Came): Answer[] {
  return tasks.flatMap((task) => {
    const jobs = [...came.draft.jobs.values()].filter((job) => job.data.task === task.id);
    if (jobs.length === 0) return [unbegun(task, came)];
    const skipped = jobs[0]?.data.run.skipped ?? [];
    return [...jobs.map((job) => answerOf(task, job, came)), ...skipped.map((host) => skippedOn(task, host, came))];
  });
}

const blank = (task: Entry<"task">) => ({
  task: task.id,
  title: task.data.title,
  host: null,
  job: null,
  good: false,
  partial: false,
  answer: "",
  why: null,
  took: null,
  cost: null,
});

function answerOf(task: Entry<"task">, job: Entry<"job">, came: Came): Answer {
  const { host, state, run, took, cost } = job.data;
  const outcome = came.results.find(({ result }) => result.job === job.id)?.outcome;
  // A tick was faster: then the record has the answer.
  const answer = clean(outcome?.answer ?? (run.result === undefined ? "" : recordedAnswer(job.body)));
  const worth = outcome?.outcome ?? run.outcome;
  return {
    ...blank(task),
    host: host ?? null,
    job: job.id,
    state: run.result === undefined ? asked(job, came) : state,
    good: state === "finished" && worth === "success",
    partial: answer.trim() !== "" && (worth === "partial" || state === "timeout" || state === "cancelled"),
    answer,
    why:
      questionOf(job) ??
      outcome?.why ??
      (run.result === undefined ? came.spoiled.get(job.id) : undefined) ??
      run.why ??
      null,
    took: took ?? null,
    cost: cost ?? null,
  };
}

function questionOf(job: Entry<"job">): string | undefined {
  const asked = openQuestion(job);
  return asked && oneLine(`asks: ${asked.text}`, 300);
}

const recordedAnswer = (body: string) => inRecord(body).replace(/^_No answer\._$|^`{3,}\w*\n|\n`{3,}$/g, "");

/** It has no result: nobody was there, or it was never begun. */
function asked(job: Entry<"job">, { answers }: Came): AnswerState {
  const { state, started_at, host } = job.data;
  const answer = answers.get(host ?? "");
  if (state !== "failed" || started_at !== undefined) return state;
  if (answer && "fault" in answer) return "unreachable";
  return /^it was not started within|has no free slot/.test(job.data.run.why ?? "") ? "waiting" : state;
}

/** No job was made: what stood in its way. */
function unbegun(task: Entry<"task">, { draft, plan, answers }: Came): Answer {
  const hold = plan.holds.get(task.id);
  const hosts = hostsOf(draft, task).flatMap((host) => answers.get(host.id) ?? []);
  const away = hosts.length > 0 && hosts.every((answer) => "fault" in answer);
  const named = task.data.hosts?.length === 1 ? task.data.hosts[0] : undefined;
  const host = named !== undefined && draft.hosts.has(named) ? named : null;
  return {
    ...blank(task),
    host,
    state: away ? "unreachable" : "waiting",
    why: oneLine(hold?.reason ?? "it was not begun", 500),
  };
}

function skippedOn(task: Entry<"task">, host: string, { draft }: Came): Answer {
  const data = draft.hosts.get(host)?.data;
  const why = data?.off
    ? "switched off"
    : data?.cordon
      ? `cordoned (${oneLine(data.cordon)})`
      : `on network ${data?.network}`;
  return { ...blank(task), host, state: "skipped", why };
}
