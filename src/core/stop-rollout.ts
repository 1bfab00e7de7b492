// Ends the waves of a run that must not start any more.
import { end } from "./claim.ts";
import { type Draft, isoNow, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { pupdateId } from "./ids.ts";
import { stopOf } from "./rollout.ts";

/** After so many failures nothing more is started: what was released is cancelled, what runs goes on to its end. */
export function stopRollouts(draft: Draft): void {
  const open = [...draft.jobs.values()].filter(
    (job) => job.data.state === "released" && job.data.run.wave !== undefined,
  );
  for (const [id, waiting] of Map.groupBy(open, (job) => job.data.run.run_id)) {
    const run = [...draft.jobs.values()].filter((job) => job.data.run.run_id === id);
    const [first] = run as [Entry<"job">];
    const task = draft.tasks.get(first.data.task);
    const why = stopOf(task, run);
    if (why === null) continue;
    for (const job of waiting) putJob(draft, end(job, "cancelled", why));
    draft.raised.push({
      id: pupdateId("towline", first.data.task, "rollout.stopped", id),
      at: isoNow(draft),
      source: "towline",
      kind: "rollout.stopped",
      subject: first.data.task,
      title: `${task?.data.title ?? first.data.task}: ${why}`,
      data: { task: first.data.task, run: id, why, cancelled: waiting.length },
    });
  }
}
