// What was said of work at its forge: kept in the job's record until its agent has worked on it. A tick in which the
// forge is silent thus forgets nothing, and begins no round without its reasons.
import type { Said } from "../ports.ts";
import { type Draft, putJob } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { type Remark, untold } from "./review.ts";
import type { Job } from "./schema.ts";
import type { State } from "./state.ts";
import { clean } from "./text.ts";

const most = { remarks: 30, text: 2000 };
/** Rounds in a row that nobody but a check asked for: what an agent cannot mend in so many waits for a person. */
const most_by_checks = 3;

type Kept = NonNullable<NonNullable<Job["run"]["code"]>["said"]>[number];

/** What was said of it, by id: in the file of its review, and at the forge. `told`: what its agent has worked on. */
export function remarksOn(
  { reviews }: Pick<State, "reviews">,
  { id: job, data }: Entry<"job">,
  told: readonly string[] = [],
): Map<string, Remark> {
  const found = untold(reviews.get(job), told);
  for (const { id, path, line, text } of data.run.code?.said ?? [])
    if (!told.includes(id)) found.set(id, { path: path ?? null, line: line ?? null, text });
  return found;
}

/** Remarks that were not worked on yet. */
export const openRemarks = (state: State, job: Entry<"job">) => remarksOn(state, job, job.data.run.code?.told);

const isCheck = (id: string) => id.startsWith("check ");

/** How many rounds in a row nobody but checks has asked for, when it is woken by these. */
export const byChecks = (before: number | undefined, remarks: Iterable<string>): number | undefined =>
  [...remarks].every(isCheck) ? (before ?? 0) + 1 : undefined;

/** Takes in what the forge says now: what was resolved or taken back there is not asked for any more. */
export function hear(draft: Draft, job: Entry<"job">, heard: readonly Said[]): void {
  const code = job.data.run.code;
  if (!code) return;
  const told = new Set(code.told);
  const tired = (code.checked ?? 0) >= most_by_checks;
  const said = heard
    .filter(({ id, by }) => !told.has(id) && !(by === null && tired))
    .slice(0, most.remarks)
    .map(({ id, path, line, text }): Kept => {
      const place = path === null ? {} : { path, ...(line === null ? {} : { line }) };
      return { id, ...place, text: clean(text).trim().slice(0, most.text) };
    });
  if (JSON.stringify(said) === JSON.stringify(code.said ?? [])) return;
  const next = { ...code, said: said.length > 0 ? said : undefined };
  putJob(draft, { ...job, data: { ...job.data, run: { ...job.data.run, code: next } } });
}
