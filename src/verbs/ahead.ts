import { type Draft, draftOf } from "../core/draft.ts";
import { type Outlook, outlook } from "../core/explain.ts";
import type { State } from "../core/state.ts";
import { runtimes } from "../runtimes/index.ts";
import { seen } from "../shell/behind.ts";
import { bindingNote } from "../shell/binding.ts";
import { openLocal } from "../shell/pack.ts";
import { addRolled, readWorkTree } from "../shell/read.ts";
import { addSpent } from "../shell/spent.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface Ahead {
  state: State;
  draft: Draft;
  ahead: Outlook;
  /** People's records that origin, as last fetched, does not have as they are here: no tick sees them so. */
  unseen: string[];
  /** Adds a task that is over and archived to the state, for a reader. False: there is none. */
  rolled(task: string): Promise<boolean>;
}

/** The pack as this clone has it, and what the next tick would do with it. No network; warns of a pack that is a copy. */
export async function lookAhead(wire: Wire, flags: Common): Promise<Ahead> {
  const dir = repoDir(wire, flags);
  const { repo, tips, top } = await openLocal(dir, wire);
  const state = await readWorkTree(repo, top, tips);
  const foreign = await bindingNote(repo, state);
  if (foreign) wire.report.warning(`${foreign.message} (${foreign.advice})`);
  const now = wire.clock.now();
  const names = new Set(Object.keys(runtimes));
  await addSpent(repo, state, { now, runtimes: names });
  const draft = draftOf(state, now, "ahead");
  const { changed, unseen } = await seen(dir, wire.env, tips);
  const rolled = (task: string) => addRolled(repo, state, task);
  return { state, draft, ahead: outlook(draft, names, changed), unseen, rolled };
}
