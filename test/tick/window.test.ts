// Hosts that take new work at night only: what is due waits for them, what runs there is collected at any time.
import { afterEach, expect, test, vi } from "vitest";
import { machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

vi.setConfig({ testTimeout: 90_000 });

const packs: TestPack[] = [];
afterEach(() => {
  for (const one of packs.splice(0)) one.remove();
});
const pack = (files: Record<string, string>, hosts: string[]) => {
  const made = testPack({ ...basics(hosts), ...files });
  packs.push(made);
  return made;
};
const night = "address: 127.0.0.1\nwindow: 22:00-06:00";
const say: Script = (job) => ({ stdout: `answer of ${job}\n` });
const state = (of: TestPack, task: string) => /^state: (\w+)$/m.exec(of.file(`status/${task}.md`))?.[1];

test("a task waits for the window without a call and without a second commit, then starts once", async () => {
  const machines = { ann: machine() };
  const p = pack({ "hosts/ann.md": md(night), "tasks/job.md": md("title: Job", "x") }, []);
  machines.ann.down = true; // a call would be seen
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:00Z" });
  expect(state(p, "job")).toBe("queued");
  expect(p.file("status/job.md")).toContain("ann takes new work from 2026-11-20T22:00Z on (window)");
  const tip = p.at("rev-parse", "main");
  await runTick(p.clone, machines, say, { now: "2026-11-20T15:00:00Z" });
  expect(p.at("rev-parse", "main")).toBe(tip);
  machines.ann.down = false;
  await runTick(p.clone, machines, say, { now: "2026-11-20T22:10:00Z" });
  expect(state(p, "job")).toBe("done");
  expect(machines.ann.journal).toHaveLength(1);
});

test("what runs there is collected outside the window", async () => {
  const machines = { ann: machine() };
  const p = pack({ "hosts/ann.md": md(night), "tasks/job.md": md("title: Job\ntimeout: 12h", "x") }, []);
  const long: Script = () => ({ stdout: "at last\n", hangs: true });
  await runTick(p.clone, machines, long, { now: "2026-11-20T05:50:00Z" });
  expect(state(p, "job")).toBe("running");
  for (const run of machines.ann.runs.values()) run.run.hangs = false;
  await runTick(p.clone, machines, long, { now: "2026-11-20T10:00:00Z" });
  expect(state(p, "job")).toBe("done");
});

test("a run on each host waits for the one that opens later, and does not fail for it", async () => {
  const machines = { ann: machine(), bob: machine() };
  const files = { "hosts/bob.md": md(night), "tasks/all.md": md("title: All\nhosts: all\ntimeout: 5m", "x") };
  const p = pack(files, ["ann"]);
  await runTick(p.clone, machines, say, { now: "2026-11-20T10:00:00Z" });
  expect([machines.ann.journal.length, machines.bob.journal.length]).toEqual([1, 0]);
  await runTick(p.clone, machines, say, { now: "2026-11-20T21:00:00Z" });
  expect(state(p, "all")).not.toBe("failed");
  await runTick(p.clone, machines, say, { now: "2026-11-20T22:10:00Z" });
  expect(machines.bob.journal).toHaveLength(1);
  expect(state(p, "all")).toBe("done");
});
