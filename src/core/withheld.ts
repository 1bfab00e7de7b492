// Files of candidates that stand on the default branch and that nobody has said yes to who may: merged by a bot, unticked,
// or not judged yet. No agent is given them.
import { campfiresIn, pathOf, sumOf } from "./campfire.ts";
import type { Entry } from "./entry.ts";
import type { State } from "./state.ts";

/** Whether agents may be given this. Another text than the one that was not taken is a person's own word. */
export function mayBeTold(state: Pick<State, "texts">): (entry: Pick<Entry, "path" | "body">) => boolean {
  const waiting = new Set<string>();
  const withheld = new Set<string>();
  for (const row of campfiresIn(state))
    for (const one of row.candidates) {
      if (row.state === "open" && one.outcome !== "approved" && one.outcome !== "edited") waiting.add(pathOf(one));
      if (one.withheld !== undefined) withheld.add(`${pathOf(one)} ${one.withheld}`);
    }
  return ({ path, body }) => !waiting.has(path) && !withheld.has(`${path} ${sumOf(body)}`);
}
