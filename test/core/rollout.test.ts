// Runs on many hosts: in waves, up to a number of failures, and never longer than their time.
import { describe, expect, test } from "vitest";
import { check } from "../../src/core/check.ts";
import { parseEntry } from "../../src/core/entry.ts";
import { shareOf, waveSizes } from "../../src/core/rollout.ts";
import { basics, md } from "../fakes/pack.ts";
import { type World, world } from "../fakes/world.ts";

const names = Array.from({ length: 10 }, (_, index) => `h${index}`);
const task = (more: string) => ({ "tasks/go.md": md(`title: Go\nhosts: all\ntimeout: 2m\n${more}`, "go") });
const fine = { stdout: "ok\n" };
const bad = { exit: 1, stdout: "no\n" };

const status = (at: World) => parseEntry("status/go.md", "status", at.files.get("status/go.md") ?? "").entry?.data;
const jobs = (at: World) =>
  [...at.files]
    .filter(([path]) => path.startsWith("jobs/"))
    .flatMap(([path, text]) => parseEntry(path, "job", text).entry?.data ?? [])
    .sort((a, b) => ((a.host ?? "") < (b.host ?? "") ? -1 : 1));
const states = (at: World) => jobs(at).map((job) => `${job.host} ${job.state}`);
const started = (at: World) => at.starts.map((start) => start.split(" ")[1]);

describe("waves", () => {
  test("are so many hosts, or a part of them, and never none", () => {
    expect([shareOf("3", 40), shareOf("10%", 40), shareOf("10%", 4), shareOf("33%", 10)]).toEqual([3, 4, 1, 4]);
    expect(waveSizes({ canary: "1", batch: "10%" }, 10)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(waveSizes({ canary: "2", batch: "50%" }, 10)).toEqual([2, 5, 3]);
    expect(waveSizes({ canary: "1" }, 10)).toEqual([1, 9]);
    expect(waveSizes({ batch: "4" }, 10)).toEqual([4, 4, 2]);
    expect(waveSizes({ canary: "100%" }, 3)).toEqual([3]);
  });

  test.each([
    ["{canary: 0}", "rollout.canary"],
    ["{batch: 110%}", "rollout.batch"],
    ["{batch: 1.5}", "rollout.batch"],
    ["{batch: some}", "rollout.batch"],
    ["{stop_after: 0}", "rollout.stop_after"],
  ])("%s is refused at its field", (value, field) => {
    const { problems } = parseEntry("tasks/go.md", "task", md(`title: Go\nhosts: all\nrollout: ${value}`));
    expect(problems[0]).toMatchObject({ level: "error", line: 4 });
    expect(problems[0]?.message).toContain(`\`${field}\``);
  });

  test("of a task that runs on one host are a mistake", () => {
    const files = { ...basics(["one"]), "tasks/go.md": md("title: Go\nrollout: {canary: 1}") };
    const given = Object.entries(files).map(([path, text]) => ({ path, mode: "100644", text }));
    const found = check({ files: given as never, runtimes: ["shell"] }).problems;
    expect(found).toMatchObject([{ code: "rollout", path: "tasks/go.md", line: 3 }]);
  });
});

describe("a rollout", () => {
  test("goes on while its waves end well; every host is started once, in order", () => {
    const at = world({ ...basics(names), ...task("rollout: {canary: 1, batch: 3}") });
    at.tick("2026-11-20T10:00:00Z", () => fine);
    // Three passes of a tick start work: the canary and two batches.
    expect(started(at)).toEqual(["h0", "h1", "h2", "h3", "h4", "h5", "h6"]);
    expect(status(at)).toMatchObject({ state: "queued", reason: "waits: waits for its turn: wave 4 of 4" });
    at.tick("2026-11-20T10:30:00Z", () => fine);
    expect(started(at)).toEqual(names);
    expect(status(at)).toMatchObject({ state: "done", reason: "10 of 10 hosts" });
  });

  test("waits for a wave that goes on, and calls no host whose turn is far", () => {
    const at = world({ ...basics(names), ...task("rollout: {canary: 1, batch: 2}") });
    at.tick("2026-11-20T10:00:00Z", () => null);
    expect([started(at), status(at)?.reason]).toEqual([["h0"], "on h0; 0 of 10 done"]);
    const asked: string[] = [];
    at.tick("2026-11-20T10:01:00Z", (_, host) => {
      asked.push(host);
      return null;
    });
    expect([started(at), new Set(asked)]).toEqual([["h0"], new Set(["h0"])]);
  });

  test("ends with its canary", () => {
    const at = world({ ...basics(names), ...task("need: any\nrollout: {canary: 2, batch: 4, stop_after: 5}") });
    at.tick("2026-11-20T10:00:00Z", (_, host) => (host === "h1" ? bad : fine));
    expect(started(at)).toEqual(["h0", "h1"]);
    expect(status(at)).toMatchObject({ state: "failed", reason: "stopped after 1 failure: 1 of 10 done" });
    expect(states(at).filter((one) => one.endsWith("cancelled"))).toHaveLength(8);
  });

  test("stops after so many failures: what runs goes on to its end, nothing more is started", () => {
    const at = world({ ...basics(names), ...task("rollout: {batch: 3, stop_after: 2}") });
    let slow = true;
    const run = (_: string, host: string) =>
      host === "h3" && slow ? null : host === "h4" || host === "h5" ? bad : fine;
    at.tick("2026-11-20T10:00:00Z", run);
    expect(started(at)).toEqual(["h0", "h1", "h2", "h3", "h4", "h5"]);
    expect(states(at).slice(6)).toEqual(["h6 cancelled", "h7 cancelled", "h8 cancelled", "h9 cancelled"]);
    expect(status(at)).toMatchObject({ state: "running", reason: "on h3; 3 of 10 done" });
    slow = false;
    at.tick("2026-11-20T10:01:00Z", run);
    expect(status(at)).toMatchObject({ state: "failed", reason: "stopped after 2 failures: 3 of 10 done" });
    expect([...at.files].filter(([path]) => path.startsWith("memos/")).map(([path]) => path)).toHaveLength(2);
    at.tick("2026-11-20T11:00:00Z", run);
    expect(started(at)).toHaveLength(6);
  });

  test("lets failed jobs try again before it counts them", () => {
    const at = world({ ...basics(names), ...task("retries: 1\nrollout: {canary: 1, batch: 9}") });
    let tries = 0;
    const once = (_: string, host: string) => (host === "h0" && tries++ === 0 ? bad : fine);
    at.tick("2026-11-20T10:00:00Z", once);
    expect(started(at)).toEqual(["h0"]);
    at.tick("2026-11-20T10:30:00Z", once);
    expect(status(at)).toMatchObject({ state: "done" });
  });

  test("with a host that never answers counts it as a failure when its turn is over, and not before", () => {
    const at = world({ ...basics(names), ...task("rollout: {canary: 1, batch: 5, stop_after: 2}") });
    at.down.add("h9");
    at.tick("2026-11-20T10:00:00Z", () => fine);
    at.tick("2026-11-20T10:01:00Z", () => fine);
    expect(status(at)).toMatchObject({ state: "queued" });
    at.tick("2026-11-20T10:05:00Z", () => fine);
    expect(status(at)?.reason).toContain("9 of 10 hosts; h9: could not start in time: h9 does not answer");
  });
});

describe("a run on many hosts is not held open by one", () => {
  test("that fell silent while it worked: not reached when its time is over, so that `need` can be judged", () => {
    const at = world({ ...basics(names), ...task("need: 9") });
    at.tick("2026-11-20T10:00:00Z", (_, host) => (host === "h3" ? null : fine));
    expect(status(at)?.state).toBe("running");
    at.down.add("h3");
    at.tick("2026-11-20T10:01:00Z", () => fine);
    expect(status(at)?.state).toBe("running");
    at.tick("2026-11-20T10:04:00Z", () => fine);
    expect(status(at)).toMatchObject({ state: "done", reason: "9 of 10 hosts" });
    expect(jobs(at)[3]).toMatchObject({
      state: "lost",
      run: { why: "not reached: h3 does not answer, and its time is over" },
    });
  });

  test("that fell silent, with a retry that it never gets", () => {
    const at = world({ ...basics(names), ...task("on_lost: retry\nretries: 3") });
    at.tick("2026-11-20T10:00:00Z", (_, host) => (host === "h3" ? null : fine));
    at.down.add("h3");
    for (const minute of [4, 5, 8, 9]) at.tick(`2026-11-20T10:0${minute}:00Z`, () => fine);
    expect(status(at)).toMatchObject({ state: "failed" });
    expect(jobs(at)[3]?.run.why).toContain("no further attempt: h3 does not answer");
    const starts = started(at);
    expect(starts).toHaveLength(10);
  });
});
