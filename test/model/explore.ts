// Breadth-first over all states, each kept once under a name that forgets which tick is which.
import { createHash } from "node:crypto";
import { createLine, type Line } from "./line.ts";
import { successors } from "./protocol.ts";
import { Violation } from "./rules.ts";
import { type Settled, settle } from "./settle.ts";
import { type Action, all_guards, type Bounds, first, type Guards, type Model, type State } from "./states.ts";

export interface Explored {
  states: number;
  steps: number;
  /** Worlds from which a crash-free run was tried. */
  settled: number;
  violation: { rule: string; trace: Action[] } | null;
  /** Trace to the state with this number. */
  trace(at: number): Action[];
  /** All states, by number. */
  all: State[];
  sizes: ReturnType<Line["sizes"]>;
  model: Model;
}

export function modelOf(bounds: Bounds, off: Partial<Guards> = {}): Model {
  const guards = { ...all_guards, ...off };
  return { bounds, guards, line: createLine(bounds, { acksAtOnce: !guards.ackLate, noSeal: !guards.seal }) };
}

/** Explores until nothing new is left, or an invariant breaks. Throws when there are more than `most` states. */
export async function explore(
  bounds: Bounds,
  off: Partial<Guards> = {},
  { most = 3_000_000, liveness = true } = {},
): Promise<Explored> {
  const model = modelOf(bounds, off);
  const name = namer(model.line);
  const start = first(model.line, bounds);
  const all: State[] = [start];
  const cameFrom: number[] = [-1];
  const by: (Action | null)[] = [null];
  const seen = new Set([name(start)]);
  const worlds = new Map<string, Settled>();
  let steps = 0;
  const trace = (at: number): Action[] => {
    const found: Action[] = [];
    for (let i = at; i > 0; i = cameFrom[i] as number) found.unshift(by[i] as Action);
    return found;
  };
  const done = (violation: Explored["violation"]): Explored => ({
    states: all.length,
    steps,
    settled: worlds.size,
    violation,
    trace,
    all,
    sizes: model.line.sizes(),
    model,
  });
  for (let at = 0; at < all.length; at++) {
    const state = all[at] as State;
    try {
      const wrong = liveness ? await settlesFrom(model, state, worlds) : null;
      if (wrong) return done({ rule: wrong, trace: trace(at) });
      for (const { action, next } of await successors(model, state)) {
        steps++;
        const key = name(next);
        if (seen.has(key)) continue;
        seen.add(key);
        all.push(next);
        cameFrom.push(at);
        by.push(action);
      }
    } catch (thrown) {
      if (thrown instanceof Violation) return done({ rule: thrown.rule, trace: [...trace(at), thrown.action] });
      throw thrown;
    }
    if (all.length > most) throw new Error(`more than ${most} states`);
  }
  return done(null);
}

/** Ticks that still live count as dead here: what they leave in the ledger and on the hosts is all that a later tick sees. */
async function settlesFrom(model: Model, state: State, worlds: Map<string, Settled>): Promise<string | null> {
  const key = `${state.ledger} ${state.policy} ${state.clock} ${JSON.stringify(state.hosts)}`;
  const there = worlds.get(key);
  if (there) return there.wrong;
  const made = await settle(model, state);
  worlds.set(key, made);
  return made.wrong;
}

/** A state's name: equal for states that differ only in which tick plays which part. */
function namer(line: Line): (state: State) => string {
  const facts = new Map<string, number>();
  const named = (content: number, parts: string): number => {
    const key = `${content} ${parts}`;
    const there = facts.get(key);
    if (there !== undefined) return there;
    const text = line.content(content).facts.replace(/\bt(\d)\b/g, (_, n) => parts[Number(n) - 1] ?? "x");
    let number = facts.get(text);
    if (number === undefined) {
      number = facts.size;
      facts.set(text, number);
    }
    facts.set(key, number);
    return number;
  };
  const plans = new Map<string, string>();
  const planned = (plan: number, phase: string, parts: string): string => {
    if (plan < 0) return "";
    const key = `${plan} ${phase} ${parts}`;
    const there = plans.get(key);
    if (there !== undefined) return there;
    const { content, starts } = line.pass(plan);
    const list = starts.map((start) => [start.job, start.epoch, start.host, start.seal, start.attempt].join());
    const text = `${phase === "push" || phase === "read" ? named(content, parts) : ""} ${list.join(";")}`;
    plans.set(key, text);
    return text;
  };
  const hostNames = new WeakMap<object, string>();
  const hostName = (host: State["hosts"][number]) => {
    let text = hostNames.get(host);
    if (text === undefined) {
      const { runs, seals } = host;
      text = JSON.stringify([Object.entries(runs).sort(), Object.entries(seals).sort()]);
      hostNames.set(host, text);
    }
    return text;
  };
  const ownNames = new WeakMap<object, Map<string, string>>();
  const ownName = (one: State["tickers"][number], parts: string) => {
    const texts = ownNames.get(one) ?? new Map<string, string>();
    ownNames.set(one, texts);
    let text = texts.get(parts);
    if (text === undefined) {
      text = bare(one, planned(one.plan, one.phase, parts), one.base < 0 ? -1 : named(one.base, parts));
      texts.set(parts, text);
    }
    return text;
  };
  return (state) => {
    const alone = state.tickers.map((one) => ({ one, text: ownName(one, partsOf(one.id, [one.id])) }));
    alone.sort((a, b) => (a.text < b.text ? -1 : 1));
    const parts = partsOf(
      "",
      alone.map(({ one }) => one.id),
    );
    const tickers = alone.map(({ one }) => ownName(one, parts));
    const orphans = state.orphans.map(({ plan }) => planned(plan, "push", parts)).sort();
    const letters = state.letters.map((one) => `${one.host} ${one.job} ${one.epoch}`).sort();
    const { policy, clock, begun, faults } = state;
    const text = [named(state.ledger, parts), policy, clock, begun, faults, ...state.hosts.map(hostName)]
      .concat(tickers, "", orphans, "", letters)
      .join("\n");
    return createHash("md5").update(text).digest("base64");
  };
}

/** Part of each of t1, t2, t3: its place among those that live, or x. */
const partsOf = (own: string, alive: string[]) =>
  ["t1", "t2", "t3", "t4"]
    .map((id) => (id === own ? "s" : alive.includes(id) ? String(alive.indexOf(id)) : "x"))
    .join("");

const bare = (one: State["tickers"][number], plan: string, base: number) =>
  JSON.stringify([
    one.phase,
    one.pass,
    one.now,
    one.policy,
    base,
    plan,
    one.found,
    one.down,
    one.fallen,
    one.answers,
    one.mine,
    one.late,
    one.moved,
    one.twin,
    one.unsure,
  ]);
