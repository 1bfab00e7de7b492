// What stands in for git and the machines: a repository of files in memory, and sessions with hosts that are values.
import { HostFault, type HostSession, type RawResult, type Repo } from "../../src/ports.ts";
import type { createPool } from "../../src/shell/pool.ts";
import { rawResult } from "../fakes/fleet.ts";
import { ack, busy, type HostState, held } from "./host.ts";
import { type Shape, start_of_time } from "./pack.ts";

export interface Call {
  host: string;
  verb: "seal" | "start";
  job: string;
  epoch: number;
}

export function memoryRepo(filesAt: (commit: string) => ReadonlyMap<string, string>): Repo {
  const off = () => {
    throw new Error("the model's repository has no such call");
  };
  return {
    gitDir: "",
    fetch: off,
    local: off,
    policyTipNow: off,
    contains: off,
    push: off,
    beat: off,
    readBeat: off,
    forge: undefined,
    written: off,
    diff: off,
    people: off,
    tree: async (commit, paths = [""]) =>
      [...filesAt(commit).keys()]
        .filter((path) => paths.some((one) => one === "" || path === one || path.startsWith(`${one}/`)))
        .map((path) => ({ path, mode: "100644", blob: `${commit} ${path}` })),
    blobs: async (ids) =>
      new Map(
        ids.map((id) => {
          const cut = id.indexOf(" ");
          return [id, Buffer.from(filesAt(id.slice(0, cut)).get(id.slice(cut + 1)) ?? "")];
        }),
      ),
  };
}

const began = new Date(start_of_time).toISOString();

export function resultOf(key: string, end: string): RawResult {
  const [job = "", epoch] = key.split("/");
  const run = end === "died" ? { end: "died" as const, exit: null } : { stdout: `answer of ${key}\n` };
  return { ...rawResult(job, Number(epoch), run, began), sha256: `${end} ${key}` };
}

type Sessions = Parameters<typeof createPool>[0];
const off = async (): Promise<never> => {
  throw new Error("this call is not expected here");
};
const deaf: HostSession = {
  facts: undefined as never,
  probe: off,
  start: off,
  wait: off,
  fetch: off,
  seal: off,
  cancel: off,
  tell: off,
  peek: off,
  ack: off,
  files: undefined as never,
  code: undefined as never,
  samples: async () => [],
  close() {},
};

/** Sessions that only tell and acknowledge: what gather needs. */
export function memoryFleet(
  { hosts, slots }: Shape,
  after: { hosts: HostState[]; acked: string[] },
  down: readonly string[],
  acksAtOnce: boolean,
): Sessions {
  return {
    open: async (name) => {
      if (down.includes(name)) throw new HostFault("lost", "the connection broke");
      const at = hosts.indexOf(name);
      const facts = factsOf(name, after.hosts[at] as HostState, slots);
      const acknowledge = (key: string, sha256: string) => {
        after.hosts[at] = ack(after.hosts[at] as HostState, key, sha256);
        after.acked.push(`${key} ${sha256}`);
      };
      return {
        ...deaf,
        facts,
        fetch: async (job, epoch) => {
          const key = `${job}/${epoch}`;
          const end = (after.hosts[at] as HostState).runs[key] as string;
          if (acksAtOnce) acknowledge(key, `${end} ${key}`);
          return resultOf(key, end);
        },
        ack: async (results) => {
          for (const { job, epoch, sha256 } of results) acknowledge(`${job}/${epoch}`, sha256);
        },
      };
    },
  };
}

const factsOf = (identity: string, host: HostState, slots: number): HostSession["facts"] => ({
  identity,
  boot: "boot",
  skew: 0,
  cores: 2,
  load: 0,
  memory: { total: 1, free: 1 },
  disk: { total: 1, free: 1 },
  arch: "x86_64",
  system: "Linux",
  slots: { total: slots, used: busy(host) },
  runtimes: { shell: "" },
  held: held(host).map((one) => ({ ...one, day: began.slice(0, 10).replaceAll("-", "/") })),
});

/** Sessions that answer as they are told, in order; the first call without an answer is noted and waits for ever. */
export function answeringFleet(
  answers: Readonly<Record<string, readonly string[]>>,
  calls: Call[],
  broken: Set<string>,
): Sessions {
  return {
    open: async (host) => {
      if (broken.has(host)) throw new HostFault("lost", "the connection broke");
      let at = 0;
      const next = (verb: Call["verb"], job: string, epoch: number): Promise<unknown> => {
        const answer = answers[host]?.[at++];
        if (answer === undefined) {
          calls.push({ host, verb, job, epoch });
          return new Promise(() => {});
        }
        if (answer !== "broken") return Promise.resolve(JSON.parse(answer));
        broken.add(host);
        return Promise.reject(new HostFault("lost", "the connection broke"));
      };
      return {
        ...deaf,
        seal: (job, epoch) => next("seal", job, epoch) as ReturnType<HostSession["seal"]>,
        start: ({ job, epoch }) => next("start", job, epoch) as ReturnType<HostSession["start"]>,
      };
    },
  };
}
