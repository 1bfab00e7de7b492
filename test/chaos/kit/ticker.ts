// A process that ticks: the line as `towline tick` runs it, watched, and ended where the plan says. Plan: JSON in argv.
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../../src/errors.ts";
import { createFleet } from "../../../src/shell/fleet.ts";
import { type TickFlags, tickOnce } from "../../../src/verbs/tick.ts";
import { quiet, wireUp } from "../../../src/wire.ts";
import { type CrashPoint, crashAt, crashingProgram } from "./crash.ts";
import { around, logTo, micros } from "./watch.ts";

export interface TickerPlan extends TickFlags {
  who: string;
  repo: string;
  /** File for the log of what was asked and told. */
  log: string;
  crash?: CrashPoint;
  /** Ticks until this file exists; absent: one tick. */
  stop?: string;
  /** Hosts get the program with the crash lines. */
  marks?: boolean;
  /** Folder for the git in front of git, when the step is one of git's. */
  shim?: string;
}

/** The environment in which git dies on the way at the planned step. */
function gitEnvOf({ crash, shim }: TickerPlan): Record<string, string> {
  if (!crash || !/^(git|push)-/.test(crash.step) || shim === undefined) return {};
  const bin = join(shim, "bin");
  mkdirSync(bin, { recursive: true });
  if (!existsSync(join(bin, "git"))) symlinkSync(new URL("./git-shim.sh", import.meta.url).pathname, join(bin, "git"));
  const count = join(shim, "count");
  writeFileSync(count, `${crash.nth}\n`);
  const { PATH = "/usr/bin:/bin" } = process.env;
  return { PATH: `${bin}:${PATH}`, LAB_STEP: crash.step, LAB_COUNT: count, LAB_PID: String(process.pid) };
}

export interface Ticked {
  commits: number;
  fault: string | null;
}

export async function runTicker(plan: TickerPlan, env: Record<string, string> = {}): Promise<Ticked> {
  const log = logTo(plan.log);
  const wire = { ...wireUp(), env: { ...process.env, ...env, ...gitEnvOf(plan) }, report: quiet, out() {} };
  const at = crashAt(plan.crash);
  const { who } = plan;
  const last: Ticked = { commits: 0, fault: null };
  try {
    do {
      const from = micros();
      const program = plan.marks ? crashingProgram() : undefined;
      const fleet = createFleet({ env: wire.env, home: wire.home, program });
      try {
        const done = await tickOnce(wire, plan, { around: around({ who, log, at, fleet }) });
        at("summary:before");
        last.commits = done.commits.length;
        log({
          op: "ticked",
          who,
          tick: done.tick,
          from,
          to: micros(),
          commits: last.commits,
          contended: done.contended,
        });
      } catch (thrown) {
        last.fault = messageOf(thrown);
        log({ op: "failed", who, from, to: micros(), why: (thrown as Error).stack ?? last.fault });
      }
      if (plan.stop !== undefined && last.commits === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    } while (plan.stop !== undefined && !existsSync(plan.stop));
    return last;
  } finally {
    log.close();
  }
}
