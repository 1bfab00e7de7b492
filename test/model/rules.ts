// The rules that must hold, judged on what hosts went through and on what stands in the ledger.
import type { RunState } from "./host.ts";
import type { Line } from "./line.ts";
import type { Action, Model, State } from "./states.ts";

export class Violation extends Error {
  readonly rule: string;
  readonly action: Action;
  constructor(rule: string, action: Action) {
    super(`${rule} (${JSON.stringify(action)})`);
    this.rule = rule;
    this.action = action;
  }
}

const has_run: ReadonlySet<RunState> = new Set(["running", "ended", "died", "taken", "buried", "forgotten"]);

/** Judged on what the hosts themselves went through. */
export function checkStart(state: State, job: string, epoch: number, action: Action): void {
  const before = state.hosts.flatMap((host) => Object.entries(host.runs)).filter(([, one]) => has_run.has(one));
  if (before.some(([key]) => key === `${job}/${epoch}`))
    throw new Violation("a (job, epoch) is started a second time", action);
  const others = before.filter(([key]) => key.startsWith(`${job}/`));
  if (others.length === 0) return;
  if (!mayRetry(job)) throw new Violation("a job without `on_lost: retry` is started a second time", action);
  if (others.some(([, one]) => one !== "buried" && one !== "forgotten"))
    throw new Violation("a job is started again though no run of it is known to be lost", action);
}

/** Task `b` is the one that says `on_lost: retry`. */
const mayRetry = (job: string) => job.startsWith("b-");

export function checkAcks({ line }: Model, state: State, acked: readonly string[], action: Action): void {
  const { jobs } = line.content(state.ledger);
  for (const one of acked) {
    const [key = "", ...sha] = one.split(" ");
    const job = jobs.find((record) => key.startsWith(`${record.id}/`));
    // A job that was claimed again after this result says so by its attempt.
    const stands =
      job?.result === sha.join(" ") || (job !== undefined && job.epoch > Number(key.split("/")[1]) && job.attempt > 1);
    if (!stands) throw new Violation("a host drops a result that does not stand in the ledger", action);
  }
}

export function checkRecords(line: Line, before: number, after: number, action: Action): void {
  const next = new Map(line.content(after).jobs.map((job) => [job.id, job]));
  for (const job of line.content(before).jobs) {
    const now = next.get(job.id);
    if (!now || now.epoch < job.epoch) throw new Violation("a claim is lost from the ledger", action);
    if (job.result !== undefined && now.result !== job.result && now.attempt <= job.attempt)
      throw new Violation("a recorded result is lost from the ledger", action);
  }
}
