// Links between records: what one names, another must be. And rhythms, which are a link to the calendar.
import { atField, meant, type Pack } from "./check-pack.ts";
import { pluginOffer } from "./check-plugins.ts";
import { workProblems } from "./check-work.ts";
import { everyFault } from "./due.ts";
import type { Entry, Problem } from "./entry.ts";
import { loops } from "./loops.ts";
import { isEach } from "./select.ts";

export function linkProblems(pack: Pack): Problem[] {
  const tasks = pack.entries.filter((entry) => entry.kind === "task") as Entry<"task">[];
  const agents = pack.entries.filter((entry) => entry.kind === "agent") as Entry<"agent">[];
  const labels = labelsOf(pack);
  const needed = agentsInUse(pack, tasks);
  const [taskNames, skills] = [tasksNamed(pack), skillsNamed(pack)];
  return [
    ...tasks.flatMap((task) => [
      ...agentOf(pack, task),
      ...selectors(pack, task, task.data.hosts, labels, levelOf(task)),
      ...list(pack, task, "after", task.data.after, taskNames, "task"),
      ...rhythm(pack, task),
      ...rollout(pack, task),
      ...workProblems(pack, task, levelOf(task)),
    ]),
    ...agents.flatMap((agent) => [
      ...selectors(pack, agent, agent.data.hosts, labels, needed.has(agent.id) ? "error" : "warning"),
      ...list(pack, agent, "skills", agent.data.skills, skills, "skill"),
      ...runtime(pack, agent),
    ]),
    ...cycles(pack, tasks, "after", (task) => task.data.after ?? [], "each waits for the next: none can start"),
  ];
}

const tasksNamed = (pack: Pack) => new Set([...(pack.names.get("tasks") ?? []), ...(pack.names.get("queue") ?? [])]);

/** `skills/name.md`, or a folder `skills/name/`. */
function skillsNamed(pack: Pack): Set<string> {
  const folders = [...pack.texts.keys()]
    .filter((path) => /^skills\/[^/]+\/./.test(path))
    .map((path) => path.split("/")[1] as string);
  return new Set([...(pack.names.get("skills") ?? []), ...folders]);
}

function labelsOf(pack: Pack): Set<string> {
  const hosts = pack.entries.filter((entry) => entry.kind === "host") as Entry<"host">[];
  return new Set(hosts.flatMap((host) => host.data.labels ?? []));
}

/** What does not run yet, or was not written by a person, is only warned of. */
const levelOf = (entry: Entry): Problem["level"] =>
  entry.path.startsWith("queue/") || (entry.kind === "task" && (entry as Entry<"task">).data.status !== "ready")
    ? "warning"
    : "error";

function agentOf(pack: Pack, task: Entry<"task">): Problem[] {
  const agents = pack.names.get("agents") ?? new Set();
  const name = task.data.agent;
  if (name !== undefined)
    return agents.has(name)
      ? []
      : [
          atField(
            pack,
            task,
            ["agent"],
            "unknown-agent",
            `there is no agent \`${name}\``,
            meant(name, agents, `add agents/${name}.md`),
            levelOf(task),
          ),
        ];
  // A wrong default is named once, at towline.yml.
  const defaults = pack.settings?.defaults;
  if (!pack.settings || defaults?.agent !== undefined || defaults?.runtime !== undefined) return [];
  return [
    atField(
      pack,
      task,
      [],
      "no-agent",
      "the task names no agent, and towline.yml has no default",
      "add `agent: …` here, or `defaults: {agent: …}` in towline.yml",
      levelOf(task),
    ),
  ];
}

function list(
  pack: Pack,
  entry: Entry,
  field: string,
  names: string[] | undefined,
  known: Set<string>,
  what: string,
): Problem[] {
  return (names ?? []).flatMap((name, i) =>
    known.has(name)
      ? []
      : [
          atField(
            pack,
            entry,
            [field, i],
            `unknown-${what}`,
            `\`${field}\` names ${what} \`${name}\`, which is not there`,
            meant(name, known, "remove it, or add that record"),
            levelOf(entry),
          ),
        ],
  );
}

/** Agents whose own `hosts:` a ready task depends on. */
const agentsInUse = (pack: Pack, tasks: Entry<"task">[]) =>
  new Set(
    tasks
      .filter((task) => task.data.status === "ready" && task.data.hosts === undefined)
      .map((task) => task.data.agent ?? pack.settings?.defaults.agent),
  );

function selectors(
  pack: Pack,
  entry: Entry,
  wanted: string[] | undefined,
  labels: Set<string>,
  level: Problem["level"],
): Problem[] {
  const hosts = pack.names.get("hosts") ?? new Set();
  return (wanted ?? []).flatMap((selector, i) => {
    const wrong = (message: string, fix: string) => [
      atField(pack, entry, ["hosts", i], "unknown-host", message, fix, level),
    ];
    if (selector === "any" || selector === "all" || hosts.has(selector)) return [];
    if (!selector.startsWith("label:"))
      return wrong(
        `\`hosts\` names \`${selector}\`, and there is no such host`,
        labels.has(selector)
          ? `did you mean \`label:${selector}\`?`
          : meant(selector, hosts, `add hosts/${selector}.md`),
      );
    const label = selector.slice(6);
    // A host that cannot be read may well carry the label.
    if (labels.has(label) || pack.broken.has("hosts")) return [];
    return wrong(
      `no host has the label \`${label}\``,
      hosts.has(label)
        ? `did you mean the host \`${label}\`, without \`label:\`?`
        : meant(label, labels, `add \`labels: [${label}]\` to a host`),
    );
  });
}

function rhythm(pack: Pack, task: Entry<"task">): Problem[] {
  if (task.data.every === undefined) return [];
  const fault = everyFault(task.data.every);
  return fault === null
    ? []
    : [
        atField(
          pack,
          task,
          ["every"],
          "every",
          `\`every\` ${fault}`,
          'write a duration like 6h, or a cron line like "0 7 * * 1-5"',
        ),
      ];
}

/** Waves are made of hosts: without one job a host there is nothing to roll out. */
function rollout(pack: Pack, task: Entry<"task">): Problem[] {
  if (task.data.rollout === undefined || isEach(task.data)) return [];
  const message = "`rollout` says in which order many hosts come, and this task runs on one";
  return [
    atField(pack, task, ["rollout"], "rollout", message, "add `spread: each` or `hosts: all`, or remove `rollout`"),
  ];
}

function runtime(pack: Pack, agent: Entry<"agent">): Problem[] {
  const name = agent.data.runtime;
  if (pack.runtimes.includes(name)) return [];
  const offer = pluginOffer(pack, name, "runtime");
  if (offer === "fine") return [];
  if (offer) return [atField(pack, agent, ["runtime"], "unknown-runtime", offer.why, offer.fix)];
  return [
    atField(
      pack,
      agent,
      ["runtime"],
      "unknown-runtime",
      `there is no runtime \`${name}\``,
      meant(name, pack.runtimes, `write one of ${[...pack.runtimes].sort().join(", ")}`),
    ),
  ];
}

/** One problem for each loop of records, at the first of them by name. */
export function cycles<E extends Entry>(
  pack: Pack,
  entries: E[],
  field: string,
  next: (entry: E) => string[],
  why: string,
): Problem[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return loops(new Map(entries.map((entry) => [entry.id, next(entry)]))).map((loop) => {
    const first = byId.get(loop[0] as string) as E;
    const index = next(first).indexOf(loop[1] as string);
    return atField(
      pack,
      first,
      [field, index],
      "cycle",
      `\`${field}\` goes in a circle: ${loop.join(" → ")}; ${why}`,
      "take one of these links out",
    );
  });
}
