// `towline learnings mine`: what reviews of the past taught becomes candidates, and nothing more.
import { execFileSync, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "../../src/cli.ts";
import type { Signal } from "../../src/core/signals.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { machine } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";
import { type Hub, serve } from "../forges/server.ts";

const now = "2026-11-20T10:00:00Z";
let today = now;
const towline = join(import.meta.dirname, "..", "..", "src", "cli.ts");
const token = "ghp_canary0123456789abcdef";
let hub: Hub;
let pack: TestPack;

beforeAll(async () => {
  pack = testPack({ ...basics(["ann"]), "agents/scout.md": md("runtime: picoclaw") });
  hub = await serve(pack.origin);
  pack.push({ "towline.yml": `id: pack-1\nforge: {name: github, url: "${hub.url}"}\ndefaults: {agent: scout}\n` });
  await tick();
});
afterAll(async () => {
  await hub.close();
  pack.remove();
});

const tick = () => runTick(pack.clone, { ann: machine() }, () => ({ stdout: "" }), { now: today });

const mine = (...args: string[]) => say("learnings", "mine", ...args);

async function say(...args: string[]) {
  let [out, code] = ["", 0];
  const said: string[] = [];
  const tell = (line: string) => void said.push(line);
  await main(args, {
    env: { ...process.env, GITHUB_TOKEN: token, GITHUB_REPOSITORY: "alice/pack" },
    cwd: pack.clone,
    home: pack.clone,
    clock: systemClock(today),
    report: { progress: tell, note: tell, warning: tell, error: tell, summary: async () => {} },
    secrets: createSecrets({ MY_KEY: "sk-live-0123456789abcdefghij" }),
    terminal: false,
    out: (text) => {
      out += text;
    },
    exit: (to) => {
      code = to;
    },
  });
  return { out, code, said: said.join("\n") };
}

let last = 1000;
const remark = (pull: number, body: string, more: object = {}) => {
  last += 1;
  return {
    id: last,
    user: { id: 2, login: "bob", type: "User" },
    body,
    created_at: "2026-11-01T10:00:00Z",
    updated_at: "2026-11-01T10:00:00Z",
    html_url: `https://hub.example/pull/${pull}#r${last}`,
    pull_request_url: `https://hub.example/api/repos/alice/pack/pulls/${pull}`,
    path: "db/migrate.sql",
    author_association: "MEMBER",
    ...more,
  };
};
const rule = "Every migration needs a down step, or a rollback of the release leaves the database behind.";
const again = "This migration has no down step: a rollback of the release would leave the database behind.";
const later = { created_at: "2026-11-02T10:00:00Z" };
const chatter = (at: number) =>
  remark(1000 + at, `Something about line ${at} of this very file, word${at} thing${at} only${at}.`);
const rows = <T>(name: string): T[] => {
  const there = pack.at("ls-tree", "-r", "--name-only", "main", "state").split("\n");
  const path = `state/${name}.ndjson`;
  return there.includes(path)
    ? pack
        .file(path)
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
};
const kept = () => {
  try {
    return readdirSync(join(pack.clone, ".git", "towline")).filter((name) => name.startsWith("mine-"));
  } catch {
    return [];
  }
};

test("what two pull requests were told alike becomes a candidate with its sources; nothing else, and nothing becomes active", async () => {
  hub.past = [
    remark(3, rule),
    remark(3, rule),
    remark(4, "Same here, please name the type of this argument.", { path: "src/a.ts" }),
    remark(5, rule, { author_association: "NONE" }),
    remark(6, rule, { user: { id: 9, login: "lint[bot]", type: "Bot" } }),
    remark(7, "LGTM"),
    remark(8, rule, { in_reply_to_id: 1 }),
    remark(9, rule, { created_at: "2026-01-01T10:00:00Z" }),
  ];
  const dry = await mine("--dry-run");
  expect(dry).toMatchObject({
    code: 0,
    out: expect.stringContaining("no candidate: no two independent ones say the same"),
  });
  hub.past.push(remark(12, `> quoted\n\n${again}\n\nThe key is sk-live-0123456789abcdefghij\u202e`, later));
  expect((await mine("--dry-run")).out).toMatch(
    /1 candidate:\n {2}This migration has no down step.*\n {4}2 witnesses: https:\/\/hub\.example\/pull\/3/,
  );
  expect(rows("signals")).toEqual([]);
  const { out } = await mine("--json");
  const told = JSON.parse(out);
  expect(told).toMatchObject({ repo: ".", since: "2026-08-22T00:00:00Z", read: 8, signals: 4, kept: 4 });
  expect(told.candidates).toHaveLength(1);
  expect(told.candidates[0]).toMatchObject({ witnesses: 2, paths: ["db/migrate.sql"] });
  expect(told.candidates[0].text).toContain("⟨U+202E⟩");
  const stored = JSON.stringify([rows("signals"), rows("candidates")]);
  expect(stored).not.toContain("sk-live");
  expect(rows<{ id: string }>("candidates").map(({ id }) => id)).toEqual([told.candidates[0].id]);
  expect(rows<Signal>("signals").map(({ origins }) => origins[0])).toContain("pr .#12");
  expect(pack.at("ls-tree", "-r", "--name-only", "main", "learnings", "insights")).toBe("");
  expect((await say("campfire", "--dry-run")).out).toContain("This migration has no down step");
  // Done again it finds nothing new, and a tick leaves all of it as it is.
  const before = pack.at("rev-parse", "main");
  expect((await mine()).out).toContain("0 are new signals");
  expect((await tick()).commits).toEqual([]);
  expect(pack.at("rev-parse", "main")).toBe(before);
  expect(kept()).toEqual([]);
}, 60_000);

test("what nobody needed for 90 days, and what was to end by now, the next campfire asks about", async () => {
  const used = md("", "Name the unit of a duration.");
  pack.push({
    "learnings/old.md": md("", "Tests wait for nothing."),
    "learnings/young.md": used,
    "insights/till-spring.md": md("expires: 2027-02-01T00:00:00Z", "The old server stays until spring."),
    "insights/for-good.md": md("", "Ask before you deploy."),
  });
  await tick();
  const asks = async () =>
    /## Still true\?\n([\s\S]*?)(\n## |$)/.exec((await say("campfire", "--dry-run")).out)?.[1] ?? "";
  expect(await asks()).toBe("");
  today = "2027-02-17T10:00:00Z";
  // A person looks at one of them anew.
  pack.push({ "learnings/young.md": `${used}\nAlso in names of columns.\n` });
  await tick();
  today = "2027-03-01T10:00:00Z";
  const asked = await asks();
  today = now;
  expect(asked.match(/(learnings|insights)\/[\w-]+\.md/g)).toEqual(["insights/till-spring.md", "learnings/old.md"]);
  expect(asked).toContain("nobody needed it since 2026-11-20");
}, 60_000);

test("a run that the forge ends goes on at the page where it was, and a limit is waited out", async () => {
  hub.past = Array.from({ length: 230 }, (_, at) => chatter(at));
  let asked = 0;
  const bad = (status: number, when: (n: number) => boolean, headers = {}) => ({
    on: { test: (line: string) => line.endsWith("/pulls/comments") && when(asked) } as unknown as RegExp,
    status,
    headers,
    body: { message: "no" },
  });
  const count = () => {
    asked += 1;
    return false;
  };
  const counts = { on: { test: count } as unknown as RegExp };
  hub.bad = [counts, bad(429, (n) => n <= 2, { "retry-after": "1" }), bad(401, (n) => n > 3)];
  const ended = await mine("--repo", "alice/pack");
  expect(ended.code).not.toBe(0);
  expect(ended.said).toMatch(/asked to go slower.*; waits for it\npage 1: 100 remarks read/);
  expect(kept()).toHaveLength(1);
  hub.bad = [];
  hub.asked.length = 0;
  const on = await mine("--repo", "alice/pack");
  expect(on.said).toMatch(/^goes on at page 2: 100 remarks were read before\npage 2: 200 .*\npage 3: 230 remarks read/);
  expect(on.code).toBe(0);
  expect(hub.asked.filter((line) => line.endsWith("/pulls/comments"))).toHaveLength(2);
  expect(kept()).toEqual([]);
}, 60_000);

test("Ctrl-C ends it at once, and what was read is kept", async () => {
  hub.past = Array.from({ length: 150 }, (_, at) => chatter(700 + at));
  let asked = 0;
  const second = () => {
    asked += 1;
    return asked > 1;
  };
  hub.bad = [{ on: { test: second } as unknown as RegExp, how: "never" }];
  const child = spawn(process.execPath, [towline, "learnings", "mine", "--repo", "alice/pack", "--since", "80d"], {
    cwd: pack.clone,
    env: { ...process.env, GITHUB_TOKEN: token, GITHUB_REPOSITORY: "alice/pack" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
    if (/page 1:/.test(said) && !child.killed) child.kill("SIGINT");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect([code, said]).toEqual([130, expect.stringContaining("the same command goes on from there")]);
  expect(kept()).toHaveLength(1);
  hub.bad = [];
  const { gone, ...on } = { gone: kept(), ...(await mine("--repo", "alice/pack", "--since", "80d")) };
  expect(gone).toHaveLength(1);
  expect(on).toMatchObject({ code: 0, out: expect.stringContaining("of alice/pack since") });
}, 60_000);

test("a refused token ends it with words, and what was read is kept", async () => {
  hub.past = Array.from({ length: 150 }, (_, at) => chatter(500 + at));
  hub.bad = [{ on: /pulls\/comments/, status: 401, body: { message: "no" } }];
  const refused = await mine("--repo", "alice/pack", "--since", "60d");
  expect(refused.code).not.toBe(0);
  expect(refused.said).toContain("GITHUB_TOKEN");
  expect(refused.said).not.toContain(token);
  hub.bad = [];
});

test("mistakes are named with what to write", async () => {
  expect(await mine("--since", "1y")).toMatchObject({ code: 2, said: expect.stringContaining("write it like 30d") });
  expect(await mine("--repo", "no such thing")).toMatchObject({ code: 2, said: expect.stringContaining("owner/name") });
});

test("of a clone: files of reviews, and commits that say why they took others back", async () => {
  const dir = join(pack.dir, `other-${process.hrtime.bigint()}`);
  const unit = "Name the unit in the variable of a duration, like timeout_ms: seconds were mixed up with milliseconds.";
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=p", "-c", "user.email=p@localhost", ...args], {
      cwd: dir,
      env: { ...process.env, GIT_AUTHOR_DATE: "2026-11-02T10:00:00Z", GIT_COMMITTER_DATE: "2026-11-02T10:00:00Z" },
      stdio: "pipe",
    });
  const other = testPack({ "reviews/count-1.md": `# Review\n\n- src/wait.ts:3: ${unit}\n- ok\n`, "a.txt": "a\n" });
  execFileSync("git", ["clone", "-q", other.origin, dir]);
  git("commit", "-q", "--amend", "--allow-empty", "--date=2026-11-02T10:00:00Z", "-m", "first");
  git(
    "commit",
    "-q",
    "--allow-empty",
    "-m",
    `Revert "x"\n\nThis reverts commit ${"a".repeat(40)}.\n\nIt mixed up seconds and milliseconds: the variable of a duration should name its unit, as timeout_ms.\n\nSigned-off-by: p`,
  );
  const { out } = await mine("--repo", dir, "--json", "--dry-run");
  expect(JSON.parse(out)).toMatchObject({ read: 3, signals: 2, candidates: [{ witnesses: 2 }] });
  other.remove();
});

test("where the settings name a model that cannot be asked, words have to do, and that is said", async () => {
  const settings = pack.file("towline.yml");
  pack.push({ "towline.yml": `${settings}embeddings: {url: "http://127.0.0.1:9/v1", model: small}\n` });
  hub.past = [
    remark(21, "Give each retry of a request a limit, please."),
    remark(22, "Each retry needs a limit of time."),
  ];
  const { code, said, out } = await mine("--dry-run");
  pack.push({ "towline.yml": settings });
  expect([code, out]).toEqual([0, expect.stringContaining("2 would be new signals")]);
  expect(said).toMatch(/127\.0\.0\.1:9 gives no embeddings: .*; signals are put together by their words alone/);
});
