import type { Command } from "commander";
import { parseDuration } from "../core/scalar.ts";
import { exit, Fault, usage } from "../errors.ts";
import { hearSignals } from "../interrupt.ts";
import type { Common, Wire } from "../wire.ts";
import { type PartFlags, withPart } from "./part.ts";
import { endedLine, standing, standingLines, unpushedLine } from "./tell.ts";
import { interruptedLine, pollersOf, reportProblems, type Ticked, tickOnce } from "./tick.ts";

/** Adds `towline watch`: the same line in a loop, for people without CI. */
export function watch(program: Command, wire: Wire): void {
  withPart(program.command("watch"))
    .description("run a tick again and again, without a CI service")
    .option("--every <duration>", "time between the starts of two ticks", "5m")
    .option("--ticks <n>", "stop after this many")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print one line of JSON a tick")
    .action(async (flags: Common & PartFlags & { every: string; ticks?: string }) => {
      const seconds = parseDuration(flags.every);
      if (seconds === null || seconds < 1)
        throw usage(`--every ${flags.every} is not a duration`, "write it like 90s or 5m");
      const { signal, release } = hearSignals();
      const told: Told = { standing: "", unpushed: 0 };
      const pollers = pollersOf(wire, flags);
      try {
        for (let count = 0; !signal.aborted && count < Number(flags.ticks ?? Number.POSITIVE_INFINITY); count++) {
          if (count > 0) await wire.clock.sleep(seconds * 1000, signal).catch(() => {});
          if (!signal.aborted) wire.exit(await once(wire, flags, { signal, pollers }, told, count === 0));
        }
      } finally {
        release();
      }
    });
}

/** What was said last: said again only when it is otherwise. */
interface Told {
  standing: string;
  unpushed: number;
}

/**
 * A fault of one tick is told and the next one tries again: the loop is all that keeps the pack alive. But what only a
 * person can mend ends it when the very first tick meets it. Returns the exit code of the tick.
 */
async function once(
  wire: Wire,
  flags: Common & PartFlags,
  options: Parameters<typeof tickOnce>[2],
  told: Told,
  first: boolean,
): Promise<number> {
  const at = `${wire.clock.now().toISOString().slice(0, 19)}Z`;
  try {
    const outcome = await tickOnce(wire, flags, options);
    if (outcome.unpushed > 0 && outcome.unpushed !== told.unpushed) wire.report.warning(unpushedLine(outcome.unpushed));
    told.unpushed = outcome.unpushed;
    if (outcome.commits.length > 0) reportProblems(wire, outcome);
    if (flags.json) wire.out(`${JSON.stringify(row(at.slice(0, 19), outcome))}\n`);
    else for (const line of lines(at, outcome, told)) wire.out(`${line}\n`);
    if (outcome.interrupted) {
      wire.report.warning(interruptedLine);
      return exit.interrupted;
    }
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === exit.interrupted) return exit.interrupted;
    if (!(thrown instanceof Fault) || (first && thrown.code !== exit.outside)) throw thrown;
    wire.report.error(`${at}  ${thrown.message}`);
    if (thrown.advice) wire.report.note(`  ${thrown.advice}`);
    return thrown.code;
  }
  return exit.ok;
}

const row = (at: string, outcome: Ticked) => ({
  at,
  tick: outcome.tick,
  started: outcome.starts.length,
  ended: outcome.ended.length,
  commits: outcome.commits.length,
  degraded: outcome.degraded,
  started_tasks: outcome.starts.map((one) => one.task),
  ended_tasks: outcome.ended.map((one) => one.task),
  ...standing(outcome.state),
  unpushed: outcome.unpushed,
});

function lines(at: string, outcome: Ticked, told: Told): string[] {
  const said = [
    ...outcome.starts.map((one) => `● started ${one.task} on ${one.host}`),
    ...outcome.ended.map(endedLine),
    ...outcome.degraded.map((one) => `◐ degraded: ${one}`),
  ];
  const now = standingLines(outcome.state);
  if (now.join("\n") !== told.standing) said.push(...now);
  told.standing = now.join("\n");
  const { length } = outcome.commits;
  const head = `${at}  ${outcome.starts.length} started, ${outcome.ended.length} ended, ${length} ${length === 1 ? "commit" : "commits"}`;
  return [head, ...said.map((line) => `  ${line}`)];
}
