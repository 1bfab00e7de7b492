// Claims over older claims: what may be started again, and what is given back, only with a seal on the host.
import { afterEach, expect, test, vi } from "vitest";
import { type FakeMachine, machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

vi.setConfig({ testTimeout: 90_000 });

let made: TestPack | undefined;
afterEach(() => made?.remove());
const pack = (files: Record<string, string>, hosts: string[]) => {
  made = testPack({ ...basics(hosts), ...files });
  return made;
};
const job = (of: TestPack) => {
  const path = of.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim();
  const text = of.file(path);
  const field = (name: string) => new RegExp(`^ *${name}: (.*)$`, "m").exec(text)?.[1];
  return { id: path.slice(path.lastIndexOf("/") + 1, -3), state: field("state"), host: field("host"), field };
};
const starts = (machines: Record<string, FakeMachine>) => Object.values(machines).flatMap((one) => one.journal);
const say: Script = (id) => ({ stdout: `answer of ${id}\n` });

test("a claim over an older one that STOP stops is given back only after its host has sealed the older one", async () => {
  const machines = { ann: machine({ breakNext: "start" }), bob: machine({ down: true }) };
  const p = pack({ "tasks/a.md": md("title: A", "a") }, ["ann", "bob"]);
  // Its start may be on its way still: nobody knows.
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:00Z" });
  expect(job(p)).toMatchObject({ state: "unknown", host: "ann" });
  let stops = 1;
  await runTick(p.clone, machines, say, {
    now: "2026-11-20T10:20:00Z",
    onState: () => {
      if (stops-- > 0) p.push({ "STOP.md": md("cancel: false", "Stop.") });
    },
  });
  const { id, state } = job(p);
  expect(state).toBe("released");
  expect(machines.ann.sealed.get(id)).toBe(2);
  p.push({ "STOP.md": null });
  machines.ann.down = true;
  machines.bob.down = false;
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:40:00Z" });
  expect(job(p)).toMatchObject({ state: "finished", host: "bob" });
  expect(starts(machines)).toEqual([`${id}/3`]);
});

test("the attempt before, which was collected, is no start of the attempt that a seal asks about", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A\non_lost: retry", "a") }, ["ann"]);
  const died: Script = () => ({ end: "died", exit: null, at: "2026-11-20T10:00:00Z" });
  await runTick(p.clone, machines, died, { now: "2026-11-20T10:00:00Z" });
  expect(job(p).state).toBe("lost");
  machines.ann.breakNext = "start";
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:10:00Z" });
  expect(job(p).field("attempt")).toBe("2");
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:30:00Z" });
  const { id, state, field } = job(p);
  expect([state, field("attempt")]).toEqual(["finished", "2"]);
  expect(starts(machines)).toEqual([`${id}/1`, `${id}/3`]);
});

test("a run that was lost, was to be tried again, and turns out to be at work is waited for", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A\non_lost: retry", "a") }, ["ann"]);
  const long: Script = () => ({ stdout: "at last\n", hangs: true });
  await runTick(p.clone, machines, long, { now: "2026-11-20T10:00:00Z" });
  machines.ann.down = true;
  await runTick(p.clone, machines, long, { now: "2026-11-20T10:10:00Z" });
  await runTick(p.clone, machines, long, { now: "2026-11-22T10:10:00Z" });
  expect(job(p).state).toBe("lost");
  expect(job(p).field("retry_at")).toBeDefined();
  machines.ann.down = false;
  for (const now of ["2026-11-22T12:00:00Z", "2026-11-22T12:30:00Z"]) {
    await runTick(p.clone, machines, long, { now });
    expect([job(p).state, job(p).field("retry_at"), job(p).field("epoch")]).toEqual(["started", undefined, "1"]);
  }
  for (const run of machines.ann.runs.values()) run.run.hangs = false;
  await runTick(p.clone, machines, long, { now: "2026-11-22T13:00:00Z" });
  expect(job(p).state).toBe("finished");
  expect(starts(machines)).toHaveLength(1);
});
