// What a host is sent for a job, and which worktrees are taken away, with sessions in memory.
import { expect, test } from "vitest";
import type { Start } from "../../src/core/claim.ts";
import type { State } from "../../src/core/state.ts";
import { outside } from "../../src/errors.ts";
import { createForge } from "../../src/forges/index.ts";
import type { Forge, HostFacts, HostSession, Repo } from "../../src/ports.ts";
import { closeTrees, lookAtRepos, sendWork } from "../../src/shell/repos.ts";
import { createTargets } from "../../src/shell/target.ts";
import { clone, env, git, origin, tempDir } from "../repo/origin.ts";

function stand(files: Record<string, string> = { "a.txt": "a\n" }) {
  const from = origin(files);
  const targets = createTargets({ dir: clone(from), env, cache: tempDir("cache") });
  const base = git(from.person, "rev-parse", "HEAD");
  return { from, targets, base };
}
const start = (base: string, more: object = {}) =>
  ({
    assignment: { code: { agent: "scout", repo: ".", branch: "towline/x", base }, task: { verify: "true" }, ...more },
  }) as unknown as Start;
const code = (targets: ReturnType<typeof stand>["targets"]) => ({
  targets,
  forge: undefined as never,
  land: undefined as never,
});

function session(tips: string[], refuse?: string) {
  const sent: Uint8Array[] = [];
  const closed: string[] = [];
  const host = {
    code: {
      tips: async () => tips,
      send: async (_: string, bundle: Uint8Array) => {
        if (refuse) throw outside(refuse);
        sent.push(bundle);
      },
      close: async (job: string) => closed.push(job) > 0,
    },
  } as unknown as HostSession;
  return { host, sent, closed };
}

test("a host without the commits gets them, one that has them gets nothing; both get the same request", async () => {
  const one = stand();
  const fresh = session([]);
  const request = await sendWork(code(one.targets), fresh.host, start(one.base));
  expect(request).toMatchObject({
    base: one.base,
    branch: "towline/x",
    author: { name: "scout (towline)", email: "scout@agents.towline.invalid" },
    verify: "true",
    mirror: expect.stringMatching(/^[0-9a-f]{40}$/),
  });
  expect(fresh.sent).toHaveLength(1);
  const full = session([one.base]);
  expect(await sendWork(code(one.targets), full.host, start(one.base))).toEqual(request);
  expect(full.sent).toEqual([]);
});

test("a repository with submodules or LFS is not sent, and another day will not change that", async () => {
  for (const files of [{ ".gitmodules": "x" }, { ".gitattributes": "* filter=lfs\n" }]) {
    const one = stand(files as unknown as Record<string, string>);
    const host = session([]);
    expect(await sendWork(code(one.targets), host.host, start(one.base))).toMatchObject({ final: true });
    expect(host.sent).toEqual([]);
  }
});

test("a host that refuses, and a commit that is gone, give the claim back", async () => {
  const one = stand();
  const host = session([], "git is not installed on here");
  expect(await sendWork(code(one.targets), host.host, start(one.base))).toEqual({
    why: "git is not installed on here",
    final: false,
  });
  expect(await sendWork(code(one.targets), session([]).host, start("e".repeat(40)))).toMatchObject({ final: false });
});

test("a repository that is too large for any host ends the job; a host that is at fault does not", async () => {
  const one = stand();
  const targets = createTargets({ dir: clone(one.from), env, cache: tempDir("cache"), limits: { repository: 10 } });
  expect(await sendWork(code(targets), session([]).host, start(one.base))).toEqual({
    why: expect.stringMatching(/is larger than/),
    final: true,
  });
});

test("repositories are asked once each; one that is silent or wrong says why, and does not hold up the others", async () => {
  const one = stand();
  const findings = { repos: new Map(), standing: new Map() };
  const job = (id: string, repo: string) => ({
    id,
    data: { run: { branch: `towline/${id}`, code: { repo, base: one.base, head: one.base } } },
  });
  const forge: Forge = {
    ...createForge(undefined, one.targets),
    name: "x",
    propose: async () => "",
    stands: async ({ branch }) => (branch.endsWith("a") ? "merged" : "closed"),
  };
  await lookAtRepos(
    { targets: one.targets, forge: () => forge },
    {},
    new Set([".", "/nowhere.git", "ext::x"]),
    [job("a", "."), job("b", "."), job("c", "/nowhere.git")] as never,
    findings,
  );
  expect(findings.repos.get(".")).toMatchObject({ tip: one.base, branch: "main" });
  expect(findings.repos.get("/nowhere.git")).toMatchObject({
    fault: expect.stringContaining("nowhere"),
    person: false,
  });
  expect(findings.repos.get("ext::x")).toMatchObject({ person: true });
  expect([...findings.standing]).toEqual([
    ["a", "merged"],
    ["b", "closed"],
  ]);
});

test("worktrees and sessions of jobs that are over, elsewhere or unwanted go, after an hour those that nobody knows, after weeks those with work", async () => {
  const now = new Date("2026-11-20T10:00:00Z");
  const used = now.getTime() / 1000 - 60;
  const job = (state: string, result?: string, more = {}) => ({
    data: { state, host: "ann", ...more, run: { result, ...more } },
  });
  // One that was over long ago is not among the open ones: it is looked up.
  const run = "run: {occurrence: run-1, run_id: a-1, epoch: 1, tick: t, deadline: 60s, input_hash: x, result: x";
  const code = `code: {repo: ., base: ${"a".repeat(40)}, unsaved: true}, claimed_at: "2026-11-20T01:00:00Z"}`;
  const repo = {
    tree: async () => [{ path: "jobs/2026/11/20/read.md", mode: "100644", blob: "b" }],
    blobs: async () => new Map([["b", Buffer.from(`---\ntask: a\nstate: failed\n${run}, ${code}\n---\n`)]]),
  } as unknown as Repo;
  const state = {
    tasks: new Map(),
    hosts: new Map([["bob", {}]]),
    jobs: new Map([
      ["over", job("finished", "x")],
      ["open", job("review", "x")],
      ["lost", job("lost")],
      ["unsaved", job("failed", "x", { code: { unsaved: true } })],
      ["long", job("failed", "x", { code: { unsaved: true } })],
      ["waits", job("asking", "x")],
      ["unwanted", job("asking", "x", { cancel: { by: "ann", at: "now" } })],
      ["moved", job("started", undefined, { host: "bob" })],
    ]),
    tips: { policy: "p", ledger: "l" },
    texts: new Map(),
    problems: [],
  };
  const trees = ["over", "open", "lost", "unsaved", "young", "moved"].map((name) => ({ job: name, mirror: "m", used }));
  const host = session([]);
  const sessions = [
    { job: "asked", used: used - 7200 },
    ...["open", "waits", "unwanted", "moved"].map((name) => ({ job: name, used: 0 })),
  ];
  const long = { job: "long", mirror: "m", used: used - 15 * 86_400 };
  const more = ["old", "read"].map((name) => ({ job: name, mirror: "m", used: used - 7200 }));
  const facts = { skew: 0, trees: [...trees, ...more, long], sessions };
  await closeTrees(host.host, state as unknown as State, "ann", facts as unknown as HostFacts, { now, repo });
  expect(host.closed).toEqual(["over", "old", "long", "asked", "unwanted", "moved"]);
});
