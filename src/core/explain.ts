// Why something happened, or did not: the rule and the field that decided.
import { builtin_rules } from "./builtin.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { candidates, type Hold } from "./gate.ts";
import { type Judged, judge } from "./rules.ts";
import type { Pupdate } from "./schema.ts";
import { oneLine } from "./text.ts";

export interface RuleAnswer {
  rule: string;
  path: string;
  matches: boolean;
  /** `off`, or an earlier rule that stopped the walk. */
  skipped?: string;
  leaves: Judged[];
}

/** Every rule against one pupdate, in order, with each field that was looked at. */
export function explainPupdate(rules: Entry<"rule">[], pupdate: Pupdate): RuleAnswer[] {
  let stopped: string | undefined;
  return [...rules, ...builtin_rules].map((rule) => {
    const verdict = judge(rule.data.when, pupdate);
    const skipped = rule.data.off ? "off" : stopped === undefined ? undefined : `${stopped} matched first and stops`;
    if (verdict.ok && !skipped && rule.data.stop) stopped = rule.id;
    return { rule: rule.id, path: rule.path, matches: verdict.ok, skipped, leaves: verdict.leaves };
  });
}

/** `data.age gt 3d: was 1d ✕` */
export function leafLine(leaf: Judged): string {
  const show = (value: unknown) => oneLine(typeof value === "string" ? value : (JSON.stringify(value) ?? "absent"), 60);
  return `${leaf.ok ? "✓" : "✕"} ${leaf.field} ${leaf.operator} ${show(leaf.wanted)}${leaf.ok ? "" : `: was ${show(leaf.got)}`}`;
}

export interface TaskAnswer {
  task: string;
  state: string;
  /** The sentence that a person wants. */
  why: string;
  /** Field of the record that decided, when one did. */
  field?: string;
}

/** Why a task runs, waits or does nothing, as far as the records tell without asking a host. */
export function explainTask(draft: Draft, task: Entry<"task">, runtimes: ReadonlySet<string>): TaskAnswer {
  const status = draft.status.get(task.id);
  const say = (state: string, why: string, field?: string): TaskAnswer => ({ task: task.id, state, why, field });
  if (task.data.status !== "ready")
    return say(task.data.status, `${task.path} says \`status: ${task.data.status}\``, "status");
  const { ready, holds } = candidates(draft, runtimes);
  const hold = holds.get(task.id);
  if (hold) return say(hold.state, hold.reason, fieldOfHold(hold));
  const candidate = ready.find((one) => one.task.id === task.id);
  if (candidate) {
    const hosts = candidate.hosts.map((host) => host.id).join(", ") || "no host";
    return say(
      "due",
      `owed run ${candidate.run.occurrence} (${candidate.run.requested_by}); the next tick starts it on one of: ${hosts}`,
    );
  }
  const next = status?.data.next_due;
  if (status?.data.held) return say("paused", status.data.reason ?? "it is held", "run");
  if (next) return say(status?.data.state ?? "queued", `not due before ${next}`, task.data.every ? "every" : "due");
  if (!status && task.data.every)
    return say("queued", "no tick has seen it yet; `every` counts from the first that does", "every");
  const seen = status?.data.last_occurrence;
  return say(
    status?.data.state ?? "queued",
    `${status?.data.reason ? `${status.data.reason}. ` : ""}${seen ? `It ran once for ${seen}; bump \`run:\` to run it again` : "nothing is owed"}`,
    "run",
  );
}

/** What the last tick found in the way, which only asking the hosts again can settle. */
export const lastTime = (status: Entry<"status"> | undefined) =>
  status && (status.data.state === "blocked" || status.data.state === "queued") && status.data.reason
    ? ` (last tick: ${status.data.reason})`
    : "";

const fieldOfHold = (hold: Hold) =>
  hold.reason.startsWith("waits for") ? "after" : hold.reason.includes("agent") ? "agent" : undefined;
