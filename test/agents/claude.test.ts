// The real `claude` on a real machine, started by ticks, against a stand-in for its model's API: what became of each run
// stands in the ledger.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readYaml } from "../../src/core/split.ts";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, realPack, towline } from "../integration/real.ts";

const key = "sk-ant-canary-0123456789abcdef";
const login = "sk-ant-oat01-canary-0123456789abcdef";
/** A whole minute: that is how exactly the tool tells it. */
const until = Math.ceil(Date.now() / 60_000 + 300) * 60;
const block = "```towline\nsurprise: the disk is new\ntechnique: asked df\n```";
const bash = (command: string) => ({ content: "I look.", toolCalls: [{ name: "Bash", arguments: { command } }] });

/** Takes requests with the right key only. */
async function anthropic(): Promise<LLMock> {
  const mock = new LLMock({ strict: true, logLevel: "silent", auth: { apiKeys: [key] } });
  const usage = { input_tokens: 120, output_tokens: 30 };
  mock.onMessage("SAY-WELL", { content: `All fine.\n\n${block}`, usage });
  for (const word of ["USE-BASH", "TRY-BASH"]) {
    mock.on({ userMessage: word, hasToolResult: false }, bash("echo made > made"));
    mock.on({ userMessage: word, hasToolResult: true }, { content: "I did what I could." });
  }
  mock.onMessage("NEVER-ENDS", bash("echo again >> made"));
  mock.onMessage("SAY-MUCH", { content: `begin ${'a "line" \\ of ünïcode\n'.repeat(3000)} end` }, { chunkSize: 500 });
  mock.onMessage("BAD-KEY", { error: { message: "invalid x-api-key", type: "authentication_error" }, status: 401 });
  mock.onMessage("TOO-BUSY", { error: { message: "slow down", type: "rate_limit_error" }, status: 429 });
  mock.onMessage("TOO-SLOW", { content: "one two three four five six" }, { latency: 3000, chunkSize: 1 });
  await mock.start();
  return mock;
}

/** The API as it answers a subscription that has used up its five hours. */
async function usedUp(until: number): Promise<{ url: string; calls: string[]; close(): void }> {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(String(request.headers.authorization));
    response.writeHead(429, {
      "content-type": "application/json",
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(until),
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
    });
    const error = { type: "rate_limit_error", message: "This request would exceed your account's rate limit." };
    response.end(JSON.stringify({ type: "error", error }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, calls, close: () => server.close() };
}

const tasks: Record<string, [agent: string, prompt: string, fields?: string]> = {
  well: ["reader", "SAY-WELL"],
  allowed: ["doer", "USE-BASH"],
  denied: ["reader", "TRY-BASH"],
  endless: ["doer", "NEVER-ENDS"],
  badkey: ["reader", "BAD-KEY"],
  busy: ["reader", "TOO-BUSY"],
  slow: ["reader", "TOO-SLOW", "timeout: 6s"],
  much: ["reader", "SAY-MUCH"],
  keyless: ["keyless", "SAY-WELL"],
  limited: ["subscriber", "SAY-WELL"],
};

describe("claude, run by ticks", () => {
  let dir: string;
  let up: Machines;
  let mock: LLMock;
  let limit: Awaited<ReturnType<typeof usedUp>>;
  let pack: TestPack;
  const jobs = new Map<string, { fields: Record<string, unknown>; run: Record<string, unknown>; text: string }>();

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-agents-"));
    mock = await anthropic();
    limit = await usedUp(until);
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"] });
    const bin = join(up.machines[0]?.home as string, ".local/bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(join(import.meta.dirname, "node_modules/.bin/claude"), join(bin, "claude"));
    const agent = (fields: string) => md(`runtime: claude\nurl: ${mock.url}\n${fields}`, "You are terse.");
    pack = realPack(
      up.machines,
      {
        "agents/reader.md": agent("auth: env\nenv: [ANTHROPIC_API_KEY]"),
        "agents/doer.md": agent("auth: env\nenv: [ANTHROPIC_API_KEY]\nguard: {tools: Bash}\nlimits: {turns: 2}"),
        "agents/keyless.md": agent("auth: host"),
        "agents/subscriber.md": md(
          `runtime: claude\nurl: ${limit.url}\naccount: max\nauth: env\nenv: [CLAUDE_CODE_OAUTH_TOKEN]`,
        ),
        ...Object.fromEntries(
          Object.entries(tasks).map(([id, [who, prompt, more = ""]]) => [
            `tasks/${id}.md`,
            md(`title: ${id}\nagent: ${who}\n${more}`, `${prompt} $(touch ~/pwned) '; touch ~/pwned`),
          ]),
        ),
      },
      "tick: {patience: 60s}\n",
      "agents",
    );
    const said = await towline(
      ["tick", "--json", "--no-sync", "--no-site", "--repo", pack.clone],
      { ...keyOf(up.machines), ANTHROPIC_API_KEY: key, CLAUDE_CODE_OAUTH_TOKEN: login },
      100_000,
    );
    expect([said.code, said.err.includes("fault of ours")]).toEqual([0, false]);
    for (const path of pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n")) {
      if (path.includes(".d/")) continue;
      const text = pack.file(path);
      const fields = readYaml(text.split("---\n")[1] as string) as Record<string, unknown>;
      jobs.set(fields.task as string, { fields, run: fields.run as Record<string, unknown>, text });
    }
  }, 120_000);
  afterAll(async () => {
    await up?.down();
    await mock?.stop();
    limit?.close();
    pack?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const state = (task: string) => jobs.get(task)?.fields.state;
  const run = (task: string) => jobs.get(task)?.run ?? {};
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

  test("an answer is a success, with cost, tokens, session and what it noted", () => {
    expect(state("well")).toBe("finished");
    expect(run("well")).toMatchObject({
      outcome: "success",
      surprise: "the disk is new",
      technique: "asked df",
      tokens: { input: "120", output: "30" },
    });
    expect(run("well").session).toMatch(uuid);
    expect(Number(jobs.get("well")?.fields.cost)).toBeGreaterThan(0);
    expect(pack.file("status/well.md")).toContain("All fine.");
  });

  test("the character and the task reach the model; the task's text is never a command", () => {
    const bodies = mock.getRequests().map((one) => JSON.stringify(one.body));
    expect(bodies.some((body) => body.includes("SAY-WELL") && body.includes("You are terse."))).toBe(true);
    expect(bodies.some((body) => body.includes("SAY-WELL $(touch ~/pwned) '; touch ~/pwned"))).toBe(true);
    expect(readdirSync(up.machines[0]?.home as string)).not.toContain("pwned");
  });

  test("an allowed tool is used, a refused one makes the run a failure", () => {
    expect([state("allowed"), run("allowed").outcome]).toEqual(["finished", "success"]);
    expect([state("denied"), run("denied").outcome]).toEqual(["failed", "partial"]);
    expect(run("denied").why).toContain("was not allowed to use Bash");
    expect(jobs.get("denied")?.text).toContain("I did what I could.");
  });

  test("an answer that is longer than what a machine keeps is a success with a gap", () => {
    expect([state("much"), run("much").outcome]).toEqual(["finished", "success"]);
    expect(jobs.get("much")?.text).toMatch(/begin a "line" \\ of[\s\S]*left out …[\s\S]* end\n/);
  });

  test.each([
    ["endless", "failed", "stopped at its limit of turns without an answer (Reached maximum number of turns (2))"],
    ["badkey", "failed", "the API refused the login or key (HTTP 401)"],
    ["busy", "failed", "the API takes no more requests now (HTTP 429)"],
    ["slow", "timeout", "ran into its time limit after 6"],
    ["keyless", "failed", "claude is not logged in on this host"],
  ])("%s: %s, %s", (task, wanted, why) => {
    expect([state(task), run(task).outcome]).toEqual([wanted, "failure"]);
    expect(run(task).why).toContain(why);
    expect(run(task).session).toMatch(uuid);
  });

  test("a subscription at its limit is no failure of the task: it goes on by itself when the limit ends", () => {
    expect(limit.calls).toContain(`Bearer ${login}`);
    expect(run("limited").why).toMatch(/^the account's usage limit is reached, resets /);
    const at = new Date(until * 1000).toISOString();
    expect(run("limited")).toMatchObject({ attempt: "1", retry_at: at, limited: { account: "max", until: at } });
    expect(pack.file("status/limited.md")).toContain(`max has reached its own limit; next at ${at}`);
    expect(pack.at("grep", "-l", "account.limited", "main", "--", "memos")).toMatch(/^main:memos/);
    expect(pack.at("log", "-p", "--all")).not.toContain(login);
  });

  test("the key, without which the API takes no request, is in no commit and in no file of the machine", () => {
    expect(pack.at("log", "-p", "--all")).not.toContain(key);
    const holders = execFileSync("sh", ["-c", 'grep -rlF "$1" "$2" || :', "sh", key, dir], { encoding: "utf8" });
    expect(holders).toBe("");
    expect(readFileSync(join(import.meta.dirname, "claude.test.ts"), "utf8")).toContain(key);
  });
});
