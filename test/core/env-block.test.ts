import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Mended, withSecrets } from "../../src/core/env-block.ts";
import { tickEnv } from "../../src/core/tick-env.ts";

const root = join(import.meta.dirname, "..", "..");
const ours = readFileSync(join(root, ".github", "workflows", "tick.yml"), "utf8");
const matrix = readFileSync(join(root, "docs", "samples", "tick-matrix.yml"), "utf8");
const names = ["A_KEY", "GITHUB_TOKEN", "TOWLINE_SSH_KEY", "Z_KEY"];
const mend = (text: string) => withSecrets(text, names) as Mended;

describe("withSecrets", () => {
  test.each([
    ["ours", ours],
    ["the matrix sample", matrix],
    ["with CRLF", ours.replaceAll("\n", "\r\n")],
    [
      "without a last line feed",
      ours.replace(/\n {2}# A job of its own[\s\S]*$/, "").replace(/\n {6}- if: steps[\s\S]*$/, ""),
    ],
  ])("%s: lines are added, none is changed, and a second time adds nothing", (_, text) => {
    const { text: after, added } = mend(text);
    const fresh = new Set(added.map(({ line }) => line));
    expect(added.map((one) => one.text.trim().split(":")[0])).toEqual(expect.arrayContaining(["A_KEY", "Z_KEY"]));
    const kept = after.split(/\r?\n/).filter((_line, i) => !fresh.has(i + 1));
    expect(kept.join("\n").trimEnd()).toBe(text.replaceAll("\r\n", "\n").trimEnd());
    expect(tickEnv(after)?.get("Z_KEY")?.secret).toBe("Z_KEY");
    expect(tickEnv(after)?.get("GITHUB_TOKEN")?.secret).toBe(null);
    expect(mend(after)).toEqual({ text: after, added: [] });
    if (text.includes("\r\n")) expect(after.replaceAll("\r\n", "")).not.toContain("\n");
  });

  test("every step that ticks gets them, and a step without `env:` gets one", () => {
    const bare = `on: push
jobs:
  a:
    steps:
      - run: echo before
      - id: tick # why
        run: |
          npm run tick
          echo done

      - run: echo after
  b:
    steps:
      - uses: someone/towline@v1 # the action
        with: { repo: . }
`;
    const { text } = mend(bare);
    type Steps = { jobs: Record<string, { steps: { env?: object; run?: string }[] }> };
    const { jobs } = parse(text) as Steps;
    expect(jobs.a?.steps.map((step) => Object.keys(step.env ?? {}))).toEqual([[], names, []]);
    expect(jobs.a?.steps[1]?.run).toBe("npm run tick\necho done\n");
    expect(Object.keys(jobs.b?.steps[0]?.env ?? {})).toEqual(names.filter((name) => name !== "GITHUB_TOKEN"));
    expect(text).toContain("Z_KEY: ${{ secrets.Z_KEY }}\n");
  });

  test.each([
    ["unreadable", "jobs: ["],
    ["no-step", "jobs: {a: {steps: [{run: echo}]}}"],
    ["flow", "jobs:\n  a:\n    steps:\n      - { run: npm run tick, env: { A: b } }\n"],
    ["flow", "jobs:\n  a:\n    steps:\n      - run: npm run tick\n        env: { A: b }\n"],
  ])("%s is said, and nothing is guessed", (fault, text) => expect(withSecrets(text, names)).toBe(fault));
});
