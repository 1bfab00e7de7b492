// After a push: what a won one gives the right to, and what is left out of a refused one.
import type { Findings } from "../core/absorb.ts";
import type { Start } from "../core/claim.ts";
import type { Decision } from "../core/decide.ts";
import { fallen } from "../core/plan.ts";
import type { State } from "../core/state.ts";
import { heed } from "../interrupt.ts";
import type { Tips } from "../ports.ts";
import type { Until } from "./deploy-start.ts";
import { dispatch, type Hands } from "./hands.ts";
import { readPair } from "./read.ts";
import type { TickRun } from "./tick-run.ts";
import { withhold } from "./withhold.ts";

/** Among the levels: what is said of texts that a server refused. */
const refused_texts = "refused texts";

export function won({ findings, levels, outcome, options, over }: TickRun, decision: Decision, commit: string): void {
  outcome.commits.push(commit);
  const { tips } = decision.draft;
  outcome.state = {
    ...decision.draft,
    tips: { policy: tips.ledger === tips.policy ? commit : tips.policy, ledger: commit },
  };
  for (const { result } of findings.results) {
    const job = decision.draft.jobs.get(result.job);
    if (job) over.push(job);
    if (job) outcome.ended.push({ job: job.id, task: job.data.task, state: job.data.state });
  }
  for (const start of decision.plan.starts)
    outcome.starts.push({
      job: start.job,
      host: start.host,
      task: decision.draft.jobs.get(start.job)?.data.task ?? "",
    });
  options.onState?.(outcome.state);
  // What stands in the ledger need not be carried any further.
  levels.delete(refused_texts);
  findings.results = [];
  delete findings.campfire;
  findings.samples.clear();
  findings.starts.clear();
}

/** Whether there was a result whose text could be left out, so that the rest is taken. People are told. */
export function withheld(
  { findings, levels, outcome, ports }: TickRun,
  { draft }: Decision,
  paths: string[] = [],
): boolean {
  const told = withhold(findings, draft.jobs, paths);
  levels.set(refused_texts, [...(levels.get(refused_texts) ?? []), ...told]);
  for (const { title } of told) {
    outcome.degraded.push(title);
    ports.report.warning(`${title}. Change that secret, and see to it that the run does not print it again`);
  }
  return told.length > 0;
}

/** Leases are only checked when a push connects: the default tip is read once more before anything starts. */
export async function hand(
  hands: Hands,
  state: State,
  starts: Start[],
  tips: Tips,
  { findings, until }: { findings: Findings; until: Until },
): Promise<void> {
  const { signal } = until;
  let allowed = starts;
  const judged = async () => {
    if ((await hands.repo.policyTipNow()) === tips.policy) return;
    const fresh = await readPair(hands.repo, await hands.repo.fetch());
    allowed = starts.map((start) => ({ ...start, fallen: fallen(fresh, start, hands.clock.now()) ?? undefined }));
  };
  // Interrupted here, all of them are given back below: none was sent.
  await heed(signal, judged()).catch((thrown) => {
    if (!signal?.aborted) throw thrown;
  });
  await dispatch(hands, state, allowed, findings, until);
}
