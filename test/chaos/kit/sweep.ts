// Rounds of one killed tick and at most two clean ones, each round at one named step. Runs in the lab's network, as a
// process of its own: plan in argv (JSON), one line of JSON a round on stdout.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestPack } from "../../fakes/pack.ts";
import { type CrashPoint, hostSteps } from "./crash.ts";
import { tickerFile } from "./crew.ts";
import { anomalies, historyOf } from "./history.ts";
import type { LabMachine } from "./lab.ts";
import { labPack, marked, marksOf } from "./pack.ts";
import { runTicker, type TickerPlan } from "./ticker.ts";
import type { Event } from "./watch.ts";

export interface SweepPlan {
  name: string;
  points: CrashPoint[];
  machines: LabMachine[];
  /** Real milliseconds between the kill and the first clean tick. */
  pause: number;
}

export interface Round {
  step: string;
  nth: number;
  /** The planned process died at the planned step. */
  killed: boolean;
  /** Clean ticks until all was recorded; 3: not within two. */
  ticks: number;
  twice: string[];
  never: string[];
  /** Jobs that ended, but not as the undisturbed run does. */
  other: string[];
  faults: string[];
}

/** Steps of a tick at which a killed tick leaves work behind; `#2` is the push that records, `#1` the one that claims. */
export const tickSteps: CrashPoint[] = [
  "started git-fetch git-read opened connect:before connect:after cleanup:before cleanup:after reread send host-ack wait",
  "agent-end collect verified sync:before sync:in sync:after publish:before publish:in publish:after summary:before",
]
  .join(" ")
  .split(" ")
  .map((step) => ({ step, nth: 1 }))
  .concat(
    ["plan", "git-write", "git-commit", "git-push", "push-in", "push-landed", "git-pushed", "pushed"].flatMap(
      (step) => [
        { step, nth: 1 },
        { step, nth: 2 },
      ],
    ),
  );
export const allPoints = () => [...tickSteps, ...hostSteps().map((step) => ({ step: `host.${step}`, nth: 1 }))];

/** The pushing ticker dies inside the server's hook: before the refs move, or after, when only the answer is missing. */
function hooks(pack: TestPack): void {
  for (const [hook, step] of [
    ["pre-receive", "push-in"],
    ["post-receive", "push-landed"],
  ]) {
    const file = join(pack.origin, "hooks", hook as string);
    writeFileSync(
      file,
      `#!/bin/sh
refs=$(cat)
case "$LAB_STEP $refs" in "${step} "*refs/heads/*) ;; *) exit 0 ;; esac
read -r left <"$LAB_COUNT"
echo $((left - 1)) >"$LAB_COUNT"
[ "$left" -ne 1 ] || { kill -s KILL "$LAB_PID"; sleep 0.05; }
exit 0
`,
    );
    chmodSync(file, 0o755);
  }
}

const died = (plan: TickerPlan) =>
  new Promise<boolean>((resolve, reject) => {
    const child = spawn(process.execPath, [tickerFile, JSON.stringify(plan)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    child.once("error", reject);
    child.once("exit", (_, signal) => resolve(signal === "SIGKILL"));
  });

const arm = (machines: LabMachine[], step: string) => {
  for (const { home } of machines) writeFileSync(join(home, `crash.${step}`), "");
};
/** True when it had gone off on at least one machine. */
const disarm = (machines: LabMachine[], step: string) =>
  machines.filter(({ home }) => {
    try {
      rmSync(join(home, `crash.${step}`));
      return false;
    } catch {
      return true;
    }
  }).length > 0;

async function round(plan: SweepPlan, pack: TestPack, point: CrashPoint, number: number): Promise<Round> {
  const { machines, name } = plan;
  const ids = ["a", "b"].map((one) => `${name}-${number}${one}`);
  pack.push(Object.fromEntries(ids.map((id) => [`tasks/${id}.md`, marked(id)])));
  const hours = (n: number) => new Date(Date.now() + (number * 3 + n) * 3_600_000).toISOString();
  const ticker: TickerPlan = {
    who: `${name}-${number}`,
    repo: pack.clone,
    log: join(pack.dir, "events"),
    marks: true,
    sync: point.step.startsWith("sync"),
    site: point.step.startsWith("publish"),
    now: hours(0),
  };
  const onHost = /^host\.(.*)$/.exec(point.step)?.[1];
  if (onHost) arm(machines, onHost);
  const shim = join(pack.dir, "shim");
  mkdirSync(shim, { recursive: true });
  const dead = await died(onHost ? ticker : { ...ticker, crash: point, shim });
  let killed = dead;
  if (onHost) killed = disarm(machines, onHost);
  await new Promise((resolve) => setTimeout(resolve, plan.pause));
  const said: Round = {
    step: point.step,
    nth: point.nth,
    killed,
    ticks: 0,
    twice: [],
    never: [],
    other: [],
    faults: [],
  };
  for (said.ticks = 1; said.ticks <= 3; said.ticks++) {
    if (said.ticks === 3) break;
    const done = await runTicker({ ...ticker, who: `${ticker.who}c${said.ticks}`, now: hours(said.ticks) });
    if (done.fault !== null) said.faults.push(done.fault);
    if (settled(pack, ids)) break;
  }
  const ran = marksOf(machines);
  said.twice = ids.filter((id) => (ran.get(id) ?? 0) > 1);
  said.never = ids.filter((id) => !ran.has(id));
  said.other = ids.filter((id) => !/^state: done$/m.test(statusOf(pack, id)));
  return said;
}

const statusOf = (pack: TestPack, id: string) => {
  try {
    return pack.file(`status/${id}.md`);
  } catch {
    return "";
  }
};

/** Every run has ended, in whatever way, as the records of the bare repository say. */
const settled = (pack: TestPack, ids: string[]) =>
  ids.every((id) => /^state: (done|failed|lost)$/m.test(statusOf(pack, id)));

async function sweep(plan: SweepPlan): Promise<void> {
  const settings = "tick: {patience: 10s, wall: 10m, max_starts: 1000000}\nsite: {}\n";
  const pack = labPack({ id: plan.name, machines: plan.machines, settings }, {});
  hooks(pack);
  try {
    await runTicker({
      who: plan.name,
      repo: pack.clone,
      log: join(pack.dir, "events"),
      marks: true,
      sync: false,
      site: false,
    });
    for (const [number, point] of plan.points.entries())
      process.stdout.write(`${JSON.stringify(await round(plan, pack, point, number + 1))}\n`);
    const events = readFileSync(join(pack.dir, "events"), "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Event);
    const fsck = pack.at("fsck", "--strict", "--no-dangling");
    process.stdout.write(`${JSON.stringify({ anomalies: anomalies(historyOf(pack), events), fsck })}\n`);
  } finally {
    pack.remove();
  }
}

if (import.meta.main) await sweep(JSON.parse(process.argv[2] ?? "") as SweepPlan);
