// What happened, judged again: the same rules come to the same verdicts, byte for byte.
import { expect, test } from "vitest";
import { history, manyRules } from "../../bench/rules.ts";
import { draftOf } from "../../src/core/draft.ts";
import { byTick, replay, type Told, tickTime } from "../../src/core/replay-rules.ts";
import type { Pupdate } from "../../src/core/schema.ts";
import { triage } from "../../src/core/triage.ts";
import { world } from "../fakes/world.ts";

/** Judged as ticks do it: some pupdates each, with what the tick before remembered. */
function lived(count: number, rules = manyRules(200)) {
  let state = { ...world({ "towline.yml": "id: r\nname: r\n" }).state(), rules };
  const what = history(count);
  const told: Told[] = [];
  for (let at = 0; at < count; at += 500) {
    // Ticks come at odd parts of a second, and their names have whole ones.
    const begun = new Date((what[at]?.now.getTime() ?? 0) + ((at * 7) % 1000));
    const draft = draftOf(state, begun, "t");
    draft.raised = what.slice(at, at + 500).map(({ pupdate }) => pupdate);
    triage(draft);
    const now = new Date(Math.floor(begun.getTime() / 1000) * 1000);
    told.push(...draft.pupdates.map((pupdate: Pupdate) => ({ pupdate, now })));
    state = { ...state, fired: draft.fired, windows: draft.windows ?? [] };
  }
  return { rules, told };
}

test("10,000 pupdates come to the verdicts that they had", () => {
  const { rules, told } = lived(10_000);
  const was = told.map(({ pupdate: { id, verdict, rule } }) => ({ id, verdict, rule }));
  const anew = (kept: boolean) => replay(rules, told, () => kept).map(({ fired: _, ...one }) => one);
  expect(JSON.stringify(anew(true))).toBe(JSON.stringify(was));
  // Also where nothing of what was recorded is believed.
  expect(JSON.stringify(anew(false))).toBe(JSON.stringify(was));
  expect(new Set(was.map(({ verdict }) => verdict))).toEqual(new Set(["memo", "ignored"]));
});

test("a changed rule shows, and so does what it takes from others", () => {
  const { rules, told } = lived(1000, manyRules(50));
  const [first] = rules;
  if (!first) throw new Error();
  const loud = { ...first, id: "a", data: { ...first.data, when: { source: "mine" }, cooldown: undefined } };
  expect(new Set(replay([loud, ...rules], told).map(({ rule }) => rule))).toEqual(new Set(["a"]));
});

test("files of ticks are read in the order in which they were written", () => {
  const paths = ["p/20261121t090000-aa-2.ndjson", "p/20261121t090000-aa.ndjson", "p/20261120t090000-bb.ndjson"];
  expect(paths.sort(byTick).map((path) => path.slice(10, 26))).toEqual([
    "t090000-bb.ndjso",
    "t090000-aa.ndjso",
    "t090000-aa-2.ndj",
  ]);
  expect(tickTime(paths[2] as string)?.toISOString()).toBe("2026-11-21T09:00:00.000Z");
  expect(tickTime("p/other.ndjson")).toBe(null);
});
