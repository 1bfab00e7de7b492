// Several writers at once, and pushes whose answer is late, lost or a refusal. Real git, real hooks on the origin.
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as tcpServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Repo, Tips } from "../../src/ports.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { gitEnv } from "../../src/shell/git.ts";
import { refusalOf } from "../../src/shell/refusal.ts";
import { outcomeOf, pushCommit } from "../../src/shell/repo-push.ts";
import { clone, env, git, hook, note, open, origin, personPushes, tidy, write } from "./origin.ts";

async function read(repo: Repo, commit: string | null, path: string): Promise<string> {
  const [item] = commit === null ? [] : await repo.tree(commit, [path]);
  return item ? Buffer.from((await repo.blobs([item.blob])).get(item.blob) ?? []).toString() : "";
}

/** Adds one file of its own and one to a shared counter, until it has won this often. */
async function writer(repo: Repo, name: string, rounds: number): Promise<Tips[]> {
  const wins: Tips[] = [];
  while (wins.length < rounds) {
    const tips = await repo.fetch();
    const counter = Number(await read(repo, tips.ledger, "state/counter")) + 1;
    const changes = new Map([
      ["state/counter", String(counter)],
      [`jobs/${name}-${wins.length}.md`, name],
    ]);
    const outcome = await repo.push(tips, changes, note);
    expect(outcome.state).not.toBe("unknown");
    if (outcome.state === "won") wins.push(tips);
    else await delay(Math.random() * 30);
  }
  return wins;
}

describe.each([
  ["on the default branch", undefined],
  ["on a branch of its own", "towline"],
])("ledger %s", (_, ledgerBranch) => {
  const ref = ledgerBranch ?? "main";

  test("eight writers: every win is there, one winner per tip, no update lost", async () => {
    const o = origin();
    const repos = await Promise.all(Array.from({ length: 8 }, () => open(clone(o), { ledgerBranch })));
    const wins = (await Promise.all(repos.map((repo, i) => writer(repo, `w${i}`, 3)))).flat();
    expect(wins.length).toBe(24);
    expect(new Set(wins.map((tips) => tips.ledger)).size).toBe(24);
    expect(git(o.bare, "show", `${ref}:state/counter`)).toBe("24");
    expect(git(o.bare, "ls-tree", "--name-only", ref, "jobs/").split("\n").length).toBe(24);
    expect(git(o.bare, "rev-list", "--count", "--merges", ref)).toBe("0");
    expect(git(o.bare, "rev-list", "--count", ref)).toBe(String(24 + (ledgerBranch ? 0 : 1)));
    expect(tidy(o.bare)).toEqual([]);
  });

  test("two ticks that share one clone", async () => {
    const o = origin();
    const dir = clone(o);
    const repos = await Promise.all(Array.from({ length: 4 }, () => open(dir, { ledgerBranch })));
    await Promise.all(repos.map((repo, i) => writer(repo, `w${i}`, 2)));
    expect(git(o.bare, "show", `${ref}:state/counter`)).toBe("8");
    expect(tidy(dir)).toEqual([]);
  });

  test("the same content in the same second: exactly one wins", async () => {
    const o = origin();
    const clock = systemClock("2026-11-21T09:00:00Z");
    const repos = await Promise.all([0, 1, 2, 3].map(() => open(clone(o), { ledgerBranch, clock })));
    const tips = await Promise.all(repos.map((repo) => repo.fetch()));
    const outcomes = await Promise.all(
      repos.map((repo, i) => repo.push(tips[i] as Tips, new Map([["jobs/a.md", "x"]]), note)),
    );
    expect(outcomes.map((outcome) => outcome.state).sort()).toEqual(["lost", "lost", "lost", "won"]);
  });

  test("the same content in the same second is never the very same commit", async () => {
    const o = origin();
    const clock = systemClock("2026-11-21T09:00:00Z");
    const commits: string[] = [];
    for (const dir of [clone(o), clone(o)]) {
      const before = git(o.bare, "for-each-ref", "--format=%(objectname)", `refs/heads/${ref}`);
      const repo = await open(dir, { ledgerBranch, clock });
      const outcome = await repo.push(await repo.fetch(), new Map([["jobs/a.md", "x"]]), note);
      if (outcome.state !== "won") throw new Error(outcome.why);
      commits.push(outcome.commit);
      // As if the first one had never landed.
      git(o.bare, "update-ref", ...(before === "" ? ["-d", `refs/heads/${ref}`] : [`refs/heads/${ref}`, before]));
    }
    expect(commits[0]).not.toBe(commits[1]);
  });

  test("a claim that was read before a person's push is refused", async () => {
    const o = origin();
    const repo = await open(clone(o), { ledgerBranch });
    expect((await repo.push(await repo.fetch(), new Map([["jobs/a.md", "1"]]), note)).state).toBe("won");
    const tips = await repo.fetch();
    personPushes(o, { "STOP.md": "---\ncancel: false\n---\n" });
    expect((await repo.push(tips, new Map([["jobs/b.md", "1"]]), note)).state).toBe("lost");
  });

  test("a ledger that somebody set back is not restored by a push that was made before", async () => {
    const o = origin();
    const repo = await open(clone(o), { ledgerBranch });
    const first = await repo.push(await repo.fetch(), new Map([["jobs/a.md", "1"]]), note);
    expect((await repo.push(await repo.fetch(), new Map([["jobs/b.md", "1"]]), note)).state).toBe("won");
    const tips = await repo.fetch();
    git(o.bare, "update-ref", `refs/heads/${ref}`, first.state === "won" ? first.commit : "");
    expect((await repo.push(tips, new Map([["jobs/c.md", "1"]]), note)).state).toBe("lost");
  });

  test("killed in the server's pre-receive: unknown, nothing there yet, there later, found again", async () => {
    const o = origin();
    const dir = clone(o);
    // A server that outlives its client, as one behind SSH does.
    git(dir, "config", "remote.origin.receivepack", "setsid git-receive-pack");
    hook(o, "pre-receive", "sleep 2");
    const repo = await open(dir, { ledgerBranch, deadlines: { push: 1000 } });
    const before = await repo.fetch();
    const outcome = await repo.push(before, new Map([["jobs/a.md", "late"]]), note);
    expect(outcome.state).toBe("unknown");
    if (outcome.state !== "unknown") return;
    expect(await repo.fetch()).toEqual(before);
    expect(before.ledger && (await repo.contains(before.ledger, outcome.commit))).toBeFalsy();
    await delay(2500);
    const after = await repo.fetch();
    expect(await repo.contains(after.ledger as string, outcome.commit)).toBe(true);
    expect(await read(repo, after.ledger, "jobs/a.md")).toBe("late");
    hook(o, "pre-receive", "");
    expect((await repo.push(after, new Map([["jobs/b.md", "next"]]), note)).state).toBe("won");
    expect(tidy(dir)).toEqual([]);
  });

  test("killed in the server's post-receive: unknown, and there at once", async () => {
    const o = origin();
    const dir = clone(o);
    git(dir, "config", "remote.origin.receivepack", "setsid git-receive-pack");
    hook(o, "post-receive", "sleep 3");
    const repo = await open(dir, { ledgerBranch, deadlines: { push: 1500 } });
    const outcome = await repo.push(await repo.fetch(), new Map([["jobs/a.md", "x"]]), note);
    expect(outcome.state).toBe("unknown");
    const { ledger } = await repo.fetch();
    expect(outcome.state === "unknown" && (await repo.contains(ledger as string, outcome.commit))).toBe(true);
  });

  test("refusals are losses and say what kind they are", async () => {
    const o = origin();
    const dir = clone(o);
    const repo = await open(dir, { ledgerBranch });
    const tips = await repo.fetch();
    const push = () => repo.push(tips, new Map([["jobs/a.md", "x"]]), note);
    const refused = async () => {
      const outcome = await push();
      expect(outcome.state).toBe("lost");
      return outcome.state === "lost" ? refusalOf(outcome.why) : null;
    };
    hook(o, "pre-receive", "echo 'no pushes on Fridays' >&2; exit 1");
    expect(await push()).toMatchObject({
      state: "lost",
      why: expect.stringMatching(/pre-receive hook declined.*no pushes on Fridays/),
    });
    expect(await refused()).toMatchObject({ kind: "hook", configuration: true });
    hook(o, "pre-receive", "echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2; exit 1");
    expect(await refused()).toMatchObject({ kind: "protected", configuration: true });
    hook(
      o,
      "pre-receive",
      "echo 'error: GH013: Repository rule violations found' >&2; echo 'Push cannot contain secrets' >&2; exit 1",
    );
    expect(await refused()).toMatchObject({ kind: "content", configuration: true });
    hook(o, "pre-receive", "");
    const lock = join(o.bare, `refs/heads/${ref}.lock`);
    writeFileSync(lock, "");
    expect(await refused()).toMatchObject({ kind: "lock", configuration: false });
    rmSync(lock);
    expect((await push()).state).toBe("won");
    expect(await refused()).toMatchObject({ kind: "race", configuration: false });
    expect(tidy(dir)).toEqual([]);
    expect(tidy(o.bare)).toEqual([]);
  });
});

test("a person pushes during the race on the own branch: none of theirs is refused, and no commit was won past it", async () => {
  const o = origin();
  const repos = await Promise.all([0, 1, 2].map(() => open(clone(o), { ledgerBranch: "towline" })));
  const person = (async () => {
    for (let i = 0; i < 8; i++) {
      personPushes(o, { "tasks/n.md": String(i) });
      await delay(60);
    }
  })();
  const wins = (await Promise.all(repos.map((repo, i) => writer(repo, `w${i}`, 3)))).flat();
  await person;
  const mains = git(o.bare, "rev-list", "--reverse", "main").split("\n");
  const policies = wins.map((tips) => mains.indexOf(tips.policy));
  expect(policies.every((at) => at >= 0)).toBe(true);
  expect(mains.length).toBe(9);
});

test("the very same commit pushed twice wins once: `up to date` is no win", async () => {
  const o = origin();
  const commit = git(o.person, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "claim");
  const plan = {
    remote: "origin",
    commit,
    ref: "refs/heads/main",
    old: git(o.bare, "rev-parse", "main"),
    deadline: 5000,
  };
  const place = { cwd: o.person, env: gitEnv(env) };
  expect((await pushCommit(place, plan)).state).toBe("won");
  expect((await pushCommit(place, plan)).state).toBe("lost");
});

test("a branch that a child commit would silently take over is guarded by its lease on absence", async () => {
  const o = origin();
  const a = await open(clone(o), { ledgerBranch: "towline" });
  const b = await open(clone(o), { ledgerBranch: "towline" });
  const [ta, tb] = [await a.fetch(), await b.fetch()];
  expect((await a.push(ta, new Map([["jobs/a.md", "1"]]), note)).state).toBe("won");
  expect((await b.push(tb, new Map([["jobs/b.md", "1"]]), note)).state).toBe("lost");
});

test("an own win is not forgotten when a lagging replica shows the older ledger", async () => {
  const o = origin();
  const repo = await open(clone(o), { ledgerBranch: "towline" });
  const first = await repo.push(await repo.fetch(), new Map([["jobs/a.md", "1"]]), note);
  await repo.push(await repo.fetch(), new Map([["jobs/b.md", "1"]]), note);
  const newest = git(o.bare, "rev-parse", "towline");
  git(o.bare, "update-ref", "refs/heads/towline", first.state === "won" ? first.commit : "");
  const late = delay(300).then(() => git(o.bare, "update-ref", "refs/heads/towline", newest));
  expect((await repo.fetch()).ledger).toBe(newest);
  await late;
});

test.each([
  [
    "a hook's words are no sign of a failed connect",
    "remote: curl: Connection refused\nfatal: the remote end hung up unexpectedly\n",
    "unknown",
  ],
  [
    "a refusal after the data was sent proves nothing",
    "error: RPC failed; HTTP 403 The requested URL returned error: 403\nfatal: the remote end hung up unexpectedly\n",
    "unknown",
  ],
  [
    "no login, nothing sent",
    "git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.\n",
    "lost",
  ],
  ["no words at all", "", "unknown"],
])("%s", (_, stderr, state) => {
  expect(outcomeOf({ code: 128, killed: false, stdout: Buffer.alloc(0), stderr }, "c", "refs/heads/main").state).toBe(
    state,
  );
});

test("a line without a verdict of the server is no verdict", () => {
  const stdout = Buffer.from("To x\n!\tc:refs/heads/main\t[remote failure] (remote failed to report status)\nDone\n");
  expect(outcomeOf({ code: 1, killed: false, stdout, stderr: "" }, "c", "refs/heads/main").state).toBe("unknown");
});

describe("servers that do not behave", () => {
  const listen = async <
    T extends { listen(port: number, host: string, done: () => void): unknown; address(): unknown },
  >(
    server: T,
  ) => {
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    return (server.address() as AddressInfo).port;
  };

  test("403: a configuration fault; nothing was sent", async () => {
    const server = createServer((_, response) => response.writeHead(403).end());
    const port = await listen(server);
    try {
      const o = origin();
      const dir = clone(o);
      git(dir, "config", "remote.origin.pushurl", `http://bot:s3cret@127.0.0.1:${port}/x.git`);
      const repo = await open(dir);
      const outcome = await repo.push(await repo.fetch(), new Map([["jobs/a.md", "x"]]), note);
      expect(outcome).toMatchObject({ state: "lost", why: expect.stringContaining("403") });
      expect(JSON.stringify(outcome)).not.toContain("s3cret");
      expect(outcome.state === "lost" && refusalOf(outcome.why)).toMatchObject({
        kind: "permission",
        configuration: true,
      });
    } finally {
      server.close();
    }
  });

  test("a server that accepts and stays silent ends at the deadline", async () => {
    const server = tcpServer(() => {});
    const port = await listen(server);
    try {
      const dir = clone(origin());
      git(dir, "config", "remote.origin.url", `http://127.0.0.1:${port}/x.git`);
      const repo = await open(dir, { deadlines: { fetch: 500, ask: 500, push: 500 } });
      const tips = await repo.local();
      const start = performance.now();
      await expect(repo.fetch()).rejects.toThrow("did not answer in time");
      await expect(repo.policyTipNow()).rejects.toThrow("did not answer in time");
      expect((await repo.push(tips, new Map([["jobs/a.md", "x"]]), note)).state).toBe("unknown");
      expect(performance.now() - start).toBeLessThan(25_000);
    } finally {
      server.close();
    }
  });

  test("nobody there, and an address that is wrong", async () => {
    const dir = clone(origin());
    git(dir, "config", "remote.origin.url", "http://127.0.0.1:9/x.git");
    const repo = await open(dir);
    await expect(repo.fetch()).rejects.toThrow("`origin` cannot be read");
    const tips = await repo.local();
    expect((await repo.push(tips, new Map([["jobs/a.md", "x"]]), note)).state).toBe("lost");
    git(dir, "config", "remote.origin.url", "/nonexistent/x.git");
    const gone = await (await open(dir)).push(tips, new Map([["jobs/a.md", "x"]]), note);
    expect(gone.state === "lost" && refusalOf(gone.why)).toMatchObject({ kind: "missing", configuration: true });
  });

  test("ext:: addresses never run a command", async () => {
    const dir = clone(origin());
    write(dir, { "x.sh": "#!/bin/sh\ntouch CANARY\n" });
    git(dir, "config", "remote.origin.url", "ext::sh x.sh");
    await expect((await open(dir)).fetch()).rejects.toThrow(/transport 'ext' not allowed/);
  });
});
