// Why something happened, or did not: the rule and the field that decided.

import { type Purse, purseOf } from "./budget.ts";
import { builtin_rules } from "./builtin.ts";
import { newJob } from "./claim.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { type Candidate, candidates, type Hold } from "./gate.ts";
import { answerOf } from "./job-text.ts";
import { isLive, isOver } from "./jobs.ts";
import { closed, outside, place, placingOf } from "./place.ts";
import { type Judged, judge } from "./rules.ts";
import { formatDuration } from "./scalar.ts";
import type { Pupdate } from "./schema.ts";
import { isEach } from "./select.ts";
import { onHost, spendingHold, wantOf } from "./spending.ts";
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
  // Before the rule that decided, what fits and did not fire was held back; whatever comes after it, nobody wrote down.
  let decided = pupdate.verdict === undefined;
  return [...rules, ...builtin_rules].map((rule) => {
    const verdict = judge(rule.data.when, pupdate);
    const reason = rule.data.off ? "off" : stopped === undefined ? undefined : `${stopped} matched first and stops`;
    decided ||= rule.id === pupdate.rule;
    const skipped = reason ?? (verdict.ok && !decided ? `fits, and did not fire then: ${heldBack(rule)}` : undefined);
    if (verdict.ok && !skipped && rule.data.stop) stopped = rule.id;
    return { rule: rule.id, path: rule.path, matches: verdict.ok, skipped, leaves: verdict.leaves };
  });
}

/** What may have kept a rule from firing that fits. */
function heldBack({ data: { within, cooldown, limit } }: Entry<"rule">): string {
  const parts = [
    within &&
      `it wants ${within.count} in ${formatDuration(within.in)}${within.per ? ` for the same ${within.per}` : ""}`,
    cooldown !== undefined && "it rested (`cooldown`)",
    limit < 1000 && `it had fired ${limit} times that day (\`limit\`)`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(", or ") : "it is new, or was another one";
}

/** `data.age gt 3d: was 1d ✕` */
export function leafLine(leaf: Judged): string {
  const show = (value: unknown) => oneLine(typeof value === "string" ? value : (JSON.stringify(value) ?? "absent"), 60);
  return `${leaf.ok ? "✓" : "✕"} ${leaf.field} ${leaf.operator} ${show(leaf.wanted)}${leaf.ok ? "" : `: was ${show(leaf.got)}`}`;
}

/** What stands in a task's way. `last_tick`: a tick that asked the hosts found it; only the next one can tell anew. */
export type Found = Hold & { last_tick?: true };

/** A task that is owed a run with nothing known in its way, on hosts that take work. */
export type Going = Candidate & { note?: string };

export interface Outlook {
  going: Going[];
  holds: Map<string, Found>;
}

/**
 * What the next tick would do with every task that is owed a run, as far as the records tell without asking a host.
 * `changed`: paths of people's records that the last tick had not seen as they are now.
 */
export function outlook(draft: Draft, runtimes: ReadonlySet<string>, changed: ReadonlySet<string>): Outlook {
  const { ready, holds: held } = candidates(draft, runtimes);
  const holds = new Map<string, Found>(held);
  const purse = purseOf(draft);
  const going = ready.flatMap((one): Going[] => {
    const hold = shut(draft, purse, one) ?? lastFound(draft, one, changed) ?? dear(draft, purse, one);
    if (hold) holds.set(one.task.id, hold);
    const { networks, zone } = draft.settings;
    const when = { zone, now: draft.now };
    return hold
      ? []
      : [
          {
            ...one,
            hosts: one.hosts.filter((host) => closed(host, networks) === null && outside(host, when) === null),
          },
        ];
  });
  for (const job of draft.jobs.values()) {
    const status = draft.status.get(job.data.task)?.data;
    if (isOver(job) || isLive(job) || status?.state !== "queued" || status.reason === undefined) continue;
    holds.set(job.data.task, { state: "queued", on: "hosts", reason: status.reason, person: false, last_tick: true });
  }
  return { going: withRoom(draft, going), holds };
}

/** What goes before it in this very plan may leave too little for it. What it takes itself is put aside. */
function dear(draft: Draft, purse: Purse, one: Candidate): Hold | null {
  const each = isEach(one.task.data) ? one.hosts : one.hosts.slice(0, 1);
  const hold = spendingHold(draft, purse, { ...wantOf(draft, one), count: each.length });
  const made = { run: one.task.id, state: "claimed" as const, identity: undefined };
  for (const { id } of hold ? [] : each)
    purse.put(newJob(draft, one, { ...made, id: `${one.task.id} ${id}`, host: isEach(one.task.data) ? id : "" }));
  return hold;
}

/** No host is named, or none of them takes work. */
function shut(draft: Draft, purse: Purse, { task, run, hosts, agent }: Candidate): Hold | null {
  const placing = placingOf(draft, agent, { hosts, answers: new Map(), given: new Map() });
  const placed = place({ ...placing, spent: onHost(purse, wantOf(draft, { task, run, agent })) });
  // Without answers everything that is open waits: only a time that is known says more than that.
  if ("until" in placed && placed.until) return { state: "queued", on: "hosts", reason: placed.wait, person: false };
  return "blocked" in placed ? { state: "blocked", on: "hosts", reason: placed.blocked, person: true } : null;
}

/**
 * What the last tick found in the way, until the task, its agent or its hosts change. Only what the hosts said and the
 * starts of the last hour: everything else is judged anew from the records.
 */
function lastFound(draft: Draft, { task, agent, hosts }: Candidate, changed: ReadonlySet<string>): Found | null {
  const status = draft.status.get(task.id)?.data;
  if ((status?.state !== "blocked" && status?.state !== "queued") || status.reason === undefined) return null;
  const on = status.waits_on;
  if (on !== "hosts" && on !== "limit") return null;
  if ([task, agent, ...hosts].some((one) => changed.has(one.path)) || changed.has("towline.yml")) return null;
  return { state: status.state, on, reason: status.reason, person: status.state === "blocked", last_tick: true };
}

/** Gives out the slots that are free by the ledger, in order; who comes too late may have to wait. */
function withRoom(draft: Draft, going: Going[]): Going[] {
  const open = [...draft.jobs.values()].filter((job) => !isOver(job));
  const used = Map.groupBy(open.filter(isLive), (job) => job.data.host ?? "");
  const free = new Map(
    [...draft.hosts.values()].map((one) => [one.id, one.data.slots - (used.get(one.id)?.length ?? 0)]),
  );
  const busy = new Map<string, number>();
  for (const job of open) if (job.data.agent) busy.set(job.data.agent, (busy.get(job.data.agent) ?? 0) + 1);
  const room = (host: Entry<"host">) => free.get(host.id) ?? 0;
  return going.map((one) => {
    const { id, data } = one.agent;
    if ((busy.get(id) ?? 0) >= (data.parallel ?? Number.POSITIVE_INFINITY))
      return { ...one, note: `may have to wait: agent ${id} works on ${data.parallel} at a time` };
    const each = isEach(one.task.data);
    const wanted = each ? one.hosts : one.hosts.toSorted((a, b) => room(b) - room(a)).slice(0, 1);
    const full = wanted.filter((host) => room(host) <= 0).map((host) => host.id);
    for (const host of wanted) free.set(host.id, room(host) - 1);
    busy.set(id, (busy.get(id) ?? 0) + (each ? wanted.length : 1));
    if (full.length === 0) return one;
    return { ...one, note: `may have to wait for a free slot${each ? ` on ${full.join(", ")}` : ""}` };
  });
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
export function explainTask(draft: Draft, task: Entry<"task">, { going, holds }: Outlook): TaskAnswer {
  const status = draft.status.get(task.id)?.data;
  const say = (state: string, why: string, field?: string): TaskAnswer => ({
    task: task.id,
    state,
    why: toSeconds(why),
    field,
  });
  const open = [...draft.jobs.values()].some((job) => job.data.task === task.id && !isOver(job));
  if (open && status) return say(status.state, status.reason ?? "a run of it is open");
  if (task.data.status !== "ready")
    return say(task.data.status, `${task.path} says \`status: ${task.data.status}\``, "status");
  const hold = holds.get(task.id);
  if (hold) return say(hold.state, `${hold.reason}${hold.last_tick ? as_found : ""}`, fieldOfHold(hold));
  const due = going.find((one) => one.task.id === task.id);
  if (due) {
    const hosts = due.hosts.map((host) => host.id).join(", ");
    const where = isEach(task.data)
      ? `on each of: ${hosts}`
      : due.hosts.length === 1
        ? `on ${hosts}`
        : `on one of: ${hosts}`;
    const note = due.note ? `; ${due.note}` : "";
    return say(
      "due",
      `owed run ${due.run.occurrence} (${due.run.requested_by}); the next tick starts it ${where}${note}`,
    );
  }
  if (status?.held) return say("paused", status.reason ?? "it is held", "run");
  const next = status?.next_due;
  const ran = lastRun(draft, task);
  if (ran)
    return say(
      status?.state ?? "queued",
      ended(task, status?.state, status?.reason, { ...ran, again: nextRun(draft, task) }, next),
      next ? "every" : "run",
    );
  if (next) return say(status?.state ?? "queued", `not due before ${next}`, task.data.every ? "every" : "due");
  if (!status && task.data.every)
    return say("queued", "no tick has seen it yet; `every` counts from the first that does", "every");
  const due_at = task.data.due;
  if (due_at && new Date(due_at) > draft.now) return say("queued", `not due before ${due_at}`, "due");
  return say(status?.state ?? "queued", status?.reason ?? "nothing is owed", "run");
}

export const as_found = " (as the last tick found)";

export interface LastRun {
  /** When it ended; when it was claimed, where the job's record was not read. */
  at: string;
  /** One host, or how many. */
  on: string;
}

/** The newest run of a task, by its status record. */
export function lastRun(draft: Draft, task: Entry<"task">): LastRun | null {
  const rows = draft.status.get(task.id)?.data.jobs ?? [];
  const row = rows.at(-1);
  if (!row) return null;
  const run = rows.filter((one) => one.occurrence === row.occurrence);
  const at = run.map((one) => draft.jobs.get(one.id)?.data.run.ended_at ?? one.at).sort();
  const hosts = new Set(run.map((one) => one.host));
  return { at: toSeconds(at.at(-1) as string), on: hosts.size === 1 ? (row.host ?? "a host") : `${hosts.size} hosts` };
}

/** The value of `run:` that asks for one more run. */
export function nextRun(draft: Draft, task: Entry<"task">): number {
  const status = draft.status.get(task.id)?.data;
  const spent = [status?.last_occurrence, ...(status?.jobs ?? []).map((row) => row.occurrence)].flatMap((one) => {
    const number = /^run-(\d+)$/.exec(one ?? "")?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  // A task that a rule made has had its first run without one.
  return Math.max(task.data.run ?? 0, task.data.born_of === undefined ? 0 : 1, ...spent) + 1;
}

/** The first line of the newest answer, or null. */
export function firstLine(body: string, length = 80): string | null {
  const answer = answerOf(body).split("\n");
  const line = answer.find((one) => one.trim() !== "" && !/^(`{3,}|_No answer)/.test(one.trim()));
  return line === undefined ? null : oneLine(line, length);
}

/** Times in words for people go by the second. */
export const toSeconds = (text: string) => text.replace(/(T\d\d:\d\d:\d\d)\.\d+(Z|[+-]\d\d:\d\d)/g, "$1$2");

function ended(
  task: Entry<"task">,
  state: string | undefined,
  reason: string | undefined,
  ran: LastRun & { again: number },
  next: string | undefined,
): string {
  const word =
    state === "done" || state === "failed" || state === "cancelled" ? state : state === "lost" ? "lost" : "ran";
  const why = reason === undefined ? "" : `: ${reason}`;
  const again = next
    ? `not due before ${next}`
    : `${task.data.run === undefined ? "add" : "raise it to"} \`run: ${ran.again}\` to run it again`;
  return `${word} at ${ran.at} on ${ran.on}${why}; ${again}`;
}

/** The task's field that decided; STOP.md and limits are none. */
const fieldOfHold = ({ on }: Hold) => (on === "stop" || on === "limit" ? undefined : on);
