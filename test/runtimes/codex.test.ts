// What codex's own events mean for a job, and its launch really run with a stand-in for the program.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { agent } from "../../src/core/schema.ts";
import { codex } from "../../src/runtimes/codex.ts";
import { anyAssignment, folders, kept, raw, run } from "./runs.ts";

const { launch, outcome } = codex();
const session = "01a2223b-eaaf-7fb0-a469-a96ecceff174";

// Out of real runs of 0.169.0.
const begun = { type: "thread.started", thread_id: session };
const said = (text: string) => ({ type: "item.completed", item: { id: "item_0", type: "agent_message", text } });
const used = { input_tokens: 120, cached_input_tokens: 20, output_tokens: 30, reasoning_output_tokens: 0 };
const printed = (...events: object[]) =>
  `zone +0200\n${[begun, ...events].map((one) => JSON.stringify(one)).join("\n")}\n`;
const failed = (message: string) => [
  { type: "error", message: `Reconnecting... 1/1 (${message})` },
  { type: "error", message },
  { type: "turn.failed", error: { message } },
];

describe("what it says", () => {
  test("the last message is the answer, with tokens and session", () => {
    const out = printed(said("I look."), said("All fine."), { type: "turn.completed", usage: used });
    expect(outcome(raw({ out }))).toEqual({
      state: "finished",
      outcome: "success",
      answer: "All fine.",
      tokens: { input: 100, output: 30, cache_read: 20 },
      session,
    });
  });

  test.each([
    [
      "unexpected status 401 Unauthorized: invalid key, url: http://x",
      "the API refused the login or key (HTTP 401): unexp",
    ],
    [
      "exceeded retry limit, last status: 429 Too Many Requests",
      "the API takes no more requests now (HTTP 429): exceeded",
    ],
    ["Missing environment variable: `OPENAI_API_KEY`.", "codex is not logged in on this host: log in there once"],
    ["stream disconnected", "codex failed: stream disconnected"],
  ])("%s", (message, why) => {
    const read = outcome(raw({ out: printed(...failed(message)), exit: 1, err: "WARNING: noise" }));
    expect(read).toMatchObject({ state: "failed", outcome: "failure", answer: "", session });
    expect(read.why).toContain(why);
    expect(read.limited).toBeUndefined();
  });

  test("a limit ends by the machine's clock; what was said before stays", () => {
    const message =
      "You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/settings/usage to purchase more credits or try again at 3:03 PM.";
    const read = outcome(raw({ out: printed(said("half"), ...failed(message)), exit: 1 }));
    expect(read).toMatchObject({ state: "failed", outcome: "partial", answer: "half" });
    expect(read.limited).toEqual({ until: "2026-11-20T13:03:00.000Z", said: "3:03 PM" });
    expect(outcome(raw({ out: printed(said("You’ve hit your usage limit.")) })).limited).toBeUndefined();
  });

  test("anything else is kept for people", () => {
    expect(outcome(raw({ out: "zone +0200\n" }))).toMatchObject({ state: "empty", answer: "" });
    expect(outcome(raw({ out: "zone +0200\nhello {\n" }))).toMatchObject({ state: "failed", answer: "hello {" });
    expect(outcome(raw({ out: '{"type":"item.completed","item":7}\n[1]\n' }))).toMatchObject({ state: "empty" });
  });
});

describe("really run with a stand-in for the binary", () => {
  const stand_in = `#!/bin/sh
for a in "$@"; do echo "arg $a" >&2; done
echo "home $HOME key $OPENAI_API_KEY $CODEX_API_KEY" >&2
echo '{"type":"thread.started","thread_id":"${session}"}'
printf '{"type":"item.completed","item":{"type":"command_execution","aggregated_output":"\\\\"type\\\\":\\\\"agent_message\\\\" %s"}}\\n' "$(head -c 300000 /dev/zero | tr '\\0' x)"
printf '{"type":"item.completed","item":{"type":"agent_message","text":"read %s bytes%s"}}\\n' "$(wc -c | tr -d ' ')" "$(cat "$REAL_HOME/more" 2>/dev/null)"
[ ! -e "$REAL_HOME/hang" ] || sleep 60
exit "$(cat "$REAL_HOME/code" 2>/dev/null || echo 0)"
`;
  function host(files: Record<string, string> = {}) {
    const home = mkdtempSync(join(tmpdir(), "towline host "));
    folders.push(home);
    for (const [name, text] of Object.entries({ ".local/bin/codex": stand_in, ...files })) {
      mkdirSync(join(home, name, ".."), { recursive: true });
      writeFileSync(join(home, name), text);
    }
    chmodSync(join(home, ".local/bin/codex"), 0o755);
    return { HOME: home, REAL_HOME: home };
  }
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const with_ = (fields: object) => anyAssignment({ agent: agent.parse({ runtime: "codex", ...fields }) });

  test("the task by stdin, what it may by its sandbox; outputs of commands do not come along", async () => {
    const { result } = await run(launch(with_({ model: "gpt-6", guard: { mode: "acceptEdits" } })), host());
    const read = outcome(result);
    expect(read).toMatchObject({ state: "finished", outcome: "success", session });
    expect(read.answer).toMatch(/^read [1-9]\d{2,} bytes$/);
    expect(result.stdout.bytes).toBeLessThan(1000);
    const lines = text(result.stderr.head);
    for (const one of [
      "exec",
      "--json",
      "sandbox_mode=workspace-write",
      "approval_policy=never",
      "--model",
      "gpt-6",
      "-",
    ])
      expect(lines).toContain(`arg ${one}\n`);
  });

  test("a key of its own brings a home of its own, and leaves no file", async () => {
    const keyed = { ...with_({ auth: "env", env: ["OPENAI_API_KEY"], url: "http://127.0.0.1:4010/v1" }) };
    const { folder, result } = await run(launch({ ...keyed, secrets: { OPENAI_API_KEY: "sk-1" } }), host());
    const lines = text(result.stderr.head);
    expect(lines).toContain(`home ${join(kept(folder), "home")} key sk-1 sk-1\n`);
    expect(lines).toContain('arg model_providers.towline.base_url="http://127.0.0.1:4010/v1"\n');
    expect(existsSync(join(folder, "secrets/OPENAI_API_KEY"))).toBe(false);
  });

  test("a session that is there is resumed, one that is not begins anew", async () => {
    const rollout = `.codex/sessions/2026/11/28/rollout-2026-11-28T12-58-06-${session}.jsonl`;
    const again = { ...with_({}), resume: { session } };
    const here = await run(launch(again), host({ [rollout]: "{}\n" }));
    expect(text(here.result.stderr.head)).toMatch(new RegExp(`^arg exec\narg resume\narg ${session}\narg --json\n`));
    const gone = await run(launch(again), host());
    expect(text(gone.result.stderr.head)).toContain("a new one was started");
    expect(text(gone.result.stderr.head)).not.toContain("arg resume");
  });

  test("what it keeps is for the next epoch only where its last words ask something", async () => {
    const mark = ({ folder }: { folder: string }) => existsSync(join(kept(folder), "kept"));
    expect(mark(await run(launch(with_({})), host()))).toBe(false);
    const asks = await run(launch(with_({})), host({ more: "\\n```towline\\nask: Which?\\n```" }));
    expect(outcome(asks.result).messages).toEqual([{ verb: "ask", text: "Which?" }]);
    expect(mark(asks)).toBe(true);
  });

  test("its exit code comes through; what it said by our limit stays; without it a clear message", async () => {
    const { result } = await run(launch(with_({})), host({ code: "3" }));
    expect(outcome(result)).toMatchObject({ state: "failed", why: expect.stringContaining("exit 3") });
    const late = await run(launch(with_({})), host({ hang: "" }), 1500);
    expect(outcome(late.result)).toMatchObject({ state: "timeout", outcome: "partial" });
    expect(outcome(late.result).answer).toMatch(/^read/);
    const none = host();
    chmodSync(join(none.HOME, ".local/bin/codex"), 0o644);
    expect(outcome((await run(launch(with_({})), none)).result).why).toContain(
      "exit 127: codex is not installed on this host",
    );
  });
});
