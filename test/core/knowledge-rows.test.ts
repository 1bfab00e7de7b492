// Rows of insights and learnings: what confirms them, and that nothing counts twice.
import { expect, test } from "vitest";
import { draftOf } from "../../src/core/draft.ts";
import type { Entry } from "../../src/core/entry.ts";
import { type KnowledgeRow, knowledgeText, readKnowledge } from "../../src/core/knowledge-rows.ts";
import { doubted } from "../../src/core/known.ts";
import { world } from "../fakes/world.ts";

const now = new Date("2026-11-20T10:00:00Z");
const row = (path: string, more: object = {}): KnowledgeRow => ({
  path,
  confirmed: "2026-08-01T00:00:00Z",
  hits: 0,
  blob: "a",
  ...more,
});
const job = (state: string, run: object) =>
  ({ id: "j", path: "jobs/2026/11/20/j.md", data: { state, run } }) as unknown as Entry<"job">;

function after(
  rows: object[],
  before: Entry<"job"> | null,
  job: Entry<"job"> | null,
  more: Record<string, string> = {},
) {
  const files = {
    "towline.yml": "id: pack\n",
    "state/knowledge.ndjson": rows.map((one) => JSON.stringify(one)).join("\n"),
    ...more,
  };
  const draft = draftOf(world(files).state(), now, "t");
  if (job) draft.jobs.set("j", job);
  const text = knowledgeText(draft, new Map(before ? [["j", before]] : []), new Map());
  return new Map(
    (text === null ? [] : readKnowledge({ texts: new Map([["state/knowledge.ndjson", text]]) })).map((one) => [
      one.path,
      one,
    ]),
  );
}

test("what an agent was answered with counts at each answer, also in a later round, and once however often it is read", () => {
  const first = job("review", { learned: [{ query: "a", hits: ["types"] }] });
  const second = job("review", {
    learned: [{ query: "a", hits: ["types"] }, { query: "b", hits: ["types", "gone"] }, { query: "c" }],
  });
  const rows = [row("learnings/types.md")];
  expect(after(rows, null, first).get("learnings/types.md")).toMatchObject({ hits: 1, last_hit: now.toISOString() });
  expect(after(rows, first, second).get("learnings/types.md")).toMatchObject({ hits: 1 });
  expect([...after(rows, first, second).keys()]).toEqual(["learnings/types.md"]);
  expect(after(rows, second, second).get("learnings/types.md")?.hits ?? 0).toBe(0);
});

test("work that a person took confirms what its agent was given; work that nobody looked at does not", () => {
  const given = { insights: ["quiet"], learnings: ["types"] };
  const rows = [row("insights/quiet.md"), row("learnings/types.md"), row("insights/other.md")];
  const taken = after(rows, job("review", given), job("finished", given));
  expect(taken.get("insights/quiet.md")).toMatchObject({ confirmed: now.toISOString(), hits: 0 });
  expect(taken.get("learnings/types.md")).toMatchObject({ confirmed: now.toISOString() });
  expect(taken.get("insights/other.md")).toMatchObject({ confirmed: "2026-08-01T00:00:00Z" });
  for (const state of ["started", "asking"]) {
    const ended = after(rows, job(state, given), job("finished", given));
    expect(ended.get("insights/quiet.md")?.confirmed ?? "2026-08-01T00:00:00Z").toBe("2026-08-01T00:00:00Z");
  }
  expect(
    after(rows, job("review", given), job("cancelled", given)).get("insights/quiet.md")?.confirmed ?? "2026",
  ).not.toBe(now.toISOString());
});

test("whoever merged a campfire has confirmed what it asked about; one that was closed confirms nothing", () => {
  const rows = [row("insights/quiet.md"), row("learnings/types.md"), row("insights/other.md")];
  const fire = (more: object) => ({
    "state/campfire.ndjson": `torn\n${JSON.stringify({ id: "x", doubted: ["insights/quiet.md", "types"], closed_at: "2026-11-19T20:00:00Z", ...more })}\n`,
  });
  const merged = after(rows, null, null, fire({ state: "merged" }));
  expect(merged.get("insights/quiet.md")?.confirmed).toBe("2026-11-19T20:00:00Z");
  expect(merged.get("learnings/types.md")?.confirmed).toBe("2026-11-19T20:00:00Z");
  expect(merged.get("insights/other.md")?.confirmed).toBe("2026-08-01T00:00:00Z");
  for (const state of ["open", "closed", "expired"])
    expect(after(rows, null, null, fire({ state })).get("insights/quiet.md")?.confirmed ?? "2026-08-01T00:00:00Z").toBe(
      "2026-08-01T00:00:00Z",
    );
});

test("nobody is asked about what is retired", () => {
  expect(doubted([row("learnings/types.md")], new Map(), now)).toHaveLength(1);
  expect(doubted([row("learnings/types.md", { retired: true })], new Map(), now)).toEqual([]);
});
