import type { Command } from "commander";
import { noFindings } from "../core/absorb.ts";
import { decide } from "../core/decide.ts";
import { draftOf } from "../core/draft.ts";
import { lastTime } from "../core/explain.ts";
import { candidates } from "../core/gate.ts";
import { asking } from "../core/plan.ts";
import { exit } from "../errors.ts";
import { runtimes } from "../runtimes/index.ts";
import { createFleet } from "../shell/fleet.ts";
import { gather } from "../shell/hands.ts";
import { openLocal } from "../shell/pack.ts";
import { createPool } from "../shell/pool.ts";
import { jobPaths, readPair, readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface PlanFlags extends Common {
  at?: string;
  probe?: boolean;
  now?: string;
}

interface Planned {
  starts: { task: string; occurrence: string; hosts: string[]; deadline?: number; note?: string }[];
  holds: { task: string; state: string; reason: string; person: boolean }[];
  next: { task: string; due: string }[];
}

/** Adds `towline plan`: what the next tick would do. Starts nothing, writes nothing. */
export function plan(program: Command, wire: Wire): void {
  program
    .command("plan")
    .description("what the next tick would start, what is held back and by what, and what is due next")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--at <ref>", "read this commit instead of the work tree")
    .option("--probe", "ask the hosts, too, and name the one that each job would get")
    .option("--now <time>", "plan as if it were this time (ISO)")
    .option("--json", "print the plan as JSON")
    .action(async (flags: PlanFlags) => {
      const planned = await planOf(wire, flags);
      if (flags.json) wire.out(`${JSON.stringify(planned, null, 2)}\n`);
      else for (const line of lines(planned)) wire.out(`${line}\n`);
      if (planned.holds.some((hold) => hold.person)) wire.exit(exit.findings);
    });
}

async function planOf(wire: Wire, flags: PlanFlags): Promise<Planned> {
  const dir = repoDir(wire, flags);
  const { repo, tips, top } = await openLocal(dir, wire, flags.at);
  const state = flags.at === undefined ? await readWorkTree(repo, top, tips) : await readPair(repo, tips);
  const now = flags.now === undefined ? wire.clock.now() : new Date(flags.now);
  const names = new Set(Object.keys(runtimes));
  const draft = draftOf(state, now, "plan");
  const next = [...state.status.values()].flatMap((one) =>
    one.data.next_due && state.tasks.has(one.id) ? [{ task: one.id, due: one.data.next_due }] : [],
  );
  next.sort((a, b) => (a.due < b.due ? -1 : 1));
  if (!flags.probe) {
    const { ready, holds } = candidates(draft, names);
    const starts = ready.map((one) => ({
      task: one.task.id,
      occurrence: one.run.occurrence,
      hosts: one.hosts.map((host) => host.id),
      note: lastTime(state.status.get(one.task.id)).trim() || undefined,
    }));
    return { starts, holds: [...holds].map(([task, hold]) => ({ task, ...hold })), next };
  }
  const pool = createPool(createFleet({ env: wire.env, home: wire.home }), state.settings.id);
  try {
    const findings = noFindings();
    await gather({ repo, pool, clock: wire.clock, runtimes }, state, asking(draft, names).hosts, findings);
    const decision = decide(
      state,
      findings,
      { paths: await jobPaths(repo, tips), runtimes: names },
      { now, tick: "plan", file: "plan", start: true },
    );
    const starts = decision.plan.starts.map((one) => ({
      task: decision.draft.jobs.get(one.job)?.data.task ?? "",
      occurrence: decision.draft.jobs.get(one.job)?.data.run.occurrence ?? "",
      hosts: [one.host],
      deadline: one.deadline,
    }));
    return { starts, holds: [...decision.plan.holds].map(([task, hold]) => ({ task, ...hold })), next };
  } finally {
    pool.close();
  }
}

function lines({ starts, holds, next }: Planned): string[] {
  const said = starts.map(
    (one) =>
      `● start  ${one.task}  (${one.occurrence})  on ${one.hosts.length === 1 ? one.hosts[0] : one.hosts.length === 0 ? "no host" : `one of ${one.hosts.join(", ")}`}${one.note ? ` ${one.note}` : ""}`,
  );
  for (const hold of holds) said.push(`‖ ${hold.state}  ${hold.task}: ${hold.reason}`);
  for (const one of next.slice(0, 10)) said.push(`○ next   ${one.task}  at ${one.due}`);
  return said.length > 0 ? said : ["Nothing to do: no task is owed a run."];
}
