// `/towline run` and `/towline cancel`. People's task files are never edited: what is asked of one becomes a task of its own.
import { type Deed, type Doing, does, fault, named, openJobs } from "./deeds.ts";
import { isoNow, putJob, putTask } from "./draft.ts";
import { type Entry, idOf } from "./entry.ts";
import { nextRun } from "./explain.ts";
import { isNamedRepo } from "./gate.ts";
import { pupdateId, queuePath, statusPath } from "./ids.ts";
import { isOver } from "./jobs.ts";
import { cell, oneLine } from "./text.ts";
import { link } from "./web-links.ts";

export function runDeed(at: Doing, what: string | null): Deed {
  const found = named(at, what, "run");
  if ("missing" in found) return found.missing;
  const { task } = found;
  if (!task) return fault(`the task of \`${found.job?.id}\` is gone`, "name another one");
  const { status } = task.data;
  const queued = task.path.startsWith("queue/");
  const targets = [queued ? ("ledger" as const) : ("work" as const)];
  const open = openJobs(at, task.id)[0];
  if (open)
    return { targets, fault: `a run of ${task.id} is open already (${open.id})`, fix: `/towline cancel ${task.id}` };
  if (status === "draft")
    return queued
      ? { targets, fault: `${task.id} waits to be released`, fix: `/towline approve ${task.id}` }
      : { targets, fault: `${task.path} says \`status: draft\``, fix: "set it to ready there" };
  if (queued) return does(targets, () => again(at, task));
  if (status !== "ready")
    return { targets, fault: `${task.path} says \`status: ${status}\``, fix: "set it to ready there" };
  if (task.data.repo !== undefined && !isNamedRepo(task.data.repo))
    return {
      targets,
      fault: `${task.path} names its repository by an address`,
      fix: `raise \`run:\` to ${nextRun(at.draft, task)} in that file, or name the repository as owner/name`,
    };
  return does(targets, () => copied(at, task));
}

/** A task of the queue runs again by the next value of its `run:`. */
function again({ draft, known }: Doing, task: Entry<"task">): string {
  const run = nextRun(draft, task);
  putTask(draft, { ...task, data: { ...task.data, status: "ready", run } });
  return `✓ ${link(known.web, task.data.title, statusPath(task.id))} runs again (\`run: ${run}\`).`;
}

/** The same work as a task of the queue, which runs once; the next due time of people's own stays as it is. */
function copied({ draft, said, known }: Doing, task: Entry<"task">): string {
  const { every, due, run, after, catch_up, issue, deliver, ...same } = task.data;
  const born_of = pupdateId("forge", said.id, `run ${task.id}`, null);
  const path = queuePath(task.id, born_of);
  const data = { ...same, catch_up: "once" as const, born_of, asked_by: oneLine(said.by.login, 80) };
  const copy: Entry<"task"> = { path, id: idOf(path), kind: "task", data, body: task.body, bodyLine: 1 };
  putTask(draft, copy);
  return `✓ ${link(known.web, task.data.title, task.path)} runs once more, as ${link(known.web, copy.id, statusPath(copy.id))}.`;
}

export function cancelDeed(at: Doing, what: string | null): Deed {
  const found = named(at, what, "cancel");
  if ("missing" in found) return found.missing;
  const { task, job } = found;
  const targets = [at.said.place.kind === "proposal" && what === null ? ("branch" as const) : ("ledger" as const)];
  const jobs = job ? [job].filter((one) => !isOver(one)) : openJobs(at, task?.id ?? "");
  const fresh = jobs.filter(({ data }) => data.run.cancel === undefined);
  if (fresh.length > 0) return does(targets, () => ended(at, fresh));
  if (jobs.length > 0)
    return {
      targets,
      fault: `${jobs[0]?.id} is to be ended already`,
      fix: "the next tick that reaches its host sees to it",
    };
  if (job)
    return { targets, fault: `${job.id} has ended already: ${job.data.state}`, fix: "there is nothing to cancel" };
  if (
    task?.path.startsWith("queue/") &&
    !["done", "cancelled"].includes(at.draft.status.get(task.id)?.data.state ?? "")
  )
    return does(targets, () => {
      putTask(at.draft, { ...task, data: { ...task.data, status: "cancelled" } });
      return `✓ ${cell(task.data.title)} is cancelled.`;
    });
  return {
    targets,
    fault: `no run of ${task?.id} is open`,
    fix: `to keep it from running, set \`status: paused\` in ${task?.path}`,
  };
}

/** The wish that `towline job cancel` writes down, too: the first tick that reaches the host ends it. */
function ended({ draft, said }: Doing, jobs: Entry<"job">[]): string {
  const cancel = { at: isoNow(draft), by: oneLine(said.by.login, 80) };
  for (const job of jobs) putJob(draft, { ...job, data: { ...job.data, run: { ...job.data.run, cancel } } });
  const names = jobs.map(({ id, data }) => `${id}${data.host ? ` on ${cell(data.host)}` : ""}`);
  return `✓ to be ended: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}.`;
}
