// What may be given back: a claim of which nothing was sent, and of which no other ticker can start an earlier epoch.
import { expect, test } from "vitest";
import { noFindings } from "../../src/core/absorb.ts";
import type { Start } from "../../src/core/claim.ts";
import type { State } from "../../src/core/state.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { dispatch } from "../../src/shell/hands.ts";
import { createPool } from "../../src/shell/pool.ts";
import { fakeFleet, machine } from "../fakes/fleet.ts";

const state = { met: new Map(), hosts: new Map([["ann", { id: "ann", data: { slots: 4 } }]]) } as unknown as State;
const start = (job: string, more: Partial<Start>): Start => ({
  job,
  path: `jobs/2026/11/20/${job}.md`,
  epoch: 2,
  host: "ann",
  deadline: 5,
  runtime: "shell",
  assignment: { job, epoch: 2, prompt: "x", task: {}, agent: {}, character: "", notes: "" } as never,
  attempt: 1,
  seal: false,
  collected: 0,
  ...more,
});

const both = [start("first", {}), start("again", { seal: true })];

async function told(ann: ReturnType<typeof machine>, starts: Start[], signal?: AbortSignal) {
  const findings = noFindings();
  const pool = createPool(
    fakeFleet({ ann }, () => ({})),
    "p",
  );
  const hands = { repo: null as never, pool, clock: systemClock(), runtimes, screen: null as never };
  await dispatch(hands, state, starts, findings, { signal });
  pool.close();
  return Object.fromEntries([...findings.starts].map(([key, one]) => [key, one.state]));
}

test("a host out of reach gives back the first claim, not one whose earlier epoch may be running", async () => {
  expect(await told(machine({ down: true }), both)).toEqual({ "first/2": "released" });
});

test("so does an interrupted tick", async () => {
  const ann = machine();
  expect(await told(ann, both, AbortSignal.abort())).toEqual({ "first/2": "released" });
  expect(ann.journal).toEqual([]);
});

test("what fell after the claim is given back, once what may have begun before is sealed", async () => {
  const ann = machine();
  const starts = both.map((one) => ({ ...one, fallen: "STOP.md came in" }));
  expect(await told(ann, starts)).toEqual({ "first/2": "released", "again/2": "released" });
  expect([ann.journal, [...ann.sealed]]).toEqual([[], [["again", 2]]]);
});

test("what the owner of a machine forbids between the look and the start is given back, in their name", async () => {
  const ann = machine({ forbids: "its allow file has no line `runtime shell`" });
  const findings = noFindings();
  const pool = createPool(
    fakeFleet({ ann }, () => ({})),
    "p",
  );
  const hands = { repo: null as never, pool, clock: systemClock(), runtimes, screen: null as never };
  await dispatch(hands, state, [start("first", {})], findings);
  pool.close();
  const why = "ann: refused by the host's owner: its allow file has no line `runtime shell`";
  expect([...findings.starts]).toEqual([["first/2", { state: "released", why }]]);
  expect(ann.journal).toEqual([]);
});
