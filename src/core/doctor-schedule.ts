// The schedule of the ticks: that there is one, that it runs, and that it keeps the time that the settings speak of.
import { Cron } from "croner";
import type { Examined, Finding } from "./doctor.ts";
import { missingRights, rightsFor } from "./forge-rights.ts";
import { readYaml } from "./split.ts";
import { tick_workflow } from "./tick-env.ts";

const day_ms = 86_400_000;

interface Workflow {
  on?: { schedule?: { cron?: string }[] };
  jobs?: Record<string, { permissions?: unknown; environment?: unknown; steps?: { run?: string; env?: object }[] }>;
}

export function readWorkflow(text: string): Workflow {
  try {
    const read = readYaml(text);
    return typeof read === "object" && read !== null ? (read as Workflow) : {};
  } catch {
    return {};
  }
}

/** Starts that the schedule asks for in the days after `now`, in order. */
export function startsOf(workflow: string, now: Date, days = 2): number[] {
  const { on } = readWorkflow(workflow);
  const schedule = on && typeof on === "object" && Array.isArray(on.schedule) ? on.schedule : [];
  const end = now.getTime() + days * day_ms;
  const starts = schedule.flatMap(({ cron }) => runsOf(String(cron ?? ""), now, end));
  return [...new Set(starts)].sort((a, b) => a - b);
}

function runsOf(cron: string, now: Date, end: number): number[] {
  try {
    const schedule = new Cron(cron, { timezone: "UTC", mode: "5-part" });
    const runs: number[] = [];
    for (let at = schedule.nextRun(now); at !== null && at.getTime() <= end; at = schedule.nextRun(at))
      runs.push(at.getTime());
    return runs;
  } catch {
    return []; // the service refuses the whole file; its own parser says where
  }
}

/** The first line like this; else the first of all. */
const lineOf = (text: string, like: RegExp) => text.split("\n").findIndex((one) => like.test(one)) + 1 || 1;

export function scheduleFindings(examined: Examined): Finding[] {
  const { workflow, settings, forge, now } = examined;
  const here = { path: tick_workflow, line: 1 };
  if (examined.folder) return [];
  if (workflow === null)
    return [
      {
        level: "warning",
        code: "no-workflow",
        message: `there is no ${tick_workflow}: ticks run only where somebody runs them`,
        fix: "copy it from the template, or run `towline watch` on a machine",
        path: "towline.yml",
        line: 1,
      },
    ];
  const found: Finding[] = [...cadence(workflow, settings.tick.every, now), ...rights(workflow, examined)];
  if (forge?.workflow !== undefined && forge.workflow !== "active")
    found.push({
      level: "error",
      code: "disabled-schedule",
      message: `the forge has switched the workflow of the ticks off (${forge.workflow}): nothing runs`,
      fix: "gh workflow enable tick.yml",
      ...here,
      link: `${forge.page}/actions/workflows/tick.yml`,
    });
  if (forge?.stop)
    found.push({
      level: "warning",
      code: "stopped",
      message: "the repository variable TOWLINE_STOP is set: every tick is skipped",
      fix: "gh variable delete TOWLINE_STOP",
      ...here,
      link: `${forge.page}/settings/variables/actions`,
    });
  return found;
}

const minutes = (ms: number) => `${Math.round(ms / 60_000)} min`;

/** The longest time between two ticks, and what the settings make people believe. */
function cadence(workflow: string, every: number, now: Date): Finding[] {
  const starts = startsOf(workflow, now);
  const line = lineOf(workflow, /^\s*-?\s*-?\s*cron:/);
  if (starts.length < 2)
    return [
      {
        level: "warning",
        code: "no-schedule",
        message: "no schedule starts a tick every day",
        fix: 'add `schedule: [{cron: "7,37 * * * *"}]`, or run `towline watch` on a machine',
        path: tick_workflow,
        line,
      },
    ];
  const gap = Math.max(...starts.slice(1).map((at, i) => at - (starts[i] as number)));
  if (Math.abs(gap - every * 1000) < 60_000) return [];
  return [
    {
      level: "warning",
      code: "cadence",
      message: `up to ${minutes(gap)} lie between two ticks of this schedule, and \`tick.every\` says ${minutes(every * 1000)}`,
      fix: `write \`tick: {every: ${Math.round(gap / 60_000)}m}\` in towline.yml, or another cron`,
      path: tick_workflow,
      line,
    },
  ];
}

/** Some job must be able to push what a tick writes, and to do on the forge what the settings ask for. */
function rights(workflow: string, { settings, forge }: Examined): Finding[] {
  if (Object.keys(readWorkflow(workflow).jobs ?? {}).length === 0) return [];
  return missingRights(workflow, rightsFor(settings, forge?.private === true)).map((right) => ({
    level: "error",
    code: "permission",
    message: right === "contents: write" ? "the job of the tick may not push what it writes" : lacks(right),
    fix: `add \`${right}\` to \`permissions:\` of that job`,
    path: tick_workflow,
    line: lineOf(workflow, /^\s*permissions:\s*(#|$)/),
  }));
}

const lacks = (right: string) => `the token of the tick's job lacks \`${right}\`, which the settings need`;
