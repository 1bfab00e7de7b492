// The form by which people ask for a task in an issue: made out of the pack, and what the forge makes of its answers read back.
import { dump } from "js-yaml";
import type { State } from "./state.ts";
import { clean, oneLine } from "./text.ts";

export const issue_form_path = ".github/ISSUE_TEMPLATE/task.yml";

/** What stands above each answer. The prompt comes last: whatever headings it has are its own. */
const headings = { agent: "Agent", hosts: "Where", repo: "Repository", prompt: "What is to be done" } as const;
type Field = keyof typeof headings;
const order: readonly Field[] = ["agent", "hosts", "repo", "prompt"];
const unanswered = "_No response_";
const by_default = "(as the pack has it)";
/** Options of one list that a forge shows. */
const most_options = 100;

/** The text of the form. The same pack gives the same text. */
export function issueForm({ agents, hosts, settings }: Pick<State, "agents" | "hosts" | "settings">): string {
  const label = settings.pollers.github?.label ?? "towline";
  const able = [...agents.values()].filter(({ data }) => !data.off).map(({ id }) => id);
  const machines = [...hosts.values()].filter(({ data }) => !data.off);
  const labels = machines.flatMap(({ data }) => (data.labels ?? []).map((one) => `label:${one}`));
  const places = ["any", ...labels.sort(), ...machines.map(({ id }) => id).sort()];
  const fallback = settings.defaults.agent !== undefined || settings.defaults.runtime !== undefined;
  const form = {
    name: "Task for an agent",
    description: "It is queued, and the answer is posted here",
    labels: [label],
    body: [
      dropdown("agent", fallback ? [by_default, ...able.sort()] : able.sort()),
      dropdown("hosts", [by_default, ...places]),
      {
        type: "input",
        id: "repo",
        attributes: {
          label: headings.repo,
          description: "Only for work on code: `.` for this repository, or owner/name",
        },
      },
      {
        type: "textarea",
        id: "prompt",
        attributes: { label: headings.prompt, description: "As you would tell a colleague" },
        validations: { required: true },
      },
    ],
  };
  return `# Made by towline out of agents/ and hosts/.\n${dump(form, { lineWidth: -1, noRefs: true })}`;
}

function dropdown(id: "agent" | "hosts", options: string[]) {
  // A list without options is no form any more.
  const some = [...new Set(options)].slice(0, most_options);
  return {
    type: "dropdown",
    id,
    attributes: { label: headings[id], options: some.length > 0 ? some : [by_default], default: 0 },
  };
}

export interface Asking {
  agent?: string;
  hosts?: string;
  repo?: string;
  prompt: string;
}

/** What an issue asks for: by the form, or in words of its own. What people do not see of it, agents do not get. */
export function readIssue(body: string): Asking {
  const text = clean(body.replace(/<!--[\s\S]*?(?:-->|$)/g, ""));
  return readForm(text) ?? { prompt: text.trim() };
}

function readForm(text: string): Asking | null {
  const found: Partial<Record<Field, string>> = {};
  let rest = text.trimStart();
  for (const [at, field] of order.entries()) {
    const head = `### ${headings[field]}\n`;
    if (!rest.startsWith(head)) return null;
    rest = rest.slice(head.length);
    const next = order[at + 1];
    const end = next === undefined ? rest.length : rest.indexOf(`\n### ${headings[next]}\n`);
    if (end < 0) return null;
    found[field] = rest.slice(0, end).trim();
    rest = rest.slice(end).trimStart();
  }
  const said = (field: Field) => {
    const line = oneLine(found[field] ?? "", 200);
    return line === "" || line === unanswered || line === by_default ? undefined : line;
  };
  const [agent, hosts, repo] = [said("agent"), said("hosts"), said("repo")];
  const prompt = found.prompt === unanswered ? "" : (found.prompt ?? "");
  return { ...(agent && { agent }), ...(hosts && { hosts }), ...(repo && { repo }), prompt };
}
