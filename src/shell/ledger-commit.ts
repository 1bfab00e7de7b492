// One ledger commit of a verb: decided anew from the newest tips as long as others are faster.
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { configuration, outside } from "../errors.ts";
import type { Changes, Clock, Repo, Tips } from "../ports.ts";
import { readOwn } from "./binding.ts";
import { refusalOf } from "./refusal.ts";

const tries = 12;

export interface LedgerVerb {
  repo: Repo;
  clock: Clock;
  /** Id of this run of the verb. */
  tick: string;
  subject: string;
}

type Read = Awaited<ReturnType<typeof readOwn>>;

/**
 * `decide` gets what was read (from `tips`, when they were fetched just now) and answers the files to write; none: all is
 * done. Answers the commit, or null. Throws a Fault when the ledger cannot be written.
 */
export async function commitLedger(
  { repo, clock, tick, subject }: LedgerVerb,
  tips: Tips | undefined,
  decide: (state: State, binding: Read["binding"]) => Changes | Promise<Changes>,
): Promise<string | null> {
  let why = "";
  for (let attempt = 1; attempt <= tries; attempt++) {
    const read = await readOwn({ repo, clock }, attempt === 1 ? tips : undefined);
    const changes = await decide(read.state, read.binding);
    if (changes.size === 0) return null;
    const pushed = await repo.push(read.tips, changes, { subject, tick, attempt: 1 });
    if (pushed.state === "won") return pushed.commit;
    const refusal = refusalOf(pushed.why);
    if (refusal.configuration) throw configuration(`origin refused the ledger commit: ${pushed.why}`, refusal.advice);
    why = pushed.why;
    await clock.sleep(Math.random() * 60 * attempt);
  }
  throw outside(`the ledger could not be pushed: ${oneLine(why, 300)}`, "run the same command again");
}
