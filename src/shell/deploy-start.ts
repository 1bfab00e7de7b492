// What comes before a start, and after its end, where a host is given its runtime for the work alone.
import type { Start } from "../core/claim.ts";
import type { Entry } from "../core/entry.ts";
import { toClear } from "../core/ephemeral.ts";
import type { State } from "../core/state.ts";
import { exit, Fault, messageOf } from "../errors.ts";
import { type Clock, type Deployer, HostFault, type HostSession } from "../ports.ts";
import type { Pool } from "./pool.ts";
import { withoutName } from "./pool.ts";

export interface Deploying {
  pool: Pool;
  deployer?: Deployer | undefined;
  clock?: Clock | undefined;
}

/** In ticks of the clock, ms; and the signal that ends a tick. */
export interface Until {
  tick?: number | undefined;
  /** The end of the CI job's time, where that comes before the end of the tick's patience. */
  job?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** With less of a CI job's time than this, ms, nothing is begun that sends much to a host. */
const too_short = 3000;

/** Why something that takes long is not even begun; null: there is time, or nobody counts it. */
export function noTime(state: State, until: Until, clock: Clock | undefined): string | null {
  if (until.job === undefined || !clock || until.job - clock.tick() >= too_short) return null;
  return `it did not fit into the time of this CI job (tick.job, ${state.settings.tick.job} s) and waits for the next tick`;
}

/** Without a tick's patience, ms. */
const longest = 600_000;
/** A release that could not be had in this many claims of a job is not waited for: each of them costs two commits. */
const claims = 6;

/** `final`: another tick would fail as well, until a person does something. */
export interface Lacking {
  why: string;
  final: boolean;
}

/** Puts the runtime there that the start needs. Or says why it could not be done in time; nothing was started. */
export async function deployFirst(
  { pool, deployer, clock }: Deploying,
  state: State,
  host: Entry<"host">,
  session: HostSession,
  start: Start,
  until: Until,
): Promise<Lacking | null> {
  const { assignment } = start;
  if (!start.deploy || !assignment) return null;
  const { runtime } = start;
  if (!deployer)
    return {
      why: `${runtime} is not installed on ${host.id}: towline fleet deploy ${host.id} --runtime ${runtime}`,
      final: true,
    };
  const late = noTime(state, until, clock);
  if (late !== null) return { why: `${runtime} was not deployed on ${host.id}: ${late}`, final: false };
  const left = Math.max(0, until.tick === undefined || !clock ? longest : until.tick - clock.tick());
  const cut = new AbortController();
  const stop = () => cut.abort();
  until.signal?.addEventListener("abort", stop);
  if (until.signal?.aborted) stop();
  const timer = setTimeout(stop, left);
  const over = new Promise<"cut">((resolve) => {
    cut.signal.addEventListener("abort", () => resolve("cut"));
    if (cut.signal.aborted) resolve("cut");
  });
  try {
    const done = await Promise.race([deployer.deploy(state, session, host, assignment.agent).then(() => null), over]);
    if (done === null) return null;
    const why = until.signal?.aborted
      ? "the tick was interrupted"
      : until.job === undefined
        ? `it took longer than the tick's patience (${state.settings.tick.patience} s): raise tick.patience, or run towline fleet deploy ${host.id} once`
        : `it took longer than the time of the CI job (${state.settings.tick.job} s): raise tick.job, or run towline fleet deploy ${host.id} once`;
    // Only a conversation that ends leaves no half of a file behind.
    pool.fail(host.id, new HostFault("lost", `a deploy was cut off: ${why}`));
    const final = start.epoch >= claims && !until.signal?.aborted;
    return { why: `${runtime} was not deployed on ${host.id}: ${why}`, final };
  } catch (thrown) {
    if (!(thrown instanceof Fault) && !(thrown instanceof HostFault)) throw thrown;
    if (thrown instanceof HostFault) pool.fail(host.id, thrown);
    const advice = thrown instanceof Fault && thrown.advice ? ` (${thrown.advice})` : "";
    return {
      why: `${runtime} could not be deployed on ${host.id}: ${withoutName(host.id, messageOf(thrown))}${advice}`,
      final: (thrown instanceof Fault && thrown.code !== exit.outside) || start.epoch >= claims,
    };
  } finally {
    clearTimeout(timer);
    until.signal?.removeEventListener("abort", stop);
  }
}

/**
 * Takes away what was deployed for the ephemeral agents of these jobs, whose results stand in the ledger. What cannot
 * be taken away now stays: it harms no job. Answers the hosts that may have fewer runtimes now.
 */
export async function clearAway(
  { pool, deployer }: Deploying,
  state: State,
  jobs: Iterable<Entry<"job">>,
): Promise<Set<string>> {
  if (!deployer) return new Set();
  const clear = toClear(state, jobs);
  await Promise.all(
    [...clear].map(async ([name, runtimes]) => {
      const host = state.hosts.get(name);
      const opened = host ? await pool.open(host) : { fault: "gone", message: "is gone" };
      if ("fault" in opened) return;
      for (const runtime of runtimes)
        await deployer.remove(opened.session, runtime).catch((thrown) => {
          if (thrown instanceof HostFault) pool.fail(name, thrown);
          else if (!(thrown instanceof Fault)) throw thrown;
        });
    }),
  );
  return new Set(clear.keys());
}
