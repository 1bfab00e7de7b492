// What an errand asks its hosts first, and tells them last.
import type { Entry } from "../core/entry.ts";
import { hostsToAsk } from "../core/errand-wait.ts";
import { hostCalled, twins } from "../core/known-hosts.ts";
import type { HostAnswer } from "../core/place.ts";
import type { State } from "../core/state.ts";
import type { Clock, RawResult } from "../ports.ts";
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

/** These results are safe: their hosts may forget them. */
export async function acknowledge(pool: Pool, state: State, all: { host: string; result: RawResult }[]): Promise<void> {
  await Promise.all(
    [...Map.groupBy(all, (one) => one.host)].map(async ([name, list]) => {
      const opened = await pool.open(hostCalled(state, name) as Entry<"host">);
      if ("fault" in opened) return;
      const results = list.map(({ result }) => ({ job: result.job, epoch: result.epoch, sha256: result.sha256 }));
      await opened.session.ack(results).catch((thrown) => pool.fail(name, thrown));
    }),
  );
}
