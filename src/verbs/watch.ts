import type { Command } from "commander";
import { parseDuration } from "../core/scalar.ts";
import { Fault, usage } from "../errors.ts";
import type { Common, Wire } from "../wire.ts";
import { reportProblems, tickOnce } from "./tick.ts";

/** Adds `towline watch`: the same line in a loop, for people without CI. */
export function watch(program: Command, wire: Wire): void {
  program
    .command("watch")
    .description("run a tick again and again, without a CI service")
    .option("--every <duration>", "time between the starts of two ticks", "5m")
    .option("--ticks <n>", "stop after this many")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print one line of JSON a tick")
    .action(async (flags: Common & { every: string; ticks?: string }) => {
      const seconds = parseDuration(flags.every);
      if (seconds === null || seconds < 1)
        throw usage(`--every ${flags.every} is not a duration`, "write it like 90s or 5m");
      const stop = new AbortController();
      const end = () => stop.abort();
      process.once("SIGINT", end).once("SIGTERM", end);
      try {
        for (let count = 0; !stop.signal.aborted && count < Number(flags.ticks ?? Number.POSITIVE_INFINITY); count++) {
          if (count > 0) await wire.clock.sleep(seconds * 1000, stop.signal).catch(() => {});
          if (!stop.signal.aborted) await once(wire, flags, stop.signal);
        }
      } finally {
        process.off("SIGINT", end).off("SIGTERM", end);
      }
    });
}

/** A fault of one tick is told and the next one tries again: the loop is all that keeps the pack alive. */
async function once(wire: Wire, flags: Common, signal: AbortSignal): Promise<void> {
  const at = wire.clock.now().toISOString().slice(0, 19);
  try {
    const outcome = await tickOnce(wire, flags, { signal });
    if (outcome.commits.length > 0) reportProblems(wire, outcome);
    const said = {
      at,
      tick: outcome.tick,
      started: outcome.starts.length,
      ended: outcome.ended.length,
      commits: outcome.commits.length,
      degraded: outcome.degraded,
    };
    wire.out(
      flags.json
        ? `${JSON.stringify(said)}\n`
        : `${at}  ${said.started} started, ${said.ended} ended, ${said.commits} commits${said.degraded.length > 0 ? `, degraded: ${said.degraded.join("; ")}` : ""}\n`,
    );
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    wire.report.error(`${at}  ${thrown.message}`);
  }
}
