// The real `claude` on a real machine does work on a repository: a first round, a check that fails, remarks of a person,
// a merge. Its model is a stand-in that says what to run.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, realPack, towline } from "../integration/real.ts";

const key = "sk-ant-canary-0123456789abcdef";
const bash = (command: string) => ({ content: "I do it.", toolCalls: [{ name: "Bash", arguments: { command } }] });

let dir: string;
let up: Machines;
let mock: LLMock;
let pack: TestPack;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "towline-work-"));
  mock = new LLMock({ strict: true, logLevel: "silent", auth: { apiKeys: [key] } });
  // The newest news is what it acts on.
  for (const [word, command] of [
    ["say it louder", "tr a-z A-Z <said.txt >s && mv s said.txt && git commit -qam Louder"],
    ["no word of it", "echo hello >said.txt"],
    ["SAY-HELLO", "echo draft >draft.txt && git add -A && git commit -qm Drafts"],
  ] as const) {
    mock.on({ userMessage: word, hasToolResult: false }, bash(command));
    mock.on({ userMessage: word, hasToolResult: true }, { content: `Settled: ${word}.` });
  }
  await mock.start();
  up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"] });
  const bin = join(up.machines[0]?.home as string, ".local/bin");
  mkdirSync(bin, { recursive: true });
  symlinkSync(join(import.meta.dirname, "node_modules/.bin/claude"), join(bin, "claude"));
  pack = realPack(
    up.machines,
    {
      "agents/coder.md": md(
        `runtime: claude\nurl: ${mock.url}\nauth: env\nenv: [ANTHROPIC_API_KEY]\nguard: {tools: Bash}`,
        "You are terse.",
      ),
      "insights/quiet.md": md("scope: [coder]", "Never at night."),
      "tasks/hello.md": md(
        'title: Hello\nagent: coder\nrepo: .\nverify: "test -s said.txt || { echo no word of it; exit 4; }"',
        "SAY-HELLO",
      ),
    },
    "tick: {patience: 60s}\n",
    "work",
  );
}, 120_000);
afterAll(async () => {
  await up?.down();
  await mock?.stop();
  pack?.remove();
  rmSync(dir, { recursive: true, force: true });
});

async function tick() {
  const said = await towline(
    ["tick", "--json", "--no-sync", "--no-site", "--repo", pack.clone],
    { ...keyOf(up.machines), ANTHROPIC_API_KEY: key, XDG_CACHE_HOME: join(dir, "cache") },
    100_000,
  );
  if (said.code !== 0) throw new Error(said.err);
  return JSON.parse(said.out) as { started: { job: string }[]; degraded: string[] };
}
const state = () => /^state: (\w+)$/m.exec(pack.file("status/hello.md"))?.[1];

test("from a task to a merge", async () => {
  const { started, degraded } = await tick();
  expect(degraded).toEqual([]);
  const job = started[0]?.job as string;
  const branch = `towline/${job}`;
  expect(pack.at("log", "-1", "--format=%an %s", branch).trim()).toBe("coder (towline) Drafts");
  // Its check failed: the same job goes on, in the same session, and what it leaves uncommitted is committed for it.
  expect((await tick()).started).toMatchObject([{ job }]);
  expect(state()).toBe("review");
  expect(pack.at("show", `${branch}:said.txt`).trim()).toBe("hello");
  pack.push({ [`reviews/${job}.md`]: "- said.txt:1: say it louder\n" });
  expect((await tick()).started).toMatchObject([{ job }]);
  expect(pack.at("show", `${branch}:said.txt`).trim()).toBe("HELLO");
  const asked = mock.getRequests().map((one) => JSON.stringify(one.body));
  expect(asked.some((body) => body.includes("say it louder") && body.includes("Never at night."))).toBe(true);
  expect(asked.some((body) => body.includes("SAY-HELLO") && body.includes("You are terse."))).toBe(true);
  pack.git("fetch", "-q");
  pack.git("reset", "-q", "--hard", "origin/main");
  pack.git("merge", "-q", "--no-edit", `origin/${branch}`);
  pack.git("push", "-q", "origin", "HEAD:main");
  await tick();
  expect(state()).toBe("done");
  expect(pack.at("log", "-p", "--all")).not.toContain(key);
}, 300_000);
