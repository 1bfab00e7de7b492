// What merging a proposal would do, as the text of a comment: both sides are values, nothing of the proposal is run.
import { deadlineOf } from "./claim.ts";
import { type Draft, draftOf } from "./draft.ts";
import { type Going, outlook, toSeconds } from "./explain.ts";
import { policyLines } from "./policy-changes.ts";
import { type Fired, replayRules } from "./replay-rules.ts";
import type { Pupdate } from "./schema.ts";
import { isEach } from "./select.ts";
import { amount, mostOf } from "./spent.ts";
import type { State } from "./state.ts";
import { cell, counted } from "./text.ts";
import type { Touched } from "./touched.ts";

/** The forge takes 65,536 characters. */
const longest = 60_000;
const rows_shown = 30;

export interface Proposal {
  base: State;
  /** null: its towline.yml cannot be read; `fault` says why. */
  head: State | null;
  fault?: string;
  /** Commit ids. */
  on: string;
  at: string;
  touches: Touched;
  /** What happened in the last seven days, judged as it was. */
  pupdates: readonly Pupdate[];
  now: Date;
  runtimes: ReadonlySet<string>;
}

export function planComment(one: Proposal): string {
  const foot = `_Read as data from ${one.at.slice(0, 10)}, by the rules of ${one.on.slice(0, 10)}; no host was asked._`;
  const parts = one.head ? partsOf(one, one.head) : [`**The settings cannot be read**: ${cell(one.fault ?? "", 300)}`];
  const body = parts.filter(Boolean).join("\n\n");
  const cut = body.length > longest ? `${body.slice(0, body.lastIndexOf("\n", longest))}\n\n… cut here` : body;
  return `### What merging this would do\n\n${cut}\n\n${foot}\n`;
}

function partsOf(one: Proposal, head: State): string[] {
  return [policyPart(one, head), ledgerPart(one), faultPart(one, head), startsPart(one, head), rulesPart(one, head)];
}

/** A heading and its lines, at most so many. */
function part(title: string, lines: string[]): string {
  if (lines.length === 0) return "";
  const rest = lines.length > rows_shown ? [`- … and ${lines.length - rows_shown} more`] : [];
  return `**${title}**\n\n${[...lines.slice(0, rows_shown), ...rest].join("\n")}`;
}

function policyPart({ base, touches }: Proposal, head: State): string {
  if (touches.policy.length === 0) return "Policy stays as it is.";
  return part(`Policy changes (${touches.policy.length})`, policyLines(base, head, touches.policy));
}

const ledgerPart = ({ touches }: Proposal) =>
  touches.ledger.length === 0 ? "" : `It changes ${counted(touches.ledger.length, "record")} of towline's own.`;

function faultPart({ base }: Proposal, head: State): string {
  const known = new Set(base.problems.map((one) => `${one.path} ${one.message}`));
  const fresh = head.problems.filter((one) => one.level === "error" && !known.has(`${one.path} ${one.message}`));
  return part(
    "Cannot be read",
    fresh.map((one) => `- ${cell(one.path, 200)}:${one.line}: ${cell(one.message, 200)}`),
  );
}

/** The next tick, with this and without it. */
function startsPart({ base, now, runtimes, touches }: Proposal, head: State): string {
  const changed = new Set([...touches.policy, ...touches.work]);
  const before = draftOf(base, now, "plan");
  const after = draftOf(head, now, "plan");
  const was = outlook(before, runtimes, new Set());
  const is = outlook(after, runtimes, changed);
  const key = (going: Going) => `${going.task.id} ${going.run.occurrence}`;
  const already = new Map(was.going.map((going) => [key(going), `${hostsOf(going)}`]));
  const fresh = is.going.filter((going) => !already.has(key(going)));
  const still = is.going.length - fresh.length;
  const moved = is.going.filter((going) => ![undefined, `${hostsOf(going)}`].includes(already.get(key(going))));
  const gone = was.going.filter((going) => !is.going.some((other) => other.task.id === going.task.id));
  const held = [...is.holds].filter(
    ([task, hold]) =>
      was.holds.get(task)?.reason !== hold.reason && (changed.has(taskPath(after, task)) || hold.person),
  );
  const lines = [
    ...fresh.map((going) => startLine(after, going)),
    ...held.map(([task, hold]) => `- held: ${cell(task)}: ${cell(toSeconds(hold.reason), 200)}`),
    ...moved.map((going) => `- due without it, too, but now ${placesOf(going)}: ${cell(going.task.id)}`),
    ...gone.map((going) => `- no longer: ${cell(going.task.id)}`),
  ];
  const alike = still > 0 ? `\n\n${counted(still, "task")} would start without it, too.` : "";
  if (lines.length === 0) return `The next tick would start nothing because of it.${alike}`;
  return `${part(`The next tick would start ${fresh.length}${ceiling(after, fresh)}`, lines)}${alike}`;
}

const taskPath = (draft: Draft, id: string) => draft.tasks.get(id)?.path ?? "";
const hostsOf = ({ hosts }: Going) => hosts.map((host) => host.id);

function placesOf(going: Going): string {
  const names = hostsOf(going);
  const shown = names.slice(0, 10).map((name) => cell(name, 60));
  const more = names.length > 10 ? ` and ${names.length - 10} more` : "";
  return `on ${names.length === 1 ? "" : isEach(going.task.data) ? "each of " : "one of "}${shown.join(", ")}${more}`;
}

function startLine(draft: Draft, going: Going): string {
  const { task, agent, run, note } = going;
  const said = note === undefined ? "" : `; ${cell(toSeconds(note), 200)}`;
  return `- **${cell(task.id)}** (${cell(run.occurrence, 60)}): ${cell(agent.id)}, ${cell(agent.data.runtime)}, ${placesOf(going)}; ${costOf(draft, going)}${said}`;
}

const jobsOf = (going: Going) => (isEach(going.task.data) ? going.hosts.length : 1);

function mostOfOne(draft: Draft, { task, agent }: Going) {
  return mostOf(draft, { task, agent }, deadlineOf(draft, task, agent));
}

function costOf(draft: Draft, going: Going): string {
  const { usd, minutes = 0 } = mostOfOne(draft, going);
  const jobs = jobsOf(going);
  const time = `at most ${amount("minutes", minutes * jobs)}`;
  return usd === undefined ? `${time}, **no limit in money**` : `${time}, ${amount("usd", usd * jobs)}`;
}

function ceiling(draft: Draft, list: Going[]): string {
  if (list.length === 0) return "";
  const costs = list.map((going) => ({ usd: mostOfOne(draft, going).usd, jobs: jobsOf(going) }));
  const known = costs.reduce((sum, { usd, jobs }) => sum + (usd ?? 0) * jobs, 0);
  const open = costs.filter(({ usd }) => usd === undefined).length;
  return `, for at most ${amount("usd", known)}${open > 0 ? ` and ${open} without a limit` : ""}`;
}

/** The last seven days once more, with the rules of both sides. */
function rulesPart({ base, pupdates }: Proposal, head: State): string {
  const was = replayRules(base.rules, pupdates);
  const is = replayRules(head.rules, pupdates);
  const names = [...new Set([...was.keys(), ...is.keys()])].sort();
  const lines = names.flatMap((name) => ruleLine(name, was.get(name), is.get(name)));
  const happened = `${counted(pupdates.length, "pupdate")} of the last 7 days`;
  if (lines.length > 0) return part(`Rules, over the ${happened}`, lines);
  const changed = JSON.stringify(texts(base)) !== JSON.stringify(texts(head));
  return changed ? `The changed rules would have done the same with the ${happened}.` : "";
}

const texts = ({ rules }: State) => rules.map(({ path, data }) => [path, data]);

function ruleLine(name: string, was: Fired | undefined, is: Fired | undefined): string[] {
  if (was?.count === is?.count) return [];
  const titles = (is?.titles ?? was?.titles ?? []).map((title) => cell(title, 80)).join(" · ");
  return [`- ${cell(name)}: fired ${was?.count ?? 0}, would have fired **${is?.count ?? 0}**: ${titles}`];
}
