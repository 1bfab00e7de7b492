// Messages for an agent that is at work, over real git: claimed for its session first, told to its host then, given once.
import { afterEach, expect, test, vi } from "vitest";
import { type FakeMachine, type FakeRun, machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

vi.setConfig({ testTimeout: 90_000 });

let made: TestPack | undefined;
afterEach(() => made?.remove());

const letters = (p: TestPack): object[] =>
  p
    .file("state/letters.ndjson")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** `long` runs for bob, who hears; `say` tells him something and is over. */
function pack(more: Partial<FakeMachine> = {}, bob: FakeRun = { hangs: true, hears: true }, runtime = "tmux") {
  const ann = machine({ runtimes: ["tmux", "claude"], ...more });
  const script: Script = (job) =>
    job.startsWith("say") ? { stdout: "x", outbox: { "01-tell.md": "---\nto: bob\n---\nlook at /var" } } : { ...bob };
  made = testPack({
    ...basics(["ann"]),
    "towline.yml": "id: test-pack\nname: test\ndefaults: {agent: deckhand}\ntick: {patience: 0s}\n",
    "agents/bob.md": md(`runtime: ${runtime}`),
    "tasks/long.md": md("title: Long\nagent: bob", "be long"),
  });
  const p = made;
  const tick = (time: string) => runTick(p.clone, { ann }, script, { now: `2026-11-20T${time}:00Z` });
  const ends = () => {
    for (const one of ann.runs.values()) one.run = { ...one.run, hangs: false, stdout: "end {}" };
  };
  return { p, ann, tick, ends, told: () => [...ann.told.values()].flatMap(({ put }) => [...put.values()]) };
}
const say = { "tasks/say.md": md("title: Say", "say it") };
const next = { "tasks/next.md": md("title: Next\nagent: bob", "go on") };
const inboxes = (ann: FakeMachine) =>
  [...ann.runs.values()].flatMap(({ request }) =>
    Object.keys(request.launch.files).filter((name) => /^inbox/.test(name)),
  );

test("one that hears is told in the same tick, once, and no later run is given it", async () => {
  const { p, ann, tick, ends, told } = pack();
  await tick("10:00");
  p.push(say);
  await tick("10:30");
  expect(told()).toEqual(["From deckhand, 2026-11-20T10:30:00.000Z\n\n```text\nlook at /var\n```\n"]);
  expect(letters(p)).toMatchObject([{ to: "bob", given: expect.stringMatching(/^long-/) }]);
  expect(letters(p)[0]).not.toHaveProperty("live");
  expect((await tick("11:00")).commits).toEqual([]);
  ends();
  p.push(next);
  await tick("11:30");
  await tick("12:00");
  expect(letters(p)).toEqual([]);
  expect([inboxes(ann), told().length]).toEqual([[], 1]);
});

test("a lost answer is asked for again, and nothing is told twice", async () => {
  const { p, ann, tick, told } = pack();
  await tick("10:00");
  p.push(say);
  ann.breakNext = "after-tell";
  await tick("10:30");
  expect(letters(p)).toMatchObject([{ live: 1 }]);
  await tick("11:00");
  expect(letters(p)[0]).not.toHaveProperty("live");
  expect(told()).toHaveLength(1);
});

test.each([
  ["what it was not shown by its end is unread, and the next run is given it", false],
  ["what it was shown at the very last is not given again", true],
])("%s", async (_, shown) => {
  const { p, ann, tick, ends } = pack({ shows: false });
  await tick("10:00");
  p.push(say);
  await tick("10:30");
  expect(letters(p)).toMatchObject([{ live: 1 }]);
  expect((await tick("11:00")).commits).toEqual([]);
  if (shown) for (const one of ann.told.values()) for (const id of one.put.keys()) one.shown.add(id);
  ends();
  await tick("11:30");
  expect(letters(p)).toHaveLength(shown ? 0 : 1);
  p.push(next);
  await tick("12:00");
  expect(inboxes(ann)).toEqual(shown ? [] : ["inbox/01-deckhand.md"]);
});

test.each<[string, FakeRun, string]>([
  ["whose host does not say that it hears", { hangs: true }, "tmux"],
  ["of a runtime that has no live session", { hangs: true, hears: true }, "claude"],
])("a run %s is told nothing: the message waits for a start", async (_, bob, runtime) => {
  const { p, tick, told } = pack({}, bob, runtime);
  await tick("10:00");
  p.push(say);
  await tick("10:30");
  expect(told()).toEqual([]);
  expect(letters(p)[0]).not.toHaveProperty("given");
});

test("one run is not told without end", async () => {
  const { p, tick, told } = pack();
  await tick("10:00");
  const row = { from: "deckhand", to: "bob", job: "x", at: "2026-11-20T10:00:00.000Z", depth: 1, text: "x" };
  const rows = Array.from({ length: 30 }, (_, n) => JSON.stringify({ ...row, id: String(n).padStart(16, "0") }));
  p.push({ "state/letters.ndjson": `${rows.join("\n")}\n` });
  for (const time of ["10:30", "11:00"]) await tick(time);
  expect(told()).toHaveLength(20);
});
