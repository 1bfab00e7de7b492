// A run that its host says is silent, over real git: a person chooses in the memo, and the host ends it.
import { afterEach, expect, test, vi } from "vitest";
import { machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

vi.setConfig({ testTimeout: 90_000 });

let made: TestPack | undefined;
afterEach(() => made?.remove());

const quiet: Script = (_, { epoch }) => (epoch === 1 ? { hangs: true, silent: true } : { stdout: "x" });
const now = (time: string) => ({ now: `2026-11-20T${time}:00Z` });

function pack(runtime: string) {
  const machines = { ann: machine({ runtimes: ["tmux", "claude"] }) };
  const agent = { "agents/echo.md": md(`runtime: ${runtime}`, "Be quiet.") };
  made = testPack({ ...basics(["ann"]), ...agent, "tasks/drop.md": md("title: Drop\nagent: echo", "drop it") });
  return { p: made, machines };
}
const find = (p: TestPack, folder: string) => p.at("ls-tree", "-r", "--name-only", "main", folder).trim();

test.each([
  ["give up", 1, "state: cancelled"],
  ["retry", 2, "state: failed"],
])("`%s` ends it on its host", async (answer, starts, state) => {
  const { p, machines } = pack("tmux");
  await runTick(p.clone, machines, quiet, now("10:00"));
  await runTick(p.clone, machines, quiet, now("10:30"));
  const memo = find(p, "memos/");
  p.push({ [memo]: p.file(memo).replace("status: open", `status: answered\nanswer: ${answer}`) });
  await runTick(p.clone, machines, quiet, now("11:00"));
  const job = find(p, "jobs/")
    .split("\n")
    .find((path) => !path.includes(".d/")) as string;
  expect(p.file(job)).toContain(state);
  expect(p.file(job)).toContain(`answered with \`${answer}\``);
  expect(p.file(memo)).toContain("status: answered");
  await runTick(p.clone, machines, quiet, now("11:30"));
  expect(machines.ann.journal).toHaveLength(starts);
});

test("silence of a runtime that shows no progress is no news, whatever a host says", async () => {
  const { p, machines } = pack("claude");
  await runTick(p.clone, machines, quiet, now("10:00"));
  expect((await runTick(p.clone, machines, quiet, now("10:30"))).commits).toEqual([]);
  expect(find(p, "memos/")).toBe("");
});
