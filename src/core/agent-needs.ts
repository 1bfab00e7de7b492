// What an agent's record must say for its runtime, and what its runtime must find on a host.
import type { Agent } from "./schema.ts";

/** A field that keeps the agent from working: what is wrong, what to write instead. */
export interface Lack {
  field: "model";
  message: string;
  advice: string;
}

/** The first thing that the agent's runtime cannot do without, or null. */
export function agentLack(agent: Agent): Lack | null {
  if (agent.runtime === "ollama" && !agent.model)
    return {
      field: "model",
      message: "`runtime: ollama` needs a `model`",
      advice: "write `model:` and a name that `ollama list` shows on the host, like `model: llama3.2`",
    };
  return null;
}

/** The runtime that a host must have for this agent; `shell`, which every host has, where the agent says where its model is. */
export const neededOnHost = ({ runtime, url }: Agent): string =>
  runtime === "ollama" && url !== undefined ? "shell" : runtime;
