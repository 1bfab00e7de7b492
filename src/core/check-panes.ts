// Limits that claude has for its headless runs only: in a pane they are written in vain, and somebody relies on them.
import { atField, type Pack } from "./check-pack.ts";
import type { Entry, Problem } from "./entry.ts";

const instead = "`timeout:` ends a run there; where it must act inside the run, take `runtime: claude`";

export function paneProblems(pack: Pack): Problem[] {
  const of = <K extends Entry["kind"]>(kind: K) => pack.entries.filter((entry) => entry.kind === kind) as Entry<K>[];
  const panes = of("agent").filter(({ data }) => data.runtime === "tmux" && !data.off);
  const inPane = new Set(panes.map(({ id }) => id));
  const tasks = of("task").filter(({ data }) => inPane.has(data.agent ?? pack.settings?.defaults.agent ?? ""));
  const turns = panes.filter(({ data }) => data.limits?.turns !== undefined);
  const usd = [...panes, ...tasks].filter(({ data }) => data.budget?.usd !== undefined);
  const idle = (entry: Entry, field: [string, string], fix: string) =>
    atField(
      pack,
      entry,
      field,
      "pane-limit",
      `\`${field.join(".")}\` does not act inside a pane (runtime tmux): claude has that limit for headless runs only`,
      fix,
      "warning",
    );
  return [
    ...turns.map((agent) => idle(agent, ["limits", "turns"], instead)),
    ...usd.map((entry) => idle(entry, ["budget", "usd"], `it counts before a run starts, and ends none: ${instead}`)),
  ];
}
