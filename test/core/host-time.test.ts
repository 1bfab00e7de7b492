import { expect, test } from "vitest";
import { ourTimes } from "../../src/core/host-time.ts";

const now = new Date("2026-11-20T10:00:00Z");
const run = (ended_at: string) => ({ started_at: "2026-11-20T09:58:00.000Z", ended_at, took: 90 });

test.each([
  ["a clock like ours", "2026-11-20T09:59:30.000Z", 2, "2026-11-20T09:58:00.000Z", "2026-11-20T09:59:30.000Z"],
  ["days ahead", "2026-11-25T09:59:30.000Z", 5 * 86_400, "2026-11-20T09:58:00.000Z", "2026-11-20T09:59:30.000Z"],
  ["days behind", "2026-11-15T09:59:30.000Z", -5 * 86_400, "2026-11-20T09:58:00.000Z", "2026-11-20T09:59:30.000Z"],
  ["put right meanwhile", "2026-11-25T09:59:30.000Z", 0, "2026-11-20T09:58:30.000Z", "2026-11-20T10:00:00.000Z"],
  ["a moment ahead", "2026-11-20T10:00:20.000Z", 0, "2026-11-20T09:58:00.000Z", "2026-11-20T10:00:20.000Z"],
])("%s", (_, ended, skew, from, to) => {
  expect(ourTimes(run(ended), skew, now)).toEqual({ started_at: from, ended_at: to });
});
