import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { type Answer, verdictOf } from "../core/answers.ts";
import type { Entry } from "../core/entry.ts";
import type { Wish } from "../core/errand.ts";
import { answersOf } from "../core/errand-answers.ts";
import { parseDuration } from "../core/scalar.ts";
import { fenced } from "../core/text.ts";
import { exit, Fault, interrupted, usage } from "../errors.ts";
import { hearSignals, heed, Interrupted } from "../interrupt.ts";
import { type Ran, runErrand } from "../shell/errand.ts";
import type { Book } from "../shell/errand-book.ts";
import { openRecorded, openUnrecorded } from "../shell/errand-open.ts";
import { personOf } from "../shell/person.ts";
import { tickId } from "../shell/tick-run.ts";
import { wishesOf } from "../shell/wishes.ts";
import { type Common, inCi, repoDir, type Wire } from "../wire.ts";
import { collectLeft } from "./dispatch-collect.ts";
import { type Asked, createShow, printed, told } from "./dispatch-tell.ts";
import { choice, portsOf, type Selection, taskOf } from "./errand-choice.ts";

export interface DispatchFlags extends Common, Selection {
  file?: string[];
  agent?: string;
  timeout?: string;
  record?: boolean;
  offline?: boolean;
  collect?: boolean;
  ack?: boolean;
}

/** Adds `towline dispatch`. */
export function dispatching(program: Command, wire: Wire): void {
  program
    .command("dispatch [task]")
    .description(
      "ask the machines something at once, and print what they answer; `-` reads the task from standard input",
    )
    .option("-f, --file <file...>", "tasks from files: markdown, or a list in YAML or ndjson; `-` for standard input")
    .option("--host <host>", "on this machine; may be given again. Without any: on the least loaded one", many)
    .option("--label <label>", "on every machine with this label; may be given again", many)
    .option("--all", "on every machine")
    .option("--agent <agent>", "the agent that does it")
    .option("--timeout <duration>", "how long a run may take, and how long it may wait for a free slot (120s)")
    .option("--record", "write it down in the ledger, as in CI: claimed before it starts, with a reflection at its end")
    .option("--offline", "do not ask origin what it holds back")
    .option("--collect", "print what earlier dispatches left on the machines")
    .option("--ack", "with --collect: let the machines forget it then")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print the answers as JSON")
    .action(async (said: string | undefined, flags: DispatchFlags) => {
      if (flags.collect) return collectLeft(wire, flags);
      if (flags.ack)
        throw usage("--ack goes with --collect", "an answer that was printed is forgotten by its machine anyway");
      const input = async () => (await wire.input?.()) ?? "";
      const wishes = await wishesOf({ cwd: wire.cwd, input }, said, flags.file ?? []);
      const limit = flags.timeout === undefined ? undefined : seconds(flags.timeout);
      const record = flags.record === true || inCi(wire);
      const heard = hearSignals();
      try {
        await once(wire, flags, { wishes, limit, record, signal: heard.signal });
      } finally {
        heard.release();
      }
    });
}

const many = (value: string, before: string[] = []) => [...before, value];

function seconds(text: string): number {
  const read = parseDuration(text);
  if (read === null || read <= 0) throw usage(`--timeout ${text} is not a duration`, "write it like 90s or 5m");
  return read;
}

interface Given {
  wishes: Wish[];
  limit: number | undefined;
  record: boolean;
  signal: AbortSignal;
}

async function once(wire: Wire, flags: DispatchFlags, { wishes, limit, record, signal }: Given): Promise<void> {
  const dir = repoDir(wire, flags);
  const tick = `${tickId(wire.clock.now())}-dispatch`;
  const { state, book, by } = await begin(wire, dir, { record, offline: flags.offline === true, tick, signal });
  const chosen = choice(flags, state);
  const tasks = wishes.map((wish) => {
    const whole = { ...wish, ...chosen, agent: flags.agent ?? wish.agent, timeout: limit ?? wish.timeout };
    return taskOf(state, whole, { by, record });
  });
  const show = createShow(wire, flags, tasks);
  const errand = { tasks, tick, by, signal, asked: show.asked, answered: show.answered, landed: show.landed };
  const ran = await runErrand(portsOf(wire, dir), book, errand).catch((thrown) => {
    show.clear();
    throw signal.aborted ? interrupted(thrown, "nothing was started") : thrown;
  });
  show.clear();
  try {
    await finish(wire, flags, { tasks, by, ran, book, signal });
  } finally {
    ran.close();
  }
}

interface Beginning {
  record: boolean;
  offline: boolean;
  tick: string;
  signal: AbortSignal;
}

async function begin(wire: Wire, dir: string, { record, offline, tick, signal }: Beginning) {
  try {
    const by = await heed(signal, personOf(dir, wire.env));
    const opened = record
      ? openRecorded(dir, wire, { tick, by, random: randomBytes(6).toString("hex") })
      : openUnrecorded(dir, wire, offline);
    return { ...(await heed(signal, opened)), by };
  } catch (thrown) {
    throw thrown instanceof Interrupted ? interrupted(thrown, "nothing was started") : thrown;
  }
}

interface Done {
  tasks: Entry<"task">[];
  by: string;
  ran: Ran;
  book: Book;
  signal: AbortSignal;
}

async function finish(wire: Wire, flags: DispatchFlags, { tasks, by, ran, book, signal }: Done): Promise<void> {
  const answers = answersOf(tasks, ran);
  if (!signal.aborted) refuse(tasks, answers, ran);
  const asked: Asked = { tasks, by, answers, open: ran.open, recorded: book.recorded, commits: book.commits };
  const text = printed(wire, asked);
  wire.out(flags.json ? `${JSON.stringify(told(asked), null, 2)}\n` : text);
  if (text.trim() !== "") await wire.report.summary(fenced(text));
  for (const warning of wire.secrets.warnings()) wire.report.warning(warning);
  // What stands on the screen or in the ledger need not be kept any longer by the machines.
  if (!book.recorded || book.commits.length > 0) await ran.acknowledge();
  if (signal.aborted) {
    wire.report.warning(
      ran.open.length === 0
        ? "interrupted: what ran was ended"
        : `interrupted: ${ran.open.length} could not be ended at once`,
    );
    return wire.exit(exit.interrupted);
  }
  wire.exit(verdictOf(answers));
}

/** Nothing was begun, and waiting would not have helped: that is no answer of any machine. */
export function refuse(tasks: Entry<"task">[], answers: Answer[], { plan }: Ran): void {
  if (answers.some((one) => one.job !== null || one.state === "unreachable")) return;
  const hold = tasks.flatMap(({ id }) => plan.holds.get(id) ?? []).find((one) => one.state === "blocked");
  if (!hold) return;
  const advice: Partial<Record<typeof hold.on, string>> = {
    hosts: "`towline fleet status` shows how the machines stand",
    agent: "mend the agent's record, or name another with --agent",
  };
  throw new Fault(exit.configuration, `nothing was started: ${hold.reason}`, advice[hold.on]);
}
