// A run that has gone quiet, and that its host's nudges did not wake: a person is asked once what is to become of it.
import { type Draft, isoNow, putJob, putMemo } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { pupdateId } from "./ids.ts";
import { epochOf } from "./jobs.ts";
import type { Choice } from "./schema.ts";
import type { State } from "./state.ts";
import { clean, oneLine } from "./text.ts";

/** What people write who mean it. A word that could mean two of them is none. */
const words: Readonly<Record<Choice, readonly string[]>> = {
  hold: [
    "hold",
    "hold on",
    "hold it",
    "wait",
    "keep",
    "keep it",
    "leave",
    "leave it",
    "leave it be",
    "let it be",
    "let it run",
  ],
  retry: [
    "retry",
    "retry it",
    "try again",
    "again",
    "restart",
    "restart it",
    "start again",
    "start anew",
    "start over",
    "redo",
    "rerun",
    "run again",
  ],
  "give up": [
    "give up",
    "giveup",
    "give it up",
    "cancel",
    "cancel it",
    "stop",
    "stop it",
    "end it",
    "abort",
    "abandon",
    "drop",
    "drop it",
    "quit",
    "kill",
    "kill it",
  ],
};

/** The choice that an answer names; null: none that is known. */
export function readChoice(answer: string): Choice | null {
  const said = clean(answer)
    .toLowerCase()
    .replace(/[\s_-]+/g, " ")
    .replace(/^[ "'`]+|[ "'`.!,]+$/g, "");
  const found = Object.entries(words).find(([, list]) => list.includes(said));
  return (found?.[0] as Choice | undefined) ?? null;
}

/** What a person chose for the run of the epoch that counts now; also in a memo that this pass will take it from. */
export function chosen(state: State, job: Entry<"job">): Choice | null {
  const { stuck } = job.data.run;
  if (!stuck || stuck.epoch !== epochOf(job)) return null;
  if (stuck.answer) return stuck.answer;
  const memo = [...state.memos.values()].find(({ data }) => data.pupdate === stuck.pupdate);
  return memo?.data.status === "answered" ? readChoice(memo.data.answer ?? "") : null;
}

/** Runs that their hosts say are silent, by `job/epoch`. Each is told of once, whatever becomes of it afterwards. */
export function raiseSilent(draft: Draft, silent: ReadonlySet<string>): void {
  for (const job of silent.size > 0 ? [...draft.jobs.values()] : []) {
    const epoch = epochOf(job);
    const { run, task, host, agent } = job.data;
    if (job.data.state !== "started" || !silent.has(`${job.id}/${epoch}`) || run.stuck?.epoch === epoch) continue;
    const pupdate = pupdateId("towline", job.id, `job.stuck ${epoch}`, null);
    putJob(draft, { ...job, data: { ...job.data, run: { ...run, stuck: { at: isoNow(draft), epoch, pupdate } } } });
    draft.raised.push({
      id: pupdate,
      at: isoNow(draft),
      source: "towline",
      kind: "job.stuck",
      subject: job.id,
      title: `${task} on ${host} has gone quiet, and its host's nudges did not wake it`,
      data: { task, job: job.id, host, agent, quiet: "true" },
    });
  }
}

/** For the memo's text. */
export const how_to_choose = `To answer, set \`status: answered\` above and add a line \`answer: …\` with one of these words, then commit:

- \`hold\`: it is left alone until its time is over.
- \`retry\`: the run is ended, and the same job is started anew.
- \`give up\`: the run is ended, and so is the job.

With \`status: dismissed\`, or without an answer, it is left alone, too. \`towline job attach\` shows its screen. This closes by itself when the run has ended.`;

const not_understood = "**Not understood:**";

/**
 * A person answered the memo about a silent run, or put it away. False: nobody can tell what they meant, and the memo
 * waits for another answer.
 */
export function takeChoice(draft: Draft, memo: Entry<"memo">): boolean {
  const job = [...draft.jobs.values()].find(({ data }) => data.run.stuck?.pupdate === memo.data.pupdate);
  if (!job?.data.run.stuck) return true;
  const { status, answer = "" } = memo.data;
  const choice = status === "answered" ? readChoice(answer) : "hold";
  if (choice === null) {
    putBack(draft, memo, answer);
    return false;
  }
  const { run } = job.data;
  const stuck = { ...job.data.run.stuck, answer: choice };
  putJob(draft, { ...job, data: { ...job.data, run: { ...run, stuck } } });
  return true;
}

function putBack(draft: Draft, memo: Entry<"memo">, answer: string): void {
  const [body = ""] = memo.body.split(`\n\n${not_understood}`, 1);
  const said = oneLine(answer, 60).replaceAll("`", "'");
  const note = `${not_understood} ${said === "" ? "the answer was empty" : `\`${said}\` is none of the choices`}. Write \`hold\`, \`retry\` or \`give up\`.`;
  const data = { ...memo.data, status: "open" as const, answer: undefined, answered_by: undefined };
  putMemo(draft, { ...memo, data, body: `${body.trimEnd()}\n\n${note}\n` });
}

/** What the task's status says of a silent run. */
export function quietWords(job: Entry<"job">): string {
  const { stuck } = job.data.run;
  if (!stuck || stuck.epoch !== epochOf(job)) return "";
  const next: Record<Choice, string> = {
    hold: "it is left alone until its time is over",
    retry: "it is to be started anew",
    "give up": "it was given up",
  };
  return `; it has gone quiet: ${stuck.answer ? next[stuck.answer] : "its memo waits for an answer"}`;
}
