// From a task to done without the command line: people touch pull requests, issues and comments on a stand-in of GitHub, or
// files and branches where git is all there is. The wiring is that of the verb; agents are scripts on this machine.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { systemClock } from "../../src/shell/clock.ts";
import { createSecrets } from "../../src/shell/secrets.ts";
import { tickOnce } from "../../src/verbs/tick.ts";
import { quiet, type Wire } from "../../src/wire.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { type Hub, hubOf } from "./hub.ts";
import { canary, name } from "./stands.ts";

// A hang limit only: writes at a forge are spread over time.
vi.setConfig({ testTimeout: 180_000 });

const dir = mkdtempSync(join(tmpdir(), "towline-whole-"));
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

// Each run adds a line, and writes down what it was told.
const counting = `
n=$(cat count.txt 2>/dev/null | wc -l)
echo "round $((n + 1))" >>count.txt
sed -n '/^### /,$p' .towline/TASK.md >>told.txt
git add -A && git commit -qm "Counts $((n + 1))"
echo "counted $((n + 1))"`;
const asking = `if [ -f inbox/01-answer.md ]; then
  echo "dropped: $(tail -n 1 inbox/01-answer.md)"
else
  towline ask 'May I drop it?'
fi`;

const drop = md("title: Drop it", asking);

interface Stand {
  pack: TestPack;
  env: Record<string, string | undefined>;
  /** One tick. Answers what it started, task by task, and how many commits it made. */
  tick(): Promise<{ started: string[]; commits: number }>;
  state(task: string): string;
  list(folder: string): string[];
  job(task: string): string;
}

function stand(tasks: Record<string, string>, more: Record<string, string> = {}): Stand {
  const home = mkdtempSync(join(dir, "home-"));
  mkdirSync(join(home, "root"));
  const pack = testPack({
    "towline.yml": `id: whole\nzone: UTC\ndefaults: {agent: scout}\ntick: {patience: 20s}\n`,
    "agents/scout.md": md("runtime: shell", "You count."),
    "hosts/here.md": md(`address: localhost\ntransport: local\nroot: ${join(home, "root")}\nslots: 4`),
    "tasks/count.md": md("title: Count\nrepo: .", counting),
    ...tasks,
  });
  closing.push(() => pack.remove());
  const env: Stand["env"] = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: "1", ...more };
  const wire: Wire = {
    env,
    cwd: pack.clone,
    home,
    clock: systemClock(),
    report: quiet,
    secrets: createSecrets(env),
    terminal: false,
    out() {},
    exit() {},
  };
  const list = (folder: string) => pack.at("ls-tree", "-r", "--name-only", "main", folder).split("\n").filter(Boolean);
  return {
    pack,
    env,
    list,
    tick: async () => {
      const { starts, commits, degraded } = await tickOnce(wire, { sync: false, site: false });
      expect(degraded).toEqual([]);
      return { started: starts.map(({ task }) => task).sort(), commits: commits.length };
    },
    state: (task) => /^state: (\w+)$/m.exec(pack.file(`status/${task}.md`))?.[1] ?? "",
    job: (task) => {
      const found = list("jobs/").filter((path) => new RegExp(`/${task}-[^/]*\\.md$`).test(path));
      expect(found).toHaveLength(1);
      return (found[0] as string).replace(/^.*\/|\.md$/g, "");
    },
  };
}

function propose({ clone, git }: TestPack, branch: string, path: string, text: string): void {
  git("checkout", "-q", "-b", branch);
  writeFileSync(join(clone, path), text);
  git("add", path);
  git("commit", "-qm", "Asks first");
  git("push", "-q", "origin", branch);
  git("checkout", "-q", "main");
}

const form = (prompt: string) =>
  `### Agent\n\nscout\n\n### Where\n\nhere\n\n### Repository\n\n_No response_\n\n### What is to be done\n\n${prompt}`;

const writes = (hub: Hub) => hub.asked.filter((one) => !/^(GET|HEAD) |^POST \/graphql$/.test(one));

test("GitHub: work, review, merge; an issue and its answer; a question and its answer", async () => {
  const settings = (owner: string) => `forge: github\npollers: {github: {wall: 20s}}\nowners: ["alice:${owner}"]\n`;
  const one = stand({}, { GITHUB_TOKEN: canary, GITHUB_REPOSITORY: "alice/pack" });
  const hub = await hubOf(one.pack.origin, ["bob"], ["mallory"]);
  closing.unshift(() => hub.close());
  one.env.GITHUB_API_URL = hub.url;
  const text = one.pack.file("towline.yml");
  one.pack.push({ "towline.yml": `${text}${settings(await hub.id("alice"))}` });
  const [alice, bob, mallory] = [hub.as("alice"), hub.as("bob"), hub.as("mallory")];
  const issue = async (rest: typeof bob, title: string, body: string) =>
    (await rest.issues.create({ ...name, title, body, labels: ["towline"] })).data.number;

  // A person proposes a task, another asks for one by the form, a stranger for a third.
  propose(one.pack, "more", "tasks/drop.md", drop);
  const proposed = (await bob.pulls.create({ ...name, head: "more", base: "main", title: "Asks first" })).data.number;
  const wanted = await issue(bob, "Look", form("echo 'all is well, @everyone'"));
  const strange = await issue(mallory, "Steal", "echo stolen");
  const first = await one.tick();
  expect(first.started).toEqual(["count", expect.stringMatching(/^look-q/)]);
  // (ii) The answer stands where it was asked for, and the issue is closed; a stranger's is as if it were not there.
  const answers = async (issue_number: number) =>
    (await alice.issues.listComments({ ...name, issue_number })).data.map((said) => said.body ?? "");
  const stateOf = async (issue_number: number) => (await alice.issues.get({ ...name, issue_number })).data.state;
  expect([await stateOf(wanted), await stateOf(strange)]).toEqual(["closed", "open"]);
  expect((await answers(wanted)).at(-1)).toContain("all is well, @everyone");
  expect(await answers(strange)).toEqual([]);
  expect(one.list("queue/")).toHaveLength(1);
  // What merging the proposal would do is said there; of towline's own work, which nobody but people reads, only that it can be merged.
  expect(await answers(proposed)).toEqual([expect.stringMatching(/would start 1[\s\S]*\*\*drop\*\*/)]);

  // (iii) What was proposed counts when it is merged. Its question is in the inbox, and an owner is called once.
  const inbox = async () => {
    const { data } = await alice.issues.listForRepo({ ...name, labels: "towline-inbox", state: "all" });
    expect(data).toHaveLength(1);
    return data[0] as (typeof data)[number];
  };
  expect((await inbox()).body).not.toContain("May I drop it?");
  await hub.squash(proposed, "more");
  expect((await one.tick()).started).toEqual(["drop"]);
  const box = await inbox();
  expect(box.body).toContain("May I drop it?");
  const number = /`\/towline answer ([0-9a-f]{4}) …`/.exec(box.body ?? "")?.[1];
  expect(await answers(box.number)).toEqual([expect.stringContaining("@alice")]);

  // (i) The work is a pull request with the text of its proposal.
  const job = one.job("count");
  const branch = `towline/${job}`;
  const pulls = async () =>
    (await alice.pulls.list({ ...name, state: "all" })).data.filter(({ head }) => head.ref === branch);
  const [pull] = await pulls();
  expect(pull).toMatchObject({ head: { ref: branch }, base: { ref: "main" }, state: "open", title: "Count" });
  const proposal = one.list("jobs/").find((path) => path.endsWith(".d/proposal.md")) as string;
  expect(pull?.body).toContain("counted 1");
  expect(one.pack.file(proposal)).toContain("counted 1");
  expect([one.state("count"), one.state("drop")]).toEqual(["review", "waiting"]);

  // Nothing new: no commit, nothing written there.
  const { length } = writes(hub);
  expect(await one.tick()).toEqual({ started: [], commits: 0 });
  expect(writes(hub).slice(length)).toEqual([]);

  const pull_number = pull?.number as number;
  const commit_id = pull?.head.sha as string;
  await bob.pulls.createReview({ ...name, pull_number, event: "REQUEST_CHANGES", body: "Say it louder." });
  const line = { path: "count.txt", line: 1, side: "RIGHT" as const, commit_id };
  await alice.pulls.createReviewComment({ ...name, pull_number, ...line, body: "This line." });
  await mallory.pulls.createReview({ ...name, pull_number, event: "REQUEST_CHANGES", body: "Drop it all." });
  const say = (rest: typeof bob, body: string) =>
    rest.issues.createComment({ ...name, issue_number: box.number, body });
  await say(mallory, `/towline answer ${number} no`);
  await say(alice, `/towline answer ${number} yes, on Sunday`);
  const again: string[] = [];
  hub.asked.length = 0;
  for (let at = 0; at < 3 && again.length < 2; at++) again.push(...(await one.tick()).started);
  expect(again.sort()).toEqual(["count", "drop"]);
  expect(one.job("count")).toBe(job);
  expect(one.pack.at("show", `${branch}:count.txt`)).toBe("round 1\nround 2\n");
  const told = one.pack.at("show", `${branch}:told.txt`);
  expect(told).toContain("Say it louder.");
  expect(told).toMatch(/`count\.txt`, line 1[\s\S]*This line\./);
  expect(told).not.toContain("Drop it all");
  const [same, ...others] = await pulls();
  expect([same?.number, others]).toEqual([pull_number, []]);
  expect(same?.head.sha).toBe(one.pack.at("rev-parse", branch).trim());
  expect(same?.body).toContain("counted 2");
  expect([one.state("count"), one.state("drop")]).toEqual(["review", "done"]);
  expect(one.pack.file("status/drop.md")).toContain("dropped: yes, on Sunday");
  expect((await inbox()).body).not.toContain("May I drop it?");

  // All that was written is for what changed, and each of it once.
  const said = writes(hub);
  expect(said).toEqual([...new Set(said)]);
  expect(said.filter((one) => !/\/(statuses|issues\/comments)\//.test(one)).sort()).toEqual([
    `PATCH /repos/alice/pack/issues/${box.number}`,
    `PATCH /repos/alice/pack/pulls/${pull_number}`,
    `POST /repos/alice/pack/issues/${box.number}/comments`,
  ]);
  await hub.squash(pull_number, branch);
  await one.tick();
  expect(one.state("count")).toBe("done");
  expect(one.pack.file(one.list("jobs/").find((path) => path.endsWith(`${job}.md`)) as string)).toMatch(
    /^state: finished$/m,
  );
  expect((await inbox()).body).toContain("Nothing waits for you.");
  expect((await inbox()).body).toContain("Nothing runs.");
  const after = writes(hub).length;
  expect(await one.tick()).toEqual({ started: [], commits: 0 });
  expect(writes(hub).slice(after)).toEqual([]);
});

test("bare git: work, remarks in a file, merge; a question answered in its memo", async () => {
  const one = stand({ "tasks/drop.md": drop });
  const { pack } = one;
  expect((await one.tick()).started).toEqual(["count", "drop"]);
  const job = one.job("count");
  const branch = `towline/${job}`;
  expect([one.state("count"), one.state("drop")]).toEqual(["review", "waiting"]);
  expect(await one.tick()).toEqual({ started: [], commits: 0 });

  const memo = one.list("memos/").find((path) => pack.file(path).includes("May I drop it?")) as string;
  pack.push({
    [memo]: pack.file(memo).replace("status: open", "status: answered\nanswer: yes, on Sunday"),
    [`reviews/${job}.md`]: `# Review of ${job}\n\n- count.txt:1: say it louder\n`,
  });
  expect((await one.tick()).started).toEqual(["count", "drop"]);
  expect(pack.at("show", `${branch}:count.txt`)).toBe("round 1\nround 2\n");
  expect(pack.at("show", `${branch}:told.txt`)).toMatch(/`count\.txt`, line 1[\s\S]*say it louder/);
  expect(pack.file("status/drop.md")).toContain("dropped: yes, on Sunday");

  pack.git("fetch", "-q", "origin");
  pack.git("reset", "-q", "--hard", "origin/main");
  pack.git("merge", "-q", "--no-ff", "--no-edit", `origin/${branch}`);
  pack.git("push", "-q", "origin", "HEAD:main");
  await one.tick();
  expect([one.state("count"), one.state("drop")]).toEqual(["done", "done"]);
  expect(one.job("count")).toBe(job);
  expect(one.list("memos/").filter((path) => /^status: open$/m.test(pack.file(path)))).toEqual([]);
  expect(await one.tick()).toEqual({ started: [], commits: 0 });
});
