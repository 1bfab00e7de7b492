// Ends one run because a person asked for it. The wish stands in the ledger before any host is called: whoever does
// not reach the host leaves it to the next tick that does.
import { type Findings, noFindings } from "../core/absorb.ts";
import { decideJob } from "../core/decide-job.ts";
import type { Entry } from "../core/entry.ts";
import { epochOf, isLive, isOver } from "../core/jobs.ts";
import { recordsOf } from "../core/known-hosts.ts";
import { oneLine } from "../core/text.ts";
import { configuration, outside } from "../errors.ts";
import type { Tips } from "../ports.ts";
import { readBound } from "./binding.ts";
import { gather, type Hands } from "./hands.ts";
import type { Pool } from "./pool.ts";
import { addRecords, readPair } from "./read.ts";
import { refusalOf } from "./refusal.ts";
import { tickId } from "./tick-run.ts";
import type { HostLookup } from "./ways.ts";

const tries = 12;

export interface Cancelling extends Omit<Hands, "pool"> {
  connect(pack: string, hosts: HostLookup): Pool;
}

export interface Cancelled {
  job: Entry<"job">;
  /** `over`: it had ended before it was asked for. `asked`: the wish is written down, the run has not ended yet. */
  state: "over" | "ended" | "asked";
  /** Why it has not ended yet. */
  why?: string;
  commits: string[];
}

/** `path`: the job's record in the ledger. Throws a Fault when the ledger cannot be written. */
export async function cancelJob(at: Cancelling, tips: Tips, path: string, by: string): Promise<Cancelled> {
  const id = (path.split("/").at(-1) as string).slice(0, -3);
  const tick = `${tickId(at.clock.now())}-cancel`;
  const commits: string[] = [];
  const write = async (from: Tips | undefined, findings: Findings, after: boolean) => {
    const made = await record(at, from, { id, path, findings, tick: after ? `${tick}-2` : tick });
    if (made.commit !== null) commits.push(made.commit);
    return made;
  };
  const wish = noFindings();
  wish.cancels.set(id, { at: at.clock.now().toISOString(), by: oneLine(by, 80) });
  const asked = await write(tips, wish, false);
  if (asked.before && isOver(asked.before)) return { job: asked.job, state: "over", commits };
  if (!isLive(asked.job)) {
    // Nothing is written for it any more: what it keeps on its host goes now, or when a tick calls there.
    if (asked.before?.data.state === "asking") await endOn(at, asked.tips, asked.job, path);
    return { job: asked.job, state: "ended", commits };
  }
  const { findings, why } = await endOn(at, asked.tips, asked.job, path);
  const done = await write(undefined, findings, true);
  if (isOver(done.job)) return { job: done.job, state: "ended", commits };
  return { job: done.job, state: "asked", why: why ?? "it has not ended yet", commits };
}

/** Asks the job's host to end it, and for its result. */
async function endOn(at: Cancelling, tips: Tips, job: Entry<"job">, path: string) {
  const state = await readPair(at.repo, tips);
  await addRecords(at.repo, state, [path]);
  const findings = noFindings();
  const host = job.data.host ?? "";
  if (!state.hosts.has(host)) return { findings, why: `${host} has no record in hosts/ any more` };
  const pool = at.connect(state.pack, recordsOf(state));
  try {
    await gather({ ...at, pool }, state, [host], findings);
    const answer = findings.answers.get(host);
    if (answer && "fault" in answer) return { findings: noFindings(), why: `${host} ${answer.message}` };
    if (findings.running.has(`${job.id}/${epochOf(job)}`)) return { findings, why: "it does not end at once" };
    if (findings.absent.has(job.id)) return { findings, why: `${host} has not begun it` };
    return { findings, why: findings.strangers.has(job.id) ? `${host} ${findings.strangers.get(job.id)}` : undefined };
  } finally {
    pool.close();
  }
}

interface Writing {
  id: string;
  path: string;
  findings: Findings;
  tick: string;
}

/** Brings the findings into the ledger, from new tips as long as others are faster. No change, no commit. */
async function record({ repo, clock }: Cancelling, from: Tips | undefined, { id, path, findings, tick }: Writing) {
  let why = "";
  for (let attempt = 1; attempt <= tries; attempt++) {
    const { tips, state } = await readBound({ repo, clock }, attempt === 1 ? from : undefined);
    await addRecords(repo, state, [path]);
    const before = state.jobs.get(id);
    const { draft, changes } = decideJob(state, id, findings, { now: clock.now(), tick });
    const job = draft.jobs.get(id);
    if (!job) throw outside(`${path} cannot be read any more`, "run towline check");
    if (changes.size === 0 || (before && isOver(before) && before === job)) return { before, job, tips, commit: null };
    const subject = isOver(job) ? `${id} ${job.data.state}` : `${id} is to be ended`;
    const pushed = await repo.push(tips, changes, { subject, tick, attempt: 1 });
    if (pushed.state === "won") {
      const policy = tips.ledger === tips.policy ? pushed.commit : tips.policy;
      return { before, job, tips: { policy, ledger: pushed.commit }, commit: pushed.commit };
    }
    const refusal = refusalOf(pushed.why);
    if (refusal.configuration) throw configuration(`origin refused the ledger commit: ${pushed.why}`, refusal.advice);
    why = pushed.why;
    await clock.sleep(Math.random() * 60 * attempt);
  }
  throw outside(`the ledger could not be pushed: ${oneLine(why, 300)}`, "run the same command again");
}
