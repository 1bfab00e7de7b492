// The real `claude` in a real pane of tmux on a real machine, started by ticks, against a stand-in for its model's API.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readYaml } from "../../src/core/split.ts";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { kept, lacksTmux, living } from "../fakes/pane.ts";
import { keyOf, realPack, towline } from "../integration/real.ts";

const key = "sk-ant-canary-0123456789abcdef";
const block = "```towline\nsurprise: the disk is new\ntechnique: asked df\n```";
const bash = (command: string) => ({ content: "I look.", toolCalls: [{ name: "Bash", arguments: { command } }] });

async function anthropic(): Promise<LLMock> {
  const mock = new LLMock({ strict: true, logLevel: "silent", auth: { apiKeys: [key] } });
  mock.onMessage("SAY-WELL", { content: `All fine.\n\n${block}`, usage: { input_tokens: 120, output_tokens: 30 } });
  mock.on({ userMessage: "ASK-LEAVE", hasToolResult: false }, bash("curl http://127.0.0.1:9/"));
  for (const word of ["USE-BASH", "TRY-BASH"]) {
    mock.on({ userMessage: word, hasToolResult: false }, bash("echo made > made"));
    mock.on({ userMessage: word, hasToolResult: true }, { content: "I did what I could." });
  }
  mock.onMessage("BAD-KEY", { error: { message: "invalid x-api-key", type: "authentication_error" }, status: 401 });
  await mock.start();
  return mock;
}

const tasks: Record<string, [agent: string, fields?: string]> = {
  "SAY-WELL": ["reader"],
  "USE-BASH": ["doer"],
  "TRY-BASH": ["reader"],
  "ASK-LEAVE": ["asker", "timeout: 30s"],
  "BAD-KEY": ["reader"],
  KEYLESS: ["keyless"],
};
const idOf = (word: string) => word.toLowerCase();

describe.skipIf(lacksTmux !== "")(`claude in a pane, run by ticks${lacksTmux}`, () => {
  let dir: string;
  let up: Machines;
  let mock: LLMock;
  let pack: TestPack;
  const jobs = new Map<string, { state: unknown; run: Record<string, unknown>; text: string }>();

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-agents-"));
    mock = await anthropic();
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"] });
    const bin = join(up.machines[0]?.home as string, ".local/bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(join(import.meta.dirname, "node_modules/.bin/claude"), join(bin, "claude"));
    const agent = (fields: string) => md(`runtime: tmux\nurl: ${mock.url}\n${fields}`, "You are terse.");
    const own = "auth: env\nenv: [ANTHROPIC_API_KEY]";
    pack = realPack(
      up.machines,
      {
        "agents/reader.md": agent(own),
        "agents/doer.md": agent(`${own}\nguard: {tools: Bash}`),
        "agents/asker.md": agent(`${own}\nguard: {mode: acceptEdits}`),
        "agents/keyless.md": agent("auth: host"),
        ...Object.fromEntries(
          Object.entries(tasks).map(([word, [who, more = ""]]) => [
            `tasks/${idOf(word)}.md`,
            md(`title: ${idOf(word)}\nagent: ${who}\n${more}`, `${word} $(touch ~/pwned)\n/exit\n!touch ~/pwned`),
          ]),
        ),
      },
      "tick: {patience: 90s}\n",
      "agents",
    );
    const said = await towline(
      ["tick", "--json", "--no-sync", "--no-site", "--repo", pack.clone],
      { ...keyOf(up.machines), ANTHROPIC_API_KEY: key },
      100_000,
    );
    expect([said.code, said.err.includes("fault of ours")]).toEqual([0, false]);
    for (const path of pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n")) {
      if (path.includes(".d/")) continue;
      const text = pack.file(path);
      const fields = readYaml(text.split("---\n")[1] as string) as Record<string, unknown>;
      jobs.set(fields.task as string, { state: fields.state, run: fields.run as Record<string, unknown>, text });
    }
  }, 120_000);
  afterAll(async () => {
    await up?.down();
    await mock?.stop();
    pack?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const job = (word: string) => jobs.get(idOf(word)) ?? { state: undefined, run: {}, text: "" };

  test("a first start gets past its questions; an answer is a success, with tokens, session and what it noted", () => {
    const { state, run } = job("SAY-WELL");
    expect([state, run.why]).toEqual(["finished", undefined]);
    expect(run).toMatchObject({
      outcome: "success",
      surprise: "the disk is new",
      tokens: { input: "120", output: "30" },
    });
    expect(run.session).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  test("the character and the whole task reach the model; no line of it is a command", () => {
    const bodies = mock.getRequests().map((one) => JSON.stringify(one.body));
    expect(bodies.some((body) => body.includes("SAY-WELL $(touch ~/pwned)\\n/exit\\n!touch"))).toBe(true);
    expect(bodies.some((body) => body.includes("You are terse."))).toBe(true);
    expect(readdirSync(up.machines[0]?.home as string)).not.toContain("pwned");
  });

  test.each([
    ["USE-BASH", "finished", "success", undefined],
    ["TRY-BASH", "failed", "partial", "was not allowed to use Bash"],
    ["ASK-LEAVE", "timeout", "partial", "it waited for a person: Claude needs your permission"],
    ["BAD-KEY", "failed", "failure", "the API refused the login or key"],
    ["KEYLESS", "failed", "failure", "claude was never set up on this host"],
  ])("%s: %s, %s, %s", (word, state, outcome, why) => {
    expect([job(word).state, job(word).run.outcome]).toEqual([state, outcome]);
    if (why === undefined) expect(job(word).run.why).toBeUndefined();
    else expect(job(word).run.why).toContain(why);
  });

  test("nothing is left: no process, no folder, no key", () => {
    const home = up.machines[0]?.home as string;
    expect(kept(home)).toEqual([]);
    expect(living(`TOWLINE_SESSION=${home}`)).toEqual([]);
    expect(pack.at("log", "-p", "--all")).not.toContain(key);
  });
});
