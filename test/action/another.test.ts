// A repository that holds other code, and uses the action: our tick.yml, changed as the README says.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { long } from "../chaos/kit/sizes.ts";
import { openStage, type Stage, script } from "./stage.ts";

const root = join(import.meta.dirname, "..", "..");
const step = (more: string) => `      - id: tick\n        uses: ada/towline@${"a".repeat(40)}\n${more}`;
const said = /^- id: tick\n {2}uses: OWNER\/towline@FULL_COMMIT_HASH\n {2}env:\n(?: {4}.*\n)+/m;
const ours = readFileSync(join(root, ".github", "workflows", "tick.yml"), "utf8");
const install = "      - run: npm ci --omit=dev --ignore-scripts --no-audit --no-fund\n";
const own = /^ {6}- id: tick\n {8}run: .*\n {8}env:\n(?: {10}.*\n)+/m;

function changed(block: string): string {
  const indented = block.replace(/^/gm, "      ").trimEnd();
  return ours
    .replace(install, "")
    .replace(own, `${indented.replace("OWNER/towline@FULL_COMMIT_HASH", `ada/towline@${"a".repeat(40)}`)}\n`)
    .replace(
      "changed: ${{ steps.tick.outputs.changed }}",
      "changed: ${{ steps.tick.outputs.changed }}\n      export: ${{ steps.tick.outputs.export }}",
    );
}

const checkout = `      - uses: actions/checkout@${"b".repeat(40)}\n        with: {ref: main, fetch-depth: 1}\n`;
const job = (name: string, steps: string) => `  ${name}:\n    runs-on: ubuntu-24.04\n    steps:\n${steps}`;
const withInputs = (inputs: string) => step(`        with: {${inputs}}\n`);
/** Each of its jobs gives the action something wrong. */
const wrong = `on: workflow_dispatch
jobs:
${job("bare", step(""))}
${job("verb", checkout + withInputs("verb: 'tick; touch x'"))}
${job("above", withInputs("repo: ../other"))}
${job("root", withInputs("repo: /etc"))}
${job("head", withInputs("verb: check, head: '--upload-pack=touch x'"))}
${job("both", withInputs("head: refs/pull/1/head"))}`;

let stage: Stage;
beforeAll(async () => {
  const block = said.exec(readFileSync(join(root, "README.md"), "utf8"))?.[0] ?? "";
  expect(block).not.toBe("");
  stage = await openStage(
    {
      ".github/workflows/tick.yml": changed(block),
      ".github/workflows/wrong.yml": wrong,
      ".github/workflows/judge.yml": `on: workflow_dispatch\njobs:\n${job("judge", checkout + withInputs("verb: check, head: refs/pull/1/head"))}`,
      // A dashboard takes as long to build as all the rest.
      "towline.yml": `id: elsewhere\ndefaults: {agent: deckhand}\n${long ? "site: {publish: pages, base: /pack/}\n" : ""}`,
      "agents/deckhand.md": "---\nruntime: shell\n---\nRuns scripts.\n",
      "tasks/nowhere.md": "---\ntitle: Work without a machine\n---\necho never\n",
      // Its own code is its own: nothing of it is part of a tick.
      "package.json": JSON.stringify({ name: "shop", scripts: { tick: "touch stolen", check: "touch stolen" } }),
      ".npmrc": "script-shell=/bin/false\nignore-scripts=true\n",
      "src/action.ts": "throw new Error('not this one');\n",
    },
    { elsewhere: true },
  );
});
afterAll(() => stage.close());

const github = { event_name: "schedule", ref_name: "main", event: { repository: { default_branch: "main" } } };
/** All that lies there but what the action installs for itself. */
const held = (dir: string) =>
  execFileSync("find", [dir, "-path", join(dir, "node_modules"), "-prune", "-o", "-print"], { encoding: "utf8" })
    .split("\n")
    .sort();

test("a whole tick of another repository: its ledger is pushed, its outputs are set, and the action's folder stays as it is", async () => {
  const before = held(stage.action);
  const jobs = await stage.run("tick.yml", { github, secrets: { TOWLINE_SSH_KEY: "k3y-of-the-fleet" } });
  const tick = jobs.get("tick");
  const log = tick?.steps.map((one) => one.log).join("\n");
  expect([tick?.result, tick?.steps.map(({ code }) => code)], log).toEqual(["success", [0, 0, 0, 0]]);
  expect(tick?.outputs.changed).toBe(String(long));
  if (long) expect(readdirSync(tick?.outputs.export ?? "")).toContain("index.html");
  expect(stage.git(stage.bare, "log", "-1", "--format=%s", "main")).toContain("[skip ci]");
  expect(stage.git(stage.bare, "show", "main:status/nowhere.md")).toContain("Work without a machine");
  // The token is in the step that runs the tick, and nowhere else.
  expect(tick?.steps.map(({ env }) => Object.values(env).includes(stage.token))).toEqual([false, false, false, true]);
  expect(held(stage.action)).toEqual(before);
  expect(stage.git(stage.workspace, "status", "--porcelain", "--ignored")).toBe("");
});

test("a pull request there is fetched as data, as check.yml does it", async () => {
  script(stage.bin, "npm", "#!/bin/sh\nprintf '%s\\n' \"$*\"\n");
  const judge = (await stage.run("judge.yml", { github })).get("judge");
  expect(judge?.steps.map(({ log }) => log.trim()).at(-1)).toBe(
    `run --silent --prefix ${stage.action} check -- --repo ${stage.workspace}/. --fetch refs/pull/1/head`,
  );
});

const told: Record<string, RegExp> = {
  bare: /^::error title=towline::there is no checkout/m,
  verb: /^::error title=towline::.*`verb`.*write `tick` or `check`$/m,
  above: /^::error title=towline::.*`repo` leads out of the workspace/m,
  root: /^::error title=towline::.*`repo` leads out of the workspace/m,
  head: /^::error title=towline::.*`head` names no pull request/m,
  both: /^::error title=towline::.*`head` is for `verb: check`/m,
};
test("a wrong input is said, and nothing is installed or run", async () => {
  const jobs = await stage.run("wrong.yml", { github });
  expect([...jobs.keys()]).toEqual(Object.keys(told));
  for (const [name, { result, steps }] of jobs) {
    expect([name, result, steps.length, steps[0]?.code]).toEqual([name, "failure", 1, 2]);
    expect(steps[0]?.log).toMatch(told[name] as RegExp);
  }
  expect(readdirSync(stage.workspace)).not.toContain("x");
});
