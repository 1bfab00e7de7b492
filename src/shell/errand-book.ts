// Where an errand's decisions stand: in the ledger, by compare-and-swap before anything starts; or in memory only, where
// the fence on the host alone keeps a job from starting twice.
import { packId } from "../core/binding.ts";
import type { Start } from "../core/claim.ts";
import type { ErrandDecision } from "../core/decide-errand.ts";
import { fallen } from "../core/plan.ts";
import type { State } from "../core/state.ts";
import type { Clock, Repo, Tips } from "../ports.ts";
import { bindingFault } from "./binding.ts";
import { commitLedger } from "./ledger-commit.ts";
import { addRecords, readPair } from "./read.ts";
import { addSpent } from "./spent.ts";

export interface Settled extends ErrandDecision {
  /** False: it changes nothing yet, and may be decided again. */
  stands: boolean;
}

export interface Book {
  recorded: boolean;
  commits: string[];
  /** Adds to the state what limits must know of what was spent before. */
  lookUp(state: State, look: Parameters<typeof addSpent>[2]): Promise<void>;
  /** Decides on what stands now. A decision that starts nothing and ends nothing (`last`) need not stand. */
  settle(decide: (state: State) => Promise<ErrandDecision>, last: boolean): Promise<Settled>;
  /** The claims, judged once more right before they are sent. */
  judge(starts: Start[]): Promise<Start[]>;
}

/**
 * Nothing is written anywhere. The path of a job's record is not told to hosts, since there will be none. `repo`, `tips`:
 * where other jobs are recorded.
 */
export function memoryBook(state: State, { repo, tips }: { repo: Repo; tips: Tips }): Book {
  let at = state;
  return {
    recorded: false,
    commits: [],
    lookUp: (state, look) => addSpent(repo, state, look, tips),
    async settle(decide) {
      const made = await decide(at);
      at = made.draft;
      return { ...made, stands: true };
    },
    judge: async (starts) => starts.map((start) => ({ ...start, path: "" })),
  };
}

export interface LedgerBook {
  repo: Repo;
  clock: Clock;
  /** Id of this run of the verb. */
  tick: string;
  by: string;
  /** For the id of a pack that no tick has bound yet: hex. */
  random: string;
}

/** `tips`: as they were fetched just now. */
export function ledgerBook({ repo, clock, tick, by, random }: LedgerBook, tips: Tips): Book {
  const commits: string[] = [];
  let fetched: Tips | undefined = tips;
  let policy = tips.policy;
  // What has ended is no open work any more, and would not be read: but the errand goes on.
  const own = new Set<string>();
  return {
    recorded: true,
    commits,
    lookUp: (state, look) => addSpent(repo, state, look),
    async settle(decide, last) {
      let made: ErrandDecision | undefined;
      const subject = last ? `what ${by} dispatched has ended` : `dispatched by ${by}`;
      const write = async (state: State, binding: Parameters<Parameters<typeof commitLedger>[2]>[1]) => {
        if (binding.state === "bound") state.pack = binding.pack;
        else if (binding.state === "fresh") state.pack = packId(state.settings.id, random);
        else throw bindingFault(binding);
        await addRecords(repo, state, [...own]);
        made = await decide(state);
        policy = state.tips.policy;
        return last || made.plan.starts.length > 0 ? made.changes : new Map();
      };
      const commit = await commitLedger({ repo, clock, tick, subject }, fetched, write);
      const decision = made as unknown as ErrandDecision;
      fetched = undefined;
      if (commit === null) return { ...decision, stands: false };
      commits.push(commit);
      for (const job of decision.draft.jobs.values()) if (job.data.run.tick.startsWith(tick)) own.add(job.path);
      if (decision.draft.tips.ledger === decision.draft.tips.policy) policy = commit;
      return { ...decision, stands: true };
    },
    // Leases are only checked when a push connects.
    async judge(starts) {
      if ((await repo.policyTipNow()) === policy) return starts;
      const fresh = await readPair(repo, await repo.fetch());
      return starts.map((start) => ({ ...start, fallen: fallen(fresh, start, clock.now()) ?? undefined }));
    },
  };
}
