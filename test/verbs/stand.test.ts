// What `plan`, `why` and `task list` say about the same pack: one answer in three forms.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

function made(files: Record<string, string>): TestPack {
  const pack = testPack(files);
  packs.push(pack);
  return pack;
}

const run = (pack: TestPack, ...args: string[]) => cli(pack.clone, args);

const at = "2026-11-20T10:00:00.123Z";
const job = (n: number, task: string, host: string, state: string) =>
  `{id: ${task}-${n}, path: jobs/2026/11/20/${task}-${n}.md, state: ${state}, occurrence: run-${n}, host: ${host}, at: "${at}"}`;
const status = (id: string, state: string, more = "", answer = "") => ({
  [`status/${id}.md`]: md(
    `title: ${id}\nstate: ${state}\nsince: ${at}\nseen: ${at}\n${more}`,
    `# ${id}\n\n## Answer\n\n${answer}\n\n## Jobs\n`,
  ),
});
/** Pushed as a tick would have. */
const ticked = (pack: TestPack, files: Record<string, string>) =>
  pack.push(files, "tick\n\nTowline-Tick: t1\nTowline-Attempt: 1");

const reason = "picoclaw is not installed on home: put it on the PATH of that host";
const found = " (as the last tick found)";

async function three(pack: TestPack, task: string) {
  const [plan, why, list] = [await run(pack, "plan"), await run(pack, "why", task), await run(pack, "task", "list")];
  return { plan: plan.out, why: why.out, list: list.out, code: plan.code };
}

describe("what stands in a task's way", () => {
  test("the last tick's finding counts until the task changes", async () => {
    const pack = made({ ...basics(["home"]), "tasks/claw.md": md("title: Claw", "echo 1") });
    ticked(pack, status("claw", "blocked", `waits_on: hosts\nreason: "${reason}"`));
    const before = await three(pack, "claw");
    expect(before.plan).toBe(`‖ blocked  claw: ${reason}${found}\n`);
    expect(before.code).toBe(1);
    expect(before.why).toContain(`claw: blocked\n  ${reason}${found}\n`);
    expect(before.list).toBe(`‖ claw  blocked    ${reason}${found}\n`);
    writeFileSync(join(pack.clone, "tasks/claw.md"), md("title: Claw\nrun: 2", "echo 2"));
    const after = await three(pack, "claw");
    expect(after.plan).toBe(
      "● start  claw  (run-2)  on home\nThis plan reads the work tree. Origin, as last fetched, differs in tasks/claw.md: ticks read what is pushed.\n",
    );
    expect(after.why).toContain("claw: due\n  owed run run-2 (run); the next tick starts it on home\n");
    expect(after.list).toContain("○ claw  due ");
  });

  test("what the records say is judged anew, and no host is no start", async () => {
    const pack = made({
      ...basics(["home"]),
      "tasks/a.md": md("title: A", "echo 1"),
      "tasks/none.md": md("title: N\nhosts: label:nowhere", "echo 1"),
    });
    ticked(pack, status("a", "blocked", "waits_on: stop\nreason: STOP.md stops everything; remove it to go on"));
    const said = await three(pack, "none");
    expect(said.plan).toBe("● start  a  (run-1)  on home\n‖ blocked  none: no host matches its `hosts:` selector\n");
    expect(said.why).toContain("none: blocked\n  no host matches its `hosts:` selector\n  decided by `hosts:`");
    expect(said.list).toContain("‖ none  blocked    no host matches its `hosts:` selector\n");
  });

  test("more tasks than slots: the plan says which may have to wait", async () => {
    const tasks = Object.fromEntries(
      [1, 2, 3, 4, 5, 6].map((n) => [`tasks/t${n}.md`, md(`title: T${n}`, `echo ${n}`)]),
    );
    const pack = made({ ...basics(["home"]), ...tasks });
    const lines = (await run(pack, "plan")).out.trim().split("\n");
    expect(lines[3]).toBe("● start  t4  (run-1)  on home");
    expect(lines[4]).toBe("● start  t5  (run-1)  on home; may have to wait for a free slot");
  });
});

describe("a task that has run", () => {
  test("the list shows when, where and the answer; why names the next value of run", async () => {
    const pack = made({
      ...basics(["home"]),
      "tasks/a.md": md("title: A", "echo 1"),
      "tasks/b.md": md("title: B\nrun: 3", "echo 1"),
    });
    ticked(pack, {
      ...status(
        "a",
        "done",
        `last_occurrence: run-1\njobs: [${job(1, "a", "home", "finished")}]`,
        "```text\nfine\nx\n```",
      ),
      ...status(
        "b",
        "failed",
        `reason: "exit 7: boom"\nlast_occurrence: run-3\njobs: [${job(3, "b", "home", "failed")}]`,
      ),
      ...{
        "jobs/2026/11/20/a-1.md": md(
          `task: a\nstate: finished\nhost: home\nrun: {occurrence: run-1, run_id: a-1, epoch: 1, tick: t, claimed_at: "${at}", deadline: 60s, input_hash: x, ended_at: "2026-11-20T10:00:07.5Z"}`,
        ),
      },
    });
    expect((await run(pack, "task", "list")).out).toBe(
      "✓ a  done       2026-11-20T10:00:00Z  home  fine\n✕ b  failed     failed at 2026-11-20T10:00:00Z on home: exit 7: boom; raise it to `run: 4` to run it again\n",
    );
    expect((await run(pack, "why", "a")).out).toContain(
      "a: done\n  done at 2026-11-20T10:00:07Z on home; add `run: 2` to run it again\n",
    );
    expect(JSON.parse((await run(pack, "task", "list", "--json")).out)[0]).toMatchObject({
      state: "done",
      last_at: "2026-11-20T10:00:00Z",
      last_host: "home",
      answer: "fine",
    });
  });
});
