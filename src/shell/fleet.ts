// Hosts by SSH or on this machine: opens conversations with their host program and checks what they say.
import { setTimeout as sleep } from "node:timers/promises";
import { configuration } from "../errors.ts";
import {
  type Connection,
  type ConnectOptions,
  type Fleet,
  type HostFacts,
  HostFault,
  type HostSession,
  type RawResult,
} from "../ports.ts";
import { readable, readEnded, readFacts, readResult, readShown, readStart } from "../remote/answers.ts";
import { encodeCode } from "../remote/code.ts";
import { readGlimpse } from "../remote/glimpse.ts";
import { hostProgram, type Program, seatOf } from "../remote/program.ts";
import { encodeLaunch, encodeText } from "../remote/request.ts";
import { readSamples, readVersions } from "../remote/samples.ts";
import { hostCode } from "./fleet-code.ts";
import { type Conversation, greet } from "./fleet-conversation.ts";
import { hostFiles } from "./fleet-files.ts";
import { createWays, type Ways, type WaysOptions } from "./ways.ts";

type Host = Parameters<Fleet["open"]>[1];

export interface FleetOptions extends WaysOptions {
  /** Where several hosts are connected to: they share the logins at their jump hosts. */
  ways?: Ways;
  /** Binaries whose presence hosts are asked for. */
  runtimes?: string[];
  /** More of them: what plugins offer is called by the plugin's name. */
  offered?: () => readonly string[];
  /** The program that hosts are given; the one of this version when absent. */
  program?: Program;
}

const usual_runtimes = ["picoclaw", "claude", "ollama", "tmux", "codex"];
/** Longest pause in ms between two questions whether a job has ended. */
const slowest = 750;
/** How long a host may hold such an answer back, ms. */
const longest_hold = 2000;

export function createFleet(options: FleetOptions): Fleet {
  const ways = options.ways ?? createWays(options);
  return {
    async open(name, host, pack) {
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(pack)) throw configuration(`\`${pack}\` cannot be a pack id`);
      return openOver(await ways.connect(name, host, undefined, pack), name, host, pack, options);
    },
    close: () => ways.close(),
  };
}

/** The same over a connection that stands already, like a person's own. */
export async function openOver(
  connection: Connection,
  name: string,
  host: Host,
  pack: string,
  options: FleetOptions,
): Promise<HostSession> {
  try {
    return await hold({ name, host, pack, connection, ...askedOf(options) });
  } catch (thrown) {
    connection.close();
    throw thrown;
  }
}

/** A connection to a host as its record says. Throws HostFault, and Fault where the record or a key is wrong. */
export async function connectHost(
  name: string,
  host: Host,
  options: FleetOptions,
  onUnknownKey?: ConnectOptions["onUnknownKey"],
): Promise<Connection> {
  if (options.ways && options.login === undefined) return options.ways.connect(name, host, onUnknownKey, options.pack);
  const ways = createWays(options);
  try {
    const connection = await ways.connect(name, host, onUnknownKey, options.pack);
    const close = () => {
      connection.close();
      ways.close();
    };
    return { ...connection, close };
  } catch (thrown) {
    ways.close();
    throw thrown;
  }
}

interface Held {
  name: string;
  host: Host;
  pack: string;
  connection: Connection;
  runtimes: string[];
  program: Program;
}

const askedOf = ({ runtimes = usual_runtimes, offered, program = hostProgram() }: FleetOptions) => ({
  runtimes: [...new Set([...runtimes, ...(offered?.() ?? [])])],
  program,
});

async function hold({ name, host, pack, connection, ...asked }: Held): Promise<HostSession> {
  const { conversation, facts: first, hello } = await begin(name, host, connection, { pack, ...asked });
  const facts = await enrolled(name, host, conversation, first);
  const probe = async () => enrolled(name, { ...host, identity: facts.identity }, conversation, await hello());
  return { facts, probe, ...calls(name, conversation, () => connection.close()) };
}

/** Says hello, with the program sent first where it is missing. Without a pack (`-`) the host is only looked at. */
async function begin(
  name: string,
  host: Host,
  connection: Connection,
  { pack, runtimes, program }: Pick<Held, "pack" | "runtimes" | "program">,
) {
  const hello = async (conversation: Conversation): Promise<HostFacts> => {
    const before = Date.now();
    const { payload } = await conversation.ask({ verb: "hello", args: [pack, host.slots, runtimes.join(",") || "-"] });
    const facts = readFacts(payload, { runtimes, slots: host.slots, before, after: Date.now() });
    return { ...facts, runtimes: { shell: "", ...facts.runtimes } };
  };
  const place = { ...seatOf(host), program };
  const { conversation, answer } = await greet(name, connection, place, hello);
  return { conversation, facts: answer, hello: () => hello(conversation) };
}

/**
 * What a host says of itself. Changes nothing on it, but sends the host program where it is missing. An identity of `-`:
 * it was never enrolled; the record's pin is not compared.
 */
export async function lookAt(name: string, host: Host, pack: string, options: FleetOptions): Promise<HostFacts> {
  const connection = await connectHost(name, host, { ...options, pack });
  try {
    const { conversation, facts } = await begin(name, host, connection, {
      pack,
      ...askedOf(options),
    });
    const there = Object.keys(facts.runtimes).filter((runtime) => runtime !== "shell");
    const versions = there.length > 0 ? await versionsOf(conversation, there) : {};
    conversation.close();
    return { ...facts, runtimes: { ...facts.runtimes, ...versions } };
  } finally {
    connection.close();
  }
}

const versionsOf = async (conversation: Conversation, names: string[]) =>
  readVersions((await conversation.ask({ verb: "versions", body: names })).payload, names);

/** For enrolment: what the host is and has, and its identity, whatever the record pins. */
export async function meetHost(name: string, host: Host, connection: Connection, options: FleetOptions) {
  const { conversation, facts } = await begin(name, host, connection, {
    pack: "-",
    ...askedOf(options),
  });
  const enrolment = await enrollOn(conversation);
  await conversation.finish();
  return { facts: { ...facts, identity: enrolment.identity }, enrolment };
}

/** The identity that the host is known by must be its own; where none is known, first contact makes one. */
async function enrolled(name: string, host: Host, conversation: Conversation, facts: HostFacts): Promise<HostFacts> {
  const none = facts.identity === "-";
  if (host.identity !== undefined && facts.identity !== host.identity) {
    const said = none
      ? "has no identity: it was set up anew"
      : `has the identity ${facts.identity}: it is another machine, or was set up anew`;
    throw new HostFault(
      "not-enrolled",
      `${name} ${said}; it is known as ${host.identity}. When that is right: towline fleet enroll ${name} --replace`,
    );
  }
  return none ? { ...facts, identity: (await enrollOn(conversation)).identity } : facts;
}

export interface Enrolment {
  identity: string;
  /** How a file is brought to the disk: `file` (sync FILE), `dd`, or `all` (a whole sync: weaker). */
  sync: string;
  /** `group` when the host's timeout ends whole process groups, else our own watch does. */
  timeout: string;
  missing: string[];
}

/** Probes the host's tools and makes its identity when it has none. */
async function enrollOn(conversation: Conversation): Promise<Enrolment> {
  const { payload } = await conversation.ask({ verb: "enroll" });
  const lines = payload.toString("latin1").split("\n", 50);
  const of = (key: string) => lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1) ?? "";
  const identity = of("identity");
  if (!/^[0-9a-f]{32}$/.test(identity)) throw new HostFault("protocol", "the host made no identity");
  return { identity, sync: of("sync"), timeout: of("timeout"), missing: of("missing").split(" ").filter(Boolean) };
}

function calls(name: string, conversation: Conversation, close: () => void): Omit<HostSession, "facts" | "probe"> {
  const text = async (verb: string, args: (string | number)[], body: string[] = []) =>
    (await conversation.ask({ verb, args, body })).payload;
  return {
    async start({ job, epoch, day, deadline, keep, slots, runtime, launch, code }) {
      const args = [job, epoch, day || "-", Math.round(deadline * 1000), keep, slots, runtime ?? "-"];
      const frame = await conversation.ask({
        verb: "start",
        args,
        body: [...encodeCode(code), ...encodeLaunch({ launch })],
      });
      return readStart(frame.payload);
    },
    async wait(jobs, ms) {
      const body = jobs.map(({ job, epoch }) => `${job}/${epoch}`);
      const from = performance.now();
      // The host holds its answer back until one has ended, where all were started in this conversation; otherwise it
      // is asked again. Every other second it also looks whether the supervisors still live.
      for (let pause = 40, looked = 0; ; pause = Math.min(pause * 2.5, slowest)) {
        const now = performance.now() - from;
        const look = now - looked > longest_hold || now >= ms;
        if (look) looked = now;
        const patience = now < ms ? Math.min(longest_hold, ms - now) : undefined;
        const args = [look ? 1 : 0, patience === undefined ? 0 : 1];
        const { payload } = await conversation.ask({ verb: "ended", args, body }, patience);
        const ended = readEnded(payload, jobs);
        const spent = performance.now() - from;
        if (ended.length > 0 || now >= ms) return ended;
        await sleep(Math.max(1, Math.min(now + pause - spent, ms - spent)));
      }
    },
    samples: async (since) => readSamples(await text("samples", [since]), since),
    fetch: (job, epoch, most) => fetchResult(name, conversation, { job, epoch }, most),
    async seal(job, epoch) {
      const [, started] = (await text("seal", [job, epoch])).toString("latin1").split(" ");
      if (started === "-") return { started: null };
      if (!started || !/^\d{1,15}$/.test(started)) throw new HostFault("protocol", `${name}: no known answer to seal`);
      return { started: Number(started) };
    },
    async cancel(job, epoch) {
      await text("cancel", [job, epoch]);
    },
    async tell(job, epoch, letters) {
      const body = letters.flatMap(({ id, text: words }) => [`letter ${id}`, ...encodeText(words)]);
      return readShown(await text("tell", [job, epoch], body), letters);
    },
    peek: async (job, epoch, { out, err }) => readGlimpse(await text("peek", [job, epoch, out, err])),
    async ack(results) {
      if (results.length > 0)
        await text(
          "ack",
          [],
          results.map((r) => `${r.job}/${r.epoch}/${r.sha256}`),
        );
    },
    files: hostFiles(name, conversation),
    code: hostCode(name, conversation),
    close() {
      conversation.close();
      close();
    },
  };
}

async function fetchResult(
  name: string,
  conversation: Conversation,
  { job, epoch }: { job: string; epoch: number },
  most?: number,
): Promise<RawResult> {
  const frame = await conversation.ask({ verb: "fetch", args: [job, epoch], ...(most ? { most } : {}) });
  // Here the answer is whole, whatever stands in it: nothing of this is a reason to leave other jobs uncollected.
  const altered = (message: string) => new HostFault("altered", `${name}: ${message}`);
  if (frame.job !== job || frame.epoch !== String(epoch)) throw altered("the host answered for another job");
  if (frame.sha256 === null)
    throw altered(`there is no result of ${job} (${readable(frame.payload.toString("latin1", 0, 40))})`);
  try {
    return readResult(frame.payload, { job, epoch, sha256: frame.sha256 });
  } catch (thrown) {
    throw thrown instanceof HostFault ? altered(thrown.message) : thrown;
  }
}
