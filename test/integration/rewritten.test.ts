// What people and CI services do to a branch behind towline's back: rewinding, rewriting, renaming, old checkouts.
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { towline } from "./real.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

function pack(files: Record<string, string>, settings = ""): TestPack {
  const made = testPack({ ...basics(["ann"], settings), ...files });
  packs.push(made);
  return made;
}

const say: Script = (job) => ({ stdout: `answer of ${job}\n` });
const quick = ["--no-sync", "--no-site", "--repo"];
const state = (p: TestPack, task: string, ref: string) => /^state: (\w+)$/m.exec(p.file(`status/${task}.md`, ref))?.[1];

describe.each([
  ["default", "main", ""],
  ["own", "towline", "ledger: {branch: towline}\n"],
])("ledger on the %s branch", { timeout: 300_000 }, (mode, ledger, settings) => {
  test("a ledger that was rewound stops every ticker, old clones and fresh; restored, the job is collected", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    await runTick(p.clone, machines, say);
    const rewound = p.at("rev-parse", ledger).trim();
    const hangs: Script = () => ({ hangs: true, stdout: "late but here\n" });
    p.push({ "tasks/b.md": md("title: B", "b") });
    await runTick(p.clone, machines, hangs);
    expect(state(p, "b", ledger)).toBe("running");
    p.git("push", "-q", "--force", "origin", `${rewound}:refs/heads/${ledger}`);
    // A person goes on from there and does not know.
    p.push({ "tasks/b.md": md("title: B", "b"), "tasks/c.md": md("title: C", "c") });
    const fresh = join(p.dir, "fresh");
    p.git("clone", "-q", "--depth=1", `file://${p.origin}`, fresh);
    const before = p.at("for-each-ref");
    for (const dir of [p.clone, fresh])
      await expect(runTick(dir, machines, say)).rejects.toThrow("the ledger was rewritten");
    const said = await towline(["tick", ...quick, fresh]);
    expect([said.code, said.err]).toEqual([3, expect.stringMatching(/rewritten[\s\S]*tick --restore/)]);
    expect((await cli(fresh, ["plan"])).code).toBe(3);
    expect((await cli(fresh, ["init", "--adopt"])).code).toBe(3);
    expect(p.at("for-each-ref")).toBe(before);
    expect(machines.ann.journal).toHaveLength(2);

    for (const one of machines.ann.runs.values()) one.run.hangs = false;
    const restored = await runTick(fresh, machines, say, { restore: true });
    expect(restored.commits.length).toBeGreaterThan(1);
    for (const task of ["a", "b", "c"]) expect([task, state(p, task, ledger)]).toEqual([task, "done"]);
    expect(p.file("status/b.md", ledger)).toContain("late but here");
    expect(machines.ann.journal).toHaveLength(3); // b did not run again
  });

  test("a ledger that is gone stops, too", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    await runTick(p.clone, machines, say);
    if (mode === "own") p.at("update-ref", "-d", "refs/heads/towline");
    else {
      p.git("pull", "-q", "origin", "main");
      p.git("rm", "-rq", "state", "status", "jobs", "OVERVIEW.md");
      p.git("commit", "-qm", "tidied up");
      p.git("push", "-q", "origin", "HEAD:main");
    }
    await expect(runTick(p.clone, machines, say)).rejects.toThrow("the ledger was rewritten");
    await runTick(p.clone, machines, say, { restore: true });
    expect(state(p, "a", ledger)).toBe("done");
    expect(machines.ann.journal).toHaveLength(1);
  });

  test("history that was rewritten without touching the ledger's newest state is no matter", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    await runTick(p.clone, machines, say);
    const squashed = p.at("commit-tree", `${ledger}^{tree}`, "-m", "one commit is enough").trim();
    p.at("update-ref", `refs/heads/${ledger}`, squashed);
    p.git("fetch", "-q", "origin");
    p.push({ "tasks/b.md": md("title: B", "b") });
    await runTick(p.clone, machines, say);
    expect([state(p, "a", ledger), state(p, "b", ledger)]).toEqual(["done", "done"]);
    expect(machines.ann.journal).toHaveLength(2);
  });

  test("the default branch is renamed between the read and the push: nothing is written to the old name", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    let renamed = false;
    const poller = {
      name: "renames",
      poll: async () => {
        if (!renamed) p.at("branch", "-m", "main", "trunk");
        renamed = true;
        return [];
      },
    };
    await runTick(p.clone, machines, say, { pollers: [poller] });
    const heads = p.at("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").trim().split("\n");
    expect(heads).toEqual(mode === "own" ? ["towline", "trunk"] : ["trunk"]);
    expect(state(p, "a", mode === "own" ? "towline" : "trunk")).toBe("done");
    expect(machines.ann.journal).toHaveLength(1);
  });

  test("a CI run that is run again, attempt 2 on its old commit, works from the tip and starts nothing twice", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    const old = p.at("rev-parse", "main").trim();
    await runTick(p.clone, machines, say);
    for (let i = 0; i < 5; i++) p.push({ [`notes/${i}.txt`]: "x" });
    const dir = join(p.dir, "again");
    p.git("init", "-q", dir);
    p.git("-C", dir, "remote", "add", "origin", `file://${p.origin}`);
    p.git("-C", dir, "fetch", "-q", "--no-tags", "--depth=1", "origin", `+${old}:refs/remotes/origin/main`);
    p.git("-C", dir, "checkout", "-q", "--detach", "refs/remotes/origin/main");
    expect((await runTick(dir, machines, say, { attempt: 2 })).starts).toEqual([]);
    p.push({ "tasks/b.md": md("title: B", "b") });
    expect((await runTick(dir, machines, say, { attempt: 2 })).starts.map((one) => one.task)).toEqual(["b"]);
    expect(p.at("log", "-1", "--format=%(trailers:key=Towline-Attempt,valueonly)", ledger).trim()).toBe("2");
    expect(machines.ann.journal).toHaveLength(2);
    // People's commits are all still there: nothing was pushed on the old base.
    expect(p.at("ls-tree", "-r", "--name-only", "main", "notes/").trim().split("\n")).toHaveLength(5);
  });

  test("branches and tags by the same name, and names that look like commits, lead nobody astray", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    const first = p.at("rev-parse", "main").trim();
    p.push({ "tasks/b.md": md("title: B", "b") });
    for (const tag of ["main", "towline", "HEAD"]) p.at("update-ref", `refs/tags/${tag}`, first);
    p.at("update-ref", `refs/heads/${first}`, first);
    p.at("update-ref", "refs/heads/-rf", first);
    await runTick(p.clone, machines, say);
    expect([state(p, "a", `refs/heads/${ledger}`), state(p, "b", `refs/heads/${ledger}`)]).toEqual(["done", "done"]);
    expect(p.at("rev-parse", "refs/tags/main", "refs/tags/towline").trim().split("\n")).toEqual([first, first]);
    expect(p.at("rev-parse", `refs/heads/${first}`, "refs/heads/-rf").trim().split("\n")).toEqual([first, first]);
  });
});

test("a ledger in a newer format: every verb refuses with advice, and writes nothing", async () => {
  const machines = { ann: machine() };
  const p = pack({ "tasks/a.md": md("title: A", "a") });
  await runTick(p.clone, machines, say);
  const newer = { ...JSON.parse(p.file("state/pack.json")), format: 2 };
  p.push({ "state/pack.json": `${JSON.stringify(newer)}\n`, "tasks/b.md": md("title: B", "b") });
  const before = p.at("for-each-ref");
  for (const args of [["tick", "--no-sync", "--no-site"], ["plan"], ["why", "a"], ["task", "list"]]) {
    const said = await cli(p.clone, args);
    expect([args[0], said.code, said.said]).toEqual([args[0], 3, expect.stringMatching(/format 2[\s\S]*update/)]);
  }
  expect(p.at("for-each-ref")).toBe(before);
  expect(machines.ann.journal).toHaveLength(1);
});

test("towline.yml may ask for a format that this version does not have", async () => {
  const p = pack({ "tasks/a.md": md("title: A", "a") }, "ledger: {format: 2}\n");
  await expect(runTick(p.clone, { ann: machine() }, say)).rejects.toThrow("format 2");
});
