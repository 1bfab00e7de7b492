// The claim protocol, explored whole within bounds: no invariant breaks, and each guard that is switched off is missed.
// The long size explores the larger bounds.
import { describe, expect, test, vi } from "vitest";
import { ofShard, size } from "../chaos/kit/sizes.ts";
import { explore } from "./explore.ts";
import type { Bounds, Guards } from "./states.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 5_000_000 });

const bounds = (more: Partial<Bounds>): Bounds => ({
  tasks: ["a", "b"],
  hosts: ["ann"],
  slots: 2,
  ticks: 3,
  faults: 0,
  jumps: 0,
  policies: 0,
  ...more,
});
const one: Partial<Bounds> = { tasks: ["a"], ticks: 2 };

const gate: [string, Partial<Bounds>][] = [
  ["three ticks, two jobs, one fault anywhere", { faults: 1 }],
  ["two ticks, two jobs, a fault, and claims that outlive the wall", { ticks: 2, faults: 1, jumps: 1 }],
  [
    "two ticks and two hosts, while STOP comes and goes",
    { ...one, hosts: ["ann", "bob"], slots: 1, faults: 1, jumps: 1, policies: 2 },
  ],
];
const long: [string, Partial<Bounds>][] = [
  ["three ticks, two jobs, a fault, and claims that outlive the wall", { faults: 1, jumps: 1 }],
  ["three ticks, two jobs, claims that outlive the wall, and STOP", { jumps: 1, policies: 1 }],
  ["three ticks, one job, two faults", { tasks: ["a"], faults: 2, jumps: 1 }],
  ["three ticks, one job that may be tried again, two faults", { tasks: ["b"], faults: 2, jumps: 1 }],
  ["three ticks, two hosts, STOP", { tasks: ["a"], hosts: ["ann", "bob"], slots: 1, faults: 1, jumps: 1, policies: 2 }],
];

describe("every state keeps the rules, and two ticks settle it", () => {
  test.each(size(gate, ofShard([...gate, ...long])))("%s", async (name, more) => {
    const found = await explore(bounds(more));
    console.log(`${found.states} states, ${found.steps} steps, ${found.settled} worlds settled: ${name}`);
    expect(found.violation).toBeNull();
    // An exploration that stopped short would pass as well.
    expect(found.states).toBeGreaterThan(10_000);
    expect(found.settled).toBeGreaterThan(100);
  });
});

const broken: [string, keyof Guards, Partial<Bounds>, string][] = [
  ["no nonce: two writers make one commit", "nonce", one, "did not win"],
  ["rebase instead of redo", "redo", one, "recorded result is lost"],
  ["act on an unknown push", "unknown", { ...one, faults: 1 }, "did not win"],
  ["trust a re-read instead of a new compare-and-swap", "swap", { ...one, faults: 1 }, "did not win"],
  ["no policy re-read before the start", "reread", { ...one, policies: 1 }, "under STOP"],
  ["acknowledge before the commit", "ackLate", one, "drops a result"],
  ["no fence on the host", "fence", { ...one, jumps: 1 }, "started a second time"],
  ["no journal on the disk", "journal", { ...one, faults: 1, jumps: 1 }, "started a second time"],
  [
    "no seal",
    "seal",
    { ...one, hosts: ["ann", "bob"], slots: 1, faults: 1, jumps: 1, policies: 1 },
    "started a second time",
  ],
];

/** Several guards are missed within the same bounds: what holds there with all of them is explored once. */
const whole = new Map<string, Promise<string | null>>();
function wholeWith(more: Partial<Bounds>, liveness: boolean): Promise<string | null> {
  const key = JSON.stringify([bounds(more), liveness]);
  const there =
    whole.get(key) ?? explore(bounds(more), {}, { liveness }).then((found) => found.violation?.rule ?? null);
  whole.set(key, there);
  return there;
}

describe("each guard that is switched off breaks a rule", () => {
  test.each(broken)("%s", async (name, guard, more, rule) => {
    // Only the seal shows its worth in the ticks that come after; the others break a rule on the way.
    const found = await explore(bounds(more), { [guard]: false }, { liveness: guard === "seal" });
    expect(found.violation?.rule).toContain(rule);
    const trace = found.violation?.trace ?? [];
    console.log(`${name}: ${trace.length} steps: ${found.violation?.rule}`);
    expect(await wholeWith(more, guard === "seal")).toBeNull();
  });
});
