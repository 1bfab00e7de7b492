// Stands between the line and its ports: writes down what a tick asked and was told, and ends it at a named step.
import { closeSync, openSync, writeSync } from "node:fs";
import type { Fleet, HostSession, Repo } from "../../../src/ports.ts";
import { createPool } from "../../../src/shell/pool.ts";
import type { TickPorts } from "../../../src/shell/tick-run.ts";

/** A line of a ticker's log. Times are microseconds of the clock that all processes of a machine share. */
export type Event =
  | {
      op: "push";
      who: string;
      tick: string;
      from: number;
      to: number;
      state: "won" | "lost" | "unknown";
      commit?: string;
      why?: string;
    }
  | { op: "pushing"; who: string; tick: string; from: number }
  | { op: "start"; who: string; tick: string; from: number; job: string; epoch: number }
  | { op: "call"; who: string; verb: string; from: number; to: number }
  | { op: "ticked"; who: string; tick: string; from: number; to: number; commits: number; contended: boolean }
  | { op: "failed"; who: string; from: number; to: number; why: string };

export const micros = () => Number(process.hrtime.bigint() / 1000n);

export type Log = (event: Event) => void;

/** Appends whole lines, so that a process that is killed leaves all but its last word. */
export function logTo(file: string): Log & { close(): void } {
  const fd = openSync(file, "a");
  return Object.assign((event: Event) => void writeSync(fd, `${JSON.stringify(event)}\n`), {
    close: () => closeSync(fd),
  });
}

export interface Watch {
  who: string;
  log: Log;
  /** Ends this process when the step is the planned one. */
  at(step: string): void;
  fleet: Fleet;
}

export function around(watch: Watch): (ports: TickPorts) => TickPorts {
  return (ports) => {
    watch.at("opened");
    const known = { tick: "" };
    const { report } = ports;
    return {
      ...ports,
      repo: watchRepo(ports.repo, watch, known),
      connect: (pack) => createPool(watchFleet(watch, known), pack),
      report: {
        ...report,
        async summary(markdown) {
          watch.at("summary:before");
          await report.summary(markdown);
        },
      },
      after: ports.after.map(({ name, run }) => ({
        name,
        async run(state, left, tick) {
          watch.at(`${name}:before`);
          const timers = [10, 40, 160, 640].map((ms) => setTimeout(() => watch.at(`${name}:in`), ms));
          const said = await run(state, left, tick);
          for (const timer of timers) clearTimeout(timer);
          watch.at(`${name}:after`);
          return said;
        },
      })),
    };
  };
}

function watchRepo(repo: Repo, { who, log, at }: Watch, known: { tick: string }): Repo {
  return {
    ...repo,
    async policyTipNow() {
      at("reread");
      return repo.policyTipNow();
    },
    async push(tips, changes, note) {
      known.tick = note.tick;
      at("plan");
      const from = micros();
      log({ op: "pushing", who, tick: note.tick, from });
      const said = await repo.push(tips, changes, note);
      const commit = said.state === "lost" ? undefined : said.commit;
      const why = said.state === "won" ? undefined : said.why;
      log({ op: "push", who, tick: note.tick, from, to: micros(), state: said.state, commit, why });
      at("pushed");
      return said;
    },
  };
}

function watchFleet({ who, log, at, fleet }: Watch, known: { tick: string }): Fleet {
  const timed = async <T>(verb: string, call: () => Promise<T>): Promise<T> => {
    const from = micros();
    try {
      return await call();
    } finally {
      log({ op: "call", who, verb, from, to: micros() });
    }
  };
  return {
    async open(name, host, pack) {
      at("connect:before");
      const session = await timed("open", () => fleet.open(name, host, pack));
      at("connect:after");
      return {
        ...session,
        probe: () => timed("probe", () => session.probe()),
        seal: (job, epoch) => timed("seal", () => session.seal(job, epoch)),
        async start(request) {
          at("send");
          log({ op: "start", who, tick: known.tick, from: micros(), job: request.job, epoch: request.epoch });
          const answer = await timed("start", () => session.start(request));
          at("host-ack");
          return answer;
        },
        async wait(jobs, ms) {
          at("wait");
          const ended = await timed("wait", () => session.wait(jobs, ms));
          at("agent-end");
          return ended;
        },
        async fetch(job, epoch) {
          at("collect");
          const result = await timed("fetch", () => session.fetch(job, epoch));
          at("verified");
          return result;
        },
        async ack(results) {
          at("cleanup:before");
          await timed("ack", () => session.ack(results));
          at("cleanup:after");
        },
      } satisfies HostSession;
    },
  };
}
