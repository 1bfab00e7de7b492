// What an errand asks its hosts first, and tells them last.
import type { Entry } from "../core/entry.ts";
import { toClear } from "../core/ephemeral.ts";
import { hostsToAsk } from "../core/errand-wait.ts";
import { hostCalled, twins } from "../core/known-hosts.ts";
import type { HostAnswer } from "../core/place.ts";
import type { State } from "../core/state.ts";
import type { Clock, Deployer, RawResult } from "../ports.ts";
import { clearAway } from "./deploy-start.ts";
import { ask } from "./hands.ts";
import type { Pool } from "./pool.ts";

interface Asking {
  clock: Clock;
  answers: Map<string, HostAnswer>;
}

interface Asked {
  tasks: Entry<"task">[];
  asked(done: number, all: number): void;
}

interface Leaving {
  pool: Pool;
  deployer?: Deployer | undefined;
}

/** Brings the answers up to date; how far it is, is told the first time. */
export async function askHosts(at: Asking, state: State, pool: Pool, errand: Asked): Promise<void> {
  const first = at.answers.size === 0;
  const names = hostsToAsk(state, errand.tasks, at.answers, at.clock.now());
  let done = 0;
  await Promise.all(
    names.map(async (name) => {
      await ask({ pool }, hostCalled(state, name) as Entry<"host">, at);
      done++;
      if (first) errand.asked(done, names.length);
    }),
  );
  for (const [name, message] of twins(state, at.answers)) at.answers.set(name, { fault: "not-enrolled", message });
}

/**
 * These results are safe: their hosts may forget them, and what was deployed for ephemeral agents goes. The ledger may
 * be older than what runs there now, so that the host is asked once more.
 */
export async function acknowledge(
  at: Leaving,
  state: State,
  all: { host: string; result: RawResult }[],
): Promise<void> {
  const { pool, deployer } = at;
  await Promise.all(
    [...Map.groupBy(all, (one) => one.host)].map(async ([name, list]) => {
      const opened = await pool.open(hostCalled(state, name) as Entry<"host">);
      if ("fault" in opened) return;
      const { session } = opened;
      const jobs = list.flatMap(({ result }) => state.jobs.get(result.job) ?? []);
      const results = list.map(({ result }) => ({ job: result.job, epoch: result.epoch, sha256: result.sha256 }));
      try {
        const idle = async () => (await session.probe()).held.every((held) => held.state !== "running");
        if (deployer && toClear(state, jobs).size > 0 && (await idle())) await clearAway(at, state, jobs);
        await session.ack(results);
      } catch (thrown) {
        pool.fail(name, thrown);
      }
    }),
  );
}
