// When an account's limit ends, out of the words of the tools that ran into it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { claude } from "../../src/runtimes/claude.ts";
import { limitOf, limitText } from "../../src/runtimes/limit.ts";
import { raw } from "./runs.ts";

const at = "2026-11-20T08:00:02Z";
const hit = "You've hit your session limit";

describe("the moment when a limit ends", () => {
  test.each([
    [`${hit} · resets 12:50pm (Europe/Paris)`, "2026-11-20T11:50:00.000Z"],
    ["as claude 2.1.329 says it", "You've hit your 5-hour limit · resets 9:38pm (UTC)", "2026-11-20T21:38:00.000Z"],
    ["in the morning of the next day", `${hit} · resets 4:50am (Europe/Rome)`, "2026-11-21T03:50:00.000Z"],
    ["12am is midnight", `${hit} · resets 12am (UTC)`, "2026-11-21T00:00:00.000Z"],
    ["over the turn of the year", `You've hit your weekly limit · resets Jan 2, 5:59am (UTC)`, undefined],
    ["a date", `You've hit your weekly limit · resets Nov 26, 5:59am (UTC)`, "2026-11-26T05:59:00.000Z"],
    ["seconds", "Claude AI usage limit reached|1795168800", "2026-11-20T10:00:00.000Z"],
    ["a span", "You've hit your usage limit. Please try again in 2 hours 5 minutes.", "2026-11-20T10:05:02.000Z"],
    ["days", "You've hit your usage limit. try again in 1 day 3 hours", "2026-11-21T11:00:02.000Z"],
    ["whose clock it is nobody knows", `${hit} · resets 3pm`, undefined],
    ["no zone of this world", `${hit} · resets 3pm (Mars/Olympus)`, undefined],
    ["long ago", "Claude AI usage limit reached|1000000000", undefined],
    ["in a thousand days", "You've hit your usage limit. try again in 1000 days", undefined],
    ["nothing is said of it", "Claude AI usage limit reached", undefined],
  ])("%s", (...row) => {
    const [text, until] = row.slice(-2) as [string, string | undefined];
    expect(limitOf(text, at)?.until).toBe(until);
  });

  test("the year turns with it", () =>
    expect(limitOf(`${hit} · resets Jan 2, 5:59am (UTC)`, "2026-12-30T00:00:00Z")?.until).toBe(
      "2027-01-02T05:59:00.000Z",
    ));

  test("the night in which clocks go back", () =>
    expect(limitOf(`${hit} · resets 3am (Europe/Berlin)`, "2026-10-24T20:00:00Z")?.until).toBe(
      "2026-10-25T02:00:00.000Z",
    ));

  test("by the clock of the machine, where the tool tells it so", () => {
    const until = (said: string, zone?: string) =>
      limitOf(`You’ve hit your usage limit. Upgrade to Pro (https://x.test), or try again at ${said}.`, at, zone)
        ?.until;
    expect(until("3:03 PM", "+02:00")).toBe("2026-11-20T13:03:00.000Z");
    expect(until("Nov 30th, 2026 8:31 PM", "+00:00")).toBe("2026-11-30T20:31:00.000Z");
    expect(until("3:03 PM")).toBeUndefined();
    expect(until("3:03 PM", "nowhere")).toBeUndefined();
  });

  test("other text is about no limit", () => expect(limitOf("the rate limit of nginx is fine", at)).toBeNull());

  test("whatever is said, it is one line for people and a moment that can be", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        const one = limitOf(`${hit} · resets ${text}`, at);
        if (one === null) return;
        expect(limitText(one)).not.toMatch(/\n/);
        if (one.until !== undefined) expect(Date.parse(one.until)).toBeGreaterThan(Date.parse(at));
      }),
      { numRuns: 200 },
    );
  });
});

test("claude's outcome carries it; an answer about limits does not", () => {
  const say = (over: object) =>
    claude().outcome(
      raw({
        out: `${JSON.stringify({ type: "result", subtype: "success", result: `${hit} · resets 3pm (UTC)`, ...over })}\n`,
      }),
    );
  expect(say({ is_error: true, terminal_reason: "api_error" })).toMatchObject({
    state: "failed",
    limited: { until: "2026-11-20T15:00:00.000Z", said: "3pm (UTC)" },
    why: "the account's usage limit is reached, resets 3pm (UTC)",
  });
  expect(say({ is_error: false }).limited).toBeUndefined();
  // In other words, with its code; and the same status without it.
  const reached = { is_error: true, result: "No more for today.", api_error_status: 429 };
  expect(say({ ...reached, api_error: "usage_limit_reached" })).toMatchObject({ limited: { said: "" } });
  expect(say(reached).limited).toBeUndefined();
});
