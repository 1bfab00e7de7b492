// What a person's campfire brought, as the texts of one ledger commit. Decides nothing about tasks: no plan is made.
import type { Changes } from "../ports.ts";
import type { CampfireFinding } from "./campfire.ts";
import { settleCampfire } from "./campfire-settle.ts";
import { changesOf, draftOf, isoNow } from "./draft.ts";
import { pupdatesPath } from "./ids.ts";
import { learn } from "./lessons.ts";
import { closeMemos } from "./memos.ts";
import { narrate } from "./narrate.ts";
import { ndjson } from "./render.ts";
import type { State } from "./state.ts";
import { triage } from "./triage.ts";

export function decideCampfire(state: State, finding: CampfireFinding, at: { now: Date; tick: string }): Changes {
  const draft = draftOf(state, at.now, at.tick);
  const anew = settleCampfire(draft, finding);
  triage(draft);
  learn(draft, anew);
  closeMemos(draft);
  const changes = changesOf(draft, narrate(draft), at.tick);
  if (draft.pupdates.length > 0) changes.set(pupdatesPath(isoNow(draft), at.tick), ndjson(draft.pupdates));
  return changes;
}
