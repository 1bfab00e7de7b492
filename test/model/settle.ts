// Liveness: from any world, two ticks without a fault settle every job: it is at its end, or its next attempt is due. That
// attempt takes a third.
import { finish } from "./host.ts";
import { nothing } from "./line.ts";
import { successors } from "./protocol.ts";
import { Violation } from "./rules.ts";
import { type Model, newTicker, type State } from "./states.ts";

export interface Settled {
  wrong: string | null;
}

export async function settle(model: Model, from: State): Promise<Settled> {
  const calm: Model = { ...model, bounds: { ...model.bounds, faults: 0, ticks: 0, jumps: 0, policies: 0 } };
  // STOP is gone, every run has come to its end, and every claim is older than the wall.
  let state: State = { ...from, policy: 2, clock: from.clock + 1, tickers: [], orphans: [], letters: [] };
  for (const tick of ["r1", "r2", "r3"]) {
    state = await cleanTick(calm, ended(state), tick);
    const wrong = done(model, state, tick === "r2");
    if (wrong === null && tick !== "r2") return { wrong: null };
    if (wrong !== null && tick !== "r1") return { wrong: `not settled after ${tick}: ${wrong}` };
    state = { ...state, clock: state.clock + 1 };
  }
  return { wrong: null };
}

const ended = (state: State): State => ({
  ...state,
  hosts: state.hosts.map((host) => Object.keys(host.runs).reduce(finish, host)),
});

async function cleanTick(model: Model, from: State, id: string): Promise<State> {
  let state: State = { ...from, tickers: [{ ...newTicker(id, from.clock), found: nothing }] };
  for (let step = 0; state.tickers.length > 0; step++) {
    if (step > 60) throw new Violation("a tick without faults does not come to its end", { name: "settle", tick: id });
    const [next] = (await successors(model, state)).filter(({ action }) => action.tick === id);
    if (!next) throw new Violation("a tick without faults is stuck", { name: "settle", tick: id });
    state = ended(next.next);
  }
  return state;
}

/** Every task has one job, at its end: finished, or lost when its runs died and no other is allowed. `due`: a retry may wait. */
function done({ line, bounds }: Model, state: State, due: boolean): string | null {
  const { jobs } = line.content(state.ledger);
  for (const task of bounds.tasks) {
    const own = jobs.filter((job) => job.task === task);
    if (own.length !== 1) return `${task} has ${own.length} jobs`;
    const [job] = own;
    const runs = state.hosts
      .flatMap((host) => Object.entries(host.runs))
      .filter(([key]) => key.startsWith(`${job?.id}/`));
    const good = runs.some(([, one]) => one === "ended" || one === "taken");
    const died = runs.filter(([, one]) => one === "died" || one === "buried").length;
    const wanted = good ? "finished" : died >= (task === "b" ? 2 : 1) ? "lost" : "finished";
    if (due && job?.retries) continue;
    if (job?.state !== wanted) return `${task} is ${job?.state} and should be ${wanted}`;
    if (job.result === undefined) return `${task} is ${job.state} without a result`;
  }
  return null;
}
