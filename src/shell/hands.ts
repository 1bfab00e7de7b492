// Stages gather and dispatch: what hosts say, what they are told. Decides nothing; findings go to core/decide.ts.
import type { Findings } from "../core/absorb.ts";
import type { Start } from "../core/claim.ts";
import type { Entry } from "../core/entry.ts";
import { jobDay } from "../core/ids.ts";
import { epochOf, isOver } from "../core/jobs.ts";
import { answersFor, hostCalled, twins } from "../core/known-hosts.ts";
import { claimedFor } from "../core/live-letters.ts";
import type { Cut } from "../core/mask.ts";
import { ownerSays } from "../core/owner.ts";
import { samplePaths, samplesSince } from "../core/samples.ts";
import type { State } from "../core/state.ts";
import { toldText, withTold } from "../core/told.ts";
import { withdrawn } from "../core/withdraw.ts";
import {
  type Clock,
  type Deployer,
  type HeldJob,
  HostFault,
  type HostSession,
  type RawResult,
  type Repo,
  type Runtime,
} from "../ports.ts";
import { letterText } from "../runtimes/inbox.ts";
import { runtimeOf } from "../runtimes/index.ts";
import { clearAway, deployFirst, noTime, type Until } from "./deploy-start.ts";
import { agentOf, inform, noteOf } from "./knowledge.ts";
import { type Pool, withoutName } from "./pool.ts";
import { prepare } from "./prepare.ts";
import { addRecords } from "./read.ts";
import { type Code, closeTrees, sendWork } from "./repos.ts";
import { readerOf } from "./result-reader.ts";
import type { Screen } from "./screen.ts";

export interface Hands {
  repo: Repo;
  pool: Pool;
  clock: Clock;
  runtimes: Readonly<Record<string, Runtime>>;
  /** Learns what a plugin offers as a runtime, into the state; absent: plugins offer none. */
  plug?(state: State, runtime: string): Promise<void>;
  /** Takes secrets out of what came back. */
  screen: Screen;
  /** What agents may be given by name; absent: nothing. */
  secret?(name: string): string | undefined;
  /** Takes secrets out of a text, also where it was cut. Absent: what is too long to be kept whole is left out. */
  mask?(text: string, cut?: Cut): string;
  /** Absent: what a host lacks stays missing. */
  deployer?: Deployer;
  /** Absent: no work on repositories can be begun or brought in. */
  code?: Code;
}

/** What a start needs of them. */
type Starting = Pick<Hands, "pool" | "runtimes" | "secret"> & Partial<Hands>;

/** Bytes kept of each stream: from its head, and as many from its tail. */
const keep = 16_384;
/** How long a cancelled job may take to end, ms; after that the next tick collects it. */
const cancel_grace = 7000;
/** Longest single wait for a host, ms: a CI service gives a cancelled run 7.5 s to end. */
const slice = 2000;

/** Bytes of a result that brings a branch with it. */
const most_result = 64 << 20;

/** Asks these hosts; adds facts, results and what they know of open jobs to the findings; acknowledges what stands in the ledger. */
export async function gather(hands: Hands, state: State, names: Iterable<string>, findings: Findings): Promise<void> {
  const hosts = [...names].flatMap((name) => hostCalled(state, name) ?? []);
  // What agents were given must not come back unmasked, from runs of earlier ticks either: asked for, it is known.
  for (const { data } of state.agents.values()) for (const name of data.env ?? []) hands.secret?.(name);
  findings.answers.clear();
  findings.running.clear();
  findings.silent.clear();
  findings.shown.clear();
  findings.absent.clear();
  findings.strangers.clear();
  findings.later.clear();
  await Promise.all(hosts.map((host) => ask(hands, host, findings)));
  for (const [name, message] of twins(state, findings.answers))
    findings.answers.set(name, { fault: "not-enrolled", message });
  const held = [...findings.answers.values()].flatMap((answer) => ("facts" in answer ? answer.facts.held : []));
  await addRecords(hands.repo, state, named(state, held));
  await Promise.all(hosts.map((host) => collect(hands, state, host, findings)));
  await addRecords(hands.repo, state, samplePaths(findings.samples, hands.clock.now()));
}

/** What the host says of itself now, or why it does not, as an answer of the findings. */
export async function ask(
  { pool }: Pick<Hands, "pool">,
  host: Entry<"host">,
  findings: Pick<Findings, "answers">,
): Promise<void> {
  const opened = await pool.open(host);
  if ("fault" in opened) return void findings.answers.set(host.id, opened);
  try {
    findings.answers.set(host.id, { facts: opened.fresh ? opened.session.facts : await opened.session.probe() });
  } catch (thrown) {
    findings.answers.set(host.id, pool.fail(host.id, thrown));
  }
}

/** Ledger paths of jobs that hosts hold and that are not among the open ones. What a host says only builds a checked path. */
function named(state: State, held: HeldJob[]): string[] {
  const fine = held.filter(
    (job) => /^\d{4}\/\d{2}\/\d{2}$/.test(job.day) && /^[a-z0-9-]{1,80}$/.test(job.job) && !state.jobs.has(job.job),
  );
  return [...new Set(fine.map((job) => `jobs/${job.day}/${job.job}.md`))];
}

async function collect(
  { repo, pool, runtimes, plug, clock, screen, deployer, code }: Hands,
  state: State,
  host: Entry<"host">,
  findings: Findings,
): Promise<void> {
  const answer = findings.answers.get(host.id);
  if (!answer || "fault" in answer) return;
  const { identity } = answer.facts;
  // Another machine under the same name cannot say what became of a job: neither "unknown to me" nor a seal counts.
  const sameMachine = (job: Entry<"job">) => job.data.run.identity === undefined || job.data.run.identity === identity;
  const mine = (held: HeldJob) => {
    const job = state.jobs.get(held.job);
    return job && epochOf(job) === held.epoch && answersFor(state, job, host.id, identity) ? job : undefined;
  };
  const opened = await pool.open(host);
  if ("fault" in opened) return;
  try {
    const recorded = answer.facts.held.flatMap((held) => {
      const job = mine(held);
      const told = job ? job.data.run.result === held.sha256 : isBehind(state.jobs.get(held.job), held);
      return told && held.sha256 ? [{ ...held, sha256: held.sha256 }] : [];
    });
    // Before the host forgets them: whoever dies here leaves it to the next one.
    const over = recorded.flatMap((held) => mine(held) ?? []);
    const cleared = await clearAway({ pool, deployer }, state, over);
    // Work that needs what is gone must not be planned as if it were there.
    if (cleared.has(host.id)) answer.facts.runtimes = (await opened.session.probe()).runtimes;
    if (recorded.length > 0) await opened.session.ack(recorded);
    const unwanted = answer.facts.held.filter((held) => {
      const job = held.state === "running" ? mine(held) : undefined;
      return job && withdrawn(state, job, clock.now()) !== null;
    });
    const cancelled = await cancel(opened.session, unwanted, clock);
    for (const held of answer.facts.held) {
      const job = mine(held);
      if (!job) continue;
      await tellLive(opened.session, state, job, findings);
      if (held.state === "running" && !cancelled.has(held)) {
        findings.running.add(`${held.job}/${held.epoch}`);
        const nudged = held.silent && runtimes[job.data.run.runtime ?? ""]?.nudges;
        if (nudged) findings.silent.add(`${held.job}/${held.epoch}`);
      } else if (
        job.data.run.result === undefined &&
        !findings.results.some((one) => one.result.job === held.job && one.result.epoch === held.epoch)
      ) {
        const result = await fetched(opened.session, job, held, findings);
        if (result === null) continue;
        const runtime = await readerOf({ runtimes, plug }, state, job.data.run.runtime ?? "");
        if (typeof runtime === "string") findings.later.set(job.id, runtime);
        else await take({ screen, code }, state, job, { result, runtime, host: host.id }, findings);
      }
    }
    await closeTrees(opened.session, state, host.id, answer.facts, { now: clock.now(), repo });
    const since = state.hosts.has(host.id) ? samplesSince(state, host.id, clock.now()) : null;
    if (since !== null) findings.samples.set(host.id, await opened.session.samples(since));
  } catch (thrown) {
    findings.answers.set(host.id, pool.fail(host.id, thrown));
    return;
  }
  for (const job of state.jobs.values()) {
    if (isOver(job) || job.data.host !== host.id || job.data.run.result !== undefined) continue;
    const known = answer.facts.held.some((held) => held.job === job.id && held.epoch === epochOf(job));
    if (!sameMachine(job)) findings.strangers.set(job.id, "is another machine than the one that was given this job");
    else if (!known) findings.absent.add(job.id);
  }
}

/** Puts before a running agent what is claimed for it, and hears what it was shown: also of one that has just ended. */
async function tellLive(session: HostSession, state: State, job: Entry<"job">, { shown }: Findings): Promise<void> {
  const letters = job.data.run.result === undefined ? claimedFor(state, job) : [];
  if (letters.length === 0) return;
  const put = letters.map((letter) => ({ id: letter.id, text: letterText(letter) }));
  for (const id of await session.tell(job.id, epochOf(job), put)) shown.add(id);
}

/** An ended run that the job has gone on from: nothing of it counts any more, on whatever host it went on. */
const isBehind = (job: Entry<"job"> | undefined, { epoch, state }: HeldJob) =>
  state !== "running" && epoch <= (job?.data.run.collected_epoch ?? 0);

interface Came {
  result: RawResult;
  runtime: Runtime;
  host: string;
}

/** A result, without its secrets, and with what became of the work that came with it. */
async function take(
  { screen, code }: Pick<Hands, "screen" | "code">,
  state: State,
  job: Entry<"job">,
  { result: raw, runtime, host }: Came,
  findings: Findings,
): Promise<void> {
  const { code: work, ...result } = raw;
  const came = { host: job.data.host ?? host, ...(await screen(result, runtime)) };
  const { outcome } = came;
  if (job.data.run.code === undefined) findings.results.push(came);
  else if (outcome.state === "cancelled" || outcome.state === "lost")
    findings.results.push({ ...came, landed: { state: "aside", kept: new Map() } });
  else if (!code) findings.later.set(job.id, "it has ended; the next tick brings its work in");
  else {
    const landed = await code.land(state, withTold(job, findings), work, outcome, raw.took);
    if ("later" in landed) findings.later.set(job.id, landed.later);
    else findings.results.push({ ...came, landed });
  }
}

/** One job whose result cannot be read does not keep the others from being collected. */
async function fetched(session: HostSession, job: Entry<"job">, held: HeldJob, findings: Findings) {
  try {
    return await session.fetch(held.job, held.epoch, job.data.run.code ? most_result : undefined);
  } catch (thrown) {
    if (!(thrown instanceof HostFault) || thrown.kind !== "altered") throw thrown;
    findings.strangers.set(job.id, withoutName(job.data.host ?? "", thrown.message));
    return null;
  }
}

/** Ends the whole process groups of running jobs; answers those that have ended, whose results can be fetched. */
async function cancel(session: HostSession, jobs: HeldJob[], clock: Clock): Promise<Set<HeldJob>> {
  for (const { job, epoch } of jobs) await session.cancel(job, epoch);
  const ended = new Set<HeldJob>();
  const until = clock.tick() + cancel_grace;
  for (let left = cancel_grace; ended.size < jobs.length && left > 0; left = until - clock.tick()) {
    const open = jobs.filter((one) => !ended.has(one));
    for (const { job, epoch } of await session.wait(open, left)) {
      const found = open.find((one) => one.job === job && one.epoch === epoch);
      if (found) ended.add(found);
    }
  }
  return ended;
}

/** Starts what a won claim gives the right to, host by host at once; what became of it goes to the findings. */
export async function dispatch(
  hands: Starting,
  state: State,
  starts: Start[],
  findings: Findings,
  until: Until = {},
): Promise<void> {
  const byHost = Map.groupBy(starts, (start) => start.host);
  await Promise.all(
    [...byHost].map(async ([name, list]) => {
      const host = hostCalled(state, name) as Entry<"host">;
      for (const start of list)
        if (until.signal?.aborted) giveBack(start, "the tick was interrupted before it started", findings);
        else await startOne(hands, state, host, start, findings, until);
    }),
  );
}

/**
 * Nothing was sent: the claim can be given back. But where another ticker may still start an earlier epoch, only a
 * seal makes that sure: such a claim stands, and the next tick asks the host.
 */
function giveBack(start: Start, why: string, findings: Findings): void {
  if (!start.seal) findings.starts.set(`${start.job}/${start.epoch}`, { state: "released", why });
}

async function startOne(
  hands: Starting,
  state: State,
  host: Entry<"host">,
  start: Start,
  findings: Findings,
  until: Until,
): Promise<void> {
  const { pool, runtimes, secret, deployer, clock, code } = hands;
  const key = `${start.job}/${start.epoch}`;
  if (start.fallen !== undefined && !start.seal) {
    giveBack(start, start.fallen, findings);
    return;
  }
  const opened = await pool.open(host);
  if ("fault" in opened) {
    giveBack(start, `${host.id} ${opened.message}`, findings);
    return;
  }
  try {
    const sealed = start.seal ? await opened.session.seal(start.job, start.epoch) : { started: null };
    if (sealed.started !== null && sealed.started > start.collected)
      return void findings.starts.set(key, { state: "started", epoch: sealed.started });
    if (start.assignment === null || start.fallen !== undefined)
      return void findings.starts.set(key, {
        state: "released",
        why: start.fallen ?? "it was sealed before it started",
      });
    const known = await inform(hands, state, start);
    const runtime = runtimeOf(runtimes, state, start.runtime);
    if (!runtime) return giveBack(start, `the plugin ${start.runtime} was not looked at`, findings);
    const launch = prepare(runtime, known, secret);
    if ("refused" in launch) return void findings.starts.set(key, { state: "refused", why: launch.refused });
    const lacking = await deployFirst({ pool, deployer, clock }, state, host, opened.session, start, until);
    if (lacking !== null)
      return void findings.starts.set(key, { state: lacking.final ? "refused" : "released", why: lacking.why });
    const late = start.assignment.code === undefined ? null : noTime(state, until, clock);
    if (late !== null)
      return void findings.starts.set(key, { state: "released", why: `its code was not sent: ${late}` });
    const work = await workFor(code, opened.session, start);
    if (work !== undefined && "why" in work)
      return void findings.starts.set(key, { state: work.final ? "refused" : "released", why: work.why });
    if (Object.keys(launch.told ?? {}).length > 0)
      findings.told.set(key, noteOf(known, toldText(agentOf(state, start), launch.told ?? {}, hands.mask)));
    const answer = await opened.session.start({
      job: start.job,
      epoch: start.epoch,
      day: jobDay(start.path),
      deadline: start.deadline,
      keep,
      slots: host.data.slots,
      runtime: start.runtime,
      launch,
      ...(work === undefined ? {} : { code: work }),
    });
    if (answer.state === "started") findings.starts.set(key, { state: "started", epoch: start.epoch });
    else if (
      answer.state === "already" &&
      answer.epoch !== start.epoch &&
      (start.attempt > 1 || answer.epoch <= start.collected)
    )
      findings.starts.set(key, { state: "released", why: `${host.id} still holds the attempt before` });
    else if (answer.state === "already") findings.starts.set(key, { state: "started", epoch: answer.epoch });
    else if (answer.state === "full")
      findings.starts.set(key, { state: "released", why: `${host.id} has no free slot` });
    else if (answer.state === "later")
      findings.starts.set(key, { state: "released", why: `${host.id} cannot start it yet: ${answer.why}` });
    else if (answer.state === "forbidden")
      findings.starts.set(key, { state: "released", why: ownerSays(host.id, answer.why) });
    else if (answer.state === "refused")
      findings.starts.set(key, { state: "refused", why: `${host.id} refused it: ${answer.why}` });
    // `sealed`: a newer claim of another tick owns the job; there is nothing for this one to say.
  } catch (thrown) {
    // It may or may not have been started: only asking the host again can tell. Until then the claim stands.
    pool.fail(host.id, thrown instanceof HostFault ? thrown : new HostFault("lost", String(thrown)));
  }
}

async function workFor(code: Code | undefined, session: HostSession, start: Start) {
  if (start.assignment?.code === undefined) return undefined;
  return code ? sendWork(code, session, start) : { why: "coding work is begun by ticks", final: false };
}

/** Waits until the started jobs have ended, at most until `until` (in ticks of the clock, ms), in slices, so that a signal is heard. */
export async function waitFor(
  hands: Hands,
  state: State,
  starts: Start[],
  findings: Findings,
  until: { tick: number; signal?: AbortSignal },
): Promise<void> {
  const started = starts.flatMap((start) => {
    const found = findings.starts.get(`${start.job}/${start.epoch}`);
    return found?.state === "started" ? [{ host: start.host, job: start.job, epoch: found.epoch }] : [];
  });
  const wait = () => until.tick - hands.clock.tick();
  await Promise.all(
    [...Map.groupBy(started, (one) => one.host)].map(async ([name, jobs]) => {
      const opened = await hands.pool.open(hostCalled(state, name) as Entry<"host">);
      if ("fault" in opened) return;
      try {
        for (let left = jobs; left.length > 0 && wait() > 0 && !until.signal?.aborted; ) {
          const ended = await opened.session.wait(left, Math.ceil(Math.min(wait(), slice)));
          left = left.filter(({ job, epoch }) => !ended.some((one) => one.job === job && one.epoch === epoch));
        }
      } catch (thrown) {
        hands.pool.fail(name, thrown);
      }
    }),
  );
}
