import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Answer } from "../core/answers.ts";
import { type Entry, idOf, parseEntry } from "../core/entry.ts";
import { answersOf } from "../core/errand-answers.ts";
import { glyphs } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import { previewOf } from "../core/preview.ts";
import { formatDuration } from "../core/scalar.ts";
import { isEach } from "../core/select.ts";
import type { State } from "../core/state.ts";
import { configuration, exit, interrupted, usage } from "../errors.ts";
import { hearSignals } from "../interrupt.ts";
import { type Ran, runErrand } from "../shell/errand.ts";
import { openUnrecorded } from "../shell/errand-open.ts";
import { personOf } from "../shell/person.ts";
import { tickId } from "../shell/tick-run.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";
import { refuse } from "./dispatch.ts";
import { createShow } from "./dispatch-tell.ts";
import { choice, portsOf, taskOf } from "./errand-choice.ts";

interface TryFlags extends Common {
  host?: string;
  offline?: boolean;
}

/** Adds `towline try TASK`. */
export function trying(program: Command, wire: Wire): void {
  program
    .command("try <task>")
    .description("run a task of this folder now, as a tick would place it; nothing is committed. Shows what would be")
    .option("--host <host>", "on this machine")
    .option("--offline", "do not ask origin what it holds back")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the answer and the records as JSON")
    .action(async (name: string, flags: TryFlags) => {
      const heard = hearSignals();
      try {
        await once(wire, name, flags, heard.signal);
      } finally {
        heard.release();
      }
    });
}

async function once(wire: Wire, name: string, flags: TryFlags, signal: AbortSignal): Promise<void> {
  const dir = repoDir(wire, flags);
  const { state, book } = await openUnrecorded(dir, wire, flags.offline === true);
  const task = await taskNamed(wire, state, name);
  const chosen = choice({ host: flags.host === undefined ? [] : [flags.host] }, state);
  // One machine is enough to see what comes of it.
  const one = isEach(task.data)
    ? { hosts: (task.data.hosts ?? ["any"]).map((host) => (host === "all" ? "any" : host)), each: false }
    : {};
  const by = await personOf(dir, wire.env);
  const ours = taskOf(state, { text: task.body, like: task.data, ...one, ...chosen }, { by, record: false });
  const show = createShow(wire, flags, [ours]);
  const errand = { tasks: [ours], tick: `${tickId(wire.clock.now())}-try`, by, signal, ...show, landed: () => {} };
  const ran = await runErrand(portsOf(wire, dir), book, errand).catch((thrown) => {
    show.clear();
    throw signal.aborted ? interrupted(thrown, "nothing was started") : thrown;
  });
  show.clear();
  try {
    const [answer] = answersOf([ours], ran) as [Answer];
    if (!signal.aborted) refuse([ours], [answer], ran);
    const records = recordsOf(state, task, ran, wire.clock.now());
    if (flags.json)
      wire.out(`${JSON.stringify({ ...answer, task: task.id, records: Object.fromEntries(records) }, null, 2)}\n`);
    else wire.out(`${lines(answer, records, task).join("\n")}\n`);
    await ran.acknowledge();
    if (signal.aborted) wire.exit(exit.interrupted);
    else if (!answer.good) wire.exit(answer.state === "unreachable" ? exit.outside : exit.findings);
  } finally {
    ran.close();
  }
}

/** A task of the pack by its name or path, or any file that reads like one. */
async function taskNamed(wire: Wire, state: State, name: string): Promise<Entry<"task">> {
  const text = await readFile(resolve(wire.cwd, name), "utf8").catch(() => null);
  const own = state.tasks.get(idOf(name));
  if (text === null && own) return own;
  if (text === null) {
    const near = nearest(idOf(name), [...state.tasks.keys()]);
    throw usage(
      `there is no task ${name}`,
      near ? `did you mean tasks/${near}.md?` : "name a file like tasks/hello.md",
    );
  }
  const { entry, problems } = parseEntry(name, "task", text);
  const wrong = problems.find((problem) => problem.level === "error");
  if (!entry) throw configuration(`${name}:${wrong?.line ?? 1}: ${wrong?.message ?? "is no task"}`, wrong?.fix);
  return { ...entry, path: `tasks/${entry.id}.md` };
}

function recordsOf(state: State, task: Entry<"task">, ran: Ran, now: Date): Map<string, string> {
  const found = ran.results[0];
  const job = found && ran.draft.jobs.get(found.result.job);
  return found && job ? previewOf(state, { task, job, ...found }, now) : new Map();
}

function lines(answer: Answer, records: Map<string, string>, task: Entry<"task">): string[] {
  const { host, state, took, cost, why, good, partial } = answer;
  const glyph = good ? glyphs.finished : partial ? "◐" : state === "unreachable" ? "?" : (glyphs[state] ?? "✕");
  const head = [
    `${glyph} ${task.id} on ${host ?? "no host"}`,
    took === null ? "" : formatDuration(took),
    cost === null ? "" : `$${cost}`,
    why ?? "",
  ];
  const said = answer.answer.trim() === "" ? ["_No answer._"] : answer.answer.replace(/\n+$/, "").split("\n");
  const written = [...records].flatMap(([path, text]) => [
    "",
    `── a tick would write ${path}`,
    ...text.trimEnd().split("\n"),
  ]);
  return [head.filter(Boolean).join("  "), ...said, ...written, "", "Nothing was committed."];
}
