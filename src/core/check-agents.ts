// Agents: that each has what its runtime cannot do without, and that the workflow of the ticks hands its secrets over.
import { agentLack, neededOnHost, packKeys } from "./agent-needs.ts";
import { atField, type Pack } from "./check-pack.ts";
import type { Entry, Problem } from "./entry.ts";
import { releaseOf } from "./release.ts";

/** `workflow` is the text of the workflow that runs ticks, or null. */
export function agentProblems(pack: Pack, workflow: { path: string; text: string } | null): Problem[] {
  const hosts = pack.entries.filter((entry) => entry.kind === "host") as Entry<"host">[];
  const agents = pack.entries.filter((entry) => entry.kind === "agent") as Entry<"agent">[];
  const kept = packKeys(hosts, pack.settings);
  return agents.flatMap((agent) => {
    const lack = agentLack(agent.data, kept);
    if (!lack) return [...nowhere(pack, agent), ...(workflow === null ? [] : unset(pack, agent, workflow))];
    const listed = lack.at !== undefined && Array.isArray(agent.data[lack.field]);
    const at = listed ? [lack.field, lack.at as number] : [lack.field];
    return [atField(pack, agent, at, `agent-${lack.field}`, lack.message, lack.advice)];
  });
}

/** It is to be deployed where it is missing, and nothing says where from. */
function nowhere(pack: Pack, agent: Entry<"agent">): Problem[] {
  const needed = neededOnHost(agent.data);
  if (agent.data.deploy !== "if-missing" || needed === "shell" || !pack.settings) return [];
  if (releaseOf(pack.settings, needed) !== null) return [];
  return [
    atField(
      pack,
      agent,
      ["deploy"],
      "agent-deploy",
      `\`deploy: if-missing\`, but towline.yml does not say where ${needed} comes from`,
      `write \`releases: {${needed}: {github: owner/name}}\`, or \`url:\` or \`npm:\`, in towline.yml`,
    ),
  ];
}

/** Names of variables that the workflow never sets: its ticks would fail what the agent is given to do. */
function unset(pack: Pack, agent: Entry<"agent">, { path, text }: { path: string; text: string }): Problem[] {
  if (agent.data.off) return [];
  return (agent.data.env ?? []).flatMap((name, i) =>
    new RegExp(`^\\s*${name}:`, "m").test(text)
      ? []
      : [
          atField(
            pack,
            agent,
            ["env", i],
            "agent-secret",
            `the agent is to see \`${name}\`, and ${path} does not set it`,
            `add \`${name}: …\` to the \`env:\` of the tick step`,
            "warning",
          ),
        ],
  );
}
