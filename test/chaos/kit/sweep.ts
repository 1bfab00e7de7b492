// Rounds of kills at named steps and at most two clean ticks after each. Runs in the lab's network, as a process of its
// own: plan in argv (JSON), one line of JSON a round on stdout, and a last one about the whole.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestPack } from "../../fakes/pack.ts";
import type { CrashPoint } from "./crash.ts";
import { type Database, raiseDatabase } from "./database.ts";
import { anomalies, historyOf } from "./history.ts";
import type { LabMachine } from "./lab.ts";
import { labPack, marked, marksOf } from "./pack.ts";
import { unknowable } from "./points.ts";
import { runTicker, type TickerPlan } from "./ticker.ts";
import type { Event } from "./watch.ts";

export interface SweepPlan {
  name: string;
  /** What dies: tickers, one after another; or host programs, each on a machine of its own, while one ticker runs. */
  kind: "tick" | "host" | "database" | "site";
  chains: CrashPoint[][];
  machines: LabMachine[];
  /** The ticker's program. */
  ticker: string;
  /** Real milliseconds between a kill and the next tick. */
  pause: number;
}

export interface Kill extends CrashPoint {
  /** The planned process died at the planned step. */
  killed: boolean;
}

export interface Round {
  kills: Kill[];
  /** Clean ticks until all was recorded; 3: not within two. */
  ticks: number;
  twice: string[];
  /** Jobs that never ran, or ended otherwise than the undisturbed run does. */
  astray: string[];
  /** Of those, they whose supervisor was killed, so that nobody can know: these wait for a person. */
  held: string[];
  faults: string[];
}

export interface Whole {
  anomalies: string[];
  fsck: string;
  /** Of ticks that came to an end, killed later or never. */
  faults: string[];
}

interface Scene {
  plan: SweepPlan;
  pack: TestPack;
  database?: Database;
  /** Hours that have passed in this life. */
  hour: number;
  round: number;
}

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
[ "$LAB_STEP" = ${step} ] || exit 0
refs=$(cat)
case "$refs" in *refs/heads/*) ;; *) exit 0 ;; esac
read -r left <"$LAB_COUNT"
echo $((left - 1)) >"$LAB_COUNT"
[ "$left" -ne 1 ] || { kill -s KILL "$LAB_PID"; sleep 0.05; }
exit 0
`,
    );
    chmodSync(file, 0o755);
  }
}

const tickerOf = ({ plan, pack, round, hour }: Scene, part = `h${hour}`): TickerPlan => ({
  who: `${plan.name}-${round}${part}`,
  repo: pack.clone,
  log: join(pack.dir, "events"),
  marks: true,
  sync: plan.kind === "database",
  site: plan.kind === "site",
});

const at = (hour: number) => new Date(Date.now() + hour * 3_600_000).toISOString();

const ended = (child: ChildProcess) =>
  new Promise<boolean>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (_, signal) => resolve(signal === "SIGKILL"));
  });

/** One ticker in a process of its own, which dies at this step. */
async function killTicker(scene: Scene, point: CrashPoint): Promise<boolean> {
  const { plan, pack, database } = scene;
  const shim = join(pack.dir, "shim");
  mkdirSync(shim, { recursive: true });
  const ticker: TickerPlan = { ...tickerOf(scene), now: at(scene.hour), crash: point, shim };
  let child: ChildProcess | undefined;
  const disarm = database?.arm(point.step, () => child?.kill("SIGKILL"));
  child = spawn(process.execPath, [plan.ticker, JSON.stringify(ticker)], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ...database?.env },
  });
  const killed = await ended(child);
  await disarm?.();
  await new Promise((resolve) => setTimeout(resolve, plan.pause));
  return killed;
}

const armed = ({ home }: LabMachine, step: string) => join(home, `crash.${step.replace(/^host\./, "")}`);

/** Each machine's program dies at a step of its own; says which of them are still to come. */
function armHosts({ plan }: Scene, points: CrashPoint[]): { left(): boolean[]; disarm(): Kill[] } {
  const files = points.map(({ step }, index) => armed(plan.machines[index] as LabMachine, step));
  for (const file of files) writeFileSync(file, "");
  const left = () => files.map((file) => existsSync(file));
  const disarm = () => {
    const kills = left().map((unharmed, index) => ({ ...(points[index] as CrashPoint), killed: !unharmed }));
    for (const file of files) rmSync(file, { force: true });
    return kills;
  };
  return { left, disarm };
}

interface Job {
  id: string;
  fields: string;
}

/** The jobs of each kill: every ticker of a chain finds new work, every machine whose program dies has its own. */
function jobsOf({ plan, round, hour }: Scene, chain: CrashPoint[]): Job[][] {
  return chain.map((_, index) => {
    const id = `${plan.name}-${round}-${index}`;
    if (plan.kind === "host") return [{ id, fields: `hosts: ${plan.machines[index]?.name}` }];
    return plan.machines.map(({ name }) => ({ id: `${id}${name}`, fields: `due: ${at(hour + index)}` }));
  });
}

async function round(scene: Scene, chain: CrashPoint[]): Promise<Round> {
  const { plan, pack, database } = scene;
  scene.round++;
  scene.hour++;
  const jobs = jobsOf(scene, chain);
  const ids = jobs.flat().map(({ id }) => id);
  pack.push(Object.fromEntries(jobs.flat().map(({ id, fields }) => [`tasks/${id}.md`, marked(id, "", fields)])));
  const said: Round = { kills: [], ticks: 0, twice: [], astray: [], held: [], faults: [] };
  const hosts = plan.kind === "host" ? armHosts(scene, chain) : undefined;
  if (hosts) await runTicker({ ...tickerOf(scene), now: at(scene.hour) });
  else
    for (const point of chain) {
      said.kills.push({ ...point, killed: await killTicker(scene, point) });
      scene.hour++;
    }
  // Some steps, like the ack of what this round left behind, are a later tick's.
  const before = hosts?.left();
  let unlike: string | null = null;
  for (said.ticks = 1; said.ticks < 3; said.ticks++) {
    scene.hour++;
    const clean = { ...tickerOf(scene, `c${said.ticks}`), now: at(scene.hour) };
    const { fault } = await runTicker(clean, database?.env);
    if (fault !== null) said.faults.push(fault);
    const ended = [...states(pack, ids).values()].filter((state) => /^(done|failed|lost)$/.test(state));
    unlike = (await database?.unlike(pack.clone)) ?? null;
    if (ended.length === ids.length && unlike === null) break;
  }
  if (unlike !== null) said.faults.push(unlike);
  if (hosts) {
    const late = hosts.left().some((unharmed, index) => !unharmed && before?.[index]);
    said.kills = hosts.disarm();
    if (late) await runTicker({ ...tickerOf(scene, "late"), now: at(++scene.hour) });
  }
  judge(scene, jobs, said);
  return said;
}

function judge({ plan, pack }: Scene, jobs: Job[][], said: Round): void {
  const ran = marksOf(plan.machines);
  const ids = jobs.flat().map(({ id }) => id);
  const state = states(pack, ids);
  said.twice = ids.filter((id) => (ran.get(id) ?? 0) > 1);
  for (const [index, list] of jobs.entries())
    for (const { id } of list)
      if (!ran.has(id) || state.get(id) !== "done")
        (plan.kind === "host" && unknowable.has(said.kills[index]?.step ?? "") ? said.held : said.astray).push(id);
}

/** Task → state, as the records of the bare repository say. */
function states(pack: TestPack, ids: string[]): Map<string, string> {
  const wanted = new Set(ids);
  const found = pack.at("grep", "^state: ", "main", "--", "status/").matchAll(/^main:status\/(.*)\.md:state: (\w+)$/gm);
  return new Map([...found].flatMap(([, id = "", state = ""]) => (wanted.has(id) ? [[id, state] as const] : [])));
}

/** A host is told to let go of a result only where one stands in the ledger, and whoever wrote it died over that. */
const needed = ({ step }: CrashPoint): CrashPoint[] => (step.startsWith("cleanup") ? [{ step: "pushed", nth: 2 }] : []);

/** What was not reached where it was planned is tried again, after all else. */
async function sweep(plan: SweepPlan): Promise<void> {
  const settings = "tick: {patience: 10s, wall: 10m, max_starts: 1000000}\nsite: {}\n";
  const names = plan.machines.map(({ name }) => name);
  const first = names.map((name) => [
    `tasks/first-${name}.md`,
    marked(`${plan.name}-first-${name}`, "", `hosts: ${name}`),
  ]);
  const pack = labPack({ id: plan.name, machines: plan.machines, settings }, Object.fromEntries(first));
  hooks(pack);
  const database = plan.kind === "database" ? await raiseDatabase() : undefined;
  const scene: Scene = { plan, pack, database, hour: 0, round: 0 };
  const tell = (said: Round | Whole) => process.stdout.write(`${JSON.stringify(said)}\n`);
  try {
    await runTicker(tickerOf(scene, "first"), database?.env);
    const again: CrashPoint[] = [];
    for (const chain of plan.chains) {
      const said = await round(scene, chain);
      again.push(...said.kills.filter(({ killed }) => !killed).map(({ step, nth }) => ({ step, nth })));
      tell(said);
    }
    for (let tries = 3 * again.length; again.length > 0 && tries > 0; tries--) {
      const point = again.shift() as CrashPoint;
      const said = await round(scene, [...needed(point), point]);
      if (!said.kills.at(-1)?.killed) again.push(point);
      tell(said);
    }
    tell(wholeOf(pack));
  } finally {
    await database?.stop();
    pack.remove();
  }
}

function wholeOf(pack: TestPack): Whole {
  const lines = readFileSync(join(pack.dir, "events"), "utf8").split("\n").filter(Boolean);
  const events = lines.map((line) => JSON.parse(line) as Event);
  return {
    anomalies: anomalies(historyOf(pack), events),
    fsck: pack.at("fsck", "--strict", "--no-dangling"),
    faults: events.flatMap((one) => (one.op === "failed" ? [`${one.who}: ${one.why}`] : [])),
  };
}

if (import.meta.main) await sweep(JSON.parse(process.argv[2] ?? "") as SweepPlan);
