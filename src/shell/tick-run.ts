// What one tick knows of itself while it walks the line.
import { randomBytes } from "node:crypto";
import { type Findings, noFindings } from "../core/absorb.ts";
import { type Probed, probedNow } from "../core/beat.ts";
import type { CampfireFinding } from "../core/campfire.ts";
import type { Decision } from "../core/decide.ts";
import type { Draft } from "../core/draft.ts";
import type { Entry } from "../core/entry.ts";
import type { Meanings } from "../core/meaning.ts";
import type { Part } from "../core/part.ts";
import type { ProseRow } from "../core/prose.ts";
import type { Settings } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import type { Conversations, Level, Poller, Report, Tips } from "../ports.ts";
import type { Speaking, Talked } from "./converse.ts";
import type { Hands } from "./hands.ts";
import type { Pool } from "./pool.ts";
import type { HostLookup } from "./ways.ts";

export interface TickPorts extends Omit<Hands, "pool"> {
  /** Opens the conversations of this tick with the hosts of this pack. `hosts`: records of the hosts that lead to others. `state`: as it was read last. */
  connect(pack: string, hosts: HostLookup, state?: () => State | undefined): Pool;
  /** The sources that these settings name, and plugins that are due. */
  pollers(settings: Settings, state: State): Poller[] | Promise<Poller[]>;
  /** Talk with people on the forge; absent: there is none, or another ticker sees to it. */
  conversations?: Conversations | undefined;
  /** Looks after the campfire; absent: another ticker does. null: there is nothing new about it. */
  campfire?: ((state: State, now: Date) => Promise<CampfireFinding | null>) | undefined;
  /** What a month of this pack comes to, in one line, for the inbox. */
  forecast?: Speaking["forecast"];
  /** Asks the model that the settings name to put in words what is to be read first; undefined: there is nothing to ask. */
  prose?(draft: Draft): Promise<ProseRow | undefined>;
  /** Asks the model that the settings name what these mean; null: they name none. */
  meanings?(state: State, texts: readonly string[], signal: AbortSignal | undefined): Promise<Meanings | null>;
  /** Whoever looks at what a pass comes to before it is recorded, and tells what is so by that: once a tick. */
  hooks?(decision: Decision, now: Date, signal: AbortSignal | undefined): Promise<Level[]>;
  report: Report;
  /** Stages after the record: each says what it did, or why it could not. `left`: of the CI job's time, ms. */
  after: { name: string; run(state: State, left: number, tick: string): Promise<Done> }[];
  /** What the heartbeat carries besides time and tick. */
  beat?(outcome: TickOutcome): object;
}

/** `did`: the heartbeat has something to remember. */
export interface Done {
  degraded?: string;
  note?: string;
  did?: boolean;
}

export interface TickOptions {
  /** Which attempt of the CI run this is. */
  attempt?: number;
  signal?: AbortSignal;
  /** Called with what stands after each won commit of this tick. */
  onState?(state: State): void;
  /** Tips that were fetched just now: the first read needs no other fetch. */
  tips?: Tips;
  /** The part of the fleet that this ticker looks after; absent: all of it. */
  part?: Part;
  /** When hosts were last asked, as the heartbeat has it. */
  probed?: Probed;
  /** What was said on the forge, as the heartbeat has it. */
  talked?: Talked | undefined;
  /** The random part of a new pack's id, in hex; made up when absent. */
  random?: string;
  /** What of the CI job's time was gone when the tick began, ms; absent: nobody counts its minutes. */
  spent?: number;
  /** Puts a ledger that a person rewound or rewrote back as towline wrote it last. */
  restore?: boolean;
}

export interface TickOutcome {
  tick: string;
  commits: string[];
  starts: { job: string; host: string; task: string }[];
  /** Ended in this tick, by job id. */
  ended: { job: string; task: string; state: string }[];
  degraded: string[];
  /** The work was left to the next tick after too many lost pushes. */
  contended: boolean;
  /** A signal came: nothing more was started, what was found out is recorded, the rest is the next tick's. */
  interrupted: boolean;
  /** The state that stands now. */
  state: State;
}

export interface TickRun {
  ports: TickPorts;
  options: TickOptions;
  findings: Findings;
  levels: Map<string, Level[]>;
  id: string;
  now: Date;
  /** When the CI job began, in ticks of the clock; never, where nobody counts its minutes. */
  began: number;
  outcome: TickOutcome;
  /** Tips to read next without another fetch. */
  tips: Tips | undefined;
  pool: Pool | undefined;
  /** Number of the pass that is walked. */
  pass: number;
  /** Id of a pack that no commit has bound yet. */
  fresh: string | undefined;
  /** Jobs whose results this tick recorded. */
  over: Entry<"job">[];
  /** Why the last push was not won, when it was no race. */
  refused: string | null;
  /** Hosts whose probe was due when this tick began. */
  due: Set<string>;
  /** Hosts that were called. */
  asked: Set<string>;
  /** Comments were read: once a tick, as sources are. */
  listened: boolean;
  /** The campfire was looked at, once a tick, too. */
  camped: boolean;
  /** A model was asked what signals mean, and cannot say it in this tick. */
  meaningless: boolean;
  /** What was said on the forge so far, and whether this tick said something. */
  talked: Talked;
  spoke: boolean;
}

export const tickId = (now: Date) =>
  `${now.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "t")}-${randomBytes(4).toString("hex")}`;

/** A run that has read and asked nothing yet. */
export function beginRun(ports: TickPorts, options: TickOptions): TickRun {
  const now = ports.clock.now();
  const id = tickId(now);
  const findings = noFindings();
  const levels = new Map<string, Level[]>();
  const outcome: TickOutcome = {
    tick: id,
    commits: [],
    starts: [],
    ended: [],
    degraded: [],
    contended: false,
    interrupted: false,
    state: undefined as never,
  };
  const run: TickRun = {
    ports,
    options,
    findings,
    levels,
    id,
    now,
    began: options.spent === undefined ? Number.POSITIVE_INFINITY : ports.clock.tick() - options.spent,
    outcome,
    tips: options.tips,
    pool: undefined,
    pass: 0,
    fresh: undefined,
    over: [],
    refused: null,
    due: new Set(),
    asked: new Set(),
    listened: false,
    camped: false,
    meaningless: false,
    talked: options.talked ?? { posted: [] },
    spoke: false,
  };
  findings.posted = new Set(run.talked.posted);
  return run;
}

/** What a quiet tick leaves. A tick that probed writes it besides its commits: silence of a host stands nowhere else. */
export function beatOf({ id, now, asked, ports, options, outcome, talked }: TickRun): string {
  const hosts = new Set(outcome.state.hosts.keys());
  const probed = probedNow(options.probed ?? {}, asked, hosts, now);
  return `${JSON.stringify({ at: now.toISOString(), tick: id, ...ports.beat?.(outcome), probed, ...((ports.conversations || options.talked) && { talked }) })}\n`;
}
