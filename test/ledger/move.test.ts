// The ledger moves while jobs run and ticks are at work: real git, ticks before, beside and after it.
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { withSetting } from "../../src/core/setting-line.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { cli } from "../fakes/cli.ts";
import { machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

const branch = "towline-ledger";
const hangs: Script = () => ({ hangs: true, stdout: "late but here\n" });
const say: Script = (job) => ({ stdout: `answer of ${job}\n` });
const ways = [
  ["branch", "", "main", branch],
  ["default", `ledger: {branch: ${branch}} # its own\n`, branch, "main"],
] as const;

function pack(settings: string): TestPack {
  const made = testPack({ ...basics(["ann"], settings), "tasks/a.md": md("title: A", "a") });
  packs.push(made);
  made.git("fetch", "-q", "origin");
  made.git("branch", "-q", "-u", "origin/main");
  return made;
}
const move = async (p: TestPack, to: string, ...more: string[]) => {
  const said = await cli(p.clone, ["ledger", "move", "--to", to, "--json", ...more]);
  return { ...said, moved: said.out === "" ? null : JSON.parse(said.out) };
};
const state = (p: TestPack, task: string, ref: string) => /^state: (\w+)$/m.exec(p.file(`status/${task}.md`, ref))?.[1];
const paths = (p: TestPack, ref: string) => p.at("ls-tree", "-r", "--name-only", ref).trim().split("\n");

describe.each(ways)("to %s", (to, settings, from, there) => {
  test("a job that runs is collected, a tick that read before the move starts nothing, and all stays what it was", async () => {
    const machines = { ann: machine() };
    const p = pack(settings);
    await runTick(p.clone, machines, say);
    p.push({ "tasks/b.md": md("title: B", "b") });
    await runTick(p.clone, machines, hangs);
    expect(state(p, "b", from)).toBe("running");
    const ledgerBefore = paths(p, from).filter((path) => /^(jobs|status|state|reflections)\/|^OVERVIEW/.test(path));
    const tip = p.at("rev-parse", from).trim();

    p.push({ "tasks/c.md": md("title: C", "c") });
    const { repo } = await openOrigin(p.clone, { env: process.env, clock: systemClock(), secrets: noSecrets });

    // Also where the old branch is left, and looks as it did.
    const { code, moved } = await move(p, to, ...(to === "default" ? ["--keep-branch"] : []));
    expect([code, moved]).toEqual([0, expect.objectContaining({ from, to: there, here: true })]);
    const refs = p.at("for-each-ref", "refs/heads", "refs/towline/pack");
    await expect(runTick(p.clone, machines, say, { repo })).rejects.toThrow("the ledger moved");
    expect(machines.ann.journal).toHaveLength(2);
    expect(p.at("for-each-ref", "refs/heads", "refs/towline/pack")).toBe(refs);

    expect(moved.open).toHaveLength(1);
    expect(paths(p, there)).toEqual(expect.arrayContaining(ledgerBefore));
    // People's files stand where they stood, and nowhere else.
    expect(paths(p, "main").filter((path) => /^(tasks|agents|hosts)\//.test(path))).toHaveLength(5);
    if (to === "branch") expect(paths(p, "main").filter((path) => ledgerBefore.includes(path))).toEqual([]);
    expect(p.at("merge-base", "--is-ancestor", tip, "main")).toBe("");
    expect((await move(p, to)).moved.commit).toBe(null);

    for (const one of machines.ann.runs.values()) one.run.hangs = false;
    await runTick(p.clone, machines, say);
    for (const task of ["a", "b", "c"]) expect([task, state(p, task, there)]).toEqual([task, "done"]);
    expect(p.file("status/b.md", there)).toContain("late but here");
    expect(machines.ann.journal).toHaveLength(3);
    const checked = await cli(p.clone, ["check"]);
    expect([checked.code, checked.out]).toEqual([0, expect.not.stringContaining("error")]);
  });
});

if (process.env.TOWLINE_LONG !== undefined)
  test("a commit of another tick that comes in between is not lost", async () => {
    const machines = { ann: machine() };
    const p = pack(`ledger: {branch: ${branch}}\n`);
    await runTick(p.clone, machines, say);
    const refs = () =>
      [`refs/heads/${branch}`, "refs/towline/pack"].map((ref) => `${ref} ${p.at("rev-parse", ref).trim()}`);
    const before = refs();
    p.push({ "tasks/b.md": md("title: B", "b") });
    await runTick(p.clone, machines, say);
    const after = refs();
    // Origin shows what was before, until the first push is under way.
    for (const one of before) p.at("update-ref", ...one.split(" "));
    const hook = join(p.origin, "hooks", "pre-receive");
    const late = after.map((one) => `git update-ref ${one}`).join("; ");
    writeFileSync(hook, `#!/bin/sh\n[ -e late ] || { : >late; unset GIT_QUARANTINE_PATH; ${late}; }\n`);
    chmodSync(hook, 0o755);
    expect((await move(p, "default")).code).toBe(0);
    expect(existsSync(join(p.origin, "late"))).toBe(true);
    expect(state(p, "b", "main")).toBe("done");
    expect(() => p.at("rev-parse", "--verify", "--quiet", branch)).toThrow();
    expect(p.at("merge-base", "--is-ancestor", after[0]?.split(" ")[1] ?? "", "main")).toBe("");
  });

test("words that are no place are refused", async () => {
  const p = pack("");
  expect(await move(p, "moon")).toMatchObject({ code: 2, said: expect.stringContaining("is no place") });
  expect(await move(p, "branch")).toMatchObject({ code: 3, said: expect.stringContaining("no ledger yet") });
});

test.each([
  ["id: a\n", "id: a\nledger: {branch: x}\n"],
  ["id: a", "id: a\nledger: {branch: x}\n"],
  ["id: a\r\nname: b\r\n", "id: a\r\nname: b\r\nledger: {branch: x}\r\n"],
  [
    "ledger: {branch: y, format: 1} # why\n# tick\ntick: {every: 1h}\n",
    "ledger: {branch: x}\n# tick\ntick: {every: 1h}\n",
  ],
  [
    "ledger:\n  branch: y\n  # more\n\n# tick\ntick: {every: 1h}\n",
    "ledger: {branch: x}\n  # more\n\n# tick\ntick: {every: 1h}\n",
  ],
  ["ledger:\nid: a\n", "ledger: {branch: x}\nid: a\n"],
])("%j keeps every other byte", (text, after) => expect(withSetting(text, "ledger", "{branch: x}")).toBe(after));
