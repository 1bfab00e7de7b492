// What people read of an agent's work when they decide about it: the text of a proposal, on a forge or beside the record.
import type { Outcome } from "../ports.ts";
import { costRow } from "./costs.ts";
import type { Entry } from "./entry.ts";
import { judgedWork, type Landed } from "./landed.ts";
import type { Remark } from "./review.ts";
import { remarksOn } from "./said.ts";
import { formatDuration } from "./scalar.ts";
import { type Job, pathClass } from "./schema.ts";
import { amount, expensesOf } from "./spent.ts";
import type { State } from "./state.ts";
import { cell, clean, counted, excerpt, fenced, oneLine } from "./text.ts";
import { besides } from "./told.ts";

/** What came of a round. `took` in seconds. */
export interface Round {
  outcome: Outcome;
  took: number;
  landed: Extract<Landed, { state: "pushed" | "nothing" }>;
}

/** Where people find a file of the pack; null: no address leads there. */
export type Address = (path: string) => string | null;

export interface ProposalText {
  title: string;
  body: string;
}

const most = { list: 40, line: 300, answer: 6000, body: 60_000 };

/** `job`: its record from before the round's end, with what its agent was told. */
export function proposalOf(
  { tasks, agents, reviews }: Pick<State, "tasks" | "agents" | "reviews">,
  job: Entry<"job">,
  round: Round,
  address: Address,
): ProposalText {
  const task = tasks.get(job.data.task);
  const judged = judgedWork(job, round.outcome, round.landed);
  const price = agents.get(job.data.agent ?? "")?.data.price?.run;
  const after = withUsage(job, round, price);
  const title = task?.data.title ?? job.data.task;
  const link = linkWith(address);
  const parts = (keep: number) => [
    `${link(cell(title, 200), task?.path ?? "")} · job ${link(`\`${job.id}\``, job.path)}, by ${cell(job.data.agent ?? "")}`,
    ...(judged.why === undefined ? [] : [`△ ${cell(judged.why, 500)}`]),
    ...listed(
      "## It counts as done when",
      (task?.data.accept ?? []).map((one) => cell(one, most.line)),
    ),
    ...answered(round.outcome, keep),
    table(after, round, { link, asked: task?.data.verify !== undefined }),
    ...listed("## Remarks settled", settled(judged.code, remarksOn({ reviews }, job)).map(remarkLine)),
  ];
  const body = (keep: number) => `${parts(keep).join("\n\n")}\n`;
  const whole = body(most.answer);
  return { title: inert(oneLine(title, 120)), body: whole.length > most.body ? body(500).slice(0, most.body) : whole };
}

/** The same as a file beside the job's record. */
export function proposalFile(state: State, job: Entry<"job">, round: Round): string {
  const { body } = proposalOf(state, job, round, addressBeside(state, job));
  return `# ${cell(state.tasks.get(job.data.task)?.data.title ?? job.data.task, 120)}\n\n${body}`;
}

/** From the folder of a job's files. Where the ledger has a branch of its own, only its files are near. */
const addressBeside = ({ settings }: State, { path }: Entry<"job">): Address => {
  const up = "../".repeat(path.split("/").length);
  return (to) => {
    if (to.startsWith(besides(path))) return to.slice(besides(path).length);
    return isLedger(to) || settings.ledger.branch === undefined ? `${up}${encoded(to)}` : null;
  };
};

const isLedger = (path: string) => pathClass(path) === "ledger";
const encoded = (path: string) =>
  path
    .split("/")
    .map((part) => encodeURIComponent(part).replace(/[()]/g, (c) => `%${c.charCodeAt(0).toString(16)}`))
    .join("/");

/** On the pages of a forge that shows files below `blob/`. */
export const addressOn =
  (site: string, ledgerBranch: string | undefined): Address =>
  (path) =>
    `${site}/blob/${isLedger(path) && ledgerBranch ? encoded(ledgerBranch) : "HEAD"}/${encoded(path)}`;

type Link = (words: string, path: string) => string;

const linkWith =
  (address: Address): Link =>
  (words, path) => {
    const to = path === "" ? null : address(path);
    return to === null ? words : `[${words}](${to})`;
  };

/** Title of a proposal: words that a forge acts upon do nothing there. */
const inert = (text: string) => text.replace(/@(?=\w)/g, "@\u2060").replace(/#(?=\d)/g, "#\u2060");

function listed(heading: string, lines: string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length > most.list ? [`- … and ${lines.length - most.list} more`] : [];
  return [heading, [...lines.slice(0, most.list).map((one) => `- ${one}`), ...more].join("\n")];
}

function answered({ answer }: Outcome, keep: number): string[] {
  const said = clean(answer).trim();
  return said === "" ? [] : ["## What its agent says", fenced(excerpt(said, keep))];
}

const placeOf = ({ path, line }: Remark) =>
  path === null ? "" : `${cell(path, 200)}${line === null ? "" : `, line ${line}`}: `;
const remarkLine = (one: Remark) => `${placeOf(one)}${cell(one.text, most.line)}`;

/** Remarks that its agent has worked on. */
function settled({ told = [] }: NonNullable<Job["run"]["code"]>, all: ReadonlyMap<string, Remark>): Remark[] {
  return told.flatMap((id) => all.get(id) ?? []);
}

/** The record with what the round took. */
function withUsage(job: Entry<"job">, { outcome, took }: Round, price: number | undefined): Entry<"job"> {
  const run = { ...job.data.run, result: "", tokens: outcome.tokens };
  return { ...job, data: { ...job.data, state: "review", took, cost: outcome.cost ?? price, run } };
}

function table(after: Entry<"job">, round: Round, { link, asked }: { link: Link; asked: boolean }): string {
  const { host, run } = after.data;
  const rows: [string, string][] = [
    ["Work", workOf(round)],
    ["Verify", checkOf(round, asked)],
    ["Round", String(run.round)],
    ...tookRows(after),
    ["Host", [cell(host ?? ""), ...(run.moved ?? []).map((one) => cell(one, 200))].join("; ")],
    ["Told", toldOf(after, link)],
    ...knownRows(run, link),
  ];
  const lines = rows.map(([name, value]) => `| ${name} | ${value} |`);
  return `## What it took\n\n| | |\n| --- | --- |\n${lines.join("\n")}`;
}

function workOf({ landed }: Round): string {
  if (landed.state === "nothing") return "nothing new in this round";
  const size = `${counted(landed.paths.length, "file")}, ${counted(landed.lines, "line")} changed`;
  return `${size}, at \`${landed.head.slice(0, 12)}\`${landed.left === undefined ? "" : `; not all of it: ${cell(landed.left, 200)}`}`;
}

function checkOf({ landed: { check } }: Round, asked: boolean): string {
  if (check) return check.exit === 0 ? "✓ passed" : check.exit === null ? "✕ not in time" : `✕ exit code ${check.exit}`;
  return asked ? "did not run" : "none";
}

function tookRows(after: Entry<"job">): [string, string][] {
  const sum = costRow(after.id, expensesOf(after));
  const cost = [
    ...(sum.usd > 0 ? [amount("usd", sum.usd)] : []),
    ...(sum.list_usd > 0 ? [`${amount("usd", sum.list_usd)} by list price, which a subscription pays`] : []),
  ];
  const runs = sum.runs > 1 ? ` in ${sum.runs} runs` : "";
  return [
    ["Cost", cost.length > 0 ? `${cost.join(", ")}${runs}` : "none that it told"],
    ["Time", `${spell(sum.minutes * 60)}${runs}`],
    ["Tokens", sum.tokens > 0 ? sum.tokens.toLocaleString("en") : "none that it told"],
  ];
}

/** `3m 20s`. */
function spell(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return formatDuration(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return [hours > 0 && `${hours}h`, minutes > 0 && `${minutes}m`, rest > 0 && `${rest}s`].filter(Boolean).join(" ");
}

const toldOf = ({ path, data }: Entry<"job">, link: Link) =>
  data.run.told === undefined
    ? "not kept: whoever started it did not come to write it down"
    : link("exactly what it was told", `${besides(path)}${data.run.told}`);

function knownRows({ insights = [], learnings = [] }: Job["run"], link: Link): [string, string][] {
  const row = (name: string, folder: string, ids: readonly string[]): [string, string][] =>
    ids.length === 0
      ? []
      : [
          [
            name,
            ids
              .slice(0, most.list)
              .map((id) => link(cell(id), `${folder}/${id}.md`))
              .join(", "),
          ],
        ];
  return [...row("Insights", "insights", insights), ...row("Learnings", "learnings", learnings)];
}
