// A pack belongs to one repository: copies, forks and mirrors of it start nothing until they are adopted.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Repo } from "../../src/ports.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { openRepo } from "../../src/shell/repo.ts";
import { cli } from "../fakes/cli.ts";
import { type FakeMachine, machine, type Script } from "../fakes/fleet.ts";
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
const mark = (of: Copy | TestPack, ref: string) => JSON.parse(of.at("show", `${ref}:state/pack.json`));
const refs = (of: Copy | TestPack) => of.at("for-each-ref", "--format=%(refname) %(objectname)");
const quick = ["--no-sync", "--no-site"];
const at = (service: object) => ({ ...process.env, ...service }) as Record<string, string>;
const github = (id: string, name = "them/pack") =>
  at({ GITHUB_REPOSITORY_ID: id, GITHUB_REPOSITORY: name, GITHUB_SERVER_URL: "https://github.com" });

interface Copy {
  clone: string;
  at(...args: string[]): string;
}

/** Another bare repository with what these arguments of git push bring over, and a clone of it. */
function copyOf(from: TestPack, ...push: string[]): Copy {
  const bare = join(from.dir, `copy${packs.length}-${push.length}.git`);
  const clone = join(from.dir, `copy${packs.length}-${push.length}`);
  from.git("init", "-q", "--bare", "--initial-branch=main", bare);
  from.at("push", "-q", bare, ...push);
  from.git("clone", "-q", bare, clone);
  return { clone, at: (...args) => from.git("-C", bare, ...args) };
}
const branches = ["refs/heads/*:refs/heads/*"];
/** The clone's origin goes by an address on the forge, as far as its settings tell. */
const onGithub = (from: TestPack, clone: string, bare: string, name = "them/pack") => {
  from.git("-C", clone, "config", `url.${bare}.insteadOf`, `https://github.com/${name}.git`);
  from.git("-C", clone, "config", "remote.origin.url", `https://github.com/${name}.git`);
};

describe.each([
  ["default", "main", ""],
  ["own", "towline", "ledger: {branch: towline}\n"],
])("ledger on the %s branch", { timeout: 300_000 }, (_, ledger, settings) => {
  test("the first tick binds the pack, and every ledger commit moves the ref along", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    await runTick(p.clone, machines, say);
    expect(mark(p, ledger)).toMatchObject({ format: 1, pack: "test-pack-0123456789ab" });
    expect(mark(p, "refs/towline/pack")).toEqual(mark(p, ledger));
    expect(p.at("rev-list", "--count", "refs/towline/pack").trim()).toBe("1");
    const before = mark(p, ledger).last;
    p.push({ "tasks/b.md": md("title: B", "b") });
    await runTick(p.clone, machines, say);
    expect(mark(p, ledger).last).not.toBe(before);
    expect(mark(p, "refs/towline/pack")).toEqual(mark(p, ledger));
    const still = refs(p);
    expect((await runTick(p.clone, machines, say)).commits).toEqual([]);
    expect(refs(p).replace(/.*beat.*\n/, "")).toBe(still.replace(/.*beat.*\n/, ""));
  });

  test("of ticks that meet a new pack at once, one binds it, and the others start in its folder, too", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    const other = join(p.dir, "other");
    p.git("clone", "-q", p.origin, other);
    const clock = systemClock();
    const repo = await openRepo(p.clone, { env: process.env, clock, ledgerBranch: settings ? ledger : undefined });
    let pushes = 0;
    const push: Repo["push"] = async (...args) => {
      if (++pushes === 1) {
        await runTick(other, machines, say, { random: "bbbbbbbbbbbb" });
        p.push({ "tasks/b.md": md("title: B", "b") });
      }
      return repo.push(...args);
    };
    const late = await runTick(p.clone, machines, say, { repo: { ...repo, push }, random: "aaaaaaaaaaaa" });
    expect(late.starts.map((start) => start.task)).toEqual(["b"]);
    expect(machines.ann.packs).toEqual(["test-pack-bbbbbbbbbbbb", "test-pack-bbbbbbbbbbbb"]);
  });

  test("a copy starts nothing and writes nothing, and every verb says so; adopted, its jobs are others", async () => {
    const machines: Record<string, FakeMachine> = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a"), "tasks/long.md": md("title: Long", "x") }, settings);
    await runTick(p.clone, machines, (job) => ({ hangs: job.startsWith("long") }));
    const copy = copyOf(p, ...branches);
    const untouched = refs(copy);
    const tick = await towline(["tick", ...quick, "--repo", copy.clone]);
    expect([tick.code, tick.err]).toEqual([3, expect.stringContaining("init --adopt")]);
    const plan = await cli(copy.clone, ["plan"]);
    expect([plan.code, plan.said]).toEqual([3, expect.stringContaining("init --adopt")]);
    expect((await cli(copy.clone, ["job", "cancel", "long"])).code).toBe(2); // it is told the job's id first
    const open = [...(machines.ann?.runs.keys() ?? [])].find((key) => key.startsWith("long-"))?.split("/")[0] ?? "";
    const cancelled = await cli(copy.clone, ["job", "cancel", open]);
    expect([cancelled.code, cancelled.said]).toEqual([3, expect.stringContaining("is a copy of a pack")]);
    expect((await cli(copy.clone, ["why", "a"])).said).toContain("is a copy of a pack");
    expect((await cli(copy.clone, ["task", "list"])).said).toContain("is a copy of a pack");
    await expect(runTick(copy.clone, machines, say)).rejects.toThrow("is a copy of a pack");
    expect(refs(copy)).toBe(untouched);

    const adopted = await cli(copy.clone, ["init", "--adopt", "--json"]);
    expect(adopted.code).toBe(0);
    const told = JSON.parse(adopted.out);
    expect(told).toMatchObject({ from: "test-pack-0123456789ab", closed: [open] });
    expect(told.pack).toMatch(/^test-pack-[0-9a-f]{12}$/);
    expect(mark(copy, ledger).pack).toBe(told.pack);
    expect(mark(copy, "refs/towline/pack")).toEqual(mark(copy, ledger));
    const again = await cli(copy.clone, ["init", "--adopt", "--json"]);
    expect(JSON.parse(again.out)).toMatchObject({ pack: told.pack, commit: null });

    // The same run of the same task, asked for in both: two jobs, and neither touches the other's.
    const bump = { "tasks/a.md": md("title: A\nrun: 2", "a") };
    p.push(bump);
    p.git("-C", copy.clone, "pull", "-q", "--rebase");
    writeFileSync(join(copy.clone, "tasks/a.md"), bump["tasks/a.md"]);
    p.git("-C", copy.clone, "commit", "-qam", "again");
    p.git("-C", copy.clone, "push", "-q", "origin", "HEAD:main");
    const mine = await runTick(p.clone, machines, say);
    const theirs = await runTick(copy.clone, machines, say);
    expect([mine.starts.length, theirs.starts.length]).toEqual([1, 1]);
    expect(theirs.starts[0]?.job).not.toBe(mine.starts[0]?.job);
    expect(machines.ann?.runs.get(`${open}/1`)?.run.hangs).toBe(true);
  });

  test("a mirror on the forge is told by the forge's own id; a laptop on the same origin may tick", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    onGithub(p, p.clone, p.origin);
    await runTick(p.clone, machines, say, { ci: github("17") });
    expect(mark(p, ledger)).toMatchObject({ forge: "github.com/17" });
    await runTick(p.clone, machines, say);
    const mirror = copyOf(p, "--mirror");
    onGithub(p, mirror.clone, join(p.dir, `copy${packs.length}-1.git`));
    const untouched = refs(mirror);
    await expect(runTick(mirror.clone, machines, say, { ci: github("18") })).rejects.toThrow(
      "its ledger belongs to the repository github.com/17, and this one is github.com/18",
    );
    expect(refs(mirror)).toBe(untouched);
    // CI of another repository ticks this one: its id says nothing about this origin.
    await runTick(p.clone, machines, say, { ci: github("99", "them/other") });
    // The ref alone was lost: the forge vouches, and the next commit brings it back.
    p.at("update-ref", "-d", "refs/towline/pack");
    await expect(runTick(p.clone, machines, say)).rejects.toThrow("is a copy");
    p.push({ "tasks/b.md": md("title: B", "b") });
    await runTick(p.clone, machines, say, { ci: github("17") });
    expect(mark(p, "refs/towline/pack")).toEqual(mark(p, ledger));
  });

  test("two tickers bind a fresh pack at once: one id, each job once", async () => {
    const machines = { ann: machine({ slots: 9 }) };
    const p = pack(Object.fromEntries([1, 2, 3].map((n) => [`tasks/t${n}.md`, md(`title: T${n}`, "x")])), settings);
    const clones = [p.clone, ...[1, 2].map((n) => join(p.dir, `clone${n}`))];
    for (const clone of clones.slice(1)) p.git("clone", "-q", p.origin, clone);
    await Promise.all(clones.map((clone, i) => runTick(clone, machines, say, { random: `${i}`.repeat(12) })));
    for (const clone of clones) await runTick(clone, machines, say);
    const { journal } = machines.ann;
    expect(journal.map((key) => key.slice(0, 2)).sort()).toEqual(["t1", "t2", "t3"]);
    expect(mark(p, "refs/towline/pack")).toEqual(mark(p, ledger));
    expect(mark(p, ledger).pack).toMatch(/^test-pack-(0{12}|1{12}|2{12})$/);
  });

  test("a first push whose answer is lost binds once, whenever it lands", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    p.git("config", "remote.origin.receivepack", "setsid git-receive-pack");
    const once = join(p.dir, "slow-once");
    const hook = join(p.origin, "hooks", "pre-receive");
    writeFileSync(hook, `#!/bin/sh\n[ -e ${once} ] && exit 0\n: >${once}\nsleep 3\n`, { mode: 0o755 });
    const ledgerBranch = ledger === "main" ? undefined : ledger;
    const repo = await openRepo(p.clone, { ledgerBranch, deadlines: { push: 1000 } });
    await runTick(p.clone, machines, say, { repo });
    expect(existsSync(once)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await runTick(p.clone, machines, say);
    expect(machines.ann.journal).toHaveLength(1);
    expect(mark(p, "refs/towline/pack")).toEqual(mark(p, ledger));
    expect(p.at("log", "--format=%s", ledger).match(/claimed/g)).toHaveLength(1);
  });

  test("a shallow checkout of one branch, as CI makes it, ticks; one of a copy does not", async () => {
    const machines = { ann: machine() };
    const p = pack({ "tasks/a.md": md("title: A", "a") }, settings);
    await runTick(p.clone, machines, say);
    for (let i = 0; i < 3; i++) p.push({ [`notes/${i}.txt`]: "x" });
    const shallow = (bare: string, name: string) => {
      const dir = join(p.dir, name);
      p.git("clone", "-q", "--depth=1", "--single-branch", "--branch=main", `file://${bare}`, dir);
      p.git("-C", dir, "checkout", "-q", "--detach");
      return dir;
    };
    p.push({ "tasks/b.md": md("title: B", "b") });
    const dir = shallow(p.origin, "ci");
    p.push({ "tasks/c.md": md("title: C", "c") });
    expect((await runTick(dir, machines, say)).starts.map((one) => one.task).sort()).toEqual(["b", "c"]);
    expect(p.git("-C", dir, "rev-list", "--count", "HEAD").trim()).toBe("1");
    copyOf(p, ...branches);
    const copied = shallow(join(p.dir, `copy${packs.length}-1.git`), "ci-copy");
    await expect(runTick(copied, machines, say)).rejects.toThrow("is a copy");
  });
});

test("a ledger that nothing says anything about is nobody's", async () => {
  const p = pack({ "tasks/a.md": md("title: A", "a"), "state/open.ndjson": '{"job":"x","path":"jobs/x.md"}\n' });
  await expect(runTick(p.clone, { ann: machine() }, say)).rejects.toThrow("nothing that says whose it is");
});

test("a copy of a fresh pack is a fresh pack of its own; init without --adopt explains itself", async () => {
  const p = pack({ "tasks/a.md": md("title: A", "a") });
  const copy = copyOf(p, ...branches);
  await runTick(p.clone, { ann: machine() }, say);
  await runTick(copy.clone, { ann: machine() }, say, { random: "f".repeat(12) });
  expect(mark(copy, "main").pack).not.toBe(mark(p, "main").pack);
  expect((await cli(p.clone, ["init"])).code).toBe(2);
  const nothing = await cli(p.clone, ["init", "--adopt"]);
  expect([nothing.code, nothing.out]).toEqual([0, expect.stringContaining("is no copy: nothing was changed")]);
});
