import type { Command } from "commander";
import { wrapTo } from "../core/columns.ts";
import type { Entry } from "../core/entry.ts";
import { type Outlook, toSeconds } from "../core/explain.ts";
import { glyphs, isLive } from "../core/jobs.ts";
import type { State } from "../core/state.ts";
import { counted, oneLine } from "../core/text.ts";
import type { Common, Wire } from "../wire.ts";
import { lookAhead } from "./ahead.ts";
import { memoRow, openMemos } from "./memo.ts";

const shown = 8;

/** Adds `towline now`, which is also what `towline` alone means. Reads this clone, no network. */
export function now(program: Command, wire: Wire): void {
  program
    .command("now")
    .description("what waits for you, what runs, and what is next due; `towline` alone says the same (from this clone)")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print it as JSON")
    .action(async (flags: Common) => {
      const { state, ahead, unseen } = await lookAhead(wire, flags);
      const desk = deskOf(state, ahead, unseen);
      if (flags.json) wire.out(`${JSON.stringify(desk, null, 2)}\n`);
      else for (const line of lines(desk)) wire.out(`${wrapTo(toSeconds(line), wire.columns, "      ")}\n`);
    });
}

interface Desk {
  pack: { name: string; hosts: number; agents: number; tasks: number };
  waiting: ReturnType<typeof memoRow>[];
  running: { job: string; task: string; agent: string | null; host: string | null; since: string; state: string }[];
  starting: { task: string; hosts: string[]; note?: string | undefined }[];
  held: { task: string; state: string; reason: string; person: boolean }[];
  next: { task: string; due: string }[];
  /** Records that ticks do not see as they are here: they are not on origin. */
  unpushed: string[];
}

function deskOf(state: State, { going, holds }: Outlook, unpushed: string[]): Desk {
  const live = [...state.jobs.values()].filter(isLive).sort((a, b) => (since(a) < since(b) ? -1 : 1));
  const next = [...state.status.values()].flatMap(({ id, data }) =>
    data.next_due !== undefined && state.tasks.has(id) ? [{ task: id, due: data.next_due }] : [],
  );
  return {
    pack: {
      name: state.settings.name ?? state.settings.id,
      hosts: state.hosts.size,
      agents: state.agents.size,
      tasks: state.tasks.size,
    },
    waiting: openMemos(state.memos.values()).map(memoRow),
    running: live.map((job) => ({
      job: job.id,
      task: job.data.task,
      agent: job.data.agent ?? null,
      host: job.data.host ?? null,
      since: since(job),
      state: job.data.state,
    })),
    starting: going.map(({ task, hosts, note }) => ({ task: task.id, hosts: hosts.map(({ id }) => id), note })),
    held: [...holds].map(([task, { state: stands, reason, person }]) => ({ task, state: stands, reason, person })),
    unpushed,
    next: next.sort((a, b) => (`${a.due} ${a.task}` < `${b.due} ${b.task}` ? -1 : 1)),
  };
}

const since = ({ data }: Entry<"job">) => data.started_at ?? data.run.claimed_at;

function lines({ pack, waiting, running, starting, held, next, unpushed }: Desk): string[] {
  const wanting = held.filter(({ person }) => person);
  const parts = [
    part("Waits for you", [
      ...waiting.map(
        ({ memo, title, expires }) => `${glyphs.waiting} ${memo}  ${oneLine(title, 120)}  until ${expires}`,
      ),
      ...wanting.map(({ task, state, reason }) => `${glyphs[state] ?? "‖"} ${task}  ${state}: ${oneLine(reason, 160)}`),
    ]),
    part(
      "Runs",
      running.map(
        (one) =>
          `${glyphs.running} ${one.task}  ${[one.agent, one.host].filter(Boolean).join(" on ")}  since ${one.since}`,
      ),
    ),
    part(
      unpushed.length > 0 ? "Starts with the next tick, once all is pushed" : "Starts with the next tick",
      starting.map(({ task, hosts }) => `${glyphs.queued} ${task}  on ${hosts.join(" or ")}`),
    ),
    part(
      "Waits",
      held
        .filter(({ person }) => !person)
        .map(({ task, reason }) => `${glyphs.queued} ${task}  ${oneLine(reason, 160)}`),
    ),
    part(
      "Next due",
      next.map(({ task, due }) => `${glyphs.queued} ${due}  ${task}`),
    ),
    part(
      "Not on origin as it is here, so no tick sees it yet",
      unpushed.map((path) => `△ ${path}`),
    ),
  ].flat();
  const head = `${oneLine(pack.name, 60)}: ${counted(pack.tasks, "task")}, ${counted(pack.agents, "agent")}, ${counted(pack.hosts, "host")}`;
  const calm = waiting.length + wanting.length === 0 ? ["", "Nothing waits for you."] : [];
  const hint =
    pack.tasks === 0
      ? ['Write a task: towline task new "TITLE" --prompt "WHAT TO DO"']
      : waiting.length > 0
        ? ["Answer: towline memo answer ID WORDS · all verbs: towline --help"]
        : ["All verbs: towline --help"];
  return [head, ...calm, ...parts, "", ...hint];
}

function part(title: string, all: string[]): string[] {
  if (all.length === 0) return [];
  const more = all.length > shown ? [`  … and ${all.length - shown} more (--json has them all)`] : [];
  return ["", title, ...all.slice(0, shown).map((line) => `  ${line}`), ...more];
}
