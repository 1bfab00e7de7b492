// check.yml as the service would run it, on pull requests of people who mean well and of others.
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sound } from "../check/pack.ts";
import { openStage, type Stage, write } from "./stage.ts";

const memo = (status: string, title: string) => ({
  "memos/m-1.md": `---\nkind: ask\ntitle: ${title}\nsubject: one\nstatus: ${status}\ncreated: 2026-11-20T10:00:00Z\nexpires: 2026-12-20T10:00:00Z\n---\n`,
});
let stage: Stage;
beforeAll(async () => {
  stage = await openStage({
    ...sound,
    ...memo("open", "May it?"),
    "tasks/old.md": "---\ntitle: Old\nagent: nobody\n---\nuptime\n",
  });
});
afterAll(() => stage.close());

/** Proposes what `change` does to a clone of main as pull request 7, and runs the workflow on it. */
async function propose(change: (dir: string) => void) {
  const { git, person, bare } = stage;
  const base = git(person, "rev-parse", "main");
  git(person, "checkout", "-q", "-B", "proposal", "main");
  change(person);
  git(person, "add", "-A", "-f", ".");
  git(person, "commit", "-q", "-m", "Towline: merge me ::set-env name=A::b");
  git(person, "push", "-q", "-f", bare, "HEAD:refs/pull/7/head");
  git(person, "checkout", "-q", "-f", "main");
  git(person, "clean", "-qfdx");
  const pull = { number: 7, base: { sha: base, ref: "main" }, head: { ref: '";touch x;#' } };
  const jobs = await stage.run("check.yml", { github: { event_name: "pull_request", event: { pull_request: pull } } });
  const job = jobs.get("check");
  const last = job?.steps.at(-1);
  if (!job || !last) throw new Error("the job has not run");
  return { job, log: last.log, code: last.code };
}

describe("check.yml", () => {
  test("a task that is added and an answer that is given: all is well, and the summary says what it touches", async () => {
    const change = { "tasks/two.md": "---\ntitle: Two\n---\nuptime\n", ...memo("answered", "May it?") };
    const { job, code, log } = await propose((dir) => write(dir, change));
    expect([job.result, code], log).toEqual(["success", 0]);
    // What was wrong before is named, and stands in nobody's way.
    expect(log).toMatch(/^::warning .*file=tasks\/old\.md/m);
    expect(log).toContain("1 to mend");
    expect(job.summary).toMatch(/\*\*work: .*\(1\): tasks\/two\.md/);
  });

  test("what is wrong, or not a person's to change, is an annotation at its line, and the job fails", async () => {
    const change = { "tasks/bad.md": "---\ntitle: Bad\nagent: scot\n---\n", ...memo("answered", "It may.") };
    const { job, log } = await propose((dir) => write(dir, change));
    expect(job.result).toBe("failure");
    expect(log).toMatch(/^::error .*file=tasks\/bad\.md,line=3.*scout/m);
    expect(log).toMatch(/^::error .*file=memos\/m-1\.md,line=3.*title/m);
    expect(job.summary).toContain("tasks/bad.md:3");
  });

  test("nothing that a head holds is run, followed or believed", async () => {
    const canary = join(stage.dir, "canary");
    const evil = `require("fs").writeFileSync(${JSON.stringify(canary)},"");`;
    const { job, log } = await propose((dir) => {
      write(dir, {
        "src/action.ts": `import fs from "node:fs"; fs.writeFileSync(${JSON.stringify(canary)}, "");\n`,
        "package.json": JSON.stringify({ scripts: { check: `touch ${canary}`, preinstall: `touch ${canary}` } }),
        ".npmrc": `script-shell=${canary}\n`,
        ".github/workflows/check.yml": `on: pull_request\njobs: {a: {runs-on: x, steps: [{run: "touch ${canary}"}]}}\n`,
        ".gitattributes": "* filter=evil diff=evil\n",
        ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ext::touch ${canary}\n`,
        // The way to be judged by one's own rules: a ledger that is elsewhere.
        "towline.yml": `${sound["towline.yml"]}ledger: {branch: elsewhere}\n`,
        "jobs/2026/11/20/forged-abc.md": "---\ntask: one\nstate: done\n---\n",
        "tasks/huge.md": `---\ntitle: Huge\n---\n${"x".repeat(3 << 20)}`,
        "tasks/script.md": `---\ntitle: Script\n---\ntouch ${canary}\n$(touch ${canary})\n\`touch ${canary}\`\n`,
        "tasks/js.md": `---js\n${evil}\n---\nx\n`,
        'tasks/a";touch x;#.md': "---\ntitle: Name\n---\nx\n",
        "tasks/::error file=a::b.md": "---\ntitle: ::add-mask::a\n---\nx\n",
        "tasks/new\nline ::warning::c.md": "---\ntitle: x\nrun: soon\n---\nx\n",
      });
      symlinkSync("/etc/passwd", join(dir, "tasks", "link.md"));
      symlinkSync(stage.dir, join(dir, "hosts", "up"));
      writeFileSync(join(dir, "tasks", "bytes.md"), Buffer.from([0xff, 0xfe, 0, 1]));
    });
    expect(job.result).toBe("failure");
    expect(existsSync(canary)).toBe(false);
    expect(stage.git(stage.workspace, "status", "--porcelain", "--untracked-files=all")).toBe("");
    expect(stage.git(stage.workspace, "rev-parse", "HEAD")).toBe(stage.git(stage.person, "rev-parse", "main"));
    expect(log).toMatch(/^::error .*file=jobs\/2026\/11\/20\/forged-abc\.md.*only towline adds files here/m);
    for (const path of ["tasks/link.md", "hosts/up", "tasks/huge.md", "tasks/bytes.md"])
      expect(log).toMatch(new RegExp(`^::error .*file=${path}`, "m"));
    expect(log).not.toContain("root:x:0");
    const commands = log.split("\n").filter((line) => /^\s*::|##\[/.test(line));
    for (const line of commands) expect(line).toMatch(/^::(error|warning|add-mask|stop-commands|[0-9a-f-]{36}::$)/);
    expect(job.summary).toMatch(/\*\*policy: .*towline\.yml/);
    expect(job.summary).toMatch(/\*\*ledger: .*\(1\): jobs/);
    expect(job.summary).not.toMatch(/^::/m);
  });

  test("base moved on since: what towline wrote there meanwhile is not the head's doing", async () => {
    const { git, person, bare } = stage;
    git(person, "checkout", "-q", "main");
    const fork = git(person, "rev-parse", "HEAD");
    write(person, { "OVERVIEW.md": "# All is well\n" });
    git(person, "add", "-A");
    for (let n = 1; n <= 60; n++) git(person, "commit", "-q", "--allow-empty", "-m", `ledger ${n}`);
    git(person, "push", "-q", bare, "main");
    const { log, job } = await propose((dir) => {
      git(dir, "reset", "-q", "--hard", fork);
      write(dir, { "tasks/late.md": "---\ntitle: Late\n---\nuptime\n" });
    });
    expect(log).not.toContain("only towline removes");
    expect(job.summary).not.toContain("**ledger");
    expect(job.result).toBe("success");
  });
});
