// A fleet in memory: machines that keep journals, so that tests count starts from outside. Scripts are functions.
import { createHash } from "node:crypto";
import {
  type CodeResult,
  type Fleet,
  type HeldJob,
  type HostFacts,
  HostFault,
  type HostSession,
  type RawResult,
  type Sample,
  type StartAnswer,
  type StartRequest,
} from "../../src/ports.ts";

export interface FakeRun {
  stdout?: string;
  stderr?: string;
  exit?: number | null;
  end?: RawResult["end"];
  /** ISO time at which it starts; it takes a second. */
  at?: string;
  /** Files of its agent's outbox, by name. */
  outbox?: Record<string, string | Uint8Array>;
  /** What becomes of its coding work. */
  code?: CodeResult;
  /** Never ends by itself. */
  hangs?: boolean;
  /** It has gone quiet, and no nudge woke it. */
  silent?: true;
  /** It hears messages that come while it runs. */
  hears?: true;
}

export interface FakeMachine {
  /** `job/epoch` of every start, in order. */
  journal: string[];
  /** Ids of the packs in whose folders these stand. */
  packs: string[];
  down: boolean;
  slots: number;
  load: number;
  runtimes: string[];
  /** Acknowledged `job/epoch`. */
  acked: string[];
  sealed: Map<string, number>;
  runs: Map<string, { request: StartRequest; run: FakeRun; acked: boolean }>;
  /** `job/epoch` → letters that were put there, by id, and those of them that its agent was shown. */
  told: Map<string, { put: Map<string, string>; shown: Set<string> }>;
  /** Its agents see at once what is put before them. */
  shows: boolean;
  /** Thrown by the next call of this verb, once. */
  breakNext: string | null;
  /** What its owner has against any start. */
  forbids?: string;
  samples: Sample[];
  /** How often a conversation with it was opened. */
  calls: number;
  disk: { total: number; free: number };
  arch: string;
  identity?: string;
  sessions?: HostFacts["sessions"];
}

export type Script = (job: string, request: StartRequest, host: string) => FakeRun;

export const machine = (more: Partial<FakeMachine> = {}): FakeMachine => ({
  journal: [],
  packs: [],
  down: false,
  slots: 4,
  load: 0,
  runtimes: ["shell"],
  acked: [],
  sealed: new Map(),
  runs: new Map(),
  told: new Map(),
  shows: true,
  breakNext: null,
  samples: [],
  calls: 0,
  disk: { total: 1, free: 1 },
  arch: "x86_64",
  ...more,
});

export function fakeFleet(machines: Record<string, FakeMachine>, script: Script): Fleet {
  return {
    async open(name, record, pack) {
      const host = machines[name];
      if (!host || host.down) throw new HostFault("unreachable", "does not answer");
      host.calls++;
      const { identity } = facts(name, host);
      if (record.identity !== undefined && record.identity !== identity)
        throw new HostFault("not-enrolled", `is another machine: ${identity} instead of ${record.identity}`);
      return session(name, host, script, pack);
    },
  };
}

const sha = (text: string) => createHash("sha256").update(text).digest("hex");

function session(name: string, host: FakeMachine, script: Script, pack: string): HostSession {
  const check = (verb: string) => {
    if (host.down) throw new HostFault("lost", "the connection broke");
    if (host.breakNext === verb) {
      host.breakNext = null;
      throw new HostFault("lost", "the connection broke");
    }
  };
  return {
    get facts() {
      return facts(name, host);
    },
    async probe() {
      check("probe");
      return facts(name, host);
    },
    async start(request) {
      check("start");
      const answer = start(host, request, script, name);
      if (answer.state === "started") host.packs.push(pack);
      check("after-start");
      return answer;
    },
    async samples(since) {
      check("samples");
      return host.samples.filter((one) => one.at > since);
    },
    async wait(jobs) {
      check("wait");
      const ended = jobs.filter(({ job, epoch }) => host.runs.get(`${job}/${epoch}`)?.run.hangs !== true);
      if (ended.length < jobs.length) await new Promise((resolve) => setTimeout(resolve, 20));
      return ended;
    },
    async fetch(job, epoch) {
      check("fetch");
      return resultOf(job, epoch, host);
    },
    async seal(job, epoch) {
      check("seal");
      host.sealed.set(job, Math.max(epoch, host.sealed.get(job) ?? 0));
      const started = [...host.runs.keys()]
        .map((key) => key.split("/"))
        .filter(([id, at]) => id === job && Number(at) < epoch);
      return { started: started.length > 0 ? Math.max(...started.map(([, at]) => Number(at))) : null };
    },
    async cancel(job, epoch) {
      check("cancel");
      const run = host.runs.get(`${job}/${epoch}`);
      if (run) run.run = { ...run.run, hangs: false, end: "cancelled", exit: null };
    },
    async tell(job, epoch, letters) {
      check("tell");
      const key = `${job}/${epoch}`;
      const there = host.told.get(key) ?? { put: new Map(), shown: new Set() };
      host.told.set(key, there);
      for (const { id, text } of host.runs.get(key)?.run.hangs ? letters : []) {
        there.put.set(id, text);
        if (host.shows) there.shown.add(id);
      }
      check("after-tell");
      return letters.map(({ id }) => id).filter((id) => there.shown.has(id));
    },
    peek: async () => ({ state: "running", out: new Uint8Array(), err: new Uint8Array(), whole: true }),
    async ack(results) {
      check("ack");
      for (const { job, epoch } of results) {
        const run = host.runs.get(`${job}/${epoch}`);
        if (run) run.acked = true;
        host.acked.push(`${job}/${epoch}`);
      }
    },
    files: undefined as never,
    code: {
      async close(job: string) {
        host.sessions = host.sessions?.filter((one) => one.job !== job);
        return true;
      },
      tips: async () => [],
      send: async () => {},
    } as never,
    close() {},
  };
}

function start(host: FakeMachine, request: StartRequest, script: Script, name: string): StartAnswer {
  const sealed = host.sealed.get(request.job) ?? 0;
  if (request.epoch < sealed) return { state: "sealed", epoch: sealed };
  const before = [...host.runs.entries()].find(([key, run]) => key.startsWith(`${request.job}/`) && !run.acked);
  if (before) return { state: "already", epoch: Number(before[0].split("/")[1]) };
  const busy = [...host.runs.values()].filter((one) => one.run.hangs).length;
  if (host.forbids !== undefined) return { state: "forbidden", why: host.forbids };
  if (busy >= request.slots) return { state: "full" };
  host.journal.push(`${request.job}/${request.epoch}`);
  host.runs.set(`${request.job}/${request.epoch}`, { request, run: script(request.job, request, name), acked: false });
  return { state: "started" };
}

function facts(name: string, host: FakeMachine): HostFacts {
  const open = [...host.runs.entries()].filter(([, one]) => !one.acked);
  const held: HeldJob[] = open.map(([key, one]) => {
    const [job = "", epoch] = key.split("/");
    const state = one.run.hangs ? "running" : one.run.end === "died" ? "died" : "ended";
    return {
      job,
      epoch: Number(epoch),
      day: one.request.day,
      state,
      sha256: state === "running" ? undefined : resultOf(job, Number(epoch), host).sha256,
      ...(state === "running" && one.run.silent ? { silent: true } : {}),
      ...(state === "running" && one.run.hears ? { hears: true } : {}),
    };
  });
  return {
    identity: host.identity ?? `id-${name}`,
    boot: "boot",
    skew: 0,
    cores: 2,
    load: host.load,
    memory: { total: 1, free: 1 },
    disk: host.disk,
    arch: host.arch,
    system: "Linux",
    slots: { total: host.slots, used: open.filter(([, one]) => one.run.hangs).length },
    runtimes: Object.fromEntries(host.runtimes.map((runtime) => [runtime, ""])),
    held,
    sessions: host.sessions,
  };
}

function resultOf(job: string, epoch: number, host: FakeMachine): RawResult {
  const run = host.runs.get(`${job}/${epoch}`)?.run ?? {};
  return rawResult(job, epoch, run, new Date(run.at ?? "2026-11-20T10:00:00.000Z").toISOString());
}

/** An outbox as a host sends it. */
export function outboxOf(files: Record<string, string | Uint8Array>): Uint8Array {
  const texts = Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
  const lines = texts.map(({ name, bytes }) => `file ${bytes.length} ${name}\n`);
  return Buffer.concat([Buffer.from(`outbox 1\n${lines.join("")}\n`), ...texts.map(({ bytes }) => bytes)]);
}

/** What collecting this run gives. `at`: ISO time of its start; it takes a second. */
export function rawResult(job: string, epoch: number, run: FakeRun, at: string): RawResult {
  const stream = (text: string) => ({
    bytes: Buffer.byteLength(text),
    sha256: sha(text),
    head: Buffer.from(text),
    tail: new Uint8Array(),
  });
  return {
    job,
    epoch,
    exit: run.exit === undefined ? 0 : run.exit,
    signal: null,
    end: run.end ?? "exited",
    started_at: at,
    ended_at: new Date(Date.parse(at) + 1000).toISOString(),
    took: 1,
    boot: "boot",
    program: "fake",
    stdout: stream(run.stdout ?? ""),
    stderr: stream(run.stderr ?? ""),
    ...(run.code ? { code: run.code } : {}),
    ...(run.outbox ? { parts: new Map([["outbox", outboxOf(run.outbox)]]) } : {}),
    sha256: sha(`${job} ${epoch} ${run.stdout ?? ""}`),
  };
}
