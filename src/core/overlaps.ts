// Work of two jobs on the same files: people hear of it once, before they review one and then the other.
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { isOver } from "./jobs.ts";
import { raise } from "./raise.ts";
import { oneLine } from "./text.ts";

/** Paths of a job's work that are remembered. */
export const most_paths = 100;

const level = { source: "towline", family: "overlap" };

export function raiseOverlaps(draft: Draft): void {
  const now = new Set<string>();
  for (const [a, b, paths] of pairs(draft)) {
    const subject = `${a.id} ${b.id}`;
    now.add(subject);
    const [task, other] = [a.data.task, b.data.task];
    const named = `${paths.slice(0, 3).join(", ")}${paths.length > 3 ? ` and ${paths.length - 3} more` : ""}`;
    raise(draft, {
      ...level,
      subject,
      kind: "job.overlaps",
      title: oneLine(`${task} and ${other} change the same files: ${named}`),
      data: { task, other, job: a.id, with: b.id, paths: oneLine(named, 300) },
    });
  }
  for (const row of draft.levels.filter((one) => one.source === level.source && one.family === level.family))
    if (!now.has(row.subject))
      raise(draft, {
        ...level,
        subject: row.subject,
        kind: "job.apart",
        first: "calm",
        ends: "for-good",
        title: `${row.subject.replace(" ", " and ")} are apart again`,
      });
}

/** Open jobs on one repository that share paths. */
function pairs(draft: Draft): [Entry<"job">, Entry<"job">, string[]][] {
  const open = [...draft.jobs.values()]
    .filter((job) => !isOver(job) && (job.data.run.code?.paths?.length ?? 0) > 0)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return open.flatMap((a, at) =>
    open.slice(at + 1).flatMap((b): [Entry<"job">, Entry<"job">, string[]][] => {
      if (a.data.run.code?.repo !== b.data.run.code?.repo) return [];
      const theirs = new Set(b.data.run.code?.paths);
      const both = (a.data.run.code?.paths ?? []).filter((path) => theirs.has(path));
      return both.length > 0 ? [[a, b, both]] : [];
    }),
  );
}
