// What stands against a task that a rule makes: whose word it is, and which of its fields a shell would read.
import type { RawPupdate } from "../ports.ts";
import type { Draft } from "./draft.ts";
import { fill } from "./rules.ts";
import { oneLine } from "./text.ts";

/** The field of a template that a shell would read with values of the event in it; null: there is none. */
export function scriptOf(
  { agents, settings }: Draft,
  template: Record<string, unknown>,
  pupdate: RawPupdate,
): string | null {
  const agent = template.agent === undefined ? settings.defaults.agent : fill(String(template.agent), pupdate);
  const runtime = agent === undefined ? settings.defaults.runtime : agents.get(agent)?.data.runtime;
  const scripts = ["setup", "verify", ...(runtime === "shell" ? ["prompt"] : [])];
  return (
    scripts.find((key) => typeof template[key] === "string" && fill(template[key], pupdate) !== template[key]) ?? null
  );
}

const said_by_agents: ReadonlySet<string> = new Set(["job.asked", "job.replied", "job.confessed", "job.told"]);

/** The agent whose own word this is: `agent scout`; null: it is what happened, or what a person said. */
export function agentBehind({ kind, actor, data }: RawPupdate): string | null {
  if (actor?.role !== "agent" && !said_by_agents.has(kind)) return null;
  return `agent ${oneLine(String(data?.agent ?? actor?.login ?? "unknown"), 70)}`;
}
