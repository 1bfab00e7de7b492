// Coding work by the real `claude`, headless and in a pane, on a real machine: from a task to a branch, a review round in
// the same session, a merge.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { kept, lacksTmux, living } from "../fakes/pane.ts";
import { keyOf, realPack, towline } from "../integration/real.ts";

const key = "sk-ant-canary-0123456789abcdef";
const bash = (command: string) => ({ content: "I count.", toolCalls: [{ name: "Bash", arguments: { command } }] });
const counts = (text: string) => bash(`echo '${text}' >>count.txt && git add -A && git commit -qm 'Counts'`);

async function anthropic(): Promise<LLMock> {
  const mock = new LLMock({ strict: true, logLevel: "silent", auth: { apiKeys: [key] } });
  const usage = { input_tokens: 120, output_tokens: 30 };
  mock.on({ userMessage: "say it louder", hasToolResult: false }, counts("ROUND TWO"));
  mock.on({ userMessage: "say it louder", hasToolResult: true }, { content: "Louder.", usage });
  mock.on({ userMessage: "COUNT-THINGS", hasToolResult: false }, counts("round one"));
  mock.on({ userMessage: "COUNT-THINGS", hasToolResult: true }, { content: "Counted.", usage });
  await mock.start();
  return mock;
}

describe.each(["claude", ...(lacksTmux === "" ? ["tmux"] : [])])("coding work by %s", (runtime) => {
  let dir: string;
  let up: Machines;
  let mock: LLMock;
  let pack: TestPack;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-agents-"));
    writeFileSync(join(dir, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@x.test\n");
    mock = await anthropic();
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"] });
    const bin = join(up.machines[0]?.home as string, ".local/bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(join(import.meta.dirname, "node_modules/.bin/claude"), join(bin, "claude"));
    const login = "auth: env\nenv: [ANTHROPIC_API_KEY]\nguard: {tools: [Bash]}";
    pack = realPack(
      up.machines,
      {
        "agents/scout.md": md(`runtime: ${runtime}\nurl: ${mock.url}\n${login}`, "You count."),
        "tasks/count.md": md(
          "title: Count\nagent: scout\nrepo: .\nverify: test -s count.txt\ntimeout: 90s",
          "COUNT-THINGS",
        ),
      },
      "tick: {patience: 90s}\n",
      "coding",
    );
  }, 60_000);
  afterAll(async () => {
    await up?.down();
    await mock?.stop();
    pack?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const say = async (...args: string[]) => {
    const env = { ...keyOf(up.machines), ANTHROPIC_API_KEY: key, HOME: dir };
    const said = await towline([...args, "--repo", pack.clone], env, 110_000);
    if (said.code !== 0) throw new Error(said.err);
    return said.out;
  };
  const tick = async () => JSON.parse(await say("tick", "--json", "--no-sync", "--no-site"));
  const status = () => /^state: (\w+)$/m.exec(pack.file("status/count.md"))?.[1];
  const record = () =>
    pack.file(/^\S+\d\/[^/\s]+\.md$/m.exec(pack.at("ls-tree", "-r", "--name-only", "main", "jobs"))?.[0] as string);
  const sessions = () => kept(up.machines[0]?.home as string);

  test("branch, review round in the same session, merge, done; nothing is left", async () => {
    const job = (await tick()).started[0]?.job as string;
    expect([status(), record()]).toEqual(["review", expect.stringContaining("Counted.")]);
    const branch = `towline/${job}`;
    expect(pack.at("show", `${branch}:count.txt`)).toBe("round one\n");
    const session = /^ {2}session: (\S+)$/m.exec(record())?.[1];
    expect(sessions()).toEqual([job]);
    await say("review", "count", "--comment", "count.txt:1", "say it louder");
    await tick();
    expect(status()).toBe("review");
    expect(pack.at("show", `${branch}:count.txt`)).toBe("round one\nROUND TWO\n");
    expect(/^ {2}session: (\S+)$/m.exec(record())?.[1]).toBe(session);
    expect(record()).not.toContain("a new one was started");
    const ada = mkdtempSync(join(dir, "ada-"));
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=a@x.test", ...args], { cwd: ada, stdio: "pipe" });
    git("clone", "-q", pack.origin, ".");
    git("merge", "-q", "--no-edit", `origin/${branch}`);
    git("push", "-q");
    await tick();
    expect(status()).toBe("done");
    // The next time that somebody speaks with the host, it is tidied there.
    pack.push({ "tasks/other.md": md("title: Other", "echo hello") });
    await tick();
    expect(sessions()).toEqual([]);
    expect(living(`TOWLINE_SESSION=${up.machines[0]?.home}`)).toEqual([]);
    expect(pack.at("log", "-p", "--all")).not.toContain(key);
  });
});
