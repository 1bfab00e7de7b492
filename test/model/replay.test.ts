// Traces of the model played on real git and the real host program: both must come to the same end.
// The long size plays 200 of them.
import { beforeAll, describe, expect, test, vi } from "vitest";
import { ofShard, size } from "../chaos/kit/sizes.ts";
import { type Explored, explore } from "./explore.ts";
import { stageFor, taskOf } from "./stage.ts";
import type { Action, Bounds, State } from "./states.ts";

// A hang limit only: a busy machine must not fail a test.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const most = size(5, 200);
const shape = { hosts: ["ann"], slots: 2, faults: 1 };
/** Worlds that traces are taken from. The gate's are small: to explore them costs more than to play four traces. */
const shapes: Bounds[] = size(
  [
    { ...shape, tasks: ["a", "b"], ticks: 3, jumps: 0, policies: 0 },
    { ...shape, tasks: ["b"], ticks: 2, jumps: 1, policies: 1 },
  ],
  [
    { ...shape, tasks: ["a", "b"], ticks: 2, jumps: 1, policies: 0 },
    { ...shape, tasks: ["b"], ticks: 3, jumps: 1, policies: 1 },
  ],
);

/** Nothing is on its way any more, and it can be played: a torn start needs a death inside the host program. */
const playable = (state: State, trace: Action[]) =>
  state.tickers.length === 0 &&
  state.begun > 0 &&
  state.orphans.length + state.letters.length === 0 &&
  trace.every(({ how }) => how !== "torn");

/** `a-0123456789/1` → `a/1` */
const short = (key: string) => `${taskOf(key.slice(0, key.indexOf("/")))}${key.slice(key.indexOf("/"))}`;

const label = ({ name, how }: Action) => `${name} ${how ?? ""}`;

/** Shortest traces, each with a pair of steps that none before it had. */
function chosen(found: Explored): { trace: Action[]; at: number }[] {
  const seen = new Set<string>();
  const picked: { trace: Action[]; at: number }[] = [];
  for (const [at, state] of found.all.entries()) {
    if (state.tickers.length > 0 || state.orphans.length + state.letters.length > 0) continue;
    const trace = found.trace(at);
    if (!playable(state, trace)) continue;
    const labels = trace.map(label);
    const pairs = labels.flatMap((one, i) => labels.slice(i + 1).map((two) => `${one} > ${two}`));
    if (pairs.every((pair) => seen.has(pair))) continue;
    for (const pair of pairs) seen.add(pair);
    picked.push({ trace, at });
  }
  return picked;
}

/** Spread over all that were picked: the rare ones come late. */
const spread = <T>(all: T[], count: number): T[] =>
  all.length <= count ? all : Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as T);

describe.each(shapes)("$ticks ticks, $tasks", (bounds) => {
  let found: Explored;
  let traces: ReturnType<typeof chosen>;
  beforeAll(async () => {
    found = await explore(bounds, {}, { liveness: false });
    const all = chosen(found);
    traces = spread(all, most / shapes.length);
    console.log(
      `${traces.length} of ${all.length} traces, ${traces.reduce((sum, one) => sum + one.trace.length, 0)} steps`,
    );
  });

  test.each(ofShard(Array.from({ length: most / shapes.length }, (_, i) => i)))("trace %i", async (number) => {
    const one = traces[number];
    if (!one) return expect(number).toBeGreaterThanOrEqual(traces.length);
    const { line } = found.model;
    const stage = await stageFor(bounds);
    try {
      for (const [i, action] of one.trace.entries()) {
        const rest: Action[] = one.trace.slice(i + 1);
        const told = rest.findIndex(({ tick, name }) => tick === action.tick && name !== "late push");
        const slow = rest[told]?.how === "lands" && rest.slice(0, told).some(({ name }) => name === "policy");
        await stage.act(action, { refused: rest[told]?.name === "fetch", slow });
      }
      const end = found.all[one.at] as State;
      const jobs = line
        .content(end.ledger)
        .jobs.map((job) =>
          [job.task, job.state, `e${job.epoch}`, `a${job.attempt}`, job.host, job.result ? "result" : "-"].join(" "),
        );
      const runs = end.hosts.flatMap((host) => Object.entries(host.runs));
      const said = one.trace.map((action) => Object.values(action).join(" ")).join("\n");
      expect(stage.ledger(), said).toEqual(jobs.sort());
      expect(stage.runs().sort(), said).toEqual(
        runs.map(([key, state]) => `${short(key)} ${state === "taken" || state === "buried" ? "acked" : state}`).sort(),
      );
      const started = runs.filter(([, state]) => state !== "never" && state !== "fenced");
      expect(stage.ran().sort(), said).toEqual(started.map(([key]) => short(key).replace("/", ".")).sort());
    } finally {
      stage.close();
    }
  });
});
