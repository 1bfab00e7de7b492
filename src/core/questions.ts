// What a job's agent asked, and what a person said to it, as the job's record has it.
import type { Entry } from "./entry.ts";
import { pupdateId } from "./ids.ts";
import type { Job } from "./schema.ts";
import type { State } from "./state.ts";

export type Question = NonNullable<Job["run"]["questions"]>[number];

/** The question that the job waits with. */
export const openQuestion = ({ data }: Entry<"job">): Question | undefined =>
  data.state === "asking" ? data.run.questions?.findLast((one) => one.answer === undefined) : undefined;

/** The job's questions with this one. */
export function withQuestion({ id, data }: Entry<"job">, text: string, at: string): Question[] {
  const questions = data.run.questions ?? [];
  return [...questions, { at, text, pupdate: pupdateId("towline", id, `job.asked ${questions.length}`, null) }];
}

/** An answer is there, or stands in a memo that this pass will take it from. */
export function isAnswered(state: State, job: Entry<"job">): boolean {
  if (job.data.state !== "asking") return false;
  const asked = openQuestion(job);
  return asked === undefined || memoOf(state, asked)?.data.status === "answered";
}

export const memoOf = (state: State, { pupdate }: Question) =>
  [...state.memos.values()].find((memo) => memo.data.pupdate === pupdate);

/** What the next run of the job is told of its questions. */
export const answersOfJob = ({ data }: Entry<"job">): { question: string; answer: string }[] =>
  (data.run.questions ?? []).flatMap(({ text, answer }) => (answer === undefined ? [] : [{ question: text, answer }]));
