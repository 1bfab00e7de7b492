// The states of the protocol: three ticks, a ledger, hosts, and what is on its way between them.
import { empty_host, type HostGuards, type HostState } from "./host.ts";
import { type Found, type Line, nothing } from "./line.ts";
import type { Shape } from "./pack.ts";

/** Guards of the protocol; a broken variant switches one off. */
export interface Guards extends HostGuards {
  /** Two writers never make the same commit (repo.ts messageOf). */
  nonce: boolean;
  /** A refused commit is dropped and decided anew; off: it is rebased on the new tip. */
  redo: boolean;
  /** An unknown push outcome gives no right to start; off: it counts as won. */
  unknown: boolean;
  /** After an unknown outcome a new compare-and-swap must be won; off: nobody else's claim at the tip is enough. */
  swap: boolean;
  /** The default tip is read once more before anything starts. */
  reread: boolean;
  /** A claim over an older one seals it on its host first. */
  seal: boolean;
  /** A host is told to drop a result only when the result stands in the ledger. */
  ackLate: boolean;
}

export const all_guards: Guards = {
  nonce: true,
  redo: true,
  unknown: true,
  swap: true,
  reread: true,
  seal: true,
  ackLate: true,
  fence: true,
  journal: true,
};

export interface Bounds extends Shape {
  ticks: number;
  /** Faults in all: deaths, lost or late answers, restarts. */
  faults: number;
  /** Jumps of the clock over the wall. */
  jumps: number;
  /** How often the policy changes: 1, STOP comes; 2, and goes. */
  policies: number;
}

export type Phase = "read" | "ask" | "push" | "judge" | "hand";

export interface Ticker {
  id: string;
  now: number;
  phase: Phase;
  pass: number;
  /** The policy commit that it read. */
  policy: number;
  /** The ledger that it read. */
  base: number;
  found: Found;
  down: readonly string[];
  /** Number of its decision, from `push` on. */
  plan: number;
  /** `job/epoch` of its claims that must not start any more → why. */
  fallen: Readonly<Record<string, string>>;
  answers: Readonly<Record<string, readonly string[]>>;
  /** Claims that stand in the ledger by its own push. */
  mine: readonly string[];
  /** STOP stood already when its claim landed. */
  late: boolean;
  /** Only in broken variants: the ledger moved under its feet, or another made its very commit. */
  moved?: boolean;
  twin?: boolean;
  unsure?: boolean;
}

/** A push without a client: it may land while the tip is still the one that it was made on. */
export interface Orphan {
  tick: string;
  plan: number;
}

export interface State {
  ledger: number;
  policy: number;
  clock: number;
  hosts: readonly HostState[];
  begun: number;
  tickers: readonly Ticker[];
  orphans: readonly Orphan[];
  /** Start requests on their way, whose sender no longer waits. */
  letters: readonly { host: number; job: string; epoch: number }[];
  faults: number;
}

export interface Action {
  name: string;
  tick?: string;
  host?: string;
  /** `job/epoch` */
  key?: string;
  /** How the call went. */
  how?: string;
}

export interface Step {
  action: Action;
  next: State;
}

export const first = (line: Line, shape: Shape): State => ({
  ledger: line.intern(new Map()),
  policy: 0,
  clock: 0,
  hosts: shape.hosts.map(() => empty_host),
  begun: 0,
  tickers: [],
  orphans: [],
  letters: [],
  faults: 0,
});

export const newTicker = (id: string, now: number): Ticker => ({
  id,
  now,
  phase: "read",
  pass: 1,
  policy: 0,
  base: -1,
  found: nothing,
  down: [],
  plan: -1,
  fallen: {},
  answers: {},
  mine: [],
  late: false,
});

export interface Model {
  line: Line;
  bounds: Bounds;
  guards: Guards;
}

export const withTicker = (state: State, ticker: Ticker): State => ({
  ...state,
  tickers: state.tickers.map((one) => (one.id === ticker.id ? ticker : one)),
});
export const without = (state: State, id: string): State => ({
  ...state,
  tickers: state.tickers.filter((one) => one.id !== id),
});
