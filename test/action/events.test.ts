// tick.yml and events.yml as the service would run them: which events ask for a tick, which cost nothing, and the tick.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStage, type Stage, script } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({
    "towline.yml": "id: stage\ndefaults: {agent: deckhand}\n",
    "agents/deckhand.md": "---\nruntime: shell\n---\nRuns scripts.\n",
    "tasks/nowhere.md": "---\ntitle: Work without a machine\n---\necho never\n",
  });
  // The service's own program for its API: here it writes down what it was asked.
  script(stage.bin, "gh", `#!/bin/sh\nfor word in "$@" "$GH_REPO"; do printf '%s\\n' "$word"; done >> ${asked()}\n`);
});
afterAll(() => stage.close());
const asked = () => join(stage.dir, "asked");

const repository = { default_branch: "main" };
const here = { full_name: "ada/pack" };
const issue = (labels: string[]) => ({ labels: labels.map((name) => ({ name })), number: 3 });
const comment = (body: string, more = {}) => ({
  body,
  user: { type: "User", login: "ada" },
  author_association: "OWNER",
  ...more,
});
const review = (association: string, head: object) => ({
  review: { author_association: association, state: "approved" },
  pull_request: { head: { ref: "towline/one-abc", repo: here, ...head } },
});

async function happens(name: string, event: object, vars = {}): Promise<string> {
  rmSync(asked(), { force: true });
  const github = { event_name: name, ref_name: "main", event: { repository, ...event } };
  const jobs = await stage.run("events.yml", { github, vars });
  expect(existsSync(asked())).toBe(jobs.get("wanted")?.result === "success");
  return jobs.get("wanted")?.result ?? "";
}

describe("events.yml", () => {
  test.each<[string, string, object]>([
    ["an issue with the label", "issues", { action: "opened", issue: issue(["bug", "towline"]) }],
    ["the label itself", "issues", { action: "labeled", label: { name: "towline" }, issue: issue(["towline"]) }],
    ["a command", "issue_comment", { issue: issue([]), comment: comment("/towline run backup") }],
    ["an answer in towline's issue", "issue_comment", { issue: issue(["towline"]), comment: comment("use the other") }],
    ["a review of its work", "pull_request_review", review("MEMBER", {})],
    ["a person's push", "push", { head_commit: { message: "a task" } }],
    ["a call from a target repository", "repository_dispatch", { action: "towline" }],
  ])("%s asks for a tick", async (_what, name, event) => {
    expect(await happens(name, event)).toBe("success");
    expect(readFileSync(asked(), "utf8").split("\n")).toEqual([
      "workflow",
      "run",
      "tick.yml",
      "--ref",
      "main",
      "ada/pack",
      "",
    ]);
    expect(await happens(name, event, { TOWLINE_STOP: "until monday" })).toBe("skipped");
  });

  test.each<[string, string, object]>([
    ["an issue without the label", "issues", { action: "opened", issue: issue(["bug"]) }],
    ["another label", "issues", { action: "labeled", label: { name: "p1" }, issue: issue(["p1", "towline"]) }],
    ["small talk", "issue_comment", { issue: issue([]), comment: comment("I like /towline") }],
    [
      "a stranger's command",
      "issue_comment",
      { issue: issue(["towline"]), comment: comment("/towline run x", { author_association: "CONTRIBUTOR" }) },
    ],
    [
      "a program's comment",
      "issue_comment",
      { issue: issue(["towline"]), comment: comment("/towline run x", { user: { type: "Bot", login: "ada[bot]" } }) },
    ],
    ["a stranger's review", "pull_request_review", review("NONE", {})],
    ["a review of a person's branch", "pull_request_review", review("OWNER", { ref: "feature" })],
    ["a review of a fork's", "pull_request_review", review("OWNER", { repo: { full_name: "mallory/pack" } })],
    ["a review of a fork that is gone", "pull_request_review", review("OWNER", { repo: null })],
    ["towline's own push", "push", { head_commit: { message: "2 done [skip ci]" } }],
  ])("%s asks for none, at no cost", async (_what, name, event) => {
    expect(await happens(name, event)).toBe("skipped");
  });

  test("a push to another branch asks for none", async () => {
    const github = { event_name: "push", ref_name: "feature", event: { repository, head_commit: { message: "x" } } };
    expect((await stage.run("events.yml", { github })).get("wanted")?.result).toBe("skipped");
  });
});

describe("tick.yml", () => {
  const github = { event_name: "schedule", ref_name: "main", event: { repository } };

  test("runs a tick of the branch as it is, with the token in that step alone", async () => {
    const jobs = await stage.run("tick.yml", { github, secrets: { TOWLINE_SSH_KEY: "k3y-of-the-fleet" } });
    const tick = jobs.get("tick");
    expect([tick?.result, tick?.steps.map((step) => [step.run.split(" ", 2).join(" "), step.code])]).toEqual([
      "success",
      [
        ["date +began=%s", 0],
        ["npm ci", 0],
        ["npm run", 0],
      ],
    ]);
    expect(tick?.outputs).toEqual({ changed: "false" });
    expect(jobs.get("pages")?.result).toBe("skipped");
    expect(tick?.summary).toMatch(/^A month: 1,440 of 2,000 min, \$0, about \d+ kB a year$/m);
    expect(stage.git(stage.bare, "log", "-1", "--format=%s", "main")).toContain("[skip ci]");
    expect(tick?.steps.map((step) => Object.keys(step.env).includes("GITHUB_TOKEN"))).toEqual([false, false, true]);
    expect(Number(tick?.steps.at(-1)?.env.TOWLINE_JOB_BEGAN)).toBeGreaterThan(1.7e9);
  });

  test("TOWLINE_STOP stops it before a runner is asked for", async () => {
    const jobs = await stage.run("tick.yml", { github, vars: { TOWLINE_STOP: "1" } });
    expect([...jobs.values()].map((job) => job.result)).toEqual(["skipped", "skipped"]);
  });
});
