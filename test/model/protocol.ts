// The claim protocol as states and steps: three ticks, a ledger that moves by compare-and-swap only, hosts, and what can
// go wrong in between. The order of a tick's steps mirrors src/tick.ts (onePass, hand); what a step decides is asked of
// the real functions (line.ts); pushes mirror src/shell/repo-push.ts and what git does on the server's side.
import * as hostOf from "./host.ts";
import { type Line, nothing } from "./line.ts";
import { checkAcks, checkRecords, checkStart, Violation } from "./rules.ts";
import {
  type Action,
  type Model,
  newTicker,
  type State,
  type Step,
  type Ticker,
  without,
  withTicker,
} from "./states.ts";

/** All steps that can follow. Throws a Violation when one of them breaks an invariant. */
export async function successors(model: Model, state: State): Promise<Step[]> {
  const steps = world(model, state);
  for (const ticker of state.tickers) {
    const act = (name: string, next: State, more: Partial<Action> = {}) =>
      steps.push({ action: { name, tick: ticker.id, ...more }, next });
    await own(model, state, ticker, act);
    if (spare(model, state)) act("die", broken(without(state, ticker.id)));
    if (spare(model, state) && ticker.phase === "push" && !ticker.moved && !ticker.twin)
      act("die", broken(orphaned(without(state, ticker.id), ticker)), { how: "push under way" });
  }
  return steps;
}

const spare = ({ bounds }: Model, state: State) => state.faults < bounds.faults;
const broken = (state: State): State => ({ ...state, faults: state.faults + 1 });
const orphaned = (state: State, { id, plan }: Ticker): State => ({
  ...state,
  orphans: [...state.orphans, { tick: id, plan }],
});

/** What happens by itself: ticks begin, runs end, machines restart, people push, late things arrive. */
function world(model: Model, state: State): Step[] {
  const { bounds, guards } = model;
  const steps: Step[] = [];
  const act = (action: Action, next: State) => steps.push({ action, next });
  if (state.begun < bounds.ticks) {
    const id = `t${state.begun + 1}`;
    const tickers = [...state.tickers, newTicker(id, state.clock)];
    act({ name: "begin", tick: id }, { ...state, begun: state.begun + 1, tickers });
  }
  if (state.clock < bounds.jumps) act({ name: "jump" }, { ...state, clock: state.clock + 1 });
  if (state.policy < bounds.policies) act({ name: "policy" }, { ...state, policy: state.policy + 1 });
  for (const [at, host] of state.hosts.entries()) {
    const name = bounds.hosts[at] as string;
    const set = (next: hostOf.HostState, letters = state.letters): State => ({
      ...state,
      hosts: state.hosts.with(at, next),
      letters,
    });
    const running = Object.keys(host.runs).filter((key) => host.runs[key] === "running");
    for (const key of running) act({ name: "end", host: name, key }, set(hostOf.finish(host, key)));
    if (spare(model, state) && running.length > 0) {
      const left = state.letters.filter((one) => one.host !== at);
      act({ name: "restart", host: name }, broken(set(hostOf.reboot(host, guards), left)));
    }
  }
  for (const [at, letter] of state.letters.entries()) {
    const rest = { ...state, letters: state.letters.toSpliced(at, 1) };
    const action = {
      name: "letter",
      host: bounds.hosts[letter.host] as string,
      key: `${letter.job}/${letter.epoch}`,
    };
    act({ ...action, how: "arrives" }, started(model, rest, letter.host, letter, action).state);
    act({ ...action, how: "is lost" }, rest);
  }
  for (const [at, orphan] of state.orphans.entries()) {
    const rest = { ...state, orphans: state.orphans.toSpliced(at, 1) };
    const action = { name: "late push", tick: orphan.tick };
    act({ ...action, how: "lands" }, landed(model, rest, orphan.plan, orphan.tick, action));
    act({ ...action, how: "is lost" }, rest);
  }
  return steps;
}

type Act = (name: string, next: State, more?: Partial<Action>) => void;

async function own(model: Model, state: State, ticker: Ticker, act: Act): Promise<void> {
  if (ticker.phase === "read") {
    const read: Ticker = { ...ticker, phase: "ask", policy: state.policy, base: state.ledger, moved: undefined };
    act("fetch", withTicker(state, ticker.unsure ? trusting(model, state, read) : read));
  } else if (ticker.phase === "ask") await askHosts(model, state, ticker, act);
  else if (ticker.phase === "push") push(model, state, ticker, act);
  else if (ticker.phase === "judge") await judge(model, state, ticker, act);
  else await hand(model, state, ticker, act);
}

/** Gather, decide and connect for the push: leases are checked now, and the server moves the ref later. */
async function askHosts(model: Model, state: State, ticker: Ticker, act: Act): Promise<void> {
  const { line, bounds, guards } = model;
  const { id: tick, base: content, policy, now, pass, found } = ticker;
  const silent = spare(model, state) ? [...bounds.hosts, null] : [null];
  for (const lost of silent) {
    if (lost !== null && ticker.down.includes(lost)) continue;
    const down = lost === null ? ticker.down : [...ticker.down, lost].sort();
    const asked = await line.ask({ content, policy, now, tick, pass, hosts: state.hosts, found, down });
    const action = { name: "ask", tick, how: lost === null ? undefined : `${lost} silent` };
    checkAcks(model, state, asked.acked, action);
    const after: State = { ...state, hosts: asked.hosts, faults: state.faults + (lost === null ? 0 : 1) };
    if (lost !== null && asked.hosts.every((host, at) => host === state.hosts[at]) && asked.down.length === 0) continue;
    const next: Ticker = { ...ticker, found: asked.found, down };
    if (asked.pass === null) act("ask", without(after, tick), { how: action.how });
    else if (policy !== state.policy || (ticker.moved && guards.redo))
      act("ask", withTicker(after, { ...next, phase: "read", base: -1 }), { how: action.how });
    else act("ask", withTicker(after, { ...next, phase: "push", plan: asked.pass }), { how: action.how });
  }
}

function push(model: Model, state: State, ticker: Ticker, act: Act): void {
  const { guards } = model;
  const action = { name: "push", tick: ticker.id, how: "lands" };
  if (ticker.twin) return void act("push", won(model, state, ticker, []), { how: "up to date" });
  const claims = claimsOf(model, ticker);
  const moved = landed(model, without(state, ticker.id), ticker.plan, ticker.id, action, ticker);
  const back = { ...moved, tickers: [...moved.tickers, ticker] };
  const ordered: State = {
    ...back,
    tickers: state.tickers.map((one) => back.tickers.find((t) => t.id === one.id) as Ticker),
  };
  act("push", won(model, ordered, ticker, claims), { how: "lands" });
  if (!spare(model, state) || ticker.moved) return;
  const again: Ticker = { ...ticker, phase: "read", base: -1, plan: -1, unsure: guards.swap ? undefined : true };
  const doubt = (there: State, mine: readonly string[]) =>
    guards.unknown
      ? withTicker(there, guards.swap ? again : { ...again, plan: ticker.plan })
      : won(model, there, ticker, mine);
  act("push", broken(doubt(ordered, claims)), { how: "lands, answer lost" });
  act("push", broken(doubt(orphaned(state, ticker), [])), { how: "unknown" });
}

const claimsOf = ({ line }: Model, { plan }: Ticker) =>
  line.pass(plan).starts.map((start) => `${start.job}/${start.epoch}`);

/** The tick is told that its push won: findings stand in the ledger, and the claims may be acted on. */
function won(model: Model, state: State, ticker: Ticker, mine: readonly string[]): State {
  if (claimsOf(model, ticker).length === 0) return without(state, ticker.id);
  return withTicker(state, {
    ...ticker,
    phase: "judge",
    base: -1,
    found: nothing,
    mine,
    late: state.policy === 1,
    moved: undefined,
    twin: undefined,
    unsure: undefined,
  });
}

/** Broken on purpose (swap): an unknown push counts when nobody else's claim stands at the tip. */
function trusting(model: Model, state: State, read: Ticker): Ticker {
  const { line } = model;
  const plan = { ...read, unsure: undefined };
  const starts = line.pass(read.plan).starts;
  const { jobs } = line.content(state.ledger);
  const others = starts.some(({ job }) => jobs.some((one) => one.id === job && one.tick !== read.id));
  if (others || starts.length === 0) return { ...plan, plan: -1 };
  const mine = claimsOf(model, read).filter((key) => jobs.some((one) => `${one.id}/${one.epoch}` === key));
  return { ...plan, phase: "judge", base: -1, found: nothing, mine, late: state.policy === 1 };
}

/** The ledger's ref moves. Whoever read it before will be refused: that tick reads again, and nothing else can come of it. */
function landed(model: Model, state: State, plan: number, tick: string, action: Action, by?: Ticker): State {
  const { line, guards } = model;
  const made = line.pass(plan);
  const content = by?.moved ? rebased(line, by.base, made.content, state.ledger) : made.content;
  checkRecords(line, state.ledger, content, action);
  const tickers = state.tickers.map((one): Ticker => {
    if (one.id === by?.id || (one.phase !== "ask" && one.phase !== "push") || one.base === -1) return one;
    if (!guards.redo) return { ...one, moved: true };
    if (!guards.nonce && one.phase === "push" && sameCommit(line, one, made.content, tick))
      return { ...one, twin: true };
    return one.twin ? one : { ...one, phase: "read", base: -1, plan: -1 };
  });
  return { ...state, ledger: content, tickers, orphans: [] };
}

const sameCommit = (line: Line, one: Ticker, content: number, tick: string) =>
  line.content(line.pass(one.plan).content).facts.replaceAll(one.id, "t") ===
  line.content(content).facts.replaceAll(tick, "t");

/** Broken on purpose (redo): the commit's files laid over whatever stands there now. */
function rebased(line: Line, base: number, made: number, tip: number): number {
  const [before, after, files] = [line.content(base).files, line.content(made).files, line.content(tip).files];
  const merged = new Map(files);
  for (const [path, text] of after) if (before.get(path) !== text) merged.set(path, text);
  return line.intern(merged);
}

async function judge({ line, guards }: Model, state: State, ticker: Ticker, act: Act): Promise<void> {
  const moved = guards.reread && ticker.policy !== state.policy;
  const fallen = moved ? await line.judge(ticker.plan, state.policy, state.ledger, ticker.now) : {};
  act(
    "look",
    withTicker(state, {
      ...ticker,
      phase: "hand",
      fallen,
      late: ticker.late && state.policy === 1,
      answers: {},
    }),
  );
}

async function hand(model: Model, state: State, ticker: Ticker, act: Act): Promise<void> {
  const { line, bounds } = model;
  const out = await line.hand(ticker.plan, ticker.fallen, ticker.down, ticker.answers);
  if ("starts" in out) {
    const next: Ticker = {
      ...ticker,
      phase: "read",
      pass: ticker.pass + 1,
      plan: -1,
      fallen: {},
      answers: {},
      mine: [],
    };
    return void act(
      "wait",
      withTicker(state, { ...next, late: false, down: out.down, found: { results: [], starts: out.starts } }),
    );
  }
  for (const call of out.calls) {
    const key = `${call.job}/${call.epoch}`;
    const at = bounds.hosts.indexOf(call.host);
    const action = { name: call.verb, tick: ticker.id, host: call.host, key };
    if (!ticker.mine.includes(key)) throw new Violation("a tick acts on a claim that it did not win", action);
    if (ticker.late && call.verb === "start") throw new Violation("a claim that landed under STOP is acted on", action);
    const answered = (there: State, answer: string) =>
      withTicker(there, {
        ...ticker,
        answers: { ...ticker.answers, [call.host]: [...(ticker.answers[call.host] ?? []), answer] },
      });
    const tell = (next: State, how?: string) => act(call.verb, next, { host: call.host, key, how });
    const done = call.verb === "seal" ? sealed(state, at, call) : started(model, state, at, call, action);
    tell(answered(done.state, JSON.stringify(done.answer)));
    if (!spare(model, state)) continue;
    tell(broken(answered(done.state, "broken")), "answer lost");
    tell(broken(answered(state, "broken")), "never arrives");
    if (call.verb !== "start") continue;
    const letters = [...state.letters, { host: at, job: call.job, epoch: call.epoch }];
    tell(broken(answered({ ...state, letters }, "broken")), "on its way");
    act("die", broken({ ...without(state, ticker.id), letters }), { how: "start on its way", host: call.host, key });
    const torn = hostOf.half(state.hosts[at] as hostOf.HostState, call.job, call.epoch);
    if (torn) tell(broken(answered({ ...state, hosts: state.hosts.with(at, torn) }, "broken")), "torn");
  }
}

function sealed(state: State, at: number, { job, epoch }: { job: string; epoch: number }) {
  const { host, started } = hostOf.seal(state.hosts[at] as hostOf.HostState, job, epoch);
  return { state: { ...state, hosts: state.hosts.with(at, host) }, answer: { started } as object };
}

function started(
  { bounds, guards }: Model,
  state: State,
  at: number,
  { job, epoch }: { job: string; epoch: number },
  action: Action,
) {
  const request = { job, epoch, slots: bounds.slots };
  const { host, answer, ran } = hostOf.start(state.hosts[at] as hostOf.HostState, request, guards);
  if (ran) checkStart(state, job, epoch, action);
  return { state: { ...state, hosts: state.hosts.with(at, host) }, answer: answer as object };
}
