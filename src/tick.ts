// The line. Stages in order, no decisions: those are values that core/ returns.
import { randomBytes } from "node:crypto";
import { type Findings, noFindings } from "./core/absorb.ts";
import { type Probed, probedNow } from "./core/beat.ts";
import { packId } from "./core/binding.ts";
import type { CampfireFinding } from "./core/campfire.ts";
import type { Start } from "./core/claim.ts";
import { type Decision, decide } from "./core/decide.ts";
import { type Draft, draftOf } from "./core/draft.ts";
import type { Entry } from "./core/entry.ts";
import { hostCalled } from "./core/known-hosts.ts";
import { whatMatters, withPeople } from "./core/matters.ts";
import { heeded } from "./core/obey.ts";
import { type Part, partFault } from "./core/part.ts";
import { fallen } from "./core/plan.ts";
import { dueProbes } from "./core/probes.ts";
import type { ProseRow } from "./core/prose.ts";
import type { Settings } from "./core/schema.ts";
import type { State } from "./core/state.ts";
import { oneLine } from "./core/text.ts";
import { configuration, interrupted, messageOf, outside, usage } from "./errors.ts";
import { heed, Interrupted } from "./interrupt.ts";
import type { Conversations, Level, Poller, Report, Tips } from "./ports.ts";
import { bindingFault, readOwn, restoreLedger } from "./shell/binding.ts";
import { listen, type Speaking, speak, type Talked, withRights } from "./shell/converse.ts";
import { clearAway, type Until } from "./shell/deploy-start.ts";
import { dispatch, gather, type Hands, waitFor } from "./shell/hands.ts";
import { lookAtKnowledge } from "./shell/knowledge.ts";
import type { Pool } from "./shell/pool.ts";
import { addRecords, jobPaths, readPair } from "./shell/read.ts";
import { refusalOf } from "./shell/refusal.ts";
import { lookAtRepos } from "./shell/repos.ts";
import { addSpent } from "./shell/spent.ts";
import type { HostLookup } from "./shell/ways.ts";
import { withhold } from "./shell/withhold.ts";

/** At most this many passes start work; one more records. */
const passes = 3;
/** Pushes of a pass that may be lost before the work is left to the next tick: more where more tickers win in between. */
const tries = 12;
/** Among the levels: what is said of texts that a server refused. */
const refused_texts = "refused texts";
/** And what was said of its first pass. */
const hooked = "hooks";

export interface TickPorts extends Omit<Hands, "pool"> {
  /** Opens the conversations of this tick with the hosts of this pack. `hosts`: records of the hosts that lead to others. */
  connect(pack: string, hosts: HostLookup): Pool;
  /** The sources that these settings name, and plugins that are due. */
  pollers(settings: Settings, state: State): Poller[] | Promise<Poller[]>;
  /** Talk with people on the forge; absent: there is none, or another ticker sees to it. */
  conversations?: Conversations | undefined;
  /** Looks after the campfire; absent: another ticker does. null: there is nothing new about it. */
  campfire?: ((state: State, now: Date) => Promise<CampfireFinding | null>) | undefined;
  /** What a month of this pack comes to, in one line, for the inbox. */
  forecast?: Speaking["forecast"];
  /** Asks the model that the settings name to put in words what is to be read first; undefined: there is nothing to ask. */
  prose?(draft: Draft): Promise<ProseRow | undefined>;
  /** Whoever looks at what a pass comes to before it is recorded, and tells what is so by that: once a tick. */
  hooks?(decision: Decision, now: Date, signal: AbortSignal | undefined): Promise<Level[]>;
  report: Report;
  /** Stages after the record: each says what it did, or why it could not. `left`: of the CI job's time, ms. */
  after: { name: string; run(state: State, left: number, tick: string): Promise<Done> }[];
  /** What the heartbeat carries besides time and tick. */
  beat?(outcome: TickOutcome): object;
}

/** `did`: the heartbeat has something to remember. */
interface Done {
  degraded?: string;
  note?: string;
  did?: boolean;
}

export interface TickOptions {
  /** Which attempt of the CI run this is. */
  attempt?: number;
  signal?: AbortSignal;
  /** Called with what stands after each won commit of this tick. */
  onState?(state: State): void;
  /** Tips that were fetched just now: the first read needs no other fetch. */
  tips?: Tips;
  /** The part of the fleet that this ticker looks after; absent: all of it. */
  part?: Part;
  /** When hosts were last asked, as the heartbeat has it. */
  probed?: Probed;
  /** What was said on the forge, as the heartbeat has it. */
  talked?: Talked | undefined;
  /** The random part of a new pack's id, in hex; made up when absent. */
  random?: string;
  /** What of the CI job's time was gone when the tick began, ms; absent: nobody counts its minutes. */
  spent?: number;
  /** Puts a ledger that a person rewound or rewrote back as towline wrote it last. */
  restore?: boolean;
}

export interface TickOutcome {
  tick: string;
  commits: string[];
  starts: { job: string; host: string; task: string }[];
  /** Ended in this tick, by job id. */
  ended: { job: string; task: string; state: string }[];
  degraded: string[];
  /** The work was left to the next tick after too many lost pushes. */
  contended: boolean;
  /** A signal came: nothing more was started, what was found out is recorded, the rest is the next tick's. */
  interrupted: boolean;
  /** The state that stands now. */
  state: State;
}

export const tickId = (now: Date) =>
  `${now.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "t")}-${randomBytes(4).toString("hex")}`;

export async function tick(ports: TickPorts, options: TickOptions = {}): Promise<TickOutcome> {
  const now = ports.clock.now();
  const id = tickId(now);
  const findings = noFindings();
  const levels = new Map<string, Level[]>();
  const outcome: TickOutcome = {
    tick: id,
    commits: [],
    starts: [],
    ended: [],
    degraded: [],
    contended: false,
    interrupted: false,
    state: undefined as never,
  };
  const run: TickRun = {
    ports,
    options,
    findings,
    levels,
    id,
    now,
    began: options.spent === undefined ? Number.POSITIVE_INFINITY : ports.clock.tick() - options.spent,
    outcome,
    tips: options.tips,
    pool: undefined,
    pass: 0,
    fresh: undefined,
    over: [],
    refused: null,
    due: new Set(),
    asked: new Set(),
    listened: false,
    camped: false,
    talked: options.talked ?? { posted: [] },
    spoke: false,
  };
  findings.posted = new Set(run.talked.posted);
  try {
    await walk(run);
    if (run.pool && run.over.length > 0) {
      const { deployer } = ports;
      await heed(options.signal, clearAway({ pool: run.pool, deployer }, outcome.state, run.over));
    }
    if (ports.conversations) await runStage(run, { name: "forge", run: (state) => converse(run, state) });
    for (const stage of ports.after) await runStage(run, stage);
    if (outcome.commits.length === 0 || run.due.size > 0 || run.spoke)
      await heed(options.signal, ports.repo.beat("beat.json", beatOf(run))).catch(() => {});
  } catch (thrown) {
    if (!options.signal?.aborted) throw thrown;
    // Also faults: the same signal may have ended the git or ssh that we waited for.
    if (run.outcome.state === undefined) throw interrupted(thrown);
    await lastWords(run).catch((late) => ports.report.progress(`left to the next tick: ${messageOf(late)}`));
  } finally {
    outcome.interrupted = options.signal?.aborted === true;
    run.pool?.close();
  }
  return outcome;
}

/** What a quiet tick leaves. A tick that probed writes it besides its commits: silence of a host stands nowhere else. */
function beatOf({ id, now, asked, ports, options, outcome, talked }: TickRun): string {
  const hosts = new Set(outcome.state.hosts.keys());
  const probed = probedNow(options.probed ?? {}, asked, hosts, now);
  return `${JSON.stringify({ at: now.toISOString(), tick: id, ...ports.beat?.(outcome), probed, ...((ports.conversations || options.talked) && { talked }) })}\n`;
}

/** After the record: what is to be said stands in it. */
async function converse(run: TickRun, state: State): Promise<Done> {
  const { conversations, forecast } = run.ports;
  const speaking = { conversations: conversations as Conversations, ...(forecast && { forecast }) };
  const { talked, did, degraded } = await speak(speaking, state, run.now, run.talked);
  run.talked = talked;
  return degraded === undefined ? { did } : { did, degraded };
}

/** Passes, until nothing more is started. */
async function walk(run: TickRun): Promise<void> {
  const { ports, options, findings } = run;
  let patience: number | undefined;
  for (let pass = 1; pass <= passes + 1; pass++) {
    run.pass = pass;
    const claimed = await onePass(run, pass <= passes);
    if (!claimed) return;
    const { state, starts, tips, hands } = claimed;
    if (starts.length === 0) {
      run.tips = tips;
      continue;
    }
    patience ??= ports.clock.tick() + state.settings.tick.patience * 1000;
    const end = run.began + state.settings.tick.job * 1000;
    const until = { tick: Math.min(patience, end), signal: options.signal, ...(end < patience ? { job: end } : {}) };
    await hand(hands, state, starts, tips, { findings, until });
    await heed(options.signal, waitFor(hands, state, starts, findings, until));
  }
}

async function runStage(tick: TickRun, { name, run }: TickPorts["after"][number]) {
  const { ports, options, outcome, began } = tick;
  const left = began + outcome.state.settings.tick.job * 1000 - ports.clock.tick();
  const said = await heed(options.signal, run(outcome.state, left, tick.id)).catch((thrown) => {
    if (thrown instanceof Interrupted) throw thrown;
    return { degraded: messageOf(thrown) } as Done;
  });
  if (said.did) tick.spoke = true;
  if (said.degraded) outcome.degraded.push(`${name}: ${said.degraded}`);
  if (said.note) ports.report.progress(`${name}: ${said.note}`);
}

/** After a signal: what was found out and stands in no commit yet is recorded; no host is called, nothing is claimed. */
async function lastWords(run: TickRun): Promise<void> {
  const { findings } = run;
  if (findings.results.length === 0 && findings.starts.size === 0) return;
  findings.answers.clear();
  findings.running.clear();
  findings.silent.clear();
  findings.absent.clear();
  findings.strangers.clear();
  // Without what the ledger has of that day they would take its place; the next tick asks for them again.
  findings.samples.clear();
  run.tips = undefined;
  run.pass++;
  await onePass(run, false);
}

interface TickRun {
  ports: TickPorts;
  options: TickOptions;
  findings: Findings;
  levels: Map<string, Level[]>;
  id: string;
  now: Date;
  /** When the CI job began, in ticks of the clock; never, where nobody counts its minutes. */
  began: number;
  outcome: TickOutcome;
  /** Tips to read next without another fetch. */
  tips: Tips | undefined;
  pool: Pool | undefined;
  /** Number of the pass that is walked. */
  pass: number;
  /** Id of a pack that no commit has bound yet. */
  fresh: string | undefined;
  /** Jobs whose results this tick recorded. */
  over: Entry<"job">[];
  /** Why the last push was not won, when it was no race. */
  refused: string | null;
  /** Hosts whose probe was due when this tick began. */
  due: Set<string>;
  /** Hosts that were called. */
  asked: Set<string>;
  /** Comments were read: once a tick, as sources are. */
  listened: boolean;
  /** The campfire was looked at, once a tick, too. */
  camped: boolean;
  /** What was said on the forge so far, and whether this tick said something. */
  talked: Talked;
  spoke: boolean;
}

interface Claimed {
  state: State;
  starts: Start[];
  tips: Tips;
  hands: Hands;
}

/** read → gather → triage → plan → claim, again from the new tips while the push is lost. null: nothing is to be started. */
async function onePass(run: TickRun, start: boolean): Promise<Claimed | null> {
  const { ports, findings, outcome, now, pass } = run;
  // The last words are said after the signal: they heed it no more.
  const signal = run.options.signal?.aborted ? undefined : run.options.signal;
  const told = run.options.signal?.aborted === true;
  const most = Math.max(tries, 3 * (run.options.part?.shard?.of ?? 0));
  for (let attempt = 1; attempt <= most; attempt++) {
    const read = await heed(signal, readAt(run));
    if (read === null) continue;
    const { tips, state } = read;
    outcome.state = state;
    const pool = poolOf(run, state.pack);
    const hands = { ...ports, pool };
    const runtimes = new Set(Object.keys(ports.runtimes));
    await heed(signal, addSpent(ports.repo, state, { now, runtimes }));
    if (!told) await heed(signal, listenOnce(state, run));
    const heard = heeded(state, findings.said, { runtimes, web: findings.web }, { now, tick: run.id });
    const wanted = whatMatters(heard, runtimes);
    if (!told) {
      findings.probed = pass === 1 ? new Set(dueProbes(state, run.options.probed ?? {}, now)) : new Set();
      const names = new Set([...wanted.hosts, ...findings.probed]);
      for (const name of findings.probed) run.due.add(name);
      for (const name of names) run.asked.add(name);
      const waiting = withPeople(draftOf(state, now, run.id));
      const asked = Promise.all([
        pollOnce(state, run),
        campOnce(state, run),
        gather(hands, state, names, findings),
        ports.code && lookAtRepos(ports.code, state.settings, wanted.repos, waiting, findings),
      ]);
      [findings.levels] = await heed(signal, asked);
    }
    if (findings.results.length > 0) await heed(signal, addSpent(ports.repo, state, { now, runtimes, all: true }));
    findings.knowledge = await heed(signal, lookAtKnowledge(ports.repo, state));
    const paths = wanted.runs.length > 0 ? await jobPaths(ports.repo, tips) : new Map<string, string>();
    // A run that was made before (its status was lost, or its task was away) is folded from its record.
    const known = wanted.runs.flatMap((id) => (state.jobs.has(id) ? [] : (paths.get(id) ?? [])));
    await addRecords(ports.repo, state, known);
    const file = pass === 1 ? run.id : `${run.id}-${pass}`;
    const judge = () => decide(state, findings, { paths, runtimes }, { now, tick: run.id, file, start });
    let decision = judge();
    if (decision.plan.unread) {
      // Work that came up only now, out of a rule or an answer.
      await heed(signal, addSpent(ports.repo, state, { now, runtimes, all: true }));
      decision = judge();
    }
    if (!told && (await heed(signal, hookOnce(run, decision)))) decision = judge();
    if (ports.prose && !told && !findings.prose && decision.changes.size > 0 && decision.plan.starts.length === 0) {
      findings.prose = await heed(signal, ports.prose(decision.draft));
      if (findings.prose) decision = judge();
    }
    if (decision.changes.size === 0) return null;
    const note = { subject: decision.subject, tick: run.id, attempt: run.options.attempt ?? 1 };
    if (signal?.aborted) throw new Interrupted();
    const pushed = await ports.repo.push(tips, decision.changes, note);
    if (pushed.state === "won") {
      won(run, decision, pushed.commit);
      const now_at = { policy: tips.ledger === tips.policy ? pushed.commit : tips.policy, ledger: pushed.commit };
      const { starts } = decision.plan;
      const more = starts.length > 0 || decision.again || decision.plan.tells;
      return more ? { state: decision.draft, starts, tips: now_at, hands } : null;
    }
    const refusal = refusalOf(pushed.why);
    if (refusal.kind === "content" && pushed.state === "lost" && withheld(run, decision, pushed.paths)) continue;
    if (refusal.configuration) throw configuration(`origin refused the ledger commit: ${pushed.why}`, refusal.advice);
    ports.report.progress(`push ${pushed.state} (${oneLine(pushed.why, 120)}); reading again`);
    run.refused = refusal.kind === "race" ? null : `${pushed.why} (${refusal.advice})`;
    await heed(signal, ports.clock.sleep(Math.random() * 60 * attempt));
  }
  // Races are no fault: the winner did the work. Anything else stood in the way each time.
  if (run.refused !== null)
    throw outside(`the ledger could not be pushed: ${oneLine(run.refused, 300)}`, "the work is left to the next tick");
  outcome.contended = true;
  return null;
}

/** Whether there was a result whose text could be left out, so that the rest is taken. People are told. */
function withheld({ findings, levels, outcome, ports }: TickRun, { draft }: Decision, paths: string[] = []): boolean {
  const told = withhold(findings, draft.jobs, paths);
  levels.set(refused_texts, [...(levels.get(refused_texts) ?? []), ...told]);
  for (const { title } of told) {
    outcome.degraded.push(title);
    ports.report.warning(`${title}. Change that secret, and see to it that the run does not print it again`);
  }
  return told.length > 0;
}

/**
 * The tick's conversations, anew when the pack's id is another than it was: of ticks that meet a new pack at once, one
 * binds it. What the others would start in a folder of their own, nobody would find again.
 */
function poolOf(run: TickRun, pack: string): Pool {
  if (run.pool?.pack === pack) return run.pool;
  run.pool?.close();
  run.pool = run.ports.connect(pack, (name) => {
    const { state } = run.outcome;
    return state && hostCalled(state, name)?.data;
  });
  return run.pool;
}

/** Reads the pair and puts the pack's id into the state. null: read again. Throws where nothing may be done here. */
async function readAt(run: TickRun): Promise<{ tips: Tips; state: State } | null> {
  const { ports, options } = run;
  const { tips, state, binding } = await readOwn(ports, run.tips);
  run.tips = undefined;
  if (options.part) {
    const fault = partFault(state, options.part);
    if (fault) throw usage(fault.message, fault.advice);
    state.part = options.part;
  }
  if (binding.state === "bound") state.pack = binding.pack;
  else if (binding.state === "fresh")
    state.pack = run.fresh ??= packId(state.settings.id, options.random ?? randomBytes(6).toString("hex"));
  else if (binding.state === "rewritten" && options.restore) {
    run.outcome.commits.push(await restoreLedger(ports.repo, state, run.id));
    return null;
  } else throw bindingFault(binding);
  return { tips, state };
}

function won({ findings, levels, outcome, options, over }: TickRun, decision: Decision, commit: string): void {
  outcome.commits.push(commit);
  const { tips } = decision.draft;
  outcome.state = {
    ...decision.draft,
    tips: { policy: tips.ledger === tips.policy ? commit : tips.policy, ledger: commit },
  };
  for (const { result } of findings.results) {
    const job = decision.draft.jobs.get(result.job);
    if (job) over.push(job);
    if (job) outcome.ended.push({ job: job.id, task: job.data.task, state: job.data.state });
  }
  for (const start of decision.plan.starts)
    outcome.starts.push({
      job: start.job,
      host: start.host,
      task: decision.draft.jobs.get(start.job)?.data.task ?? "",
    });
  options.onState?.(outcome.state);
  // What stands in the ledger need not be carried any further.
  levels.delete(refused_texts);
  findings.results = [];
  delete findings.campfire;
  findings.samples.clear();
  findings.starts.clear();
}

async function listenOnce(state: State, run: TickRun): Promise<void> {
  const { conversations } = run.ports;
  if (!conversations || run.listened) return;
  run.listened = true;
  const why = await listen(conversations, state, run.findings, run.now);
  if (why !== null) run.outcome.degraded.push(why);
}

/** What was found or done out there is kept until it stands in a commit. */
async function campOnce(state: State, run: TickRun): Promise<void> {
  const { campfire } = run.ports;
  if (!campfire || run.camped) return;
  run.camped = true;
  try {
    run.findings.campfire = (await campfire(state, run.now)) ?? undefined;
  } catch (thrown) {
    run.outcome.degraded.push(`campfire: ${oneLine(messageOf(thrown), 300)}`);
  }
}

/** Whether the plan is to be made again, with what plugins said of it. */
async function hookOnce(run: TickRun, decision: Decision): Promise<boolean> {
  const { hooks } = run.ports;
  if (!hooks || run.levels.has(hooked)) return false;
  const levels = await hooks(decision, run.now, run.options.signal);
  run.levels.set(hooked, levels);
  run.findings.levels = [...run.findings.levels, ...levels];
  for (const { kind, title } of levels) if (kind === "source.failed") run.outcome.degraded.push(oneLine(title, 300));
  return levels.length > 0;
}

/** Each source is asked once a tick, however many passes there are. */
async function pollOnce(state: State, run: TickRun): Promise<Level[]> {
  const sources = await run.ports.pollers(state.settings, state);
  const asked = sources.filter((poller) => !run.levels.has(poller.name));
  await Promise.all(asked.map((poller) => poll(poller, state, run)));
  const levels = [...run.levels.values()].flat();
  return run.ports.conversations ? withRights(run.ports.conversations, state.levels, levels) : levels;
}

async function poll(poller: Poller, state: State, run: TickRun): Promise<void> {
  const level = { source: poller.name, subject: poller.name, family: "source" };
  const known = state.levels.filter((row) => row.source === poller.name);
  try {
    const own = { repo: run.ports.repo, tips: state.tips };
    const levels = await poller.poll(state.settings, run.now, {
      ...{ known, own, signal: run.options.signal },
      page: (name, text) => run.findings.pages.set(name, text),
    });
    const ok: Level = { ...level, kind: "source.ok", first: "calm", title: `${poller.name} answers again` };
    const said = levels.some((one) => one.family === "source" && one.subject === poller.name);
    run.levels.set(poller.name, said ? levels : [...levels, ok]);
  } catch (thrown) {
    const why = messageOf(thrown);
    const title = `${poller.name} could not be read: ${why}`;
    run.levels.set(poller.name, [{ ...level, kind: "source.failed", title, data: { why } }]);
  }
  // The pupdate comes once; a person who looks at this tick is told each time.
  for (const { kind, title } of run.levels.get(poller.name) ?? [])
    if (kind === "source.failed") run.outcome.degraded.push(oneLine(title, 300));
}

/** Leases are only checked when a push connects: the default tip is read once more before anything starts. */
async function hand(
  hands: Hands,
  state: State,
  starts: Start[],
  tips: Tips,
  { findings, until }: { findings: Findings; until: Until },
): Promise<void> {
  const { signal } = until;
  let allowed = starts;
  const judged = async () => {
    if ((await hands.repo.policyTipNow()) === tips.policy) return;
    const fresh = await readPair(hands.repo, await hands.repo.fetch());
    allowed = starts.map((start) => ({ ...start, fallen: fallen(fresh, start, hands.clock.now()) ?? undefined }));
  };
  // Interrupted here, all of them are given back below: none was sent.
  await heed(signal, judged()).catch((thrown) => {
    if (!signal?.aborted) throw thrown;
  });
  await dispatch(hands, state, allowed, findings, until);
}
