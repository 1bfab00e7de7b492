// What the driver of a pane tells of a turn, and what that means for a job.
import { describe, expect, test } from "vitest";
import { tmux } from "../../src/runtimes/tmux.ts";
import { raw } from "./runs.ts";

const { outcome } = tmux();

describe("what the driver tells", () => {
  const end = (over: object) =>
    `end ${JSON.stringify({ hook_event_name: "Stop", last_assistant_message: "fine", ...over })}\n`;
  const failure = (error: string, text: string) =>
    end({ hook_event_name: "StopFailure", error, last_assistant_message: text });

  test.each([
    [
      "authentication_failed",
      "Invalid API key · Fix external API key",
      "the API refused the login or key: Invalid API key",
    ],
    [
      "authentication_failed",
      "Not logged in · Please run /login",
      "claude is not logged in on this host: log in there once",
    ],
    ["rate_limit", "API Error: Request rejected (429)", "the API takes no more requests now: API Error"],
    ["server_error", "Overloaded", "claude failed (server_error): Overloaded"],
    ["constructor", "x", "claude failed (constructor): x"],
    ["", "", "claude failed (no reason given): no words"],
  ])("an error of the API (%s, %s) is a failure without an answer", (error, text, why) => {
    const read = outcome(raw({ out: failure(error, text) }));
    expect(read).toMatchObject({ state: "failed", outcome: "failure", answer: "" });
    expect(read.why).toContain(why);
    expect(read.limited).toBeUndefined();
  });

  test("the last of what was written down, where the turn did not end", () => {
    const line = JSON.stringify({
      type: "assistant",
      message: { content: [{ type: "text", text: "half" }, { type: "tool_use" }] },
    });
    const cut = { end: "timeout", exit: 143, took: 60 } as const;
    expect(outcome(raw({ ...cut, out: `nudged 6\nsaid ${line}\n` }))).toMatchObject({
      state: "timeout",
      outcome: "partial",
      answer: "half",
      why: "ran into its time limit after 1m; it had gone quiet, and was nudged 6 times",
    });
  });

  test("a time limit that came while a person was waited for", () => {
    const note = { notification_type: "permission_prompt", message: "Claude needs your permission to use Bash" };
    const cut = { end: "timeout", exit: 143, took: 60 } as const;
    expect(outcome(raw({ ...cut, out: `note ${JSON.stringify(note)}\n` })).why).toBe(
      "ran into its time limit after 1m; it waited for a person: Claude needs your permission to use Bash",
    );
  });

  test("anything else is kept for people, and is no success", () => {
    expect(outcome(raw({ out: "end {nonsense\n" }))).toMatchObject({ state: "failed", answer: "end {nonsense" });
    expect(outcome(raw({ out: end({ last_assistant_message: 7, session_id: "../../x" }) }))).toMatchObject({
      state: "empty",
    });
    expect(outcome(raw({ out: `${end({})}denied ${"x".repeat(90)}\n` })).state).toBe("finished");
  });
});
