// What a dispatch says: how far it is, while it waits; then the answers, host by host, equal ones once.
import { type Answer, countLine, type Folded, foldAnswers, type Group, verdictOf } from "../core/answers.ts";
import type { Entry } from "../core/entry.ts";
import { glyphs } from "../core/jobs.ts";
import { formatDuration } from "../core/scalar.ts";
import { clean, oneLine } from "../core/text.ts";
import { runtimes } from "../runtimes/index.ts";
import type { Landed } from "../shell/errand.ts";
import { withoutName } from "../shell/pool.ts";
import type { Wire } from "../wire.ts";

export interface Asked {
  tasks: Entry<"task">[];
  by: string;
  answers: Answer[];
  open: string[];
  recorded: boolean;
  commits: string[];
}

export interface Show {
  asked(done: number, all: number): void;
  answered(done: number, all: number): void;
  landed(one: Landed): void;
  clear(): void;
}

/** On a terminal: a line that is redrawn, and above it a line for each answer as it comes. Elsewhere nothing. */
export function createShow(wire: Wire, flags: { json?: boolean }, tasks: Entry<"task">[]): Show {
  if (!wire.terminal || flags.json) return { asked() {}, answered() {}, landed() {}, clear() {} };
  let drawn = "";
  let several = false;
  let above = false;
  const draw = (line: string) => {
    drawn = line;
    wire.out(`\r\u001b[K${line}`);
  };
  return {
    asked: (done, all) => draw(done < all ? `${done} of ${all} hosts have been reached` : ""),
    answered: (done, all) => {
      several ||= all > 1;
      draw(done < all ? (several ? `${done} of ${all} have answered` : "it is running") : "");
    },
    landed: ({ host, result, outcome }) => {
      if (!several) return;
      above = true;
      const task = tasks.length > 1 ? tasks.find(({ id }) => result.job.startsWith(id)) : undefined;
      const said =
        outcome.why ??
        clean(outcome.answer)
          .split("\n")
          .find((line) => line.trim() !== "") ??
        "";
      const what = task ? `${oneLine(task.data.title, 40)}  ` : "";
      wire.out(
        `\r\u001b[K${mark(outcome)} ${host}  ${formatDuration(result.took)}  ${what}${oneLine(said, 100)}\n${drawn}`,
      );
    },
    clear: () => {
      if (drawn !== "") draw("");
      if (above) wire.out("\n");
    },
  };
}

const mark = ({ state, outcome }: Landed["outcome"]) =>
  outcome === "success" ? glyphs.finished : outcome === "partial" ? "◐" : (glyphs[state] ?? "✕");

/** The stable JSON of `dispatch --json`. */
export const told = ({ answers, open, recorded, commits, by }: Asked) => ({
  ok: verdictOf(answers) === 0,
  by,
  recorded,
  commits,
  answers,
  open,
});

/** One answer is printed as it is, so that a script can use it; what else is to be said about it goes beside it. */
export function printed(wire: Wire, asked: Asked): string {
  const { answers, tasks } = asked;
  aside(wire, asked);
  const only = answers.length === 1 ? answers[0] : undefined;
  if (only) {
    if (!only.good) wire.report.note(headOf(only, [only]));
    return only.answer.trim() === "" ? "" : `${only.answer.replace(/\n+$/, "")}\n`;
  }
  const lines = tasks.flatMap((task) => {
    const own = answers.filter((one) => one.task === task.id);
    const folded = foldAnswers(own);
    const groups = groupsOf(folded);
    const body = groups.flatMap(({ group, usual }) => block(group, usual));
    const heading = tasks.length > 1 ? [`── ${oneLine(task.data.title, 70)}`] : [];
    const counts = groups.length < 2 ? [] : [countLine(folded)];
    return [...heading, ...body, ...counts, ""];
  });
  return `${lines.join("\n").trimEnd()}\n`;
}

/** What is not an answer: where it is written down, what it costs, what is still under way. */
function aside(wire: Wire, { tasks, answers, open, recorded }: Asked): void {
  // A plugin's runtime may cost something, too.
  const free = Object.values(runtimes)
    .filter((one) => !one.model)
    .map((one) => one.name as string);
  const spends = tasks.some((task) => !free.some((name) => task.id.startsWith(`adhoc-${name}-q`)));
  if (!recorded && spends && answers.some((one) => one.job !== null))
    wire.report.note("what was spent is written down nowhere, and counts against no budget (--record does)");
  if (open.length > 0)
    wire.report.warning(
      `${open.length === 1 ? "one run has" : `${open.length} runs have`} not answered: ${recorded ? "the next tick collects it" : "towline dispatch --collect shows what becomes of it"}`,
    );
}

/** What most said, then the others, then what failed. */
function groupsOf({ majority, others, failures }: Folded): { group: Group; usual: boolean }[] {
  const rest = [...others, ...failures].map((group) => ({ group, usual: false }));
  return majority ? [{ group: majority, usual: true }, ...rest] : rest;
}

function block({ same, differs }: Group, usual: boolean): string[] {
  const first = same[0] as Answer;
  const text = differs ?? (first.answer.trim() === "" ? [] : first.answer.replace(/\n+$/, "").split("\n"));
  const head = usual
    ? `${glyphs.finished} ${same.length} hosts agree: ${names(same)}`
    : headOf(first, same, differs !== null);
  const apart = differs === null ? "" : same.length > 1 ? " differ:" : " differs:";
  return [`${head}${apart}`, ...text.map((line) => `  ${line}`.trimEnd())];
}

function names(same: Answer[]): string {
  const hosts = same.flatMap((one) => one.host ?? []);
  return hosts.length <= 8 ? hosts.join(", ") : `${hosts.slice(0, 7).join(", ")} and ${hosts.length - 7} more`;
}

const words: Partial<Record<Answer["state"], [string, string]>> = {
  finished: ["✓", ""],
  timeout: ["◐", ""],
  unreachable: ["?", "cannot be reached"],
  waiting: ["○", "was not begun"],
  skipped: ["‖", "is skipped"],
  cancelled: ["–", "was ended"],
  started: ["?", "has not answered yet"],
  claimed: ["?", "may have begun"],
  lost: ["?", "was lost"],
  empty: ["◐", "said nothing"],
};

function headOf(one: Answer, same: Answer[], differs = false): string {
  const [glyph, word] = words[one.state] ?? ["✕", "failed"];
  const why = withoutName(one.host ?? "", one.why ?? "");
  const partial = one.good || one.answer.trim() === "" ? "" : one.partial ? "; so far it said:" : "; it said:";
  const took = one.good && !differs && one.took !== null && same.length === 1 ? `  ${formatDuration(one.took)}` : "";
  const said = one.good ? "" : ` ${[word, oneLine(why, 300)].filter(Boolean).join(": ")}`;
  if (one.host === null) return `${glyph}${said.replace(/^ was/, "")}`;
  return `${one.good || !one.partial ? glyph : "◐"} ${names(same)}${said}${partial}${took}`;
}
