// Levels that ripen: reviews that are asked for, checks that are green for a day, a default branch that fails.
import { expect, test } from "vitest";
import { checkLevels, greenAt, mainLevels, pull, pullLevels, run } from "../../src/pollers/github-levels.ts";

const sha = "a".repeat(40);
const at = "2026-11-20T10:00:00Z";
const now = new Date(at);
const one = (more: object = {}) =>
  pull.parse({
    ...{ id: 1, number: 7, title: "Change", state: "open", user: null, created_at: at, updated_at: at, ...more },
    ...{ head: { ref: "dependabot/npm/x", sha }, base: { ref: "main" } },
  });
const asked = (...logins: string[]) => one({ requested_reviewers: logins.map((login) => ({ id: 1, login })) });
const check = (conclusion: string | null, completed_at?: string) =>
  run.parse({ id: 1, name: "test", status: conclusion ? "completed" : "queued", conclusion, completed_at });
const brief = (levels: { kind: string; state?: string }[]) => levels.map(({ kind, state }) => [kind, state]);

test("who is asked for a review is told, whoever else is asked is news, and nobody is calm", () => {
  const of = (given: ReturnType<typeof one>) => brief(pullLevels("o/r", given, now, 60)).slice(2, -1);
  expect(of(asked("b", "a"))).toEqual([["pr.review_requested", "a b"]]);
  expect(of(asked())).toEqual([["pr.review_done", undefined]]);
  expect(of(one())).toEqual([["pr.review_done", undefined]]);
});

test("checks are green a day after the last of them ended, and only while all of them are", () => {
  const ended = [check("success", "2026-11-19T09:00:00Z"), check("neutral", "2026-11-19T10:00:00Z")];
  expect(greenAt(ended)).toBe(now.getTime());
  expect(brief(checkLevels("o/r", one(), ended, now))).toEqual([
    ["check.recovered", undefined],
    ["pr.green", sha],
  ]);
  const early = new Date(now.getTime() - 1);
  for (const runs of [[...ended, check(null)], [...ended, check("failure", at)], [check("success")], []])
    expect(JSON.stringify(checkLevels("o/r", one(), runs, now))).not.toContain("pr.green");
  expect(JSON.stringify(checkLevels("o/r", one(), ended, early))).not.toContain("pr.green");
});

test("the default branch fails or passes as its newest commit does", () => {
  const data = { repo: "o/r", sha, main: "true" };
  expect(mainLevels("o/r", sha, [check("failure"), check("success")])).toMatchObject([
    { kind: "check.failed", subject: "o/r", state: sha, data: { ...data, failed: ["test"] } },
  ]);
  expect(mainLevels("o/r", sha, [check("success")])).toMatchObject([{ kind: "check.recovered", first: "calm", data }]);
  expect(mainLevels("o/r", sha, [check(null)])).toEqual([]);
});
