// Agents that bring their runtime along, over machines in memory: what is planned must fit what is there by then.
import { afterEach, expect, test } from "vitest";
import { outside } from "../../src/errors.ts";
import { type Deployer, HostFault } from "../../src/ports.ts";
import { type FakeMachine, machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const one of packs.splice(0)) one.remove();
});
function pack(files: Record<string, string>) {
  const made = testPack({
    ...basics(["ann"]),
    "agents/scout.md": md("runtime: picoclaw\nmodel: m\ndeploy: if-missing\nephemeral: true"),
    ...files,
  });
  packs.push(made);
  return made;
}
const state = (of: TestPack, task: string) => /^state: (\w+)$/m.exec(of.file(`status/${task}.md`))?.[1];
const hour = (n: number) => `2026-11-20T${String(n).padStart(2, "0")}:00:00Z`;

/** Puts `picoclaw` on the one machine and takes it away; `amiss` is thrown instead, once. */
function deployerOf(ann: FakeMachine) {
  const port = {
    deploys: 0,
    amiss: null as Error | null,
    async deploy() {
      port.deploys++;
      ann.runtimes = [...new Set([...ann.runtimes, "picoclaw"])];
    },
    async remove() {
      const { amiss } = port;
      port.amiss = null;
      if (amiss) throw amiss;
      ann.runtimes = ann.runtimes.filter((one) => one !== "picoclaw");
    },
  } satisfies Deployer & Record<string, unknown>;
  return port;
}

test("work that comes when the leftovers of earlier work are cleared away gets its runtime anew", async () => {
  const ann = machine();
  const deployer = deployerOf(ann);
  const missing: string[] = [];
  const say: Script = (job) => {
    if (!ann.runtimes.includes("picoclaw")) missing.push(job);
    return { stdout: `answer of ${job}\n` };
  };
  const p = pack({ "tasks/ask.md": md("title: Ask\nagent: scout", "What is new?") });
  // The connection breaks at the very end: the runtime stays until somebody calls again.
  deployer.amiss = new HostFault("lost", "the connection broke");
  await runTick(p.clone, { ann }, say, { now: hour(1), deployer });
  expect([state(p, "ask"), deployer.deploys, ann.runtimes]).toEqual(["done", 1, ["shell", "picoclaw"]]);
  p.push({ "tasks/again.md": md("title: Again\nagent: scout", "And now?") });
  await runTick(p.clone, { ann }, say, { now: hour(2), deployer });
  expect([state(p, "again"), deployer.deploys, missing]).toEqual(["done", 2, []]);
  expect(ann.runtimes).toEqual(["shell"]);
});

test("a release that cannot be had is given up after some claims, not tried for ever", async () => {
  const ann = machine();
  const deployer = { ...deployerOf(ann), deploy: async () => Promise.reject(outside("no answer", "try again later")) };
  const p = pack({ "tasks/ask.md": md("title: Ask\nagent: scout", "What is new?") });
  let ticks = 0;
  do await runTick(p.clone, { ann }, () => ({}), { now: hour(ticks), deployer });
  while (++ticks < 20 && state(p, "ask") !== "failed");
  expect([state(p, "ask"), ticks, ann.journal]).toEqual(["failed", 6, []]);
  expect(p.file("status/ask.md")).toMatch(/picoclaw could not be deployed on ann: no answer/);
});

test("what does not fit into the CI job's time waits for the next tick and says so; what is quick starts all the same", async () => {
  const ann = machine();
  const deployer = deployerOf(ann);
  const left: number[] = [];
  const run = async (_: unknown, ms: number) => {
    left.push(ms);
    return {};
  };
  const after = () => [{ name: "publish", run }];
  const p = pack({
    "tasks/ask.md": md("title: Ask\nagent: scout", "What is new?"),
    "tasks/quick.md": md("title: Quick", "echo quick"),
  });
  const say: Script = (job) => ({ stdout: `answer of ${job}\n` });
  await runTick(p.clone, { ann }, say, { now: hour(1), deployer, after, spent: 49_000 });
  expect([state(p, "ask"), deployer.deploys]).toEqual(["queued", 0]);
  expect(p.file("status/ask.md")).toMatch(/did not fit into the time of this CI job \(tick\.job, 50 s\)/);
  expect(ann.journal).toHaveLength(1);
  expect(left[0]).toBeLessThan(1000);
  await runTick(p.clone, { ann }, say, { now: hour(10), deployer, after, spent: 10_000 });
  expect([state(p, "ask"), deployer.deploys]).toEqual(["done", 1]);
  // Where nobody counts, there is no end.
  await runTick(p.clone, { ann }, say, { now: hour(11), deployer, after });
  expect(left.at(-1)).toBe(Number.POSITIVE_INFINITY);
});
