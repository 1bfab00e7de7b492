// The line of a dispatch against machines that break off, and against people who push while it works.
import { afterEach, expect, test } from "vitest";
import type { Entry } from "../../src/core/entry.ts";
import { errandTask } from "../../src/core/errand.ts";
import { answersOf } from "../../src/core/errand-answers.ts";
import { HostFault } from "../../src/ports.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { type ErrandPorts, runErrand } from "../../src/shell/errand.ts";
import type { Book } from "../../src/shell/errand-book.ts";
import { openRecorded, openUnrecorded } from "../../src/shell/errand-open.ts";
import { createPool } from "../../src/shell/pool.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { type FakeMachine, fakeFleet, machine } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});
const made = (hosts: string[], settings = "") => {
  const pack = testPack(basics(hosts, settings));
  packs.push(pack);
  return pack;
};

const clock = systemClock();
const at = { env: process.env, clock, secrets: noSecrets };
const ports = (machines: Record<string, FakeMachine>, hangs = false): ErrandPorts => ({
  clock,
  runtimes,
  screen: async (result, runtime) => ({ result, outcome: runtime.outcome(result) }),
  secret: () => undefined,
  connect: (pack) =>
    createPool(
      fakeFleet(machines, (_, __, host) => ({ stdout: `hello from ${host}\n`, hangs })),
      pack,
    ),
});
const all = (text = "echo hello"): Entry<"task"> =>
  errandTask(
    { text, hosts: ["any"], each: true, timeout: 5 },
    { token: "0123456789abcdef", by: "ann", runtime: "shell" },
  );

async function run(
  book: Book,
  machines: Record<string, FakeMachine>,
  task = all(),
  signal = new AbortController().signal,
  hangs = false,
) {
  const errand = { tasks: [task], tick: "t1-dispatch", by: "ann", signal, asked() {}, answered() {}, landed() {} };
  const ran = await runErrand(ports(machines, hangs), book, errand);
  await ran.acknowledge();
  ran.close();
  return { ...ran, rows: answersOf([task], ran) };
}
const recorded = async (pack: TestPack) =>
  (await openRecorded(pack.clone, at, { tick: "t1-dispatch", by: "ann", random: "abcdef" })).book;
const jobsIn = (pack: TestPack) =>
  pack
    .at("ls-tree", "-r", "--name-only", "main", "jobs/")
    .split("\n")
    .filter(Boolean)
    .map((path) => pack.file(path));

test.each(["after-start", "wait", "fetch"])(
  "a connection that breaks at %s costs nothing: asked again, started once",
  async (verb) => {
    const pack = made(["ann", "bob"]);
    const machines = { ann: machine({ breakNext: verb }), bob: machine() };
    const { rows, open } = await run((await openUnrecorded(pack.clone, at)).book, machines);
    expect(rows.map((one) => [one.host, one.state, one.answer])).toEqual([
      ["ann", "finished", "hello from ann"],
      ["bob", "finished", "hello from bob"],
    ]);
    expect([machines.ann.journal.length, machines.ann.acked.length, open]).toEqual([1, 1, []]);
  },
  30_000,
);

test("one that breaks before anything was sent leaves nothing that anybody would wait for", async () => {
  const pack = made(["ann"]);
  const machines = { ann: machine({ breakNext: "start" }) };
  const { rows, open } = await run((await openUnrecorded(pack.clone, at)).book, machines);
  expect([rows[0]?.state, machines.ann.journal, open.length]).toEqual(["claimed", [], 1]);
});

test.each([
  ["STOP.md", { "STOP.md": "not now\n" }, /STOP\.md came in/],
  ["a cordon", { "hosts/ann.md": md("address: 127.0.0.1\nslots: 4\ncordon: disk") }, /ann is cordoned \(disk\)/],
])("%s that comes between the won claim and the start keeps it from starting", async (_, files, why) => {
  const pack = made(["ann"]);
  const book = await recorded(pack);
  const machines = { ann: machine() };
  const late: Book = {
    ...book,
    judge: (starts) => {
      pack.push(files as Record<string, string>);
      return book.judge(starts);
    },
  };
  const { rows } = await run(late, machines);
  expect([machines.ann.journal, rows[0]?.good]).toEqual([[], false]);
  const [job] = jobsIn(pack);
  expect(job).toMatch(/^state: failed$/m);
  expect(job).toMatch(why);
  expect(pack.at("ls-tree", "-r", "--name-only", "main", "queue/", "status/")).toBe("");
});

test("a push that came first is heeded: decided again, claimed and started once", async () => {
  const pack = made(["ann"]);
  const book = await recorded(pack);
  let pushed = false;
  const machines = { ann: machine() };
  const raced: Book = {
    ...book,
    settle: (decide, last) =>
      book.settle(async (state) => {
        const decision = await decide(state);
        if (!pushed) pack.push({ "tasks/other.md": md("title: Other\nstatus: draft") });
        pushed = true;
        return decision;
      }, last),
  };
  const { rows } = await run(raced, machines);
  expect([rows[0]?.answer, machines.ann.journal.length, jobsIn(pack).length]).toEqual(["hello from ann", 1, 1]);
  expect(machines.ann.packs).toEqual(["test-pack-abcdef"]);
});

test("an interruption ends what runs, and the record says who wanted it", async () => {
  const pack = made(["ann"]);
  const book = await recorded(pack);
  const machines = { ann: machine() };
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 1500);
  const { rows, open } = await run(book, machines, all(), stop.signal, true);
  expect([rows[0]?.state, open]).toEqual(["cancelled", []]);
  expect(jobsIn(pack)[0]).toMatch(/^state: cancelled$[\s\S]*cancelled: asked for by ann/m);
});

test("no slot is free on one of two: the others answer at once, and it is told as waiting in the end", async () => {
  const pack = made(["ann", "bob"]);
  const full = machine({ slots: 4 });
  const fleet = { ann: full, bob: machine() };
  const busy = await openUnrecorded(pack.clone, at);
  full.runs.set("old/1", { request: {} as never, run: { hangs: true }, acked: false });
  full.runs.set("old/2", { request: {} as never, run: { hangs: true }, acked: false });
  full.runs.set("old/3", { request: {} as never, run: { hangs: true }, acked: false });
  full.runs.set("old/4", { request: {} as never, run: { hangs: true }, acked: false });
  const task = errandTask(
    { text: "x", hosts: ["any"], each: true, timeout: 1 },
    { token: "f".repeat(16), by: "ann", runtime: "shell" },
  );
  const { rows } = await run(busy.book, fleet, task);
  expect(rows.map((one) => [one.host, one.state])).toEqual([
    ["ann", "waiting"],
    ["bob", "finished"],
  ]);
  expect(full.journal).toEqual([]);
});

test.each([
  ["in memory", async (pack: TestPack) => (await openUnrecorded(pack.clone, at)).book],
  ["recorded", recorded],
])("more tasks than slots, %s: those that found no room are started when the others have ended", async (_, open) => {
  const pack = made(["ann"]);
  const machines = { ann: machine() };
  const tasks = ["0", "1", "2", "3", "4", "5"].map((digit) =>
    errandTask({ text: "echo hello" }, { token: digit.repeat(16), by: "ann", runtime: "shell" }),
  );
  const errand = { tasks, tick: "t1-dispatch", by: "ann", signal: new AbortController().signal };
  const ran = await runErrand(ports(machines), await open(pack), { ...errand, asked() {}, answered() {}, landed() {} });
  ran.close();
  expect(answersOf(tasks, ran).map((one) => one.state)).toEqual(tasks.map(() => "finished"));
  expect(machines.ann.journal.length).toBe(6);
  expect(jobsIn(pack).filter((text) => /^state: finished$/m.test(text))).toHaveLength(open === recorded ? 6 : 0);
});

test("a tick that collects first: its record has the answer, and nobody waits for another", async () => {
  const pack = made(["ann"]);
  const book = await recorded(pack);
  const machines = { ann: machine() };
  const script = () => ({ stdout: "hello from ann\n" });
  const errand = { tasks: [all()], tick: "t1-dispatch", by: "ann", signal: new AbortController().signal };
  const faulty = ports(machines);
  let ticked = false;
  // Two ticks between the start and the first question whether it has ended: the second one acknowledges.
  const connect: ErrandPorts["connect"] = (id, hosts) => {
    const pool = faulty.connect(id, hosts);
    return {
      ...pool,
      open: async (host) => {
        if (machines.ann.journal.length > 0 && !ticked) {
          ticked = true;
          await runTick(pack.clone, machines, script);
          await runTick(pack.clone, machines, script);
        }
        const opened = await pool.open(host);
        if ("fault" in opened) return opened;
        const fetch = () => Promise.reject(new HostFault("altered", "ann has no result of it (acked)"));
        return { ...opened, session: Object.assign(Object.create(opened.session), { fetch }) };
      },
    };
  };
  const ran = await runErrand({ ...faulty, connect }, book, { ...errand, asked() {}, answered() {}, landed() {} });
  ran.close();
  expect(machines.ann.acked.length).toBeGreaterThan(0);
  expect(answersOf(errand.tasks, ran)).toEqual([
    expect.objectContaining({ state: "finished", good: true, answer: "hello from ann", why: null }),
  ]);
  expect([jobsIn(pack).length, ran.open]).toEqual([1, []]);
});

test("what an ephemeral agent lacks is deployed before its job and taken away after it", async () => {
  const pack = made(["ann"]);
  pack.push({ "agents/pico.md": md("runtime: picoclaw\ndeploy: if-missing\nephemeral: true") });
  const machines = { ann: machine() };
  const log: string[] = [];
  const deployer: ErrandPorts["deployer"] = {
    deploy: async () => {
      log.push(`deploy, ${machines.ann.journal.length} started`);
      machines.ann.runtimes.push("picoclaw");
    },
    remove: async (_, runtime) => void log.push(`remove ${runtime}, ${machines.ann.acked.length} acknowledged`),
  };
  const task = errandTask({ text: "look", agent: "pico" }, { token: "e".repeat(16), by: "ann", runtime: "picoclaw" });
  const errand = { tasks: [task], tick: "t1-dispatch", by: "ann", signal: new AbortController().signal };
  const { book } = await openUnrecorded(pack.clone, at);
  const ran = await runErrand({ ...ports(machines), deployer }, book, {
    ...errand,
    asked() {},
    answered() {},
    landed() {},
  });
  await ran.acknowledge();
  ran.close();
  expect([log, machines.ann.journal.length, machines.ann.acked.length]).toEqual([
    ["deploy, 0 started", "remove picoclaw, 0 acknowledged"],
    1,
    1,
  ]);
});

test("a recorded failure stands in its job and its reflection, and leaves nothing that waits for anybody", async () => {
  const pack = made(["ann", "bob"]);
  const machines = { ann: machine(), bob: machine() };
  const failing = {
    ...ports(machines),
    connect: (id: string) =>
      createPool(
        fakeFleet(machines, (_, __, host) => ({ exit: host === "bob" ? 3 : 0, stdout: "x\n" })),
        id,
      ),
  };
  const errand = { tasks: [all()], tick: "t1-dispatch", by: "ann", signal: new AbortController().signal };
  const ran = await runErrand(failing, await recorded(pack), { ...errand, asked() {}, answered() {}, landed() {} });
  ran.close();
  expect(answersOf(errand.tasks, ran).map((one) => one.state)).toEqual(["finished", "failed"]);
  const files = pack.at("ls-tree", "-r", "--name-only", "main").split("\n");
  expect(pack.file(files.find((path) => path.startsWith("reflections/")) as string)).toMatch(/^outcome: partial$/m);
  expect(pack.file("OVERVIEW.md")).toContain("Nothing waits for you");
  expect(files.filter((path) => /^(queue|status)\//.test(path))).toEqual([]);
});

test("three hundred machines, ten of them full: decided a few times, not once an answer", async () => {
  const names = Array.from({ length: 300 }, (_, at) => `h${String(at).padStart(3, "0")}`);
  const pack = made(names);
  pack.push({ "towline.yml": "id: test-pack\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {max_starts: 1000}\n" });
  const hung = () => ({ request: {} as never, run: { hangs: true }, acked: false });
  const machines = Object.fromEntries(
    names.map((name, at) => [
      name,
      machine({ runs: new Map(at % 30 > 0 ? [] : ["a/1", "b/1", "c/1", "d/1"].map((key) => [key, hung()])) }),
    ]),
  );
  const { book } = await openUnrecorded(pack.clone, at);
  let decided = 0;
  const counted: Book = {
    ...book,
    settle: (decide, last) => {
      decided++;
      return book.settle(decide, last);
    },
  };
  const { rows } = await run(counted, machines);
  expect(Object.groupBy(rows, (one) => one.state)).toMatchObject({
    finished: { length: 290 },
    waiting: { length: 10 },
  });
  expect(decided).toBeLessThan(20);
});
