// From a start to its answer: each host is asked about all that runs there for an errand, and again when it breaks off.
import type { Findings } from "../core/absorb.ts";
import type { Entry } from "../core/entry.ts";
import type { State } from "../core/state.ts";
import { type Clock, HostFault, type HostSession, type Outcome, type RawResult, type Runtime } from "../ports.ts";
import { runtimeOf } from "../runtimes/index.ts";
import { type Pool, withoutName } from "./pool.ts";
import type { Screen } from "./screen.ts";

export interface Flight {
  host: Entry<"host">;
  job: string;
  epoch: number;
  runtime: string;
  /** False: the connection broke while it was being started. */
  sure: boolean;
  /** Tick of the clock after which nobody waits for it any more. */
  until: number;
}

export interface Following {
  clock: Clock;
  runtimes: Readonly<Record<string, Runtime>>;
  /** As it was read last: what plugins offer stands there. */
  state: State | undefined;
  screen: Screen;
  /** A pool that has not failed yet. */
  again(): Pool;
  flights: Map<string, Flight>;
  results: Findings["results"];
  /** Why what a host holds of a job is no result, by job id. */
  spoiled: Map<string, string>;
  landed(one: { host: string; result: RawResult; outcome: Outcome }): void;
  signal: AbortSignal;
}

/** Longest single wait for a host, ms: what else is to be said to it waits as long. */
const slice = 1000;
const pause = 2000;

export const keyOf = ({ job, epoch }: { job: string; epoch: number }) => `${job}/${epoch}`;

/** Until nothing of this host is in flight any more, or the signal comes. */
export async function follow(at: Following, host: Entry<"host">, first: Pool): Promise<void> {
  const mine = () => [...at.flights.values()].filter((one) => one.host.id === host.id);
  for (let pool = first; !at.signal.aborted; ) {
    for (const one of mine()) if (at.clock.tick() > one.until) at.flights.delete(keyOf(one));
    if (mine().length === 0) return;
    const opened = await pool.open(host);
    if ("fault" in opened) {
      await at.clock.sleep(pause, at.signal).catch(() => {});
      pool = at.again();
      continue;
    }
    try {
      await assure(at, opened.session, mine());
      const left = Math.max(...mine().map((one) => one.until)) - at.clock.tick();
      if (mine().length > 0) await land(at, opened.session, mine(), Math.max(1, Math.min(slice, left)));
    } catch (thrown) {
      pool.fail(host.id, thrown);
    }
  }
}

/** What may have been started or not: its host knows. */
async function assure(at: Following, session: HostSession, flights: Flight[]): Promise<void> {
  const unsure = flights.filter((one) => !one.sure);
  if (unsure.length === 0) return;
  const { held } = await session.probe();
  for (const one of unsure) {
    one.sure = held.some((other) => keyOf(other) === keyOf(one));
    if (!one.sure) at.flights.delete(keyOf(one));
  }
}

/** Fetches what has ended within this time, ms. */
async function land(at: Following, session: HostSession, flights: Flight[], ms: number): Promise<void> {
  for (const ended of await session.wait(flights, ms)) {
    const flight = flights.find((one) => keyOf(one) === keyOf(ended));
    const runtime = flight && runtimeOf(at.runtimes, at.state ?? {}, flight.runtime);
    if (!flight || !runtime || !at.flights.has(keyOf(flight))) continue;
    const result = await fetched(at, session, flight);
    if (result === null) continue;
    const found = { host: flight.host.id, ...(await at.screen(result, runtime)) };
    at.results.push(found);
    at.flights.delete(keyOf(flight));
    at.landed(found);
  }
}

/** null: what the host holds of it was altered, and no other answer will come. */
async function fetched(at: Following, session: HostSession, flight: Flight): Promise<RawResult | null> {
  try {
    return await session.fetch(flight.job, flight.epoch);
  } catch (thrown) {
    if (!(thrown instanceof HostFault) || thrown.kind !== "altered") throw thrown;
    at.spoiled.set(flight.job, withoutName(flight.host.id, thrown.message));
    at.flights.delete(keyOf(flight));
    return null;
  }
}

/** Ends what is in flight, with its whole process group, and takes what it said so far; within this time, ms. */
export async function recall(at: Following, pool: Pool, ms: number): Promise<void> {
  const until = at.clock.tick() + ms;
  const hosts = new Map([...at.flights.values()].map((one) => [one.host.id, one.host]));
  await Promise.all(
    [...hosts.values()].map(async (host) => {
      const opened = await pool.open(host);
      if ("fault" in opened) return;
      const mine = () => [...at.flights.values()].filter((one) => one.host.id === host.id);
      try {
        for (const one of mine()) await opened.session.cancel(one.job, one.epoch);
        for (let left = ms; mine().length > 0 && left > 0; left = until - at.clock.tick())
          await land(at, opened.session, mine(), left);
      } catch (thrown) {
        pool.fail(host.id, thrown);
      }
    }),
  );
}
