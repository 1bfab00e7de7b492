// A rule over pull requests, from GitHub's stand-in to the memo in the repository; then the program itself.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createPollers } from "../../src/pollers/index.ts";
import { checked } from "../check/pack.ts";
import { basics, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { source, towline } from "../integration/real.ts";
import { canary, type Hub, hub, repo } from "./hub.ts";
import { scripted } from "./script.ts";

// A hang limit only: a busy machine must not fail a test.
vi.setConfig({ testTimeout: 120_000 });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function server(port = 0): Promise<Hub> {
  const made = await hub(port);
  let open = true;
  const close = async () => {
    if (open) await made.close();
    open = false;
  };
  ends.push(close);
  return { ...made, close };
}

function pack(settings: string, files: Record<string, string> = {}): TestPack {
  const made = testPack({ ...basics([], settings), ...files });
  ends.push(() => made.remove());
  return made;
}

/** The rule of the README, word for word. */
const sample = /````markdown\n(---\nwhen:\n {2}kind: pr\.stale[\s\S]*?)````/.exec(
  readFileSync(join(import.meta.dirname, "..", "..", "README.md"), "utf8"),
)?.[1] as string;

const events = (of: TestPack) =>
  of
    .at("ls-tree", "-r", "--name-only", "main", "pupdates")
    .split("\n")
    .filter(Boolean)
    .flatMap((path) => of.file(path).trim().split("\n"))
    .map(
      (line) => JSON.parse(line) as { kind: string; subject: string; verdict: string; rule?: string; made?: string[] },
    );

test("the README's rule is sound", () => {
  expect(checked({ "rules/waiting-for-review.md": sample }).problems).toEqual([]);
  const never = sample.replace("age: 3.1d", "age: 2d");
  expect(checked({ "rules/waiting-for-review.md": never }).problems.map((one) => one.code)).toEqual(["example"]);
});

test("stale → memo, merged → closed memo, server gone → one failed source, server back → one more", async () => {
  const github = await server();
  const p = pack(`pollers:\n  github: {repos: [alice/pack], url: "${github.url}"}\n`, {
    "rules/waiting-for-review.md": sample,
  });
  const pollers = createPollers({ env: { GITHUB_TOKEN: canary }, origin: async () => null });
  const begin = Date.now();
  const tick = (days: number) =>
    runTick(p.clone, {}, () => ({}), { pollers, now: new Date(begin + days * 86_400_000).toISOString() });
  const { number } = await github.pull("mend", "Mend the log");
  const subject = `alice/pack#${number}`;

  expect((await tick(0.1)).commits).toHaveLength(1);
  expect(events(p)).toMatchObject([{ kind: "pr.opened", subject, verdict: "ignored" }]);
  expect((await tick(0.2)).commits).toEqual([]);

  expect((await tick(4)).commits).toHaveLength(1);
  const stale = events(p).at(-1);
  expect(stale).toMatchObject({ kind: "pr.stale", subject, verdict: "memo", rule: "waiting-for-review" });
  const memo = p.at("ls-tree", "-r", "--name-only", "main", "memos").trim();
  expect(memo).toContain(stale?.made?.[0] as string);
  expect(p.file(memo)).toMatch(/title: Mend the log has been waiting for [34](\.\d)?d\n/);
  expect(p.file(memo)).toContain(`${github.url}/alice/pack/pull/${number}`);
  expect((await tick(5)).commits).toEqual([]);

  await github.alice.pulls.merge({ ...repo, pull_number: number, merge_method: "merge" });
  expect((await tick(5.1)).commits).toHaveLength(1);
  expect(events(p).slice(-2)).toMatchObject([
    { kind: "pr.merged", subject },
    { kind: "push", subject: "alice/pack" },
  ]);
  expect(p.file(memo)).toContain("closed by itself");
  expect((await tick(5.2)).commits).toEqual([]);

  const before = events(p).length;
  await github.close();
  const dead = await tick(6);
  expect(dead.degraded).toEqual([expect.stringMatching(/^github could not be read: .*ECONNREFUSED/)]);
  const again = await tick(6.1);
  expect([dead.commits.length, again.commits.length, again.degraded.length]).toEqual([1, 0, 1]);
  await server(Number(new URL(github.url).port));
  const back = await tick(6.2);
  expect([back.commits.length, back.degraded]).toEqual([1, []]);
  expect(
    events(p)
      .slice(before)
      // Another server has other commits.
      .filter((one) => one.kind !== "push")
      .map((one) => [one.kind, one.subject]),
  ).toEqual([
    ["source.failed", "github"],
    ["source.ok", "github"],
  ]);
  expect(p.at("log", "-p", "--all")).not.toContain(canary);
});

const quiet = ["--no-sync", "--no-site", "--json"];
/** Makes any use of octokit in a child process fail. */
const barred = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `import { registerHooks } from "node:module"; registerHooks({ resolve(name, context, next) { if (name.startsWith("@octokit/")) throw new Error("octokit was loaded"); return next(name, context); } });`,
  )}`,
};

test("the program polls with the variable that the settings name, and says nothing of its value", async () => {
  const github = await server();
  await github.pull("mend");
  const p = pack(`pollers: {github: {repos: [alice/pack], url: "${github.url}", token: HUB_TOKEN}}\n`);
  const said = await towline(["tick", "--repo", p.clone, ...quiet], { HUB_TOKEN: canary, GITHUB_TOKEN: "other" });
  expect([said.code, JSON.parse(said.out).degraded]).toEqual([0, []]);
  expect(events(p).map((one) => one.kind)).toEqual(["pr.opened"]);
  const without = await towline(["tick", "--repo", p.clone, ...quiet], { HUB_TOKEN: "" });
  expect([without.code, JSON.parse(without.out).degraded]).toEqual([
    0,
    ["github could not be read: the variable HUB_TOKEN is empty"],
  ]);
  expect(said.out + said.err + without.out + without.err).not.toContain(canary);
});

test("watch remembers over its ticks that GitHub asked it to wait", async () => {
  const limited = await scripted({
    "/repos/alice/pack/pulls": {
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(Math.floor(Date.now() / 1000) + 3600) },
      body: { message: "API rate limit exceeded" },
    },
  });
  ends.push(() => limited.close());
  const p = pack(`pollers: {github: {repos: [alice/pack], url: "${limited.url}"}}\n`);
  const args = ["watch", "--repo", p.clone, "--every", "1s", "--ticks", "3", "--json"];
  const said = await towline(args, { GITHUB_TOKEN: canary, TURSO_URL: "" }, 100_000);
  const rows = said.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { degraded: string[]; commits: number });
  expect(rows.map((row) => [row.commits, row.degraded.some((why) => why.includes("they come back at"))])).toEqual([
    [1, true],
    [0, true],
    [0, true],
  ]);
  expect(limited.asked.length).toBeLessThanOrEqual(2);
});

test("a pack without pollers loads nothing of them; one with them would", async () => {
  const idle = pack("");
  const said = await towline(["tick", "--repo", idle.clone, ...quiet], barred, undefined, source);
  expect([said.code, JSON.parse(said.out).degraded]).toEqual([0, []]);
  const polling = pack("pollers: {github: {repos: [alice/pack]}}\n");
  const token = { ...barred, GITHUB_TOKEN: canary };
  const barely = await towline(["tick", "--repo", polling.clone, ...quiet], token, undefined, source);
  expect([barely.code, JSON.parse(barely.out).degraded]).toEqual([0, ["github could not be read: octokit was loaded"]]);
});

test("a poller that does not exist, or a token in the settings, is an error of check and of the tick", async () => {
  const wrong = pack("pollers:\n  githbu: {}\n");
  const check = await towline(["check", "--repo", wrong.clone]);
  expect(check.code).toBe(1);
  expect(check.out).toMatch(/towline\.yml:7:\d+.*there is no poller `githbu`[\s\S]*did you mean `github`\?/);
  const tick = await towline(["tick", "--repo", wrong.clone, ...quiet]);
  expect([tick.code, tick.out]).toEqual([3, ""]);
  expect(tick.err).toContain("there is no poller `githbu`");
  const pasted = pack(`pollers: {github: {token: ${canary}}}\n`);
  for (const verb of [["check"], ["tick", ...quiet]]) {
    const said = await towline([...verb, "--repo", pasted.clone]);
    expect(said.code).toBeGreaterThan(0);
    expect(said.out + said.err).toContain("never the token itself");
    expect(said.out + said.err).not.toContain(canary);
  }
});
