// What became of a task is said in the issue that it was born from: once for each end, question and proposal.
import { post } from "./conversations.ts";
import { type Draft, isoNow } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { answerOf } from "./job-text.ts";
import { glyphs } from "./jobs.ts";
import { memoNumber } from "./memo-numbers.ts";
import type { State } from "./state.ts";
import { cell, fenced } from "./text.ts";
import { link, type Web } from "./web-links.ts";

const longest_answer = 30_000;
const ends = new Set(["done", "failed", "lost", "cancelled"]);

/** `before`: status records and memos as they were read. */
export function deliver(draft: Draft, before: Pick<State, "status" | "memos">, web?: Web): void {
  for (const task of draft.tasks.values()) {
    const { issue, deliver: where } = task.data;
    if (issue === undefined || !where?.includes("issue")) continue;
    const status = draft.status.get(task.id);
    const was = before.status.get(task.id)?.data;
    if (status && isNews(status.data, was)) sayState(draft, task, status, web);
    for (const memo of draft.memos.values())
      if (!before.memos.has(memo.id) && memo.data.status === "open") sayQuestion(draft, task, memo);
  }
}

const isNews = (now: Entry<"status">["data"], was: Entry<"status">["data"] | undefined) =>
  now.state !== was?.state || (ends.has(now.state) && now.last_occurrence !== was.last_occurrence);

function sayState(draft: Draft, task: Entry<"task">, { path, data, body }: Entry<"status">, web?: Web): void {
  const { issue: to = "", asked_by } = task.data;
  const at = isoNow(draft);
  const job = draft.jobs.get(data.jobs.at(-1)?.id ?? "");
  const cause = `${task.id} ${data.state} ${data.last_occurrence ?? ""} ${job?.data.run.epoch ?? ""}`;
  if (data.state === "review" && job) {
    const text = `${glyphs.review} The work waits for your review: ${job.data.pr ?? `branch \`${cell(job.data.run.branch ?? "", 120)}\``}`;
    post(draft.talks, cause, { at, to, what: "comment", text, mention: asked_by });
  }
  if (!ends.has(data.state)) return;
  const why = data.reason ?? job?.data.run.why;
  const on = job?.data.host ? ` on ${cell(job.data.host)}` : "";
  const head = `${glyphs[data.state]} **${data.state}**${on}${why ? `: ${cell(why, 300)}` : ""} (${link(web, "the whole record", path)})`;
  const again = data.state === "done" ? "" : `\n\nTo run it again: \`/towline run\``;
  const answer = answerOf(body);
  const said = answer === "" || answer.startsWith("_") ? "" : `\n\n${shortened(answer)}`;
  post(draft.talks, cause, { at, to, what: "comment", text: `${head}${said}${again}` });
  if (data.state === "done" || data.state === "cancelled")
    post(draft.talks, cause, { at, to, what: "close", reason: data.state === "done" ? "completed" : "not_planned" });
}

/** An answer stands in a fence of its own, and does so when it is cut. */
function shortened(answer: string): string {
  if (answer.length <= longest_answer) return answer;
  const inner = answer.replace(/^`+\w*\n|\n`+$/g, "").slice(0, longest_answer);
  return `${fenced(inner)}\n\n… the rest stands in the record.`;
}

function sayQuestion(draft: Draft, task: Entry<"task">, memo: Entry<"memo">): void {
  const { issue: to = "", asked_by: mention } = task.data;
  const about = draft.jobs.get(memo.data.subject)?.data.task ?? memo.data.subject;
  if (about !== task.id || memo.data.kind !== "ask") return;
  const text = `◆ ${cell(memo.data.title, 300)}\n\nTo answer, write here: \`/towline answer ${memoNumber(draft, memo)} …\``;
  post(draft.talks, `memo ${memo.id}`, { at: isoNow(draft), to, what: "comment", text, mention });
}
