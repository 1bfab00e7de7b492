import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { read, rules } from "./rules.ts";

const root = join(import.meta.dirname, "..", "..");
const workflows = join(root, ".github", "workflows");
const inside = (...folder: string[]) => readdirSync(join(root, ...folder)).map((name) => join(...folder, name));
const files = [
  ...inside(".github", "workflows"),
  ...inside("docs", "samples").filter((path) => path.endsWith(".yml")),
  "action.yml",
].filter((path) => existsSync(join(root, path)));

const checkout = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
/** A workflow that every rule accepts, with one part put in another form. */
const sample = (
  change: {
    top?: string;
    on?: string;
    job?: string;
    permissions?: string;
    steps?: string;
    runner?: string;
    if?: string;
  } = {},
) => `
name: sample
on:
  ${change.on ?? "workflow_dispatch:"}
${change.top ?? "permissions: {}"}
jobs:
  one:
    runs-on: ${change.runner ?? "ubuntu-24.04"}
    if: ${change.if ?? "vars.TOWLINE_STOP == ''"}
    ${change.job ?? "timeout-minutes: 5"}
    permissions: ${change.permissions ?? "{}"}
    steps:
      - uses: ${checkout}
        with: { persist-credentials: false }
${change.steps ?? "      - run: echo fine"}
`;
const step = (text: string) => sample({ steps: `      - ${text}` });
const job = (text: string) => sample({ job: `timeout-minutes: 5\n    ${text}` });

const broken: Record<string, string> = {
  "unpinned-uses": step("uses: actions/setup-node@v6"),
  "forbidden-uses": step("uses: someone/handy@3d3c42e5aac5ba805825da76410c181273ba90b1 # v1.0.0"),
  "excessive-permissions": sample({ top: "permissions: read-all" }),
  "undocumented-permissions": sample({ permissions: "\n      contents: write" }),
  "template-injection": step("run: echo ${{ github.event.issue.title }}"),
  "dangerous-triggers": sample({ on: "pull_request_target:" }),
  "uninteresting-events": sample({ on: "issue_comment:", job: "timeout-minutes: 5\n    concurrency: tick" }),
  "stop-variable": sample({ if: "github.ref == 'main' || vars.TOWLINE_STOP == ''" }),
  "untrusted-with-secrets": sample({ on: "pull_request:", permissions: "\n      contents: write # why" }),
  "tick-concurrency": sample({ on: "schedule: [{ cron: '7 * * * *' }]", top: "permissions: {}\nconcurrency: tick" }),
  "secrets-outside-step": job("env: { KEY: '${{ secrets.KEY }}' }"),
  "overprovisioned-secrets": step("run: env\n        env: { ALL: '${{ toJSON(secrets) }}' }"),
  "secrets-inherit": job("secrets: inherit"),
  "publish-beside-keys": sample({ permissions: "\n      pages: write # why\n      contents: write # why" }),
  "adhoc-packages": step("run: npm install --omit=dev --ignore-scripts"),
  "install-scripts": step("run: npm ci --omit=dev"),
  "runtime-dependencies-only": sample({
    permissions: "\n      contents: write # why",
    steps: "      - run: npm ci --ignore-scripts",
  }),
  timeouts: sample({ job: "needs: []" }),
  artipacked: step(`uses: ${checkout}`),
  "cache-poisoning": sample({
    permissions: "\n      contents: write # why",
    steps: "      - uses: actions/cache@3d3c42e5aac5ba805825da76410c181273ba90b1 # v5.0.0",
  }),
  "insecure-commands": step('run: echo "::set-env name=A::b"'),
  "github-env": step('run: echo "A=$TITLE" >> "$GITHUB_ENV"'),
  "moving-runner": sample({ runner: "ubuntu-latest" }),
  "unpinned-images": job("container: { image: debian:13 }"),
  "hardcoded-container-credentials": job("container: { image: a, credentials: { username: a, password: b } }"),
  "unsound-condition": step("run: echo a\n        if: ${{ github.ref_name }} == 'main'"),
  "bot-conditions": step("run: echo a\n        if: github.actor == 'dependabot[bot]'"),
  "hidden-failure": step("run: exit 1\n        continue-on-error: true"),
  "anonymous-definition": sample().replace("name: sample", ""),
  "full-hour-schedule": sample({ on: "schedule: [{ cron: '*/30 * * * *' }]" }),
  obfuscation: step("run: echo a\u202eb"),
};

describe("workflows", () => {
  test("there are the tick, the tests and the action", () => {
    expect(files).toEqual(
      expect.arrayContaining([".github/workflows/tick.yml", ".github/workflows/ci.yml", "action.yml"]),
    );
  });

  describe.each(files)("%s", (path) => {
    const file = read(path, readFileSync(join(root, path), "utf8"));
    test.each(Object.keys(rules))("%s", (rule) => {
      expect(rules[rule]?.(file)).toEqual([]);
    });
  });

  test("the tick's keys are in its own step, and its job can push and nothing else", () => {
    const tick = read("tick.yml", readFileSync(join(workflows, "tick.yml"), "utf8"));
    const holders = tick.steps.filter(([, one]) => JSON.stringify(one).includes("secrets."));
    expect(holders.map(([name, one]) => [name, one.run])).toEqual([["tick", "npm run --silent tick"]]);
    expect(Object.fromEntries(tick.jobs.map(([name, one]) => [name, one.permissions]))).toEqual({
      tick: { contents: "write" },
      pages: { pages: "write", "id-token": "write" },
    });
    expect(tick.steps.filter(([, one]) => one.run !== undefined && !/^(npm (ci|run)|date) /.test(one.run))).toEqual([]);
  });
});

test("the sample with a matrix starts each shard once, in a group of its own", () => {
  const text = readFileSync(join(root, "docs", "samples", "tick-matrix.yml"), "utf8");
  const { jobs } = parse(text) as {
    jobs: { shard: { strategy: { matrix: { shard: number[] }; "max-parallel": number } } };
  };
  const { matrix, "max-parallel": parallel } = jobs.shard.strategy;
  expect([1, ...matrix.shard]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(parallel).toBe(matrix.shard.length);
  expect(text).toContain("tick -- --shard 1/8\n");
  expect(text).toContain('tick -- --shard "$TOWLINE_SHARD/8"\n');
  expect(text.match(/group: towline-tick-.*/g)).toEqual([
    "group: towline-tick-1",
    "group: towline-tick-${{ matrix.shard }}",
  ]);
});

describe("rules", () => {
  test("the sample that the broken ones are made of is accepted", () => {
    const good = read("sample.yml", sample());
    for (const [name, rule] of Object.entries(rules)) expect([name, rule(good)]).toEqual([name, []]);
  });

  test.each<[string, string, string]>([
    ["dangerous-triggers", "code beside what anybody can cause", sample({ on: "issue_comment:" })],
    [
      "dangerous-triggers",
      "a right beside it",
      sample({ on: "issues:", permissions: "\n      contents: write # why", steps: "      - run: echo a" }),
    ],
    [
      "uninteresting-events",
      "concurrency on all",
      sample({ on: "issues:", top: "permissions: {}\nconcurrency: tick" }),
    ],
    [
      "uninteresting-events",
      "a condition on the very job that takes the place of another",
      sample({
        on: "issues:",
        if: "github.event.action == 'opened'",
        job: "timeout-minutes: 5\n    concurrency: tick",
      }),
    ],
  ])("%s catches %s", (rule, _what, text) => {
    expect(rules[rule]?.(read("sample.yml", text))).not.toEqual([]);
  });

  test("a job that waits for one with a condition may take the place of another that waits", () => {
    const second = "  two: { needs: one, runs-on: ubuntu-24.04, concurrency: tick, steps: [] }\n";
    expect(rules["uninteresting-events"]?.(read("sample.yml", `${sample({ on: "issues:" })}${second}`))).toEqual([]);
  });

  test("every rule has a sample that it must catch", () => expect(Object.keys(broken)).toEqual(Object.keys(rules)));

  test.each(Object.keys(rules))("%s catches its sample", (name) => {
    expect(rules[name]?.(read("sample.yml", broken[name] ?? ""))).not.toEqual([]);
  });
});
