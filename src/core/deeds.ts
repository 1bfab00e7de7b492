// What each command does, found out before anybody's rights are: nothing is changed until `do` is called.
import type { Target } from "./authority.ts";
import type { Command } from "./commands.ts";
import { answerDeed, approveDeed, dropDeed } from "./deeds-memos.ts";
import { cancelDeed, runDeed } from "./deeds-runs.ts";
import { goOnDeed, stopDeed } from "./deeds-stop.ts";
import { whyDeed } from "./deeds-why.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { isOver } from "./jobs.ts";
import { nearest } from "./nearest.ts";
import type { Heard, Obeying } from "./obey.ts";
import { cell } from "./text.ts";

export interface Doing {
  draft: Draft;
  said: Heard;
  known: Obeying;
}

/** `targets`: what it changes; empty: nothing could be found to change. */
export type Deed = { targets: readonly Target[] } & (
  | { fault: string; fix: string }
  | { do(): { reply: string; dismissed?: string } }
);

export function deedOf(at: Doing, command: Command): Deed {
  if (command.verb === "answer") return answerDeed(at, command.text);
  if (command.verb === "stop") return stopDeed(at, command);
  if (command.verb === "go-on") return goOnDeed(at);
  return { run: runDeed, cancel: cancelDeed, approve: approveDeed, drop: dropDeed, why: whyDeed }[command.verb](
    at,
    command.what,
  );
}

export const fault = (text: string, fix: string): Deed => ({ targets: [], fault: text, fix });

/** Only what stands in the way is said; what it would have changed decides who hears it. */
export const does = (targets: readonly Target[], run: () => string): Deed => ({
  targets,
  do: () => ({ reply: run() }),
});

/** The task or job that a conversation is about, where it is about one. */
function ofPlace({ draft, said }: Doing): { task?: Entry<"task">; job?: Entry<"job"> } {
  const { place } = said;
  const task = [...draft.tasks.values()].find(({ data }) => data.issue === place.subject);
  if (task) return { task };
  const job = [...draft.jobs.values()].find(
    ({ data }) => place.branch !== undefined && data.run.branch === place.branch && data.run.code !== undefined,
  );
  return job ? { job, ...taskOf(draft, job) } : {};
}

const taskOf = (draft: Draft, { data }: Entry<"job">) => {
  const task = draft.tasks.get(data.task);
  return task ? { task } : {};
};

export type Found = { task?: Entry<"task">; job?: Entry<"job"> } | { missing: Deed };

/** The task or job of this name; without one, that of the conversation. */
export function named(at: Doing, what: string | null, verb: string): Found {
  const { draft } = at;
  if (what === null) {
    const own = ofPlace(at);
    if (own.task || own.job) return own;
    const some = [...draft.tasks.values()].filter(({ data }) => data.status === "ready").map(({ id }) => id);
    const list = some.sort().slice(0, 5).join(", ");
    return { missing: fault(`\`${verb}\` names no task`, `write \`/towline ${verb} TASK\`${list && ` (${list} …)`}`) };
  }
  const task = draft.tasks.get(what);
  if (task) return { task };
  const job = draft.jobs.get(what);
  if (job) return { job, ...taskOf(draft, job) };
  const near = nearest(what, [...draft.tasks.keys(), ...draft.jobs.keys()]);
  return {
    missing: fault(
      `there is no task and no open job \`${cell(what, 60)}\``,
      near ? `did you mean \`/towline ${verb} ${near}\`?` : "OVERVIEW.md lists the tasks",
    ),
  };
}

export const openJobs = ({ draft }: Doing, task: string) =>
  [...draft.jobs.values()].filter((job) => job.data.task === task && !isOver(job));
