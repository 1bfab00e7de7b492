// The line. Stages in order, no decisions: those are values that core/ returns.
import { randomBytes } from "node:crypto";
import { packId } from "./core/binding.ts";
import type { Start } from "./core/claim.ts";
import { decide } from "./core/decide.ts";
import { draftOf } from "./core/draft.ts";
import { hostCalled } from "./core/known-hosts.ts";
import { whatMatters, withPeople } from "./core/matters.ts";
import { heeded } from "./core/obey.ts";
import { partFault } from "./core/part.ts";
import { dueProbes } from "./core/probes.ts";
import type { State } from "./core/state.ts";
import { oneLine } from "./core/text.ts";
import { configuration, interrupted, messageOf, outside, usage } from "./errors.ts";
import { heed, Interrupted } from "./interrupt.ts";
import type { Conversations, Tips } from "./ports.ts";
import { bindingFault, readOwn, restoreLedger } from "./shell/binding.ts";
import { speak } from "./shell/converse.ts";
import { clearAway } from "./shell/deploy-start.ts";
import { gather, type Hands, waitFor } from "./shell/hands.ts";
import { lookAtKnowledge } from "./shell/knowledge.ts";
import type { Pool } from "./shell/pool.ts";
import { addRecords, jobPaths } from "./shell/read.ts";
import { refusalOf } from "./shell/refusal.ts";
import { lookAtRepos } from "./shell/repos.ts";
import { addSpent } from "./shell/spent.ts";
import { campOnce, hookOnce, listenOnce, meanOnce, plugOnce, pollOnce } from "./shell/tick-once.ts";
import {
  beatOf,
  beginRun,
  type Done,
  type TickOptions,
  type TickOutcome,
  type TickPorts,
  type TickRun,
} from "./shell/tick-run.ts";
import { hand, withheld, won } from "./shell/tick-won.ts";

/** At most this many passes start work; one more records. */
const passes = 3;
/** Pushes of a pass that may be lost before the work is left to the next tick: more where more tickers win in between. */
const tries = 12;

export async function tick(ports: TickPorts, options: TickOptions = {}): Promise<TickOutcome> {
  const run = beginRun(ports, options);
  const { outcome } = run;
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
    const paths = wanted.runs.length > 0 ? await jobPaths(ports.repo, tips, wanted.strange) : new Map<string, string>();
    // A run that was made before (its status was lost, or its task was away) is folded from its record.
    const known = wanted.runs.flatMap((id) => (state.jobs.has(id) ? [] : (paths.get(id) ?? [])));
    await addRecords(ports.repo, state, known);
    const file = pass === 1 ? run.id : `${run.id}-${pass}`;
    const judge = async () => {
      for (;;) {
        const made = decide(state, findings, { paths, runtimes }, { now, tick: run.id, file, start, mask: ports.mask });
        // What a plugin offers is looked at once work is to start by it: where that fails, the work waits.
        if (told || !(await heed(signal, plugOnce(run, state, made)))) return made;
      }
    };
    let decision = await judge();
    if (decision.plan.unread) {
      // Work that came up only now, out of a rule or an answer.
      await heed(signal, addSpent(ports.repo, state, { now, runtimes, all: true }));
      decision = await judge();
    }
    if (!told && (await heed(signal, hookOnce(run, decision)))) decision = await judge();
    if (!told && (await heed(signal, meanOnce(run, decision)))) decision = await judge();
    if (ports.prose && !told && !findings.prose && decision.changes.size > 0 && decision.plan.starts.length === 0) {
      findings.prose = await heed(signal, ports.prose(decision.draft));
      if (findings.prose) decision = await judge();
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

/**
 * The tick's conversations, anew when the pack's id is another than it was: of ticks that meet a new pack at once, one
 * binds it. What the others would start in a folder of their own, nobody would find again.
 */
function poolOf(run: TickRun, pack: string): Pool {
  if (run.pool?.pack === pack) return run.pool;
  run.pool?.close();
  const state = () => run.outcome.state as State | undefined;
  run.pool = run.ports.connect(
    pack,
    (name) => {
      const now = state();
      return now && hostCalled(now, name)?.data;
    },
    state,
  );
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
