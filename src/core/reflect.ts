// One reflection a finished run: what it set out to do, what came of it, what surprised it.

import type { Draft } from "./draft.ts";
import { type Entry, idOf } from "./entry.ts";
import { reflectionPath } from "./ids.ts";
import { answerOf } from "./job-text.ts";
import { glyphs } from "./jobs.ts";
import { firstParagraph } from "./markdown.ts";
import { raiseSurprises } from "./raise.ts";
import { stopWords } from "./rollout.ts";
import { isEach } from "./select.ts";
import { cell, oneLine } from "./text.ts";

export function succeeded(task: Entry<"task">, run: Entry<"job">[]): boolean {
  const good = run.filter((job) => job.data.state === "finished").length;
  if (stopWords(run) !== null) return false;
  if (!isEach(task.data)) return good === run.length;
  const { need } = task.data;
  return good >= (need === "all" ? run.length : need === "any" ? 1 : Math.min(need, run.length));
}

export function eachAnswer(run: Entry<"job">[]): string {
  return byHost(run)
    .map(
      (job) =>
        `### ${job.data.host}: ${glyphs[job.data.state]} ${job.data.state}${job.data.run.why ? ` (${oneLine(job.data.run.why)})` : ""}\n\n${answerOf(job.body) || "_No answer._"}`,
    )
    .join("\n\n");
}

const outcomes: Record<string, "success" | "partial" | "failure"> = { finished: "success" };

export function reflect(draft: Draft, task: Entry<"task">, run: Entry<"job">[], good: boolean, changed: boolean): void {
  const { reflect: wish } = task.data;
  if (wish === "never" || (wish === "failure" && good) || (wish === "on_change" && good && !changed)) return;
  if (run.every((job) => job.data.run.ended_at === undefined)) return;
  const one = run.length === 1 ? run[0] : undefined;
  const at = run
    .map((job) => job.data.run.ended_at ?? "")
    .sort()
    .at(-1) as string;
  const id = run[0]?.data.run.run_id as string;
  const some = run.some((job) => job.data.state === "finished" || isPartial(job));
  const outcome = good
    ? run.every((job) => outcomes[job.data.state] && !isPartial(job))
      ? "success"
      : "partial"
    : some
      ? "partial"
      : "failure";
  const path = reflectionPath(at, id);
  const cost = run.map((job) => job.data.cost).filter((c) => c !== undefined);
  const said = (field: "surprise" | "technique") =>
    oneLine(
      run
        .map((job) => job.data.run[field])
        .filter(Boolean)
        .join("; "),
      1000,
    ) || undefined;
  const data = {
    timestamp: at,
    title: oneLine(task.data.title),
    goal: goalOf(task, run[0]?.data.run.runtime),
    intended_effect: task.data.effect,
    outcome,
    surprise: said("surprise"),
    technique: said("technique"),
    domain: task.data.domain,
    session_id: id,
    host: one ? one.data.host : `${run.length} hosts`,
    agent: run[0]?.data.agent,
    runtime: run[0]?.data.run.runtime,
    took: Math.max(...run.map((job) => job.data.took ?? 0)),
    cost: cost.length > 0 ? cost.reduce((a, b) => a + b, 0) : undefined,
  };
  draft.written.set(path, { kind: "reflection", data, body: reflectionBody(run) });
  raiseSurprises(draft, run);
}

const script_fence = /^ {0,3}(?:`{3,}|~{3,})[ \t]*(?:sh|bash|shell|dash)[ \t]*$/m;

/** A script is no goal: read as prose it would lose its lines and its stars. What a task says in words is. */
function goalOf({ data, body }: Entry<"task">, runtime: string | undefined): string {
  const words = runtime !== "shell" || (!body.startsWith("#!") && script_fence.test(body));
  return (words && firstParagraph(body).slice(0, 2000)) || oneLine(data.title);
}

/** Timed out, or ended at a limit of the runtime, but with something to show. */
const isPartial = (job: Entry<"job">) => job.data.run.outcome === "partial";

function reflectionBody(run: Entry<"job">[]): string {
  const one = run.length === 1 ? run[0] : undefined;
  if (one)
    return `${one.data.run.why ? `${one.data.run.why}\n\n` : ""}${answerOf(one.body) || "_No answer._"}\n\n[Job ${one.id}](../../../${one.path})`;
  const whys = run.some((job) => job.data.run.why);
  const row = (cells: (string | false)[]) => `| ${cells.filter((one) => one !== false).join(" | ")} |`;
  const rows = byHost(run).map(({ data, path }) =>
    row([
      cell(data.host ?? ""),
      `${glyphs[data.state]} ${data.state}`,
      whys && cell(data.run.why ?? ""),
      `[${idOf(path)}](../../../${path})`,
    ]),
  );
  const head = [row(["Host", "Outcome", whys && "Why", "Job"]), row(["---", "---", whys && "---", "---"])];
  return `${[...head, ...rows].join("\n")}\n\n${eachAnswer(run)}`;
}

const byHost = (run: Entry<"job">[]) => run.toSorted((a, b) => ((a.data.host ?? "") < (b.data.host ?? "") ? -1 : 1));
