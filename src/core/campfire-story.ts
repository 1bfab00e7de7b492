// The story of the days since the last campfire, out of the records of its jobs: what each agent did, what surprised it,
// what failed, what it cost, and what became of what people merged before.
import type { Campfire } from "./campfire.ts";
import { costRow } from "./costs.ts";
import type { Entry } from "./entry.ts";
import { isOver } from "./jobs.ts";
import { amount, expensesOf } from "./spent.ts";
import { cell, counted } from "./text.ts";

const most = { lines: 12, words: 200 };

export function storyOf(jobs: readonly Entry<"job">[], before: readonly Campfire[]): string[] {
  const over = jobs.filter((job) => isOver(job) || job.data.state === "review");
  const byAgent = [...Map.groupBy(over, ({ data }) => data.agent ?? "nobody")].sort(([a], [b]) => (a < b ? -1 : 1));
  const did = byAgent.map(([agent, mine]) => `- **${cell(agent)}**: ${deedsOf(mine)}`);
  const told = (title: string, lines: string[]) =>
    lines.length === 0 ? [] : [`### ${title}`, capped(lines, most.lines).join("\n")];
  const cost = costRow("all", over.flatMap(expensesOf));
  return [
    ...(did.length > 0 ? [capped(did, most.lines).join("\n")] : ["Nobody has ended any work since the last campfire."]),
    ...told(
      "What surprised them",
      said(over, ({ data }) => data.run.surprise),
    ),
    ...told(
      "What failed",
      said(over.filter(failed), ({ data }) => data.run.why ?? data.state),
    ),
    ...(cost.usd > 0 ? [`It cost ${amount("usd", cost.usd)}${cost.runs > 1 ? ` in ${cost.runs} runs` : ""}.`] : []),
    ...usedLines(jobs, before),
  ];
}

const failed = ({ data }: Entry<"job">) => !["finished", "review", "cancelled"].includes(data.state);

function deedsOf(jobs: readonly Entry<"job">[]): string {
  const bad = jobs.filter(failed).length;
  const waits = jobs.filter(({ data }) => data.state === "review").length;
  const tasks = [...new Set(jobs.map(({ data }) => data.task))].sort();
  const parts = [
    counted(jobs.length, "job"),
    ...(bad > 0 ? [`${bad} failed`] : []),
    ...(waits > 0 ? [`${waits} for review`] : []),
  ];
  const names = tasks.slice(0, 6).map((task) => cell(task));
  return `${parts.join(", ")} (${names.join(", ")}${tasks.length > 6 ? ` and ${tasks.length - 6} more` : ""})`;
}

function said(jobs: readonly Entry<"job">[], of: (job: Entry<"job">) => string | undefined): string[] {
  const lines = jobs.flatMap((job) => {
    const text = of(job)?.trim();
    return text ? [`- ${cell(job.data.task)}: ${cell(text, most.words)}`] : [];
  });
  return [...new Set(lines)];
}

const capped = (lines: string[], count: number) =>
  lines.length <= count ? lines : [...lines.slice(0, count), `- … and ${lines.length - count} more`];

/** What people merged at an earlier campfire, and how many jobs were given it since. */
function usedLines(jobs: readonly Entry<"job">[], before: readonly Campfire[]): string[] {
  const approved = before.flatMap(({ candidates }) =>
    candidates.filter(({ outcome }) => outcome === "approved" || outcome === "edited"),
  );
  return approved.slice(-most.lines).flatMap(({ name, kind, title }) => {
    const used = jobs.filter(({ data }) => data.run[`${kind}s`]?.includes(name)).length;
    return used === 0 ? [] : [`The ${kind} you merged was used in ${counted(used, "job")}: ${cell(title, 100)}`];
  });
}
