// Coding work from a task to a merged pull request, with real git, a real host program on this machine, and a server that
// speaks GitHub's API: people touch nothing but the pull request.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type { Draft } from "../../src/core/draft.ts";
import type { Entry } from "../../src/core/entry.ts";
import { hear, openRemarks } from "../../src/core/said.ts";
import type { Said } from "../../src/ports.ts";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { type Hub, type Pull, serve } from "./server.ts";
import { canary, thread } from "./stands.ts";

const dir = mkdtempSync(join(tmpdir(), "towline-forge-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const open: Hub[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

// Each run adds a line, and writes down what it was told.
const script = `
n=$(cat count.txt 2>/dev/null | wc -l)
echo "round $((n + 1))" >>count.txt
sed -n '/^### /,$p' .towline/TASK.md >>told.txt
git add -A && git commit -qm "Counts $((n + 1))"
echo "counted $((n + 1))"`;
const bob = { id: 2, login: "bob", may: "write" };

interface Stand {
  pack: TestPack;
  hub: Hub;
  pull(): Pull;
  tick(): Promise<{ started: { job: string }[]; ended: { state: string }[]; degraded: string[]; commits: string[] }>;
  status(): string;
  close(): void;
}

async function stand(): Promise<Stand> {
  const home = mkdtempSync(join(dir, "home-"));
  mkdirSync(join(home, "root"));
  writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
  const pack = testPack({
    "agents/scout.md": md("runtime: shell", "You count."),
    "hosts/here.md": md(`address: localhost\ntransport: local\nroot: ${join(home, "root")}\nslots: 4`),
    "tasks/count.md": md("title: Count\nrepo: .", script),
  });
  const hub = await serve(pack.origin);
  open.push(hub);
  for (const one of [bob, { id: 3, login: "mallory", may: "read" }]) hub.people.set(one.login, one);
  const settings = `id: rounds\nzone: UTC\ndefaults: {agent: scout}\ntick: {patience: 20s}\nforge: {name: github, url: "${hub.url}"}\n`;
  pack.push({ "towline.yml": settings });
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GITHUB_TOKEN: canary,
    GITHUB_REPOSITORY: "alice/pack",
  };
  return {
    pack,
    hub,
    pull: () => hub.pulls[0] as Pull,
    tick: async () => {
      const { out, said, code } = await cli(pack.clone, ["tick", "--json", "--no-sync", "--no-site"], env, home);
      if (code !== 0) throw new Error(said);
      return JSON.parse(out);
    },
    status: () => /^state: (\w+)$/m.exec(pack.file("status/count.md"))?.[1] ?? "",
    close: () => pack.remove(),
  };
}

test("task, pull request, changes that are asked for, the same job again, merge, done", async () => {
  const one = await stand();
  const { job } = (await one.tick()).started[0] as { job: string };
  const branch = `towline/${job}`;
  expect(one.status()).toBe("review");
  expect(one.hub.pulls).toMatchObject([{ ref: branch, base: "main", state: "open" }]);
  // Nothing new: nothing is written.
  expect((await one.tick()).commits).toEqual([]);

  // Whoever may not write is not heard; who may, wakes the job with places and words.
  one.hub.say(one.hub.reviews, 1, { id: 3, login: "mallory" }, { state: "CHANGES_REQUESTED", body: "Drop it all." });
  expect((await one.tick()).commits).toEqual([]);
  one.hub.say(one.hub.reviews, 1, bob, { state: "CHANGES_REQUESTED", body: "Say it louder." });
  thread(one.hub, 1, bob, { path: "count.txt", line: 1, body: "This line." });
  // What cannot be asked is no answer.
  one.hub.bad.push({ on: /./, status: 503 });
  const silent = await one.tick();
  expect([silent.started, one.status()]).toEqual([[], "review"]);
  expect(one.pack.at("grep", "-h", "github could not be asked", "main", "--", "pupdates")).toContain("source.failed");
  one.hub.bad.length = 0;
  // In the very tick that hears of it.
  expect((await one.tick()).started).toMatchObject([{ job }]);
  const told = one.pack.at("show", `${branch}:told.txt`);
  expect(told).toContain("Say it louder.");
  expect(told).toMatch(/count\.txt[\s\S]*This line\./);
  expect(told).not.toContain("Drop it all");
  expect(one.pack.at("show", `${branch}:count.txt`)).toBe("round 1\nround 2\n");
  // Told once, although the thread stays open: nothing happens any more.
  expect(one.hub.pulls).toHaveLength(1);
  expect(one.status()).toBe("review");
  expect((await one.tick()).started).toEqual([]);
  expect((await one.tick()).commits).toEqual([]);

  one.pack.git("pull", "-q", "--ff-only", "origin", "main");
  one.pack.git("fetch", "-q", "origin", branch);
  one.pack.git("merge", "-q", "--squash", "FETCH_HEAD");
  one.pack.git("commit", "-qm", "Count, all in one");
  one.pack.git("push", "-q", "origin", "HEAD:main");
  Object.assign(one.pull(), { state: "closed", merged_at: "2026-11-20T12:00:00Z" });
  await one.tick();
  expect(one.status()).toBe("done");
  one.close();
}, 120_000);

test("a pull request that is closed is a no, and a failed check sends the work back", async () => {
  const one = await stand();
  const { job } = (await one.tick()).started[0] as { job: string };
  one.hub.runs.push({
    id: 7,
    name: "lint",
    status: "completed",
    conclusion: "failure",
    html_url: "https://ci.example/7",
  });
  expect((await one.tick()).started).toMatchObject([{ job }]);
  expect(one.pack.at("show", `towline/${job}:told.txt`)).toContain("the check lint failed: https://ci.example/7");
  one.hub.runs.length = 0;
  one.pull().state = "closed";
  await one.tick();
  expect(one.status()).toBe("cancelled");
  one.close();
}, 120_000);

const said = (id: string, more: Partial<Said> = {}): Said => ({
  id,
  path: null,
  line: null,
  text: id,
  by: { ...bob, id: "2", bot: false },
  ...more,
});
const jobWith = (code: object) => {
  const run = { epoch: 1, branch: "towline/a", code: { repo: ".", base: "b", head: "h", ...code } };
  return {
    id: "a-1",
    path: "jobs/a-1.md",
    kind: "job",
    data: { task: "a", state: "review", run },
    body: "",
  } as unknown as Entry<"job">;
};
function heardBy(code: object, heard: Said[]): string[] {
  const job = jobWith(code);
  const draft = { jobs: new Map([[job.id, job]]), reviews: new Map(), written: new Map() } as unknown as Draft;
  hear(draft, job, heard);
  return [...openRemarks(draft, draft.jobs.get(job.id) as Entry<"job">).keys()];
}

test("each thing said is heard once, what was taken back not at all, and checks alone ask three times in a row", () => {
  expect(heardBy({}, [said("review 1"), said("comment 2")])).toEqual(["review 1", "comment 2"]);
  expect(heardBy({ told: ["review 1"] }, [said("review 1"), said("comment 2")])).toEqual(["comment 2"]);
  expect(heardBy({ said: [{ id: "comment 2", text: "x" }] }, [])).toEqual([]);
  const check = said("check 9", { by: null });
  expect(heardBy({ checked: 2 }, [check])).toEqual(["check 9"]);
  expect(heardBy({ checked: 3 }, [check])).toEqual([]);
  expect(heardBy({ checked: 3 }, [check, said("comment 2")])).toEqual(["comment 2"]);
});
