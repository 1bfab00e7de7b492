// Asks the forge to start what this tick has taken on itself. Once: what is refused, or not answered, is said.

import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { startable } from "../core/workflow-calls.ts";
import { messageOf } from "../errors.ts";
import type { Forge } from "../ports.ts";

export async function startWorkflows(
  forge: Pick<Forge, "dispatch">,
  mask: (text: string) => string,
  state: State,
  tick: string,
): Promise<{ did?: boolean; degraded?: string; note?: string }> {
  const faults: string[] = [];
  const all = startable(state, tick);
  for (const { file, inputs, subject } of all) {
    const masked = Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, mask(text)]));
    try {
      const answer = await forge.dispatch(".", { workflow: file, inputs: masked });
      if ("notHere" in answer) faults.push(`${file} was not started: ${answer.notHere}`);
    } catch (thrown) {
      const why = mask(oneLine(messageOf(thrown), 200));
      faults.push(`${file} for ${mask(oneLine(subject, 80))} may not have started, and is not asked for again: ${why}`);
    }
  }
  if (faults.length > 0) return { degraded: faults.join("; ") };
  return all.length > 0 ? { note: `${all.map(({ file }) => file).join(", ")} started` } : {};
}
