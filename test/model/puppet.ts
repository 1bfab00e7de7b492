// A real tick whose every call to git and to a host waits for a word: what it does then is the real thing.
import { type Fleet, HostFault, type HostSession, type Repo, type StartRequest } from "../../src/ports.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { createPool } from "../../src/shell/pool.ts";
import { tick } from "../../src/tick.ts";
import { quiet } from "../../src/wire.ts";

export type Gate = "fetch" | "open" | "push" | "look" | "seal" | "start" | "wait" | "end";

export interface Puppet {
  /** Where it waits; `end`: it has ended. Settles once it gets there. */
  at(): Promise<Gate>;
  /** Lets the call go on. `how`: what becomes of it; absent: it is made and answered. */
  go(how?: string): void;
  /** The start that it wanted to send last. */
  letter(): StartRequest;
  /** What it threw, if it did. */
  fault(): unknown;
}

export function puppet(repo: Repo, fleet: Fleet, now: () => Date): Puppet {
  let waiting: { gate: Gate; go(how?: string): void } | null = null;
  let told: (() => void) | null = null;
  let last: StartRequest | null = null;
  let fault: unknown;
  const arrive = (gate: Gate, go: (how?: string) => void) => {
    waiting = { gate, go };
    told?.();
    told = null;
  };
  const pass = (gate: Gate) => new Promise<string | undefined>((resolve) => arrive(gate, resolve));

  let looking = false;
  const held: Repo = {
    ...repo,
    // What is fetched because the policy moved belongs to that look.
    fetch: async () => {
      if (!looking) await pass("fetch");
      looking = false;
      return repo.fetch();
    },
    policyTipNow: async () => {
      await pass("look");
      looking = true;
      return repo.policyTipNow();
    },
    push: async (...given) => {
      looking = false;
      await pass("push");
      return repo.push(...given);
    },
    beat: async () => {},
  };
  const broken = () => new HostFault("lost", "the connection broke");
  /** `silent` and `never`: the call is not made. `answer lost`: it is, and nobody hears of it. */
  const call = async <T>(gate: Gate, real: () => Promise<T>): Promise<T> => {
    looking = false;
    const how = await pass(gate);
    if (how === undefined) return real();
    if (how === "answer lost") await real();
    throw broken();
  };
  const wrap = (session: HostSession): HostSession => ({
    ...session,
    probe: () => call("open", () => session.probe()),
    seal: (...given) => call("seal", () => session.seal(...given)),
    start: (request) => {
      last = request;
      return call("start", () => session.start(request));
    },
    wait: async (jobs) => {
      await pass("wait");
      return jobs;
    },
  });
  const gated: Fleet = { open: (...given) => call("open", async () => wrap(await fleet.open(...given))) };
  const ports = {
    repo: held,
    clock: { now, tick: () => performance.now(), sleep: async () => {} },
    runtimes,
    report: quiet,
    pollers: () => [],
    connect: (pack: string) => createPool(gated, pack),
    after: [],
    screen: async (
      result: Parameters<(typeof runtimes)["shell"]["outcome"]>[0],
      runtime: (typeof runtimes)["shell"],
    ) => ({
      result,
      outcome: runtime.outcome(result),
    }),
  };
  void tick(ports)
    .catch((thrown) => {
      fault = thrown;
    })
    .then(() => arrive("end", () => {}));

  return {
    at: async () => {
      if (!waiting) await new Promise<void>((resolve) => (told = resolve));
      return (waiting as unknown as { gate: Gate }).gate;
    },
    go(how) {
      const { go } = waiting as { go(how?: string): void };
      waiting = null;
      go(how);
    },
    letter: () => last as StartRequest,
    fault: () => fault,
  };
}
