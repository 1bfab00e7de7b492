// A tick's outcome in lines for people.
import { toSeconds } from "../core/explain.ts";
import { glyphs } from "../core/jobs.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import type { TickOutcome } from "../shell/tick-run.ts";

export interface Ended {
  job: string;
  task: string;
  state: string;
  host?: string;
  why?: string;
}

/** What the tick ended, with the host and the reason. `seen`: jobs as they stood after each commit of this tick. */
export function endedOf(outcome: TickOutcome, seen: State["jobs"]): Ended[] {
  return outcome.ended.map((one) => {
    const job = seen.get(one.job)?.data;
    return { ...one, host: job?.host, why: job?.run.why };
  });
}

/** `✓ disk  (web1)`, `✕ fails  exit 7: boom  (home)` */
export function endedLine({ task, state, host, why }: Ended): string {
  const said = why ?? (state === "finished" ? "" : state);
  return [`${glyphs[state] ?? "✕"} ${task}`, oneLine(said, 200), host ? `(${host})` : ""].filter(Boolean).join("  ");
}

export interface Down {
  host: string;
  why: string;
  /** Tasks that wait for it. */
  tasks: string[];
}

export interface Waiting {
  state: "queued" | "blocked";
  why: string;
  tasks: string[];
}

/** Hosts that do not answer while a task needs them, and what else keeps tasks from going on. */
export function standing(state: State): { down: Down[]; waiting: Waiting[] } {
  const told = [...state.status.values()].flatMap(({ id, data }) =>
    data.reason === undefined || !state.tasks.has(id) ? [] : [{ id, state: data.state, reason: data.reason }],
  );
  const down = state.levels
    .filter((level) => level.family === "host" && level.kind === "host.down" && state.hosts.has(level.subject))
    .flatMap(({ subject }): Down[] => {
      const found = told.flatMap(({ id, state, reason }) => {
        const why = state === "done" || state === "failed" ? null : silence(reason, subject);
        return why === null ? [] : [{ id, why }];
      });
      return found[0] ? [{ host: subject, why: found[0].why, tasks: found.map((one) => one.id) }] : [];
    });
  const named = new Set(down.flatMap((one) => one.tasks));
  const rest = told.filter((one) => (one.state === "queued" || one.state === "blocked") && !named.has(one.id));
  const waiting = [...Map.groupBy(rest, (one) => `${one.state} ${bare(one.reason)}`).values()].map((group): Waiting => {
    const first = group[0] as (typeof rest)[number];
    return { state: first.state as Waiting["state"], why: bare(first.reason), tasks: group.map((one) => one.id) };
  });
  return { down, waiting };
}

const bare = (reason: string) => reason.replace(/^waits: /, "");

/** What a reason says about a silent host: `a connection refused; b is cordoned` → `connection refused` for a. */
function silence(reason: string, host: string): string | null {
  const part = reason.split("; ").find((one) => bare(one).startsWith(`${host} `) || bare(one).startsWith(`${host}: `));
  if (part === undefined) return null;
  let why = bare(part);
  // Transports name the host themselves, with its address: `web1 web1 (10.0.0.5:22): connection refused`.
  while (why.startsWith(`${host} `) || why.startsWith(`${host}: `)) why = why.slice(host.length + 1).trimStart();
  why = why.replace(/^\(\S+\): /, "");
  return /^(has no free slot|is cordoned|is switched off|is on network)/.test(why) ? null : why;
}

const most = 12;

export function standingLines(state: State): string[] {
  const { down, waiting } = standing(state);
  const lines = [
    ...down.map(({ host, why, tasks }) => `? ${host} ${silent(why)}; ${some(tasks, "waits", "wait")}`),
    ...waiting.map(waitingLine),
  ].map(toSeconds);
  return lines.length <= most
    ? lines
    : [...lines.slice(0, most), `  … and ${lines.length - most} more: towline task list`];
}

const silent = (why: string) => (/^(does not|has not) answer/.test(why) ? why : `does not answer: ${why}`);

function waitingLine({ state, why, tasks }: Waiting): string {
  const said = why.startsWith("waits for ")
    ? `${some(tasks, "waits", "wait")} ${why.slice("waits ".length)}`
    : `${state === "queued" ? some(tasks, "waits", "wait") : some(tasks, "is blocked", "are blocked")}: ${why}`;
  return `${glyphs[state]} ${said}`;
}

const some = (tasks: string[], one: string, more: string) =>
  tasks.length === 1
    ? `${tasks[0]} ${one}`
    : `${tasks.length} tasks ${more}${tasks.length <= 4 ? ` (${tasks.join(", ")})` : ""}`;

export const unpushedLine = (count: number) =>
  `this clone has ${count} ${count === 1 ? "commit" : "commits"} that origin's default branch does not have; this tick does not see ${count === 1 ? "it" : "them"}: git push`;
