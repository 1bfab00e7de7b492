// A start as it would be made now, whether or not anything is due: of the task's open job, or of its first one.
import { newJob, type Start, startOf } from "./claim.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { hostsOf } from "./gate.ts";
import { runId } from "./ids.ts";
import { isOver } from "./jobs.ts";
import { deliver } from "./letters.ts";
import { nextOf } from "./reclaim.ts";
import { task as schema } from "./schema.ts";
import { firstWork, nextWork, type RepoAnswer, settleWork } from "./work.ts";

export interface Play {
  task: Entry<"task">;
  agent: Entry<"agent">;
  /** Absent: where its open job is, or the first of its hosts. */
  host?: string | undefined;
  repos: ReadonlyMap<string, RepoAnswer>;
}

/** Stands for any task of an agent. */
export const anyTask = (agent: string): Entry<"task"> => ({
  path: "",
  id: "any-task",
  kind: "task",
  data: schema.parse({ title: "(the title of its task)", agent }),
  body: "(the text of its task)",
  bodyLine: 1,
});

/** Changes the draft, as a claim does. `none`: why nothing could be told to anybody. */
export function playOf(
  draft: Draft,
  { task, agent, host, repos }: Play,
): { start: Start; job: Entry<"job"> } | { none: string } {
  settleWork(draft, { repos, standing: new Map() });
  const open = [...draft.jobs.values()].find((job) => job.data.task === task.id && !isOver(job));
  const on = host ?? open?.data.host ?? hostsOf(draft, task, agent)[0]?.id ?? "";
  const name = open?.data.run.code?.repo ?? task.data.repo;
  const answer = name === undefined ? undefined : repos.get(name);
  if (answer && "fault" in answer) return { none: answer.fault };
  const job = open
    ? again(draft, open, { task, agent, host: on, answer })
    : first(draft, { task, agent, host: on, answer });
  if (job === null) return { none: `its branch, or the repository ${name}, cannot be read now` };
  draft.jobs.set(job.id, job);
  const inbox = deliver(draft, job);
  const start = startOf(draft, job, task, agent, false);
  const { assignment } = start;
  return {
    job,
    start: { ...start, assignment: assignment && (inbox.length > 0 ? { ...assignment, inbox } : assignment) },
  };
}

type On = Omit<Play, "repos"> & { host: string; answer: RepoAnswer | undefined };

function again(draft: Draft, job: Entry<"job">, { task, agent, host, answer }: On): Entry<"job"> | null {
  const work = nextWork(draft, job, answer);
  return work && nextOf(draft, job, { task, agent, host, known: { answers: new Map() }, work });
}

function first(draft: Draft, { task, agent, host, answer }: On): Entry<"job"> | null {
  const run = { occurrence: "playbook", requested_by: "playbook", due: draft.now };
  const id = runId(draft.pack, task.id, run.occurrence);
  const work = task.data.repo === undefined ? {} : firstWork(draft, id, task.data.repo, answer);
  const candidate = { task, run, agent, hosts: [] };
  return work && newJob(draft, candidate, { id, run: id, host, state: "claimed", identity: undefined, work });
}
