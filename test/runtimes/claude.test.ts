// What claude's own words mean for a job, and its launch really run with a stand-in for the program.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { agent } from "../../src/core/schema.ts";
import { claude } from "../../src/runtimes/claude.ts";
import { sessionOf } from "../../src/runtimes/claude-run.ts";
import { anyAssignment, bytes, folders, kept, raw, run, sha } from "./runs.ts";

const { launch, outcome } = claude();

// Out of real runs of 2.1.329; `over` is what the case changes.
const session = "a9936049-5137-42a2-a96d-278a16c4e217";
const fields = (over: object = {}) => ({
  duration_api_ms: 39,
  stop_reason: "end_turn",
  session_id: session,
  total_cost_usd: 0.00108,
  usage: { input_tokens: 120, output_tokens: 30 },
  modelUsage: {
    "claude-opus-5-5": { inputTokens: 120, outputTokens: 30, cacheReadInputTokens: 7, cacheCreationInputTokens: 0 },
    "claude-haiku-5": { inputTokens: 10, outputTokens: 3, cacheReadInputTokens: 0, cacheCreationInputTokens: 2 },
  },
  permission_denials: [] as object[],
  terminal_reason: "completed",
  is_error: false,
  num_turns: 1,
  subtype: "success",
  api_error_status: null,
  result: "All fine.",
  type: "result",
  ...over,
});
const printed = (over: object = {}, exit = 0, err = "") => raw({ out: `${JSON.stringify(fields(over))}\n`, exit, err });
const api = (status: number | null, result: string) =>
  printed({ is_error: true, terminal_reason: "api_error", api_error_status: status, result, total_cost_usd: 0 }, 1);

describe("what it says", () => {
  test("a success with its cost, the tokens of all models, and its session", () => {
    expect(outcome(printed())).toEqual({
      state: "finished",
      outcome: "success",
      answer: "All fine.",
      cost: 0.00108,
      tokens: { input: 130, output: 33, cache_read: 7, cache_write: 2 },
      session,
    });
  });

  test("refused tools are no success, although it says so and ends with exit 0", () => {
    const denial = { tool_name: "Bash", tool_use_id: "x", tool_input: { command: "df" } };
    const read = outcome(printed({ permission_denials: [denial, denial, { ...denial, tool_name: "Write" }] }));
    expect(read).toMatchObject({ state: "failed", outcome: "partial", answer: "All fine.", cost: 0.00108, session });
    expect(read.why).toBe(
      "was not allowed to use Bash (2 times), Write: what it may use stands in `guard.tools` of the agent's record",
    );
  });

  test.each([
    [401, "Invalid API key · Fix external API key", "the API refused the login or key (HTTP 401): Invalid API key"],
    [403, "Forbidden", "the API refused the login or key (HTTP 403)"],
    [429, "API Error: Request rejected (429)", "the API takes no more requests now (HTTP 429): API Error"],
    [529, "Overloaded", "the API failed (HTTP 529): Overloaded"],
    [null, "API Error: Connection refused (ECONNREFUSED)", "claude failed (api_error): API Error: Connection refused"],
    [null, "Not logged in · Please run /login", "claude is not logged in on this host: log in there once"],
    [429, "You've hit your session limit · resets 12:50pm (Europe/Paris)", "limit is reached, resets 12:50pm (Europe/"],
    [
      429,
      "You've hit your weekly limit · resets Jul 26, 5:59am (UTC)",
      "limit is reached, resets Jul 26, 5:59am (UTC)",
    ],
    [
      null,
      "You've hit your limit · resets 4:50am (Europe/Rome)",
      "usage limit is reached, resets 4:50am (Europe/Rome)",
    ],
    [null, "Claude AI usage limit reached|1790000000", "usage limit is reached, resets 2026-09-21T14:13:20.000Z"],
  ])("an API error (%s, %s) is a failure without an answer", (status, text, why) => {
    const read = outcome(api(status, text));
    expect(read).toMatchObject({ state: "failed", outcome: "failure", answer: "", session });
    expect(read.why).toContain(why);
  });

  test("an answer about limits is an answer", () => {
    const text = "The log says: You've hit your session limit · resets 3pm";
    expect(outcome(printed({ result: text }))).toMatchObject({ state: "finished", outcome: "success", answer: text });
  });

  const stopped = (subtype: string, error: string, terminal_reason?: string) =>
    printed({ is_error: true, result: undefined, subtype, errors: [error], terminal_reason }, 1);
  test.each([
    [
      stopped("error_max_turns", "Reached maximum number of turns (3)", "max_turns"),
      "stopped at its limit of turns without an answer (Reached maximum number of turns (3))",
    ],
    [
      stopped("error_max_budget_usd", "Reached maximum budget ($0.0001)", "budget_exhausted"),
      "stopped at the task's budget (Reached maximum budget ($0.0001))",
    ],
    [stopped("error_during_execution", "boom"), "claude failed (error_during_execution): boom"],
    [printed({ is_error: undefined }), "claude failed (completed): All fine."],
    [printed({ terminal_reason: "aborted_streaming" }), "claude failed (aborted_streaming): All fine."],
    [printed({ stop_reason: "refusal" }), "the model refused the task"],
  ])("a run that stopped is a failure, with its words: case %#", (result, why) => {
    expect(outcome(result)).toMatchObject({ state: "failed", outcome: "failure", why });
  });

  test("wrong usage is told on stderr, in plain words", () => {
    const err = "error: option '--permission-mode <mode>' argument 'nope' is invalid.\n";
    expect(outcome(raw({ exit: 1, err }))).toMatchObject({ state: "failed", why: `exit 1: ${err.trim()}` });
  });

  test("a run that was ended has the session that it was given", () => {
    const read = outcome(raw({ end: "timeout", exit: null, signal: "SIGTERM", took: 120 }));
    expect(read).toMatchObject({ state: "timeout", outcome: "failure", session: sessionOf("disk-0123456789", 1) });
  });
});

describe("JSON that is cut or hostile", () => {
  test("a long answer that was cut in its middle, at any byte, is an answer with a gap", () => {
    const answer = `start ${'\\ "quoted" \n ünï 🐚 '.repeat(20)} end`;
    const text = Buffer.from(`${JSON.stringify(fields({ result: answer }))}\n`);
    const from = text.indexOf("start") + 10;
    for (let at = from; at < from + 60; at++)
      for (let gap = 7; gap < 20; gap++) {
        const stdout = {
          bytes: text.length,
          sha256: sha(""),
          head: text.subarray(0, at),
          tail: text.subarray(at + gap),
        };
        const read = outcome(raw({ stdout }));
        expect([at, gap, read.state, read.why]).toEqual([at, gap, "finished", undefined]);
        expect(read.answer).toMatch(/^start [\s\S]*\n\[… \d+ bytes left out …\]\n[\s\S]* end$/);
      }
  });

  test("JSON that ends too early, or is somebody else's, is kept and is no success", () => {
    for (const out of [
      '{"type":"result","subtype":"success","is_error":false,"result":"All fi',
      '{"type":"system"}',
      "[]",
      "null",
    ])
      expect(outcome(raw({ out }))).toMatchObject({
        state: "failed",
        outcome: "failure",
        answer: out,
        why: "what claude printed is no result that can be read",
      });
  });

  test("values of any type do no harm, and no success comes out of them", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(fields())), fc.jsonValue()), (over) => {
        const read = outcome(printed({ ...over, type: "result" }));
        if (read.outcome === "success") {
          const { is_error, subtype, permission_denials } = { ...fields(), ...over };
          expect([is_error, subtype]).toEqual([false, "success"]);
          expect(Array.isArray(permission_denials) ? permission_denials : []).toEqual([]);
        } else expect(typeof read.why).toBe("string");
        if (read.cost !== undefined) expect(read.cost).toBeGreaterThanOrEqual(0);
        for (const count of Object.values(read.tokens ?? {})) expect(Number.isSafeInteger(count)).toBe(true);
        expect(read.session).toMatch(/^[0-9a-f-]{36}$/i);
      }),
    );
  });
});

// Prints as its answer what it was given and found.
const stand_in = `#!/bin/sh
for a in "$@"; do case $a in */character.md) run=\${a%/*} ;; esac; done
{ for a in "$@"; do echo "arg $a"; done
env | grep -E '^(HOME|ANTHROPIC|CLAUDE|SOME_|XDG|DISABLE)' | sort
echo "cwd $PWD"; echo "key $SOME_KEY"; ls "$run/secrets" 2>/dev/null; cat "$run/character.md"; echo "stdin:"; cat; } >../seen
printf '{"type":"result","subtype":"success","is_error":false,"result":"seen","terminal_reason":"completed"}\\n'
`;

function host(binary: string | null = stand_in): string {
  const home = mkdtempSync(join(tmpdir(), "towline host "));
  folders.push(home);
  mkdirSync(join(home, ".local/bin"), { recursive: true });
  if (binary === null) return home;
  writeFileSync(join(home, ".local/bin/claude"), binary);
  chmodSync(join(home, ".local/bin/claude"), 0o755);
  return home;
}

describe("really run with a stand-in for the program", () => {
  const on_host = { ANTHROPIC_API_KEY: "sk-of-the-host", CLAUDECODE: "1", XDG_CONFIG_HOME: "/x" };

  test("with the host's login: its home and its own variables, no rights but those of the record", async () => {
    const home = host();
    const { folder, result } = await run(launch(anyAssignment({ agent: agent.parse({ runtime: "claude" }) })), {
      HOME: home,
      ...on_host,
    });
    expect(outcome(result)).toMatchObject({ state: "finished", answer: "seen" });
    const seen = readFileSync(join(kept(folder), "seen"), "utf8").split("\n");
    expect(seen.slice(0, 10)).toEqual([
      "arg --print",
      "arg --output-format",
      "arg json",
      "arg --strict-mcp-config",
      "arg --session-id",
      `arg ${sessionOf("disk-0123456789", 1)}`,
      "arg --append-system-prompt-file",
      `arg ${folder}/character.md`,
      "arg --permission-mode",
      "arg dontAsk",
    ]);
    for (const line of [
      `HOME=${home}`,
      "ANTHROPIC_API_KEY=sk-of-the-host",
      `cwd ${kept(folder)}/work`,
      "CLAUDE_CODE_MAX_RETRIES=2",
    ])
      expect(seen).toContain(line);
    for (const line of ["You are terse.", "# Disk report", "Say how full the disks are.", "- one line a disk"])
      expect(seen).toContain(line);
    expect(seen.join("\n")).not.toContain("CLAUDECODE=");
  });

  test("with a key of its own: a home of its own, nothing of the host's, and no key left behind", async () => {
    const home = host();
    const own = agent.parse({
      runtime: "claude",
      auth: "env",
      env: ["ANTHROPIC_AUTH_TOKEN", "SOME_KEY"],
      model: "claude-opus-5-5",
      url: "http://127.0.0.1:4010",
      guard: { mode: "acceptEdits", tools: ["Read", "Bash(git log:*) Edit"], no_tools: "WebFetch" },
      limits: { turns: "12" },
    });
    const secrets = { ANTHROPIC_AUTH_TOKEN: "sk-'\"$(touch pwned)`", SOME_KEY: "two\nlines" };
    const request = launch(anyAssignment({ agent: own, secrets, usd: 0.5 }));
    const { folder, result } = await run(request, { HOME: home, ...on_host });
    expect(outcome(result)).toMatchObject({ state: "finished" });
    const seen = readFileSync(join(kept(folder), "seen"), "utf8");
    for (const line of [
      `HOME=${kept(folder)}/home`,
      "ANTHROPIC_AUTH_TOKEN=sk-'\"$(touch pwned)`",
      "ANTHROPIC_BASE_URL=http://127.0.0.1:4010",
      "ANTHROPIC_MODEL=claude-opus-5-5",
      "key two\nlines",
      "arg acceptEdits\narg --max-turns\narg 12\narg --max-budget-usd\narg 0.5\n",
      "arg --allowedTools\narg Read\narg --allowedTools\narg Bash(git log:*) Edit\narg --disallowedTools\narg WebFetch\n",
    ])
      expect(seen).toContain(line);
    expect(seen).not.toMatch(/sk-of-the-host|XDG_/);
    expect(existsSync(join(folder, "pwned")) || existsSync(join(kept(folder), "work/pwned"))).toBe(false);
    expect(request.secret).toEqual(["secrets/ANTHROPIC_AUTH_TOKEN", "secrets/SOME_KEY"]);
    for (const gone of request.secret) expect(existsSync(join(folder, gone)), gone).toBe(false);
  });

  test("a session that is there is resumed; one that is not begins anew, and that is said", async () => {
    const old = sessionOf("disk-0123456789", 1);
    const again = anyAssignment({ epoch: 2, resume: { session: old }, agent: agent.parse({ runtime: "claude" }) });
    const home = host();
    const gone = await run(launch(again), { HOME: home });
    const seen = (folder: string) => readFileSync(join(kept(folder), "seen"), "utf8");
    expect(seen(gone.folder)).toContain(`arg --session-id\narg ${sessionOf("disk-0123456789", 2)}\n`);
    expect(new TextDecoder().decode(gone.result.stderr.head)).toContain("a new one was started");
    mkdirSync(join(home, ".claude/projects/-x"), { recursive: true });
    writeFileSync(join(home, `.claude/projects/-x/${old}.jsonl`), "{}\n");
    const here = await run(launch(again), { HOME: home });
    expect(seen(here.folder)).toContain(`arg --resume\narg ${old}\n`);
    expect(seen(here.folder)).not.toContain("--session-id");
  });

  test("what it keeps is for the next epoch only where the job goes on", async () => {
    const made = launch(anyAssignment({ agent: agent.parse({ runtime: "claude" }) }));
    const mark = ({ folder }: { folder: string }) => existsSync(join(kept(folder), "kept"));
    expect(mark(await run(made, { HOME: host() }))).toBe(false);
    const asks = { ...made, files: { ...made.files, "outbox/01-ask.md": "Which?\n" } };
    expect(mark(await run(asks, { HOME: host() }))).toBe(true);
    expect(mark(await run(asks, { HOME: host("#!/bin/sh\nexit 3\n") }))).toBe(false);
    const says = (line: string) => {
      const result = `Not sure.\n\n\`\`\`towline\n${line}\n\`\`\``;
      const json = JSON.stringify({ type: "result", subtype: "success", is_error: false, result });
      return host(`#!/bin/sh\ncat <<'END'\n${json}\nEND\n`);
    };
    for (const line of ["ask: Which?", "- Ask : Which?"]) {
      const asked = await run(made, { HOME: says(line) });
      expect(outcome(asked.result).messages, line).toEqual([{ verb: "ask", text: "Which?" }]);
      expect(mark(asked), line).toBe(true);
    }
    expect(mark(await run(made, { HOME: says("technique: I had to ask: twice") }))).toBe(false);
    const again = launch(anyAssignment({ epoch: 2, resume: { session: sessionOf("disk-0123456789", 1) } }));
    const looks = `#!/bin/sh\n[ ! -e ../kept ] || echo still marked >&2\n`;
    const next = await run(again, { HOME: host(looks) }, 20_000, "1 1\n");
    expect(new TextDecoder().decode(next.result.stderr.head)).not.toContain("still marked");
  });

  test("without the program: a clear message", async () => {
    const read = outcome((await run(launch(anyAssignment()), { HOME: host(null) })).result);
    expect(read.why).toBe("exit 127: claude is not installed on this host (looked on PATH and in ~/.local/bin)");
  });

  test("another epoch is another session", () => {
    const all = [sessionOf("a", 1), sessionOf("a", 2), sessionOf("b", 1)];
    expect(new Set(all).size).toBe(3);
    for (const one of all) expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(bytes(all[0] as string)).toHaveLength(36);
  });
});
