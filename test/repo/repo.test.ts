import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import type { Repo, Tips } from "../../src/ports.ts";
import { gitEnv } from "../../src/shell/git.ts";
import { clone, env, git, note, open, origin, personPushes, tempDir, tidy, write } from "./origin.ts";

const text = async (repo: Repo, commit: string, path: string) => {
  const [item] = await repo.tree(commit, [path]);
  return item ? Buffer.from((await repo.blobs([item.blob])).get(item.blob) ?? []).toString() : null;
};
const tipsAfter = (tips: Tips, commit: string, own: boolean): Tips =>
  own ? { ...tips, ledger: commit } : { policy: commit, ledger: commit };
const won = (outcome: Awaited<ReturnType<Repo["push"]>>): string => {
  if (outcome.state !== "won") throw new Error(`${outcome.state}: ${outcome.why}`);
  return outcome.commit;
};

describe.each([
  ["on the default branch", undefined],
  ["on a branch of its own", "towline"],
])("ledger %s", (_, ledgerBranch) => {
  const own = ledgerBranch !== undefined;

  test("reads the pair, writes a commit, reads it back", async () => {
    const o = origin();
    const repo = await open(clone(o), { ledgerBranch });
    const tips = await repo.fetch();
    expect(tips).toEqual({
      policy: git(o.bare, "rev-parse", "main"),
      ledger: own ? null : git(o.bare, "rev-parse", "main"),
    });
    const odd = 'jobs/2026/11/21/a "quoted" näme \u{1f680} & $(x).md';
    const commit = won(
      await repo.push(
        tips,
        new Map<string, string | Uint8Array>([
          ["OVERVIEW.md", "# Hello\n"],
          [odd, "ünï\r\ncode"],
          ["state/x", new Uint8Array([0, 255, 10, 13])],
        ]),
        note,
      ),
    );
    expect(git(o.bare, "rev-parse", ledgerBranch ?? "main")).toBe(commit);
    expect(await text(repo, commit, odd)).toBe("ünï\r\ncode");
    const [bytes] = await repo.tree(commit, ["state"]);
    expect([...((await repo.blobs([bytes?.blob as string])).get(bytes?.blob as string) ?? [])]).toEqual([
      0, 255, 10, 13,
    ]);
    expect(await text(repo, commit, "tasks/a.md")).toBe(own ? null : "---\ntitle: A\n---\nhi\n");
    expect(await repo.fetch()).toEqual(tipsAfter(tips, commit, own));
    expect(await repo.local()).toEqual({ policy: tips.policy, ledger: commit });
    expect(git(o.bare, "log", "-1", "--format=%an <%ae> %cn %s%n%(trailers:unfold)", commit)).toMatch(
      /^towline <towline@localhost> towline 2 done \[skip ci\]\nTowline-Tick: t1\nTowline-Attempt: 1\nTowline-Nonce: [0-9a-f]{40}$/,
    );
    expect(git(o.bare, "rev-list", "--parents", "-1", commit).split(" ").length).toBe(own ? 1 : 2);
    expect(tidy(o.bare)).toEqual([]);
  });

  test("a chain of commits without a fetch between; deleting, nesting, the last file of a folder", async () => {
    const o = origin();
    const dir = clone(o);
    const repo = await open(dir, { ledgerBranch });
    let tips = await repo.fetch();
    const steps: [string, string | null][][] = [
      [
        ["jobs/2026/a/b/c.md", "1"],
        ["status/x.md", "s"],
      ],
      [
        ["jobs/2026/a/b/c.md", null],
        ["jobs/2026/d.md", "2"],
      ],
      [
        ["jobs/2026/d.md", null],
        ["status/x.md", null],
      ],
      [
        ["status/never-there.md", null],
        ["memos/m.md", "m"],
      ],
    ];
    for (const step of steps) tips = tipsAfter(tips, won(await repo.push(tips, new Map(step), note)), own);
    const paths = (await repo.tree(tips.ledger as string, ["jobs", "status", "memos"])).map((i) => i.path);
    expect(paths).toEqual(["memos/m.md"]);
    expect(tidy(dir)).toEqual([]);
    expect(tidy(o.bare)).toEqual([]);
  });

  test("a stale pair loses, and so does one whose policy moved", async () => {
    const o = origin();
    const dir = clone(o);
    const repo = await open(dir, { ledgerBranch });
    const old = await repo.fetch();
    won(await repo.push(old, new Map([["jobs/a.md", "1"]]), note));
    expect(await repo.push(old, new Map([["jobs/b.md", "1"]]), note)).toMatchObject({
      state: "lost",
      why: expect.stringContaining("stale info"),
    });
    const tips = await repo.fetch();
    const theirs = personPushes(o, { "STOP.md": "stop\n" });
    const late = await repo.push(tips, new Map([["jobs/c.md", "1"]]), note);
    expect(late).toMatchObject({ state: "lost", why: expect.stringContaining("refs/heads/main") });
    expect(await repo.policyTipNow()).toBe(theirs);
    const now = await repo.fetch();
    expect(now.policy).toBe(theirs);
    won(await repo.push(now, new Map([["jobs/c.md", "1"]]), note));
    expect(tidy(dir)).toEqual([]);
    expect(tidy(o.bare)).toEqual([]);
  });

  test("a shallow single-branch checkout with a detached HEAD, as CI makes it", async () => {
    const o = origin();
    for (let i = 0; i < 3; i++) personPushes(o, { [`tasks/t${i}.md`]: "x" });
    const first = await open(clone(o), { ledgerBranch });
    let tips = await first.fetch();
    for (let i = 0; i < 3; i++)
      tips = tipsAfter(tips, won(await first.push(tips, new Map([[`jobs/${i}.md`, "1"]]), note)), own);
    const dir = tempDir("ci");
    const sha = git(o.bare, "rev-parse", "main");
    git(dir, "init", "-q", ".");
    git(dir, "remote", "add", "origin", `file://${o.bare}`);
    git(dir, "fetch", "-q", "--no-tags", "--depth=1", "origin", `+${sha}:refs/remotes/origin/main`);
    git(dir, "checkout", "-q", "--detach", "refs/remotes/origin/main");
    const repo = await open(dir, { ledgerBranch });
    tips = await repo.fetch();
    expect(tips.ledger).toBe(git(o.bare, "rev-parse", ledgerBranch ?? "main"));
    expect(git(dir, "rev-list", "--count", tips.ledger as string)).toBe("1");
    const mine = won(await repo.push(tips, new Map([["jobs/ci.md", "1"]]), note));
    tips = tipsAfter(tips, mine, own);
    const theirs = await first.fetch();
    const next = won(await first.push(theirs, new Map([["jobs/other.md", "1"]]), note));
    tips = await repo.fetch();
    expect(tips.ledger).toBe(next);
    expect(await repo.contains(next, mine)).toBe(true);
    won(await repo.push(tips, new Map([["jobs/ci2.md", "1"]]), note));
    expect(git(dir, "rev-parse", "--abbrev-ref", "HEAD")).toBe("HEAD");
    expect(git(dir, "status", "--porcelain")).toBe("");
    expect(tidy(o.bare)).toEqual([]);
  });

  test("a bare clone, a mirror, and a shallow clone that has some depth", async () => {
    const o = origin();
    for (let i = 0; i < 5; i++) personPushes(o, { [`tasks/t${i}.md`]: "x" });
    for (const args of [["--bare"], ["--mirror"], ["--depth=3"]]) {
      const dir = clone(o, ...args);
      const before = git(dir, "for-each-ref", "refs/heads", "refs/remotes");
      const repo = await open(dir, { ledgerBranch });
      const tips = await repo.fetch();
      won(await repo.push(tips, new Map([[`jobs/${args[0]}.md`.replace("--", ""), "1"]]), note));
      expect(git(dir, "for-each-ref", "refs/heads", "refs/remotes")).toBe(before);
      if (args[0] === "--depth=3") expect(git(dir, "rev-list", "--count", "HEAD")).toBe("3");
      expect(tidy(dir)).toEqual([]);
    }
    expect(tidy(o.bare)).toEqual([]);
  });

  test("stray, staged, changed and ignored files stay as they are and are never swept in", async () => {
    const o = origin();
    const dir = clone(o);
    write(dir, {
      "canary.txt": "stray",
      "jobs/canary.md": "stray",
      "tasks/a.md": "changed",
      "staged.txt": "s",
      ".gitattributes": "* filter=evil\n",
    });
    git(dir, "config", "filter.evil.clean", "touch CANARY; cat");
    git(dir, "add", "staged.txt");
    write(dir, {
      ".git/hooks/pre-push": "#!/bin/sh\ntouch CANARY\nexit 1\n",
      ".git/hooks/reference-transaction": "#!/bin/sh\ntouch CANARY\nexit 1\n",
    });
    git(dir, "update-index", "-q", "--refresh");
    const index = readFileSync(join(dir, ".git/index"));
    const status = git(dir, "status", "--porcelain");
    writeFileSync(join(dir, ".git/index"), index);
    const repo = await open(join(dir, "tasks"), { ledgerBranch });
    const tips = await repo.fetch();
    const commit = won(await repo.push(tips, new Map([["jobs/a.md", "1"]]), note));
    expect((await repo.tree(commit)).map((i) => i.path)).toEqual(
      own ? ["jobs/a.md"] : ["jobs/a.md", "tasks/a.md", "towline.yml"],
    );
    expect(readFileSync(join(dir, ".git/index"))).toEqual(index);
    expect(git(dir, "status", "--porcelain")).toBe(status);
    expect(git(dir, "rev-parse", "HEAD")).toBe(tips.policy);
  });

  test("the beat: one parentless commit, replaced, seen after a fetch", async () => {
    const o = origin();
    const repo = await open(clone(o), { ledgerBranch });
    await repo.fetch();
    expect(await repo.readBeat()).toBeNull();
    await repo.beat("beat.json", '{"at":1}');
    await repo.beat("beat.json", '{"at":2}');
    await repo.fetch();
    expect(await repo.readBeat()).toBe('{"at":2}');
    expect(git(o.bare, "rev-list", "--count", "refs/towline/beat")).toBe("1");
    git(o.bare, "update-ref", "-d", "refs/towline/beat");
    await repo.fetch();
    expect(await repo.readBeat()).toBeNull();
  });
});

describe("reading", () => {
  test("trees below paths, missing ones left out; blobs by size; differences", async () => {
    const o = origin({
      "towline.yml": "id: p\n",
      "jobs/2026/a.md": "aa",
      "jobs/2026/b.md": "b".repeat(3000),
      "jobs2/c.md": "c",
    });
    const repo = await open(clone(o));
    const { policy } = await repo.fetch();
    expect((await repo.tree(policy, ["jobs", "nope", "towline.yml", "jobs/2026/a.md"])).map((i) => i.path)).toEqual([
      "jobs/2026/a.md",
      "jobs/2026/b.md",
      "towline.yml",
    ]);
    expect(await repo.tree(policy, [])).toEqual([]);
    const items = await repo.tree(policy, ["jobs"]);
    const blobs = await repo.blobs(
      [...items, ...items].map((i) => i.blob),
      2999,
    );
    expect(items.map((i) => blobs.get(i.blob)?.length ?? null)).toEqual([2, null]);
    const next = personPushes(o, { "jobs/2026/a.md": "new", "ünï.md": "x" });
    git(o.person, "rm", "-q", "jobs2/c.md");
    const last = personPushes(o, {});
    await repo.fetch();
    expect((await repo.diff(policy, next)).map((d) => [d.path, d.blob === null])).toEqual([
      ["jobs/2026/a.md", false],
      ["ünï.md", false],
    ]);
    expect(await repo.diff(next, last)).toEqual([{ path: "jobs2/c.md", blob: null }]);
    expect((await repo.diff(null, policy)).length).toBe(4);
    expect((await repo.diff(policy, null)).every((d) => d.blob === null)).toBe(true);
    expect(await repo.diff(null, null)).toEqual([]);
    expect(await repo.diff(policy, policy)).toEqual([]);
  });

  test("local tips without a network", async () => {
    const o = origin();
    const dir = clone(o);
    const repo = await open(dir, { ledgerBranch: "towline" });
    expect(await repo.local()).toEqual({ policy: git(dir, "rev-parse", "HEAD"), ledger: null });
    const tips = await repo.fetch();
    const pushed = await repo.push(tips, new Map([["jobs/a.md", "1"]]), note);
    const older = git(dir, "rev-parse", "HEAD");
    write(dir, { "x.txt": "1" });
    git(dir, "add", "x.txt");
    git(dir, "commit", "-q", "-m", "local");
    const again = await open(dir, { ledgerBranch: "towline" });
    git(dir, "remote", "set-url", "origin", "file:///nonexistent/x.git");
    expect(await again.local()).toEqual({
      policy: git(dir, "rev-parse", "HEAD"),
      ledger: pushed.state === "won" ? pushed.commit : "",
    });
    expect((await again.local("HEAD~1")).policy).toBe(older);
    await expect(again.local("nope")).rejects.toThrow("no commit `nope`");
    await expect(again.local("--all")).rejects.toThrow("no commit");
  });

  test.each([undefined, "towline"])(
    "after a person's git pull, what was known of the pack's ref says nothing of the newer ledger (%s)",
    async (ledgerBranch) => {
      const o = origin();
      const theirs = await open(clone(o), { ledgerBranch });
      const mark = (last: string) => new Map([["state/pack.json", `{"pack":"p","last":"${last}"}\n`]]);
      const first = won(await theirs.push(await theirs.fetch(), mark("t1"), note));
      const dir = clone(o);
      const ours = await open(dir, { ledgerBranch });
      await ours.fetch();
      const seen = await ours.written();
      expect([typeof seen, (await ours.local()).ledger]).toEqual(["string", first]);
      expect(await ours.written()).toBe(seen);
      const second = won(await theirs.push(await theirs.fetch(), mark("t2"), { ...note, tick: "t2" }));
      git(dir, "pull", "-q", "--ff-only");
      const anew = await open(dir, { ledgerBranch });
      expect([(await anew.local()).ledger, await anew.written()]).toEqual([second, undefined]);
      await anew.fetch();
      expect(typeof (await anew.written())).toBe("string");
    },
  );

  test("a local repository without any remote; a folder that is no repository", async () => {
    const dir = tempDir();
    git(dir, "init", "-q", "-b", "main", ".");
    write(dir, { "towline.yml": "id: p\n" });
    git(dir, "add", "-A");
    git(dir, "commit", "-q", "-m", "x");
    const head = git(dir, "rev-parse", "HEAD");
    const repo = await open(dir);
    expect(await repo.local()).toEqual({ policy: head, ledger: head });
    await expect(repo.fetch()).rejects.toThrow("no remote called `origin`");
    await expect(open(tempDir())).rejects.toThrow("is not a git repository");
  });

  test("a renamed default branch is followed; an empty origin is named", async () => {
    const o = origin();
    const dir = clone(o);
    git(o.bare, "branch", "-m", "main", "trunk");
    const repo = await open(dir);
    const tips = await repo.fetch();
    expect((await repo.push(tips, new Map([["jobs/a.md", "1"]]), note)).state).toBe("won");
    expect(git(o.bare, "for-each-ref", "--format=%(refname)", "refs/heads")).toBe("refs/heads/trunk");
    const empty = tempDir();
    git(empty, "init", "-q", "--bare", "e.git");
    git(empty, "clone", "-q", `${empty}/e.git`, "c");
    await expect((await open(`${empty}/c`)).fetch()).rejects.toThrow("no default branch yet");
  });
});

describe("surroundings", () => {
  test("git's variables of a caller do not reach our git; the user's credentials and ssh command do", async () => {
    const given = {
      PATH: "/bin",
      GIT_DIR: "/x",
      GIT_INDEX_FILE: "/y",
      GIT_TRACE_CURL: "1",
      GIT_SSH_COMMAND: "ssh -i k",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.extraheader",
      GIT_CONFIG_VALUE_0: "secret",
    };
    const made = gitEnv(given);
    expect(made).toMatchObject({
      GIT_SSH_COMMAND: "ssh -i k",
      GIT_CONFIG_VALUE_0: "secret",
      GIT_CONFIG_KEY_1: "core.hooksPath",
    });
    expect(Object.keys(made)).not.toContain("GIT_DIR");
    expect(Object.keys(made)).not.toContain("GIT_TRACE_CURL");
    const o = origin();
    const repo = await open(clone(o), {
      env: {
        ...env,
        GIT_DIR: "/nonexistent",
        GIT_WORK_TREE: "/",
        GIT_INDEX_FILE: "/nonexistent/i",
        GIT_OBJECT_DIRECTORY: "/nonexistent/o",
      },
    });
    expect((await repo.push(await repo.fetch(), new Map([["jobs/a.md", "1"]]), note)).state).toBe("won");
  });

  test("a linked work tree, a folder with an awkward name, a relative address, a tag named like the branch", async () => {
    const o = origin();
    git(o.person, "tag", "main");
    git(o.person, "tag", "towline");
    git(o.person, "push", "-q", "origin", "refs/tags/main", "refs/tags/towline");
    const dir = join(tempDir("odd"), 'a: "b" ü');
    git(o.person, "clone", "-q", o.bare, dir);
    git(dir, "config", "remote.origin.url", relative(dir, o.bare));
    git(dir, "worktree", "add", "-q", "-b", "side", join(dir, "..", "side"));
    for (const place of [dir, join(dir, "tasks"), join(dir, "..", "side")]) {
      const repo = await open(place, { ledgerBranch: "towline" });
      const tips = await repo.fetch();
      expect(tips.policy).toBe(git(o.bare, "rev-parse", "refs/heads/main"));
      won(await repo.push(tips, new Map([["jobs/a.md", place]]), note));
      expect(tidy(dir)).toEqual([]);
    }
  });

  test("what a killed tick left is swept after a day, not before", async () => {
    const dir = clone(origin());
    const [old, young] = ["old", "young"].map((name) => join(dir, ".git/objects", `tmp_objdir-towline-${name}`)) as [
      string,
      string,
    ];
    for (const folder of [old, young]) mkdirSync(folder);
    const then = Date.now() / 1000 - 90_000;
    utimesSync(old, then, then);
    await open(dir);
    expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
  });
});

describe("what must not be written", () => {
  test.each([
    "tasks/a.md",
    "towline.yml",
    ".github/workflows/x.yml",
    "../x",
    "jobs/../tasks/a.md",
    "/jobs/a",
    "jobs//a",
    "jobs/.git/config",
    "jobs/.GIT/x",
    "jobs/a\nb",
    "jobs/-rf",
    "jobs\\a",
    "jobs/a.",
    "jobs/con.md",
    `jobs/${"x".repeat(300)}`,
    "jobs/\ud800",
    "",
  ])("%j", async (path) => {
    const repo = await open(clone(await shared));
    const tips = await repo.local();
    await expect(repo.push(tips, new Map([[path, "x"]]), note)).rejects.toThrow("refused to write");
  });
  const shared = Promise.resolve(origin({ "towline.yml": "id: p\n", "jobs/2026/a.md": "a", "jobs/file": "f" }));

  test("no change at all, a folder's name, a file where a folder must be", async () => {
    const o = await shared;
    const dir = clone(o);
    const repo = await open(dir);
    const tips = await repo.fetch();
    const push = (...changes: [string, string | null][]) => repo.push(tips, new Map(changes), note);
    await expect(push()).rejects.toThrow("without changes");
    await expect(push(["jobs/2026", null])).rejects.toThrow("`jobs/2026` is a folder");
    await expect(push(["jobs", "x"])).rejects.toThrow("`jobs` is a folder");
    await expect(push(["jobs/file/x.md", "x"])).rejects.toThrow("`jobs/file` is a file");
    await expect(push(["jobs/n", "x"], ["jobs/n/m", "x"])).rejects.toThrow("a file and a folder at once");
    expect(tidy(dir)).toEqual([]);
    expect(git(o.bare, "rev-parse", "main")).toBe(tips.policy);
  });
});
