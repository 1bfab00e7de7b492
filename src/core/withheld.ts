// Files of candidates that stand on the default branch and that nobody has said yes to who may: merged by a bot, unticked,
// or not judged yet. No agent is given them.
import { campfire_path, campfiresIn, pathOf, sumOf } from "./campfire.ts";
import { type Entry, idOf } from "./entry.ts";
import { fileOf } from "./lessons.ts";
import { rows, type State } from "./state.ts";

/** Whether agents may be given this. Another text than the one that was not taken is a person's own word. */
export function mayBeTold(state: Pick<State, "texts">): (entry: Pick<Entry, "path" | "body">) => boolean {
  const waiting = new Set<string>();
  const withheld = new Set<string>();
  for (const row of campfiresIn(state))
    for (const one of row.candidates) {
      if (row.state === "open" && one.outcome !== "approved" && one.outcome !== "edited") waiting.add(pathOf(one));
      if (one.withheld !== undefined) withheld.add(`${pathOf(one)} ${one.withheld}`);
    }
  // Of a row that cannot be read nobody knows what people said: what it names waits.
  const torn = fileOf(state, campfire_path)
    .split("\n")
    .filter((line) => line.trim() !== "" && rows(line).length === 0)
    .join("\n");
  const isTorn = (path: string) => torn !== "" && torn.includes(`"${idOf(path)}"`);
  return ({ path, body }) => !waiting.has(path) && !withheld.has(`${path} ${sumOf(body)}`) && !isTorn(path);
}
