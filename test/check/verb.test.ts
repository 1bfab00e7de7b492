// `towline check` over real repositories.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Problem } from "../../src/core/entry.ts";
import { cli } from "../fakes/cli.ts";
import { clone, env, git, note, open, origin, personPushes, tempDir, write } from "../repo/origin.ts";
import { sound } from "./pack.ts";

const run = (dir: string, ...args: string[]) => cli(dir, ["check", ...args], env);

async function places(dir: string, ...args: string[]): Promise<string[]> {
  const { out, said } = await run(dir, "--json", ...args);
  if (out === "") throw new Error(said);
  return (JSON.parse(out).problems as Problem[]).map((p) => `${p.path}:${p.line} ${p.code}`);
}

const broken = "---\ntitle: [\n---\n";

describe("the work tree", () => {
  test("before the first commit, new files count and ignored ones do not", async () => {
    const dir = tempDir();
    git(dir, "init", "-q", "-b", "main", ".");
    write(dir, { ...sound, ".gitignore": "node_modules/\n", "node_modules/tasks/x.md": broken });
    expect(await run(dir)).toEqual({ out: "3 records checked, nothing to mend\n", code: 0, said: "" });
    write(dir, { "tasks/bad.md": broken });
    const found = await run(join(dir, "tasks"));
    expect(found.code).toBe(1);
    expect(found.out).toContain("tasks/bad.md:3:9: error: ");
    git(dir, "add", "-A");
    rmSync(join(dir, "tasks/bad.md"));
    expect((await run(dir)).code).toBe(0);
  });

  test("links are named and not followed, nor is a repository inside", async () => {
    const outside = tempDir();
    write(outside, { "bad.md": broken });
    const dir = clone(origin(sound));
    symlinkSync(outside, join(dir, "queue"));
    symlinkSync(join(outside, "bad.md"), join(dir, "tasks/link.md"));
    rmSync(join(dir, "agents"), { recursive: true });
    symlinkSync(outside, join(dir, "agents"));
    mkdirSync(join(dir, "jobs/inner"), { recursive: true });
    git(join(dir, "jobs/inner"), "init", "-q");
    write(dir, { "jobs/inner/x.md": broken });
    git(join(dir, "jobs/inner"), "add", "-A");
    git(join(dir, "jobs/inner"), "commit", "-q", "-m", "x");
    const found = await places(dir);
    expect(found).toEqual(
      expect.arrayContaining([
        "agents:1 symlink",
        "jobs/inner:1 gitlink",
        "queue:1 symlink",
        "tasks/link.md:1 symlink",
      ]),
    );
    expect(found.join()).not.toContain("bad.md");
  });

  test("rows of a collection are read in the work tree and in a commit, those of other folders are not", async () => {
    const leads = {
      "towline.yml": `${sound["towline.yml"]}collections:\n  leads: {folder: crm}\n`,
      "crm/schema.json": '{"type": "object", "required": ["who"], "properties": {"who": {"type": "string"}}}',
      "crm/a.md": "---\nstage: new\n---\n",
      "other/a.md": broken,
    };
    const dir = clone(origin({ ...sound, ...leads }));
    expect(await places(dir)).toEqual(["crm/a.md:1 missing"]);
    write(dir, { "crm/a.md": "---\nwho: A\n---\n" });
    expect(await places(dir)).toEqual([]);
    expect(await places(dir, "--at", "HEAD")).toEqual(["crm/a.md:1 missing"]);
  });

  test("bytes that are no text", async () => {
    const dir = clone(origin(sound));
    write(dir, { "tasks/big.md": "x".repeat((1 << 20) + 1) });
    git(dir, "config", "core.autocrlf", "false");
    writeFileSync(join(dir, "tasks/utf16.md"), Buffer.from("\ufeff---\ntitle: x\n---\n", "utf16le"));
    expect(await places(dir)).toEqual(["tasks/big.md:1 too-big", "tasks/utf16.md:1 encoding"]);
    git(dir, "add", "-A");
    git(dir, "commit", "-q", "-m", "x");
    expect(await places(dir, "--at", "HEAD")).toEqual(["tasks/big.md:1 too-big", "tasks/utf16.md:1 encoding"]);
  });
});

test("a commit, whatever lies in the work tree; in a bare clone, too", async () => {
  const o = origin({ ...sound, "tasks/old.md": broken });
  const dir = clone(o);
  rmSync(join(dir, "tasks/old.md"));
  expect((await run(dir)).code).toBe(0);
  expect(await places(dir, "--at", "HEAD")).toEqual(["tasks/old.md:3 yaml"]);
  const bare = clone(o, "--bare");
  expect(await places(bare, "--at", "main")).toEqual(["tasks/old.md:3 yaml"]);
  expect(await run(bare)).toMatchObject({ code: 2, said: expect.stringContaining("--at") });
});

test("exit codes: 2 for a wrong word, 3 for what is no pack", async () => {
  const dir = clone(origin(sound));
  expect((await run(dir, "--at", "nowhere")).code).toBe(2);
  expect((await run(dir, "--base", "nowhere")).code).toBe(2);
  expect((await run(dir, "--format", "xml")).code).toBe(2);
  expect((await run(tempDir())).code).toBe(3);
  expect((await run(clone(origin({ "README.md": "x" })))).code).toBe(3);
  write(dir, { "towline.yml": "id: [\n" });
  expect((await run(dir)).code).toBe(1);
});

const memo =
  "---\nkind: ask\ntitle: T\nsubject: s\ncreated: 2026-11-21T09:00:00Z\nexpires: 2026-11-28T09:00:00Z\nstatus: open\n---\nq\n";

test("changes since a base, from the point where this line of history left it", async () => {
  const o = origin({ ...sound, "memos/2026/11/m.md": memo, "OVERVIEW.md": "a\n" });
  const dir = clone(o);
  git(dir, "checkout", "-q", "-b", "pr");
  write(dir, {
    "memos/2026/11/m.md": memo.replace("open", "answered"),
    "tasks/two.md": sound["tasks/one.md"] as string,
  });
  git(dir, "add", "-A");
  git(dir, "commit", "-q", "-m", "answer");
  personPushes(o, { "OVERVIEW.md": "b\n", "jobs/x.md": "written meanwhile" });
  git(dir, "fetch", "-q");
  expect(await places(dir, "--at", "HEAD", "--base", "origin/main")).toEqual([]);
  expect(await places(dir, "--base", "origin/main")).toEqual([]);
  write(dir, { "OVERVIEW.md": "mine\n", "status/new.md": "new" });
  expect((await places(dir, "--base", "origin/main")).filter((p) => p.endsWith(" ledger"))).toEqual([
    "OVERVIEW.md:1 ledger",
    "status/new.md:1 ledger",
  ]);
  rmSync(join(dir, "memos/2026/11/m.md"));
  git(dir, "add", "-A");
  git(dir, "commit", "-q", "-m", "meddle");
  expect((await places(dir, "--at", "pr", "--base", "origin/main")).filter((p) => p.endsWith(" ledger"))).toEqual([
    "OVERVIEW.md:1 ledger",
    "memos/2026/11/m.md:1 ledger",
    "status/new.md:1 ledger",
  ]);
});

test("a ledger on its own branch is read as it was last fetched", async () => {
  const o = origin({
    ...sound,
    "towline.yml": `${sound["towline.yml"]}ledger: {branch: towline}\n`,
    "tasks/two.md": "---\ntitle: Two\nafter: born-q0123abcd\n---\n",
  });
  const dir = clone(o);
  expect(await places(dir)).toEqual(["tasks/two.md:3 unknown-task"]);
  const repo = await open(dir, { ledgerBranch: "towline" });
  await repo.push(await repo.fetch(), new Map([["queue/born-q0123abcd.md", "---\ntitle: Born\n---\n"]]), note);
  expect(await places(dir)).toEqual([]);
  expect(await places(dir, "--at", "HEAD")).toEqual([]);
});

test("a thousand good tasks and three bad ones, as annotations", async () => {
  const good = Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [`tasks/good-${i}.md`, `---\ntitle: Good ${i}\n---\n`]),
  );
  const o = origin({
    ...sound,
    ...good,
    "tasks/broken.md": broken,
    "tasks/js.md": "---js\n{}\n---\n",
    "tasks/bomb.md": "---\na: &a [x]\nb: [*a, *a]\n---\n",
  });
  const { out, code } = await run(clone(o), "--format", "github");
  expect(code).toBe(1);
  expect(out.match(/^::error file=tasks\/(broken|js|bomb)\.md,line=\d+,col=\d+,/gm)).toHaveLength(3);
  expect(out).toContain("1,006 records checked: 3 errors, 0 warnings");
});

describe("scripts", () => {
  test("what sh cannot read is a warning at its line; nothing is run", async () => {
    const dir = tempDir();
    git(dir, "init", "-q", "-b", "main", ".");
    const mark = join(dir, "ran");
    write(dir, {
      ...sound,
      "tasks/if.md": `---\ntitle: I\n---\n\nWords, it's fine.\n\n\`\`\`sh\ntouch ${mark}\nif true; then\n  echo )\nfi\n\`\`\`\n`,
      "tasks/py.md": "---\ntitle: P\n---\n#!/usr/bin/env python3\nprint((1, 2))\n",
      "tasks/good.md": `---\ntitle: G\n---\ntouch ${mark}\n`,
      "tasks/model.md": "---\ntitle: M\nagent: model\n---\nIt's (a prompt\n",
      "agents/model.md": "---\nruntime: picoclaw\nhosts: label:web\n---\n",
    });
    const found = await run(dir);
    expect(found.out).toMatch(/^tasks\/if\.md:10:1: warning: sh cannot read the script: .+$/m);
    expect(found.out.match(/sh cannot read/g)).toHaveLength(1);
    expect(found.code).toBe(0);
    expect(existsSync(mark)).toBe(false);
  });
});
