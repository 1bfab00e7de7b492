// A run on many hosts that goes in waves: canaries first, then batches, each when the one before it has ended well
// enough. Which job is in which wave stands in its record; everything else follows from the states of the run's jobs.
import type { Entry } from "./entry.ts";
import { isOver } from "./jobs.ts";
import type { Task } from "./schema.ts";
import type { State } from "./state.ts";

type Rollout = NonNullable<Task["rollout"]>;

/** `3`, or `10%` of all: at least one. */
export function shareOf(share: string, all: number): number {
  const percent = /^(.*)%$/.exec(share)?.[1];
  return Math.max(1, percent === undefined ? Number(share) : Math.ceil((all * Number(percent)) / 100));
}

/** How many hosts each wave has, in order. */
export function waveSizes({ canary, batch }: Rollout, count: number): number[] {
  const sizes: number[] = [];
  const take = (size: number) => {
    const some = Math.min(size, count - sizes.reduce((sum, one) => sum + one, 0));
    if (some > 0) sizes.push(some);
    return some > 0;
  };
  if (canary !== undefined) take(shareOf(canary, count));
  while (take(batch === undefined ? count : shareOf(batch, count)));
  return sizes;
}

/** The wave of each host by its place: the first ones are the canaries. Without a rollout, none has one. */
export function waves(rollout: Rollout | undefined, count: number): (number | undefined)[] {
  if (!rollout) return Array.from({ length: count }, () => undefined);
  return waveSizes(rollout, count).flatMap((size, index) => Array.from({ length: size }, () => index + 1));
}

const waveOf = (job: Entry<"job">) => job.data.run.wave ?? 1;

/** Its wave has not come yet when it was claimed, and nothing of it was ever sent to a host. */
export const isWaiting = (job: Entry<"job">) =>
  job.data.state === "released" && job.data.run.epoch === 1 && waveOf(job) > 1;

/** The jobs of its run. All of them are known as long as one is open. */
export const runOf = (state: State, job: Entry<"job">) =>
  [...state.jobs.values()].filter((one) => one.data.run.run_id === job.data.run.run_id);

/** The wave that a run is at: the first one with a job that is not over. */
export const waveNow = (run: Entry<"job">[]) => Math.min(...run.filter((job) => !isOver(job)).map(waveOf));

/** Whether its wave has come: all before it are over. */
export const hasTurn = (state: State, job: Entry<"job">) =>
  !isWaiting(job) || waveNow(runOf(state, job)) >= waveOf(job);

/** When its turn came: the end of the wave before it, or its claim. In ms since 1970. */
export function turnCame(state: State, job: Entry<"job">): number {
  const { claimed_at, retry_at } = job.data.run;
  const before = job.data.run.wave === undefined ? [] : runOf(state, job).filter((one) => waveOf(one) < waveOf(job));
  const times = [claimed_at, retry_at, ...before.map((one) => one.data.run.ended_at)];
  return Math.max(...times.map((at) => (at === undefined ? 0 : Date.parse(at))));
}

/** Why no further wave may start, or null. A canary that failed ends it, however many failures are allowed. */
export function stopOf(task: Entry<"task"> | undefined, run: Entry<"job">[]): string | null {
  const { canary, stop_after = 1 } = task?.data.rollout ?? {};
  const failed = (jobs: Entry<"job">[]) => jobs.filter((job) => isOver(job) && isFailure(job)).length;
  const failures = failed(run);
  const first = failed(run.filter((job) => waveOf(job) === 1));
  if (failures < stop_after && (canary === undefined || first === 0)) return null;
  return `${stopped} after ${failures} ${failures === 1 ? "failure" : "failures"}: ${progress(run)}`;
}

const stopped = "stopped";
const isFailure = ({ data }: Entry<"job">) => data.state !== "finished" && data.state !== "cancelled";

/** `7 of 40 done` */
export const progress = (run: Entry<"job">[]) =>
  `${run.filter((job) => job.data.state === "finished").length} of ${run.length} done`;

/** What a run was stopped with, or null: it went on to its end. */
export const stopWords = (run: Entry<"job">[]) =>
  run.find((job) => job.data.state === "cancelled" && job.data.run.why?.startsWith(`${stopped} after `))?.data.run
    .why ?? null;
