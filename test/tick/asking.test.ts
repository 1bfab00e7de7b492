// From an agent's question to the answer, over real git: a person edits the memo, and the same job goes on.
import { afterEach, expect, test, vi } from "vitest";
import { runtimes } from "../../src/runtimes/index.ts";
import { cancelJob } from "../../src/shell/cancel.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { createPool } from "../../src/shell/pool.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { fakeFleet, machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { at, runTick } from "../fakes/run-tick.ts";

vi.setConfig({ testTimeout: 90_000 });

let made: TestPack | undefined;
afterEach(() => made?.remove());

const asks: Script = (_, { epoch }) =>
  epoch === 1
    ? { stdout: "half", outbox: { "01-ask.md": "May I drop the table?" }, at: "2026-11-20T10:00:00Z" }
    : { stdout: "dropped", at: "2026-11-20T11:00:00Z" };

test.each([
  ["and the answer is given", null],
  ["also where the host still holds the run that asked", "ack"],
])("a question waits in a memo, %s", async (_, broken) => {
  const machines = { ann: machine() };
  made = testPack({ ...basics(["ann"]), "tasks/drop.md": md("title: Drop", "drop it") });
  const p = made;
  const find = (folder: string) => p.at("ls-tree", "-r", "--name-only", "main", folder).trim();
  const now = (time: string) => ({ now: `2026-11-20T${time}:00Z` });
  await runTick(p.clone, machines, asks, now("10:00"));
  const path = find("jobs/");
  const job = path.slice(path.lastIndexOf("/") + 1, -3);
  expect(p.file(path)).toContain("state: asking");
  expect((await runTick(p.clone, machines, asks, now("10:30"))).commits).toEqual([]);

  const memo = find("memos/");
  const text = p.file(memo);
  expect(text).toContain("May I drop the table?");
  p.push({ [memo]: text.replace("status: open", "status: answered\nanswer: yes") });
  machines.ann.breakNext = broken;
  for (const time of ["11:00", "11:30", "12:00"]) await runTick(p.clone, machines, asks, now(time));
  expect(p.file(path)).toMatch(/state: finished[\s\S]*dropped/);
  expect(p.file("status/drop.md")).toContain("state: done");
  expect(machines.ann.journal.map((key) => key.split("/")[0])).toEqual([job, job]);
  const sent = [...machines.ann.runs.values()].at(-1)?.request.launch.files ?? {};
  expect(sent["inbox/01-answer.md"]).toBe(
    "You asked:\n```text\nMay I drop the table?\n```\n\nA person answered:\nyes\n",
  );
});

test("a claim that finds the run that asked still held is given back: that run is no start of this one", async () => {
  const machines = { ann: machine() };
  made = testPack({ ...basics(["ann"]), "tasks/drop.md": md("title: Drop", "drop it") });
  const p = made;
  await runTick(p.clone, machines, asks, { now: "2026-11-20T10:00:00Z" });
  const memo = p.at("ls-tree", "-r", "--name-only", "main", "memos/").trim();
  p.push({ [memo]: p.file(memo).replace("status: open", "status: answered\nanswer: yes") });
  // A host that acknowledges and holds on all the same.
  for (const one of machines.ann.runs.values())
    Object.defineProperty(one, "acked", { get: () => false, set: () => {}, configurable: true });
  await runTick(p.clone, machines, asks, { now: "2026-11-20T11:00:00Z" });
  const path = p.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim();
  expect(p.file(path)).toMatch(/state: released[\s\S]*still holds/);
  for (const one of machines.ann.runs.values()) Object.defineProperty(one, "acked", { value: true });
  await runTick(p.clone, machines, asks, { now: "2026-11-20T11:30:00Z" });
  expect(p.file(path)).toContain("state: finished");
  expect(machines.ann.journal).toHaveLength(2);
});

test.each([
  ["forbids", "and the new one could not start there"],
  ["nothing", "and the new one ended there"],
])("a host that kept a run whose job went on elsewhere gives it up (%s: %s)", async (bar) => {
  const machines = { ann: machine(), bob: machine({ down: true }) };
  made = testPack({ ...basics(["ann", "bob"]), "tasks/drop.md": md("title: Drop", "drop it") });
  const p = made;
  const now = (time: string) => ({ now: `2026-11-20T${time}:00Z` });
  machines.ann.breakNext = "ack";
  await runTick(p.clone, machines, asks, now("10:00"));
  const memo = p.at("ls-tree", "-r", "--name-only", "main", "memos/").trim();
  p.push({ [memo]: p.file(memo).replace("status: open", "status: answered\nanswer: yes") });
  Object.assign(machines.ann, { down: true, breakNext: null });
  Object.assign(machines.bob, { down: false, ...(bar === "forbids" ? { forbids: "not today" } : {}) });
  await runTick(p.clone, machines, asks, now("11:00"));
  expect(machines.ann.acked).toEqual([]);
  machines.ann.down = false;
  machines.bob.down = true;
  p.push({ "tasks/other.md": md("title: Other\nhosts: ann-label", "x") });
  await runTick(p.clone, machines, asks, now("11:30"));
  const path = p.at("ls-tree", "-r", "--name-only", "main", "jobs/").split("\n")[0] ?? "";
  const job = p.file(path);
  expect(job).toContain("state: finished");
  expect(job).toContain(`host: ${bar === "forbids" ? "ann" : "bob"}`);
  const id = path.slice(path.lastIndexOf("/") + 1, -3);
  expect(machines.ann.acked).toContain(`${id}/1`);
});

test("a cancel while it waits takes away what its host keeps for it", async () => {
  const machines = { ann: machine() };
  made = testPack({ ...basics(["ann"]), "tasks/drop.md": md("title: Drop", "drop it") });
  const p = made;
  await runTick(p.clone, machines, asks, { now: "2026-11-20T10:00:00Z" });
  const path = p.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim();
  const used = Date.parse("2026-11-20T10:00:00Z") / 1000;
  Object.assign(machines.ann, { sessions: [{ job: path.slice(path.lastIndexOf("/") + 1, -3), used }] });
  const clock = at("2026-11-20T10:01:00Z");
  const { repo, tips } = await openOrigin(p.clone, { env: process.env, clock, secrets: noSecrets });
  const connect = (pack: string) => createPool(fakeFleet(machines, asks), pack);
  const done = await cancelJob({ repo, clock, runtimes, screen: null as never, connect }, tips, path, "ann");
  expect(done.state).toBe("ended");
  expect(p.file(path)).toContain("state: cancelled");
  expect(machines.ann.sessions).toEqual([]);
});
