// Rules over time: windows, cooldowns, limits, and those that ask a person first.
import { describe, expect, test } from "vitest";
import { explainPupdate } from "../../src/core/explain.ts";
import type { Level } from "../../src/ports.ts";
import { md } from "../fakes/pack.ts";
import { type World, world } from "../fakes/world.ts";

const pack = (rule: string, more: Record<string, string> = {}) =>
  world({ "towline.yml": "id: r\nname: r\ndefaults: {runtime: shell}\n", "rules/r.md": md(rule), ...more });
const none = () => null;
/** Something that happens at each time that it is said. */
const event = (host: string, state: string, data: Record<string, unknown> = {}): Level => ({
  source: "mine",
  subject: host,
  family: "alert",
  kind: "alert.down",
  state,
  title: `${host} is down`,
  data: { host, ...data },
});
function at(one: World, time: string, ...levels: Level[]): string[] {
  one.levels = levels;
  const changes = one.tick(`2026-11-20T${time}Z`, none);
  one.levels = [];
  return changes.flatMap((all) =>
    [...all].flatMap(([path, text]) =>
      path.startsWith("pupdates/")
        ? String(text)
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line).verdict as string)
        : [],
    ),
  );
}
const memos = (one: World) => [...one.files.keys()].filter((path) => path.startsWith("memos/"));

describe("within", () => {
  const rule = "when: {kind: alert.down}\nwithin: {count: 2, in: 1h, per: host}\nthen: [{memo: '{{subject}} again'}]";
  test("it fires when it has happened often enough in the window, for the same host", () => {
    const one = pack(rule);
    expect(at(one, "10:00:00", event("a", "1"))).toEqual(["ignored"]);
    expect(at(one, "10:10:00", event("b", "1"))).toEqual(["ignored"]);
    expect(at(one, "10:59:59", event("a", "2"))).toEqual(["memo"]);
    // Counted anew from here.
    expect(at(one, "10:59:59", event("a", "3"))).toEqual(["ignored"]);
    expect(at(one, "11:10:00", event("b", "2"))).toEqual(["ignored"]);
    const kept = (one.files.get("state/rules.ndjson") as string).trim().split("\n");
    const sec = (time: string) => Date.parse(`2026-11-20T${time}Z`) / 1000;
    expect(kept.map((line) => JSON.parse(line))).toEqual([
      { rule: "r", key: "a", times: [sec("10:59:59")] },
      { rule: "r", key: "b", times: [sec("11:10:00")] },
    ]);
  });
  test("a tick in which nothing happens writes nothing", () => {
    const one = pack(rule);
    at(one, "10:00:00", event("a", "1"));
    expect(one.tick("2026-11-21T10:00:00Z", none)).toEqual([]);
  });
  test("a rest keeps it from firing, not from counting", () => {
    const one = pack(rule.replace("then", "cooldown: 2h\nthen"));
    at(one, "10:00:00", event("a", "1"));
    expect(at(one, "10:01:00", event("a", "2"))).toEqual(["memo"]);
    expect(at(one, "11:50:00", event("a", "3"))).toEqual(["ignored"]);
    expect(at(one, "12:00:00", event("a", "4"))).toEqual(["ignored"]);
    expect(at(one, "12:02:00", event("a", "5"))).toEqual(["memo"]);
  });
});

describe("ask_first", () => {
  const rule = "when: {kind: alert.down}\nask_first: true\nthen: [{task: {title: 'Mend {{subject}}', prompt: look}}]";
  const answer = (one: World, words: string, status = "answered") => {
    const path = memos(one)[0] as string;
    one.files.set(path, (one.files.get(path) as string).replace("status: open", `status: ${status}\nanswer: ${words}`));
  };
  const queued = (one: World) => [...one.files.keys()].filter((path) => path.startsWith("queue/"));
  const asked = () => {
    const one = pack(rule);
    expect(at(one, "10:00:00", event("a", "1"))).toEqual(["ask"]);
    expect(queued(one)).toEqual([]);
    expect(one.files.get(memos(one)[0] as string)).toMatch(
      /kind: approval\ntitle: .Rule r asks, and a yes lets it queue/,
    );
    return one;
  };
  test("nothing is done before a person says yes, and all of it after", () => {
    const one = asked();
    answer(one, "Yes, please");
    expect(at(one, "10:30:00")[0]).toBe("task");
    expect(one.files.get(queued(one)[0] as string)).toContain("title: Mend a");
    expect(one.files.get("state/rules.ndjson")).toBe("");
    at(one, "11:00:00");
    expect(queued(one).length).toBe(1);
  });
  test.each([
    ["no", "answered", "declined"],
    ["yesterday it was fine", "answered", "declined"],
    ["yes", "dismissed", "declined"],
  ])("%s (%s) is no yes", (words, status, verdict) => {
    const one = asked();
    answer(one, words, status);
    expect(at(one, "10:30:00")).toEqual([verdict]);
    expect(queued(one)).toEqual([]);
  });
  test("silence is a no", () => {
    const one = asked();
    expect(one.tick("2026-12-01T10:00:00Z", none).length).toBeGreaterThan(0);
    one.tick("2026-12-01T10:30:00Z", none);
    expect(queued(one)).toEqual([]);
    expect(one.files.get("state/rules.ndjson")).toBe("");
  });
  test("a yes to one thing is no yes to what the rule does now", () => {
    const one = asked();
    one.files.set("rules/r.md", md(rule.replace("prompt: look", "prompt: delete")));
    answer(one, "yes");
    expect(at(one, "10:30:00")).toEqual(["outdated"]);
    expect(queued(one)).toEqual([]);
  });
  test("only towline's own word of an answer counts", () => {
    const one = asked();
    const memo = (memos(one)[0] as string).replace(/^.*\/|\.md$/g, "");
    const said = { ...event("x", "1", { memo, answer: "yes" }), kind: "memo.answered" };
    expect(at(one, "10:30:00", said)).toEqual(["ignored"]);
    expect(queued(one)).toEqual([]);
  });
  test("there is one question at a time about one thing", () => {
    const one = asked();
    expect(at(one, "10:10:00", event("a", "2"))).toEqual(["ask"]);
    expect(memos(one).length).toBe(1);
    answer(one, "yes");
    expect(at(one, "10:30:00")[0]).toBe("task");
    expect(queued(one).length).toBe(1);
  });
});

test("why says what held a rule back that fits", () => {
  const one = pack("when: {kind: alert.down}\nwithin: {count: 2, in: 1h, per: host}\nthen: [{memo: x}]");
  const pupdate = { ...event("a", "1"), id: "p", at: "2026-11-20T10:00:00Z", verdict: "ignored" };
  const [mine] = explainPupdate(one.state().rules, pupdate);
  expect(mine).toMatchObject({
    matches: true,
    skipped: "fits, and did not fire then: it wants 2 in 1h for the same host",
  });
  expect(explainPupdate(one.state().rules, { ...pupdate, verdict: "memo", rule: "r" })[0]?.skipped).toBeUndefined();
});
