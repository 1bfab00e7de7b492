// Work of two jobs on the same files: people hear of it once, before they review one and then the other.
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { meet } from "./globs.ts";
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

/** Work of a job: the files that it changes, and those that its task says it will. */
interface Touched {
  job: Entry<"job">;
  files: readonly string[];
  globs: readonly string[];
}

/** Open jobs on one repository that share paths. */
function pairs(draft: Draft): [Entry<"job">, Entry<"job">, string[]][] {
  const open = [...draft.jobs.values()]
    .filter((job) => !isOver(job) && job.data.run.code !== undefined)
    .map((job): Touched => {
      const globs = draft.tasks.get(job.data.task)?.data.paths ?? [];
      return { job, files: job.data.run.code?.paths ?? [], globs };
    })
    .filter(({ files, globs }) => files.length + globs.length > 0)
    .sort((a, b) => (a.job.id < b.job.id ? -1 : 1));
  return open.flatMap((a, at) =>
    open.slice(at + 1).flatMap((b): [Entry<"job">, Entry<"job">, string[]][] => {
      if (a.job.data.run.code?.repo !== b.job.data.run.code?.repo) return [];
      const shared = sharedOf(a, b);
      return shared.length > 0 ? [[a.job, b.job, shared]] : [];
    }),
  );
}

/** Files that both change, files of one that the other is to change, and what both are to change. */
function sharedOf(a: Touched, b: Touched): string[] {
  const theirs = new Set(b.files);
  const said = (globs: readonly string[], path: string) => globs.some((glob) => meet(glob, `/${path}`));
  const files = [
    ...a.files.filter((path) => theirs.has(path) || said(b.globs, path)),
    ...b.files.filter((path) => said(a.globs, path)),
  ];
  const globs = a.globs.filter((one) => b.globs.some((other) => meet(one, other)));
  return [...new Set([...files, ...globs.map((glob) => `${glob} (as their tasks say)`)])];
}
