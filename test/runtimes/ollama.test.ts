// What an agent's record must say for `ollama`, and what its replies mean, in the words that ollama itself uses.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { agentLack, neededOnHost } from "../../src/core/agent-needs.ts";
import { agent } from "../../src/core/schema.ts";
import { Fault } from "../../src/errors.ts";
import { spliced, textOf } from "../../src/runtimes/json.ts";
import { ollama } from "../../src/runtimes/ollama.ts";
import { anyAssignment, bytes, raw, sha } from "./runs.ts";

const { launch, outcome } = ollama();
const local = agent.parse({ runtime: "ollama", model: "llama3.2" });
const printed = (status: number, inside: string, last: string) =>
  raw({ out: `http ${String(status).padStart(3, "0")}\n${inside}\n${last}\n` });
const done = (more = "") => `{"model":"m","message":{"role":"assistant","content":""},"done":true${more}}`;

describe("the agent's record", () => {
  test("without a model: a configuration fault, and the same words for the pack's owner before anything starts", () => {
    const bare = agent.parse({ runtime: "ollama" });
    expect(() => launch(anyAssignment({ agent: bare }))).toThrow(Fault);
    expect(agentLack(bare, new Set())).toMatchObject({ field: "model", message: "`runtime: ollama` needs a `model`" });
    expect([local, agent.parse({ runtime: "shell" })].map((one) => agentLack(one, new Set()))).toEqual([null, null]);
  });

  test("with a `url`, any host will do", () => {
    expect(neededOnHost(local)).toBe("ollama");
    expect(neededOnHost(agent.parse({ ...local, url: "http://gpu:11434" }))).toBe("shell");
    expect(neededOnHost(agent.parse({ runtime: "picoclaw", url: "http://gpu:11434" }))).toBe("picoclaw");
  });

  test.each([
    ["http://127.0.0.1:11434", true],
    ["https://gpu.example.org/ollama", true],
    ["http://[::1]:11434", true],
    ["gpu:11434", false],
    ["http://user:secret@gpu:11434", false],
    ["http://gpu$(id)", false],
    ["http://gpu'", false],
    ["file:///etc/passwd", false],
  ])("url %s", (url, fine) => expect(agent.safeParse({ ...local, url }).success).toBe(fine));
});

describe("the request", () => {
  const request = (prompt: string) =>
    JSON.parse(launch(anyAssignment({ agent: local, prompt })).files["request.json"] as string);

  test("holds the character, the task, its criteria and a bound for the answer", () => {
    const { model, stream, messages, options } = request("Say how full the disks are.");
    expect([model, stream, options]).toEqual(["llama3.2", true, { num_predict: 16_384 }]);
    expect(messages.map((m: { role: string }) => m.role)).toEqual(["system", "user"]);
    expect(messages[0].content).toBe("You are terse.\n");
    for (const text of ["Disk report", "Say how full", "- one line a disk", "A small board.", "```towline"])
      expect(messages[1].content).toContain(text);
  });

  test("a long prompt asks for the room it needs, since ollama would cut it without a word", () => {
    expect(request("x".repeat(6000)).options.num_ctx).toBeUndefined();
    expect(request("x".repeat(30_000)).options.num_ctx).toBe(16_384);
    expect(request("x".repeat(3_000_000)).options.num_ctx).toBe(131_072);
  });
});

describe("replies", () => {
  test("counts are the tokens", () => {
    const read = outcome(printed(200, "yes", done(',"prompt_eval_count":26,"eval_count":298,"done_reason":"stop"')));
    expect(read).toEqual({
      state: "finished",
      outcome: "success",
      answer: "yes",
      tokens: { input: 26, output: 298 },
    });
  });

  test.each([
    [404, `{"error":"model 'nope' not found"}`, "ollama refused (HTTP 404): model 'nope' not found; run `ollama pull`"],
    [404, `{"error":"model \\"x\\" not found, try pulling it first"}`, "; run `ollama pull` for this model there"],
    [400, '{"error":"invalid model name"}', "ollama refused (HTTP 400): invalid model name"],
    [500, '{"error":"model requires more system memory (8 GiB)"}', "more system memory (8 GiB)"],
    [502, "<html>Bad Gateway</html>", "ollama refused (HTTP 502)"],
    [0, "", "ollama refused (HTTP 0)"],
    [200, '{"error":"an error was encountered while running the model"}', "ollama broke off: an error was encountered"],
    [200, '{"model":"m","message":{"content":"x"},"done":false}', "ends before it says that it is done"],
    [200, '{"done":tru', "ends before it says that it is done"],
  ])("HTTP %i with %s is a failure", (status, last, why) => {
    const read = outcome(printed(status, "half", last));
    expect(read).toMatchObject({ state: "failed", outcome: "failure", answer: "half" });
    expect(read.why).toContain(why);
  });

  test("an answer that ran into its bound is partial", () => {
    const read = outcome(printed(200, "and so on", done(',"done_reason":"length"')));
    expect(read).toMatchObject({ state: "finished", outcome: "partial", answer: "and so on" });
  });

  test("output that is no reply is kept, and is no success", () => {
    const read = outcome(raw({ out: "sh: sed: not found\n" }));
    expect(read).toMatchObject({ state: "failed", outcome: "failure", answer: "sh: sed: not found" });
  });

  test("whatever is printed, there is an outcome, and only a reply that says it is done is a success", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 599 }), fc.string(), fc.json(), (status, inside, last) => {
        const read = outcome(printed(status, inside.replaceAll("\n", ""), last));
        if (read.state === "finished") expect([status, JSON.parse(last).done]).toEqual([200, true]);
        expect(read.outcome === "success" || typeof read.why === "string").toBe(true);
      }),
    );
  });
});

describe("JSON that was cut", () => {
  test("an escape that was cut in two does no harm", () => {
    for (const head of ["a\\", "a\\u", "a\\u00e", "a\\\\\\"]) {
      const part = { bytes: 1000, sha256: sha(""), head: bytes(head), tail: bytes("z") };
      expect(textOf(spliced(part))).toMatch(/^a\\?\n\[… \d+ bytes left out …\]\nz$/);
    }
    const whole = { bytes: 1000, sha256: sha(""), head: bytes("a\\\\"), tail: bytes("z") };
    expect(textOf(spliced(whole))).toMatch(/^a\\\n\[/);
  });

  test("what JSON writes, textOf reads", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(textOf(JSON.stringify(text).slice(1, -1))).toBe(text);
      }),
    );
  });
});
