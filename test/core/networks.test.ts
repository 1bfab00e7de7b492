// Silence of many hosts at once is told once; that of few, each by itself.
import { beforeEach, expect, test } from "vitest";
import { absorb, noFindings } from "../../src/core/absorb.ts";
import { type Draft, draftOf } from "../../src/core/draft.ts";
import { closeMemos } from "../../src/core/memos.ts";
import { readState } from "../../src/core/state.ts";
import { triage } from "../../src/core/triage.ts";
import { basics, md } from "../fakes/pack.ts";

const names = ["a", "b", "c", "d", "e"];
let draft: Draft;
beforeEach(() => {
  const host = (more = "") => md(`address: 127.0.0.1\nnetwork: lan\n${more}`);
  const files = {
    ...basics([], "networks: [lan]\n"),
    ...Object.fromEntries(names.map((name) => [`hosts/${name}.md`, host()])),
    "hosts/rack.md": host("cordon: new disk"),
    "hosts/far.md": md("address: 127.0.0.1"),
  };
  const read = Object.entries(files).map(([path, text]) => ({ path, mode: "100644", text }));
  const { state } = readState({ policy: "a", ledger: "a" }, read);
  if (!state) throw new Error("no state");
  draft = draftOf(state, new Date("2026-11-20T10:00:00Z"), "t");
});

/** One wave: who answers, and who does not. Answers the events that it raises. */
function wave(up: string, down: string, fault = "unreachable"): string[] {
  const findings = noFindings();
  for (const name of up.split(" ").filter(Boolean)) findings.answers.set(name, { facts: { identity: name } as never });
  for (const name of down.split(" ").filter(Boolean)) findings.answers.set(name, { fault, message: "does not answer" });
  absorb(draft, findings);
  const said = draft.raised.map(({ kind, subject }) => `${kind} ${subject}`);
  triage(draft);
  closeMemos(draft);
  return said;
}
const open = () =>
  [...draft.memos.values()].filter((memo) => memo.data.status === "open").map((memo) => memo.data.title);

test("three of five are a network, and one memo; when it is back, who stays down is told alone", () => {
  expect(wave("a b c d e", "")).toEqual([]);
  expect(wave("d e", "a b c")).toEqual(["network.down lan"]);
  expect(draft.pupdates.at(-1)?.data).toMatchObject({ network: "lan", hosts: ["a", "b", "c"], count: "3 of 5" });
  expect(open()).toEqual(["Network lan does not answer: 3 of 5 hosts cannot be reached"]);
  expect(wave("d", "a b c e", "lost")).toEqual([]); // still so, and one more
  expect(wave("", "a")).toEqual([]);
  expect(wave("a", "")).toEqual([]); // one is back: three of five are not
  expect(wave("a b d", "c e")).toEqual(["network.up lan", "host.down c", "host.down e"]);
  expect(open()).toEqual([]);
  expect(wave("a b d", "c e")).toEqual([]);
  expect(wave("a b c d e", "")).toEqual(["host.up c", "host.up e"]);
  expect(new Set(draft.pupdates.map((one) => one.id)).size).toBe(draft.pupdates.length);
});

test("a host that was not asked when its network came back is told when it is", () => {
  wave("", "a b c d e");
  expect(wave("a b c", "")).toEqual(["network.up lan"]);
  expect(wave("", "d")).toEqual(["host.down d"]);
  expect(wave("e", "")).toEqual([]);
});

test("half of them, or two of three, are hosts; a cordoned one does not count", () => {
  expect(wave("c d e", "a b")).toEqual(["host.down a", "host.down b"]);
  expect(wave("a b d e", "rack far c").sort()).toEqual([
    "host.down c",
    "host.down far",
    "host.down rack",
    "host.up a",
    "host.up b",
  ]);
});

test("a host with another trouble is told, whatever its network does", () => {
  wave("", "a b c d");
  expect(wave("", "a", "changed-key")).toEqual(["host.down a"]);
  expect(open().some((title) => title.startsWith("a is out of rotation"))).toBe(true);
});

test("what was told before the network went down stays as it was told", () => {
  expect(wave("b c d e", "a")).toEqual(["host.down a"]);
  expect(wave("d e", "a b c")).toEqual(["network.down lan"]);
  expect(wave("b c d e", "a")).toEqual(["network.up lan"]);
  expect(wave("a", "")).toEqual(["host.up a"]);
});

test("the same network that goes down twice is two events", () => {
  for (let i = 0; i < 2; i++) {
    expect(wave("", "a b c d e")).toEqual(["network.down lan"]);
    expect(wave("a b c d e", "")).toEqual(["network.up lan"]);
  }
  expect(new Set(draft.pupdates.map((one) => one.id)).size).toBe(4);
});
