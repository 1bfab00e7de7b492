// What holds for every poller, against a real server of its kind.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPollers } from "../../src/pollers/index.ts";
import type { Poller } from "../../src/ports.ts";
import { canary, type Hub, hub, memory, news, repo, settingsFor } from "./hub.ts";

let server: Hub;
beforeAll(async () => {
  server = await hub();
});
afterAll(() => server.close());

const poller = (env: Record<string, string> = { GITHUB_TOKEN: canary }, origin: string | null = null) => ({
  at: (github: object = {}) => settingsFor({ repos: ["alice/pack"], url: server.url, ...github }),
  of: createPollers({ env, origin: async () => origin }),
});
const only = (pollers: Poller[]) => pollers[0] as Poller;

describe("every poller", () => {
  test("is made only when settings name it", () => {
    const { of, at } = poller();
    expect(of(settingsFor({ repos: [] })).map((one) => one.name)).toEqual(["github"]);
    expect(of({ ...at(), pollers: {} })).toEqual([]);
  });

  test("reports the same levels twice, and the second time nothing is news", async () => {
    const { of, at } = poller();
    const [one, ledger] = [only(of(at())), memory()];
    await server.pull("twice");
    const now = new Date();
    const first = await one.poll(at(), now, { known: [] });
    expect(first.length).toBeGreaterThan(0);
    expect(await one.poll(at(), now, { known: ledger.rows })).toEqual(first);
    expect(ledger.take(first).length).toBeGreaterThan(0);
    expect(await news(one, at(), ledger)).toEqual([]);
  });

  test("gives levels of its own name, with no hidden or many-line text, and never its token", async () => {
    const { of, at } = poller();
    await server.pull("hostile", "a\u001b[31m red\n::set-output name=x::y \u202e @all <b>");
    const levels = await only(of(at())).poll(at(), new Date(), { known: [] });
    expect(new Set(levels.map((one) => one.source))).toEqual(new Set(["github"]));
    expect(JSON.stringify(levels)).not.toContain(canary);
    const texts = JSON.stringify(levels.flatMap((one) => [one.title, one.tags ?? [], one.data ?? {}]));
    expect(texts).not.toMatch(/\\u001b|\\n|\u202e/);
    expect(levels.some((one) => one.title.includes("red ::set-output"))).toBe(true);
  });

  test("that is told to end ends at once, and reports no change", async () => {
    const { of, at } = poller();
    const ledger = memory();
    await news(only(of(at())), at(), ledger);
    const began = Date.now();
    const levels = await only(of(at())).poll(at(), new Date(), { known: ledger.rows, signal: AbortSignal.abort() });
    expect(ledger.take(levels)).toEqual(["source.failed github"]);
    expect(levels.at(-1)?.title).toContain("the tick was ended");
    expect(Date.now() - began).toBeLessThan(5000);
  });

  test("without its token, or without a repository that it could mean, it says what to do", async () => {
    const at = settingsFor({ repos: ["alice/pack"], url: server.url, token: "OTHER_TOKEN" });
    await expect(only(poller().of(at)).poll(at, new Date(), { known: [] })).rejects.toMatchObject({
      message: "the variable OTHER_TOKEN is empty",
      advice: expect.stringContaining("pollers.github.token"),
    });
    const own = settingsFor({});
    const ask = (origin: string | null, env = {}) =>
      only(poller({ GITHUB_TOKEN: canary, ...env }, origin).of(own)).poll(own, new Date(), { known: [] });
    for (const origin of [null, "/srv/git/pack.git", "git@gitlab.example:alice/pack.git"])
      await expect(ask(origin)).rejects.toMatchObject({ message: expect.stringContaining("is not known") });
  });
});

describe("github", () => {
  test("the pack's own repository comes from the CI service, or from an origin on the API's server", async () => {
    const at = settingsFor({ url: server.url });
    const subjects = async (env: Record<string, string>, origin: string | null) =>
      new Set(
        (await only(poller({ GITHUB_TOKEN: canary, ...env }, origin).of(at)).poll(at, new Date(), { known: [] }))
          .filter((level) => level.family === "source")
          .map((level) => level.subject),
      );
    const own = new Set(["alice/pack"]);
    expect(await subjects({ GITHUB_REPOSITORY: "alice/pack" }, null)).toEqual(own);
    expect(await subjects({}, "git@localhost:alice/pack.git")).toEqual(own);
    expect(await subjects({}, "ssh://git@localhost:22/alice/pack")).toEqual(own);
    expect(await subjects({}, "https://x:y@localhost/alice/pack.git")).toEqual(own);
  });

  test("a pull request is opened, approved, fails and passes its checks, and is merged: one pupdate each", async () => {
    const { of, at } = poller();
    const [one, ledger] = [only(of(at())), memory()];
    await news(one, at(), ledger);
    const { number, sha } = await server.pull("life");
    const subject = `alice/pack#${number}`;
    expect(await news(one, at(), ledger)).toEqual([`pr.opened ${subject}`]);
    await server.bob.pulls.createReview({ ...repo, pull_number: number, event: "REQUEST_CHANGES", body: "no" });
    expect(await news(one, at(), ledger)).toEqual([`pr.changes_requested ${subject}`]);
    await server.bob.pulls.createReview({ ...repo, pull_number: number, event: "COMMENT", body: "hm" });
    expect(await news(one, at(), ledger)).toEqual([]);
    await server.bob.pulls.createReview({ ...repo, pull_number: number, event: "APPROVE", body: "yes" });
    expect(await news(one, at(), ledger)).toEqual([`pr.approved ${subject}`]);
    const lint = await server.alice.checks.create({ ...repo, name: "lint", head_sha: sha, status: "in_progress" });
    expect(await news(one, at(), ledger)).toEqual([]);
    const end = (conclusion: "failure" | "success") =>
      server.alice.checks.update({ ...repo, check_run_id: lint.data.id, status: "completed", conclusion });
    await end("failure");
    expect(await news(one, at(), ledger)).toEqual([`check.failed ${subject}`]);
    expect(ledger.raised.at(-1)).toMatchObject({ title: "Mend the log", data: { failed: ["lint"], sha } });
    await end("success");
    expect(await news(one, at(), ledger)).toEqual([`check.recovered ${subject}`]);
    await server.alice.pulls.merge({ ...repo, pull_number: number, merge_method: "merge" });
    expect(await news(one, at(), ledger)).toEqual([`pr.merged ${subject}`]);
    expect(ledger.rows.filter((row) => row.subject === subject)).toEqual([]);
    expect(await news(one, at(), ledger)).toEqual([]);
    const ids = ledger.raised.map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("the actor has a numeric id and a role; who reviews is the actor of the review", async () => {
    const { of, at } = poller();
    const { number } = await server.pull("actors");
    await server.bob.pulls.createReview({ ...repo, pull_number: number, event: "APPROVE" });
    const levels = await only(of(at())).poll(at(), new Date(), { known: [] });
    const mine = levels.filter((level) => level.subject === `alice/pack#${number}`);
    expect(mine.find((level) => level.kind === "pr.opened")?.actor).toMatchObject({
      login: "alice",
      id: expect.stringMatching(/^\d+$/),
    });
    expect(mine.find((level) => level.kind === "pr.approved")?.actor).toMatchObject({
      login: "bob",
      id: expect.stringMatching(/^\d+$/),
    });
  });

  test("closed and opened again are pupdates with ids of their own", async () => {
    const { of, at } = poller();
    const [one, ledger] = [only(of(at())), memory()];
    const { number } = await server.pull("again");
    const set = (state: "open" | "closed") => server.alice.pulls.update({ ...repo, pull_number: number, state });
    await news(one, at(), ledger);
    const seen: string[] = [];
    for (const state of ["closed", "open", "closed"] as const) {
      await set(state);
      seen.push(...(await news(one, at(), ledger)));
    }
    const subject = `alice/pack#${number}`;
    expect(seen).toEqual([`pr.closed ${subject}`, `pr.opened ${subject}`, `pr.closed ${subject}`]);
    expect(ledger.rows.filter((row) => row.subject === subject)).toHaveLength(1);
    const ids = ledger.raised.map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("nothing happens for longer than `stale`: once stale, and active again with the next change", async () => {
    const { of, at } = poller();
    const [one, ledger] = [only(of(at())), memory()];
    const { number } = await server.pull("slow");
    const subject = `alice/pack#${number}`;
    const about = async (days: number) =>
      (await news(one, at({ stale: "3d" }), ledger, new Date(Date.now() + days * 86_400_000))).filter((said) =>
        said.endsWith(subject),
      );
    expect(await about(0)).toEqual([`pr.opened ${subject}`]);
    expect(await about(2.9)).toEqual([]);
    expect(await about(3.01)).toEqual([`pr.stale ${subject}`]);
    expect(ledger.raised.at(-1)?.data?.age).toBe("3.1d");
    expect(await about(9)).toEqual([]);
    await server.alice.pulls.update({ ...repo, pull_number: number, title: "Mend the log soon" });
    expect(await about(0)).toEqual([`pr.active ${subject}`]);
    expect(await about(4)).toEqual([`pr.stale ${subject}`]);
  });

  test("an issue counts while it carries the label", async () => {
    const { of, at } = poller();
    const [one, ledger] = [only(of(at())), memory()];
    await news(one, at(), ledger);
    const { number } = (await server.alice.issues.create({ ...repo, title: "Disk is full" })).data;
    const subject = `alice/pack#${number}`;
    expect(await news(one, at(), ledger)).toEqual([]);
    const label = () => server.alice.issues.addLabels({ ...repo, issue_number: number, labels: ["towline", "ops"] });
    await label();
    expect(await news(one, at(), ledger)).toEqual([`issue.labelled ${subject}`]);
    expect(ledger.raised.at(-1)).toMatchObject({ tags: ["towline", "ops"], title: "Disk is full" });
    await server.alice.issues.removeLabel({ ...repo, issue_number: number, name: "towline" });
    expect(await news(one, at(), ledger)).toEqual([`issue.unlabelled ${subject}`]);
    await label();
    expect(await news(one, at(), ledger)).toEqual([`issue.labelled ${subject}`]);
    await server.alice.issues.update({ ...repo, issue_number: number, state: "closed" });
    expect(await news(one, at(), ledger)).toEqual([`issue.closed ${subject}`]);
    expect(await news(one, at(), ledger)).toEqual([]);
  });

  test("all pages are read: 130 issues", async () => {
    const { of, at } = poller();
    const label = "many";
    for (let i = 0; i < 130; i++) await server.alice.issues.create({ ...repo, title: `I${i}`, labels: [label] });
    const levels = await only(of(at())).poll(at({ label }), new Date(), { known: [] });
    expect(new Set(levels.filter((one) => one.kind === "issue.labelled").map((one) => one.subject)).size).toBe(130);
  });

  test("a repository that cannot be seen is a failed source, and closes nothing; the others go on", async () => {
    const { of, at } = poller();
    const [one, ledger] = [only(of(at())), memory()];
    await server.pull("beside");
    await news(one, at(), ledger);
    // The ledger knows pull requests of a repository that the token cannot see any more.
    for (const row of ledger.rows.filter((known) => known.family === "pr"))
      ledger.rows.push({ ...row, subject: row.subject.replace("alice/pack", "alice/secret") });
    const both = at({ repos: ["alice/pack", "alice/secret"] });
    expect(await news(one, both, ledger)).toEqual(["source.failed alice/secret"]);
    expect(ledger.raised.at(-1)?.title).toContain("not to be seen (404)");
    expect(
      ledger.rows.filter(
        (row) => row.subject.startsWith("alice/secret#") && row.kind !== "pr.opened" && row.kind !== "pr.closed",
      ),
    ).toEqual([]);
    expect(await news(one, both, ledger)).toEqual([]);
  });

  test("a pull request that is no longer listed and gives 404 is not closed", async () => {
    const { of, at } = poller();
    const [one, ledger] = [only(of(at())), memory()];
    await news(one, at(), ledger);
    const row = { source: "github", subject: "alice/pack#9999", family: "pr", kind: "pr.opened", pupdate: "x" };
    ledger.rows.push(row);
    expect(await news(one, at(), ledger)).toEqual([]);
    expect(ledger.rows).toContain(row);
  });

  test("a push to the default branch is told with its commit; towline's own commits are none", async () => {
    const { of, at } = poller();
    const on = at({ pushes: true });
    const [one, ledger] = [only(of(on)), memory()];
    await news(one, on, ledger);
    const push = (message: string) =>
      server.alice.repos.createOrUpdateFileContents({
        ...repo,
        path: `${ledger.raised.length}-${message.length}`,
        message,
        content: "eA==",
      });
    const { data } = await push("Mend the log\n\nIn full.");
    expect(await news(one, on, ledger)).toEqual(["push alice/pack"]);
    expect(ledger.raised.at(-1)).toMatchObject({ title: "alice/pack: Mend the log", data: { sha: data.commit.sha } });
    expect(await news(one, on, ledger)).toEqual([]);
    await push("1 done: nightly\n\nTowline-Tick: t\nTowline-Nonce: n");
    expect(await news(one, on, ledger)).toEqual([]);
  });
});
