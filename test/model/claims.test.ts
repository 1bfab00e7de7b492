// Single rules of the claims that the model takes for granted, on the plan itself.
import { expect, test } from "vitest";
import { reclaimable } from "../../src/core/claim.ts";
import { draftOf } from "../../src/core/draft.ts";
import { addFile, readState } from "../../src/core/state.ts";
import { md } from "../fakes/pack.ts";
import { world } from "../fakes/world.ts";

const pack = (tasks: Record<string, string>, settings = "") =>
  world({
    "towline.yml": `id: claims\nzone: UTC\ndefaults: {agent: deckhand}\n${settings}`,
    "agents/deckhand.md": md("runtime: shell"),
    "hosts/ann.md": md("address: 127.0.0.1\nslots: 9"),
    ...Object.fromEntries(
      Object.entries(tasks).map(([id, more]) => [`tasks/${id}.md`, md(`title: ${id}\n${more}`, "x")]),
    ),
  });

test("another tick's claim is left alone until the wall has passed, and then only when its host knows nothing", () => {
  const here = pack({ a: "" });
  here.tick("2026-11-20T10:00:00Z", () => null);
  const [path = "", text = ""] = [...here.files].find(([name]) => name.startsWith("jobs/")) ?? [];
  here.files.set(path, text.replace("state: started", "state: claimed"));
  const jobs = (now: string, tick: string, absent: boolean) => {
    const draft = draftOf(here.state(), new Date(now), tick);
    return reclaimable(draft, new Set(absent ? draft.jobs.keys() : [])).length;
  };
  expect([...here.state().jobs.values()].map(({ data }) => [data.state, data.run.tick])).toEqual([
    ["claimed", "tick-1"],
  ]);
  expect(jobs("2026-11-20T10:05:00Z", "tick-2", true)).toBe(0);
  expect(jobs("2026-11-20T10:20:00Z", "tick-2", true)).toBe(1);
  expect(jobs("2026-11-20T10:20:00Z", "tick-2", false)).toBe(0);
  expect(jobs("2026-11-20T10:00:01Z", "tick-1", true)).toBe(1);
});

test("an hour starts at most so many runs; the others wait for the next", () => {
  const here = pack({ a: "", b: "", c: "" }, "tick: {max_starts: 2}\n");
  here.tick("2026-11-20T10:00:00Z", () => ({}));
  expect(here.starts).toHaveLength(2);
  here.tick("2026-11-20T10:30:00Z", () => ({}));
  expect(here.starts).toHaveLength(2);
  here.tick("2026-11-20T11:30:00Z", () => ({}));
  expect(here.starts).toHaveLength(3);
});

test("a run that was lost starts again only where the task says so", () => {
  const here = pack({ a: "retries: 3", b: "on_lost: retry" });
  const died = () => ({ end: "died" as const, exit: null });
  here.tick("2026-11-20T10:00:00Z", died);
  here.tick("2026-11-20T12:00:00Z", () => ({}));
  here.tick("2026-11-20T14:00:00Z", () => ({}));
  expect(here.starts.map((start) => start.slice(0, 2)).sort()).toEqual(["a-", "b-", "b-"]);
});

test("a record that is a symbolic link, or a submodule, is refused", () => {
  const settings = { path: "towline.yml", mode: "100644", text: "id: x\n" };
  const { state } = readState({ policy: "p", ledger: "l" }, [settings]);
  if (!state) throw new Error("no state");
  for (const mode of ["120000", "160000"]) addFile(state, { path: "tasks/a.md", mode, text: md("title: A") });
  expect(state.tasks.size).toBe(0);
  expect(state.problems.map(({ code }) => code)).toEqual(["symlink", "gitlink"]);
});
