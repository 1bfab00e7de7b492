// The line for what a person asks for at once: ask the hosts, claim, start, wait, collect. It decides nothing.
import { type Findings, noFindings } from "../core/absorb.ts";
import { decideErrand } from "../core/decide-errand.ts";
import type { Draft } from "../core/draft.ts";
import type { Entry } from "../core/entry.ts";
import { patienceOf, worthWaiting } from "../core/errand-wait.ts";
import { agentOf } from "../core/gate.ts";
import { isOver } from "../core/jobs.ts";
import { hostCalled } from "../core/known-hosts.ts";
import type { Cut } from "../core/mask.ts";
import type { HostAnswer } from "../core/place.ts";
import type { Plan } from "../core/plan.ts";
import { formatDuration } from "../core/scalar.ts";
import type { State } from "../core/state.ts";
import { heed, Interrupted } from "../interrupt.ts";
import type { Clock, Deployer, Outcome, RawResult, Runtime } from "../ports.ts";
import type { Book, Settled } from "./errand-book.ts";
import { type Following, follow, keyOf, recall } from "./errand-follow.ts";
import { acknowledge, askHosts } from "./errand-hosts.ts";
import { dispatch, type Hands } from "./hands.ts";
import type { Pool } from "./pool.ts";
import type { Screen } from "./screen.ts";
import type { HostLookup } from "./ways.ts";

export interface ErrandPorts {
  clock: Clock;
  runtimes: Readonly<Record<string, Runtime>>;
  /** Learns what a plugin offers as a runtime, into the state. */
  plug?: Hands["plug"];
  screen: Screen;
  secret(name: string): string | undefined;
  mask?(text: string, cut: Cut): string;
  deployer?: Deployer;
  connect(pack: string, hosts: HostLookup, state?: () => State | undefined): Pool;
}

export interface Errand {
  tasks: Entry<"task">[];
  /** Id of this run of the verb. */
  tick: string;
  by: string;
  signal: AbortSignal;
  /** Hosts that were asked so far, and of how many. */
  asked(done: number, all: number): void;
  /** Jobs that have answered so far, of those that were started. */
  answered(done: number, all: number): void;
  landed(one: Landed): void;
}

export interface Landed {
  host: string;
  result: RawResult;
  outcome: Outcome;
}

export interface Ran {
  draft: Draft;
  plan: Plan;
  answers: ReadonlyMap<string, HostAnswer>;
  results: Landed[];
  /** Why what a host holds of a job is no result, by job id. */
  spoiled: ReadonlyMap<string, string>;
  /** `job/epoch` of what was sent and of which nobody knows yet what became of it. */
  open: string[];
  /** Tells the hosts that these results are safe. */
  acknowledge(): Promise<void>;
  close(): void;
}

/** Seconds that a run may take to end after its limit, and its answer to come. */
const grace = 15;
/** ms between two looks whether a slot is free. */
const rhythm = 1000;
/** ms in which an interrupted errand ends what it began: the process ends by itself after six seconds. */
const recall_time = 4000;

interface Run extends Following {
  ports: ErrandPorts;
  book: Book;
  errand: Errand;
  inbox: Findings;
  all: Landed[];
  answers: Map<string, HostAnswer>;
  pools: Pool[];
  pool: Pool | undefined;
  pack: string;
  /** As it was read last. */
  state: State | undefined;
  followed: Map<string, Promise<void>>;
  started: number;
  /** Faults of ours. */
  faults: unknown[];
  wake(): void;
}

export async function runErrand(ports: ErrandPorts, book: Book, errand: Errand): Promise<Ran> {
  const run = begin(ports, book, errand);
  try {
    return await walk(run);
  } catch (thrown) {
    for (const pool of run.pools) pool.close();
    throw thrown;
  }
}

async function walk(run: Run): Promise<Ran> {
  const { clock, errand } = run;
  const began = clock.tick();
  let made: Settled;
  let plan: Plan;
  for (let round = 1; ; round++) {
    // A claim that was pushed must be followed up; where nothing is written, nobody waits for slow hosts any more.
    const deciding = settle(run, round);
    made = await (run.book.recorded || round > 1 ? deciding : heed(run.signal, deciding));
    plan = made.plan;
    if (made.stands && plan.starts.length > 0) await launch(run, made);
    const patience = began + patienceOf(made.draft, errand.tasks) * 1000 - clock.tick();
    const waiting = isWaiting(run, made, patience);
    // Answers change nothing about what may start, unless something waits for the room that they leave.
    if (waiting && !errand.signal.aborted) await something(run, Math.min(rhythm, patience));
    else while (run.flights.size > 0 && run.faults.length === 0 && !errand.signal.aborted) await something(run);
    if (run.faults.length > 0) throw run.faults[0];
    if (!waiting || errand.signal.aborted) break;
  }
  if (errand.signal.aborted) await withdraw(run, made);
  await Promise.all(run.followed.values());
  const open = [...made.draft.jobs.values()].filter((job) => isOwn(run, job.data.task) && !isOver(job)).map(keyOfJob);
  if (!run.book.recorded || run.book.commits.length > 0)
    made = await settle(run, 0, patienceOf(made.draft, errand.tasks));
  return ended(run, made, plan, open);
}

function begin(ports: ErrandPorts, book: Book, errand: Errand): Run {
  const run: Run = {
    ...ports,
    ports,
    book,
    errand,
    inbox: noFindings(),
    all: [],
    results: [],
    spoiled: new Map(),
    answers: new Map(),
    pools: [],
    pool: undefined,
    pack: "",
    state: undefined,
    flights: new Map(),
    followed: new Map(),
    started: 0,
    faults: [],
    signal: errand.signal,
    again: () => connect(run),
    landed: (one) => {
      run.all.push(one);
      errand.landed(one);
      errand.answered(run.all.length, run.started);
      run.wake();
    },
    wake: () => {},
  };
  run.results = run.inbox.results;
  return run;
}

function connect(run: Run): Pool {
  const hosts = (name: string) => run.state && hostCalled(run.state, name)?.data;
  const pool = run.ports.connect(run.pack, hosts, () => run.state);
  run.pools.push(pool);
  return pool;
}

/** One decision, on what stands now and with what came in since. `closing`: nothing more is begun after these seconds. */
async function settle(run: Run, round: number, closing?: number): Promise<Settled> {
  const { errand, ports, inbox } = run;
  let asked = closing !== undefined;
  let taken = { results: 0, starts: [] as string[] };
  const made = await run.book.settle(async (state) => {
    // Of ticks that meet a new pack at once, one binds it: its folder on the hosts is the only one.
    run.state = state;
    if (run.pool === undefined || run.pack !== state.pack) {
      run.pack = state.pack;
      run.pool = connect(run);
    }
    for (const task of errand.tasks) await ports.plug?.(state, agentOf(state, task)?.data.runtime ?? "");
    if (!asked) await askHosts(run, state, run.pool, errand);
    asked = true;
    if (round === 1 && run.signal.aborted) throw new Interrupted();
    const known = {
      answers: run.answers,
      paths: new Map<string, string>(),
      runtimes: new Set(Object.keys(ports.runtimes)),
      absent: new Set<string>(),
    };
    const why = closing === undefined ? undefined : `it was not started within ${formatDuration(closing)}`;
    const pass = { now: ports.clock.now(), tick: `${errand.tick}-${round}`, closing: why };
    await run.book.lookUp(state, { now: pass.now, runtimes: known.runtimes, tasks: errand.tasks });
    // While this is brought to stand, more may come in.
    taken = { results: inbox.results.length, starts: [...inbox.starts.keys()] };
    return decideErrand(state, errand.tasks, inbox, known, pass);
  }, closing !== undefined);
  if (made.stands) {
    inbox.results.splice(0, taken.results);
    for (const key of taken.starts) inbox.starts.delete(key);
  }
  return made;
}

/** Sends what was claimed, and follows it. */
async function launch(run: Run, { draft, plan }: Settled): Promise<void> {
  const { ports, errand, inbox } = run;
  const pool = run.pool as Pool;
  const starts = await run.book.judge(plan.starts);
  await dispatch({ ...ports, pool }, draft, starts, inbox, { signal: errand.signal });
  for (const start of starts) {
    const found = inbox.starts.get(`${start.job}/${start.epoch}`);
    if (found !== undefined && found.state !== "started") continue;
    const flight = {
      host: hostCalled(draft, start.host) as Entry<"host">,
      job: start.job,
      epoch: found?.epoch ?? start.epoch,
      runtime: start.runtime,
      sure: found !== undefined,
      until: run.clock.tick() + (start.deadline + grace) * 1000,
    };
    run.flights.set(keyOf(flight), flight);
    run.started++;
    const name = flight.host.id;
    const before = run.followed.get(name) ?? Promise.resolve();
    const fly = () => follow(run, flight.host, pool).catch((thrown) => run.faults.push(thrown));
    // One at a time: it asks about all that is in flight there.
    run.followed.set(
      name,
      before.then(fly).then(() => run.wake()),
    );
  }
  errand.answered(run.all.length, run.started);
}

/** Until an answer came, a host has nothing more in flight, the signal, or so many ms. */
async function something(run: Run, ms?: number): Promise<void> {
  const { signal } = run.errand;
  await new Promise<void>((resolve) => {
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    const on = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", on);
      run.wake = () => {};
      resolve();
    };
    run.wake = on;
    signal.addEventListener("abort", on);
    if (signal.aborted) on();
  });
}

const isOwn = (run: Run, task: string) => run.errand.tasks.some((one) => one.id === task);
const keyOfJob = (job: Entry<"job">) => `${job.id}/${job.data.run.epoch}`;

/** Until `ms` from now a slot, or an agent, may become free for what was not started. */
function isWaiting(run: Run, { draft, plan }: Settled, ms: number): boolean {
  const until = new Date(run.clock.now().getTime() + ms);
  const turnedAway = (job: Entry<"job">) =>
    job.data.state === "claimed" && run.inbox.starts.get(keyOfJob(job))?.state === "released";
  const at = { draft, plan, answers: run.answers, flying: run.flights.size > 0, turnedAway, until };
  return ms > 0 && worthWaiting(run.errand.tasks, at);
}

/** The person wants it no more: what runs is ended, and what it said so far is kept. */
async function withdraw(run: Run, { draft }: Settled): Promise<void> {
  const cancel = { at: run.clock.now().toISOString(), by: run.errand.by };
  for (const job of draft.jobs.values())
    if (isOwn(run, job.data.task) && !isOver(job)) run.inbox.cancels.set(job.id, cancel);
  if (run.pool && run.flights.size > 0) await recall(run, run.pool, recall_time);
}

function ended(run: Run, made: Settled, plan: Plan, before: string[]): Ran {
  const known = new Set(run.all.map(({ result }) => keyOf(result)));
  const still = new Set([...made.draft.jobs.values()].filter((job) => !isOver(job)).map(keyOfJob));
  const open = before.filter((key) => still.has(key) && !known.has(key));
  return {
    draft: made.draft,
    plan,
    answers: run.answers,
    results: run.all,
    spoiled: run.spoiled,
    open,
    acknowledge: () =>
      acknowledge({ pool: run.pools.at(-1) as Pool, deployer: run.ports.deployer }, made.draft, run.all),
    close: () => {
      for (const pool of run.pools) pool.close();
    },
  };
}
