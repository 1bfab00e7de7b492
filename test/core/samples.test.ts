// What hosts noted of themselves, on its way into the ledger.
import { describe, expect, test } from "vitest";
import { draftOf } from "../../src/core/draft.ts";
import { dueProbes } from "../../src/core/probes.ts";
import { rowsOf } from "../../src/core/rows.ts";
import { bring, samplesSince, seenRows } from "../../src/core/samples.ts";
import { readState, type State } from "../../src/core/state.ts";
import type { Sample } from "../../src/ports.ts";
import { readSamples } from "../../src/remote/samples.ts";
import { basics, md } from "../fakes/pack.ts";

const now = new Date("2026-11-20T10:00:00Z");
const sec = (at: string) => Date.parse(at) / 1000;
const sample = (at: string, more: Partial<Sample> = {}): Sample => ({
  at: sec(at),
  load: 1,
  cores: 4,
  memory: { free: 1024, total: 4096 },
  disk: { free: 2048, total: 8192 },
  slots: 1,
  ...more,
});

function stateOf(files: Record<string, string>): State {
  const { state } = readState(
    { policy: "a", ledger: "a" },
    Object.entries(files).map(([path, text]) => ({ path, mode: "100644", text })),
  );
  if (!state) throw new Error("no state");
  return state;
}
const draft = (more: Record<string, string> = {}, hosts = ["one", "two"]) =>
  draftOf(stateOf({ ...basics(hosts), ...more }), now, "t");
const day = "state/hosts/2026-11-20.ndjson";

describe("samples", () => {
  test("go to the file of their UTC day, sorted, one for each half hour; twice the same is one line", () => {
    const given = new Map([
      ["two", [sample("2026-11-20T09:10:00Z"), sample("2026-11-20T09:00:00Z"), sample("2026-11-20T09:40:00Z")]],
      ["one", [sample("2026-11-20T09:00:00Z")]],
    ]);
    const first = bring(draft(), given);
    const lines = (first.files.get(day) ?? "").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line)).map(({ at, host }) => `${host} ${at.slice(11, 16)}`)).toEqual([
      "one 09:00",
      "two 09:00",
      "two 09:40",
    ]);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      at: "2026-11-20T09:00:00.000Z",
      host: "one",
      load: 0.25,
      memory_free: 1024,
      memory_total: 4096,
      disk_free: 2048,
      disk_total: 8192,
      slots: 1,
    });
    expect(first.pressing).toBe(false);
    const again = bring(draft({ [day]: first.files.get(day) as string }), given);
    expect(again.files.size).toBe(0);
    expect(again.seen).toEqual(first.seen);
  });

  test("of a day that is over press for a commit; those of today wait for one", () => {
    const late = bring(draft(), new Map([["one", [sample("2026-11-19T23:00:00Z"), sample("2026-11-20T09:00:00Z")]]]));
    expect([late.pressing, [...late.files.keys()]]).toEqual([true, ["state/hosts/2026-11-19.ndjson", day]]);
    const text = late.files.get("state/hosts/2026-11-19.ndjson") as string;
    const known = draft({ "state/hosts/2026-11-19.ndjson": text });
    expect(bring(known, new Map([["one", [sample("2026-11-19T23:00:00Z")]]])).pressing).toBe(false);
  });

  test("by a clock that was never set, or from the future, or of a host without a record, are left out", () => {
    const given = new Map([
      ["one", [sample("1970-01-01T00:10:00Z"), sample("2026-11-21T10:00:00Z"), sample("2026-11-01T10:00:00Z")]],
      ["gone", [sample("2026-11-20T09:00:00Z")]],
    ]);
    expect(bring(draft(), given)).toEqual({ files: new Map(), seen: new Map(), pressing: false });
  });

  test("of many hosts are fewer each, and a day's file has an end", () => {
    const names = Array.from({ length: 400 }, (_, index) => `h${index}`);
    const all = Array.from({ length: 20 }, (_, hour) =>
      sample(new Date(now.getTime() - hour * 1_800_000).toISOString()),
    );
    const { files } = bring(draft({}, names), new Map(names.map((name) => [name, all])));
    const lines = (files.get(day) ?? "").trim().split("\n");
    expect(lines.length).toBeLessThanOrEqual(4000);
    expect(lines.length).toBeGreaterThan(1200);
    expect(files.get(day)?.length).toBeLessThan(1 << 20);
  });

  test("are asked for when the ledger's newest one is old, and the ledger says up to when it has them", () => {
    const row = (seen?: string) => `${JSON.stringify({ host: "one", identity: "x", at: { address: "a" }, seen })}\n`;
    const path = "state/hosts.ndjson";
    const since = (seen?: string) => samplesSince(stateOf({ ...basics(["one"]), [path]: row(seen) }), "one", now);
    expect(since("2026-11-20T09:45:00.000Z")).toBeNull();
    expect(since("2026-11-20T09:15:00.000Z")).toBe(sec("2026-11-20T09:15:00Z"));
    expect(since()).toBe(sec("2026-11-12T10:00:00Z"));
    const made = draft({ [path]: row("2026-11-20T09:15:00.000Z") }, ["one"]);
    expect(seenRows(made, bring(made, new Map([["one", [sample("2026-11-20T09:50:00Z")]]])))).toContain(
      '"seen":"2026-11-20T09:50:00.000Z"',
    );
  });

  test("become rows of the database; a torn line costs itself only", () => {
    const { files } = bring(draft(), new Map([["one", [sample("2026-11-20T09:00:00Z")]]]));
    const { table, rows, problems } = rowsOf(day, `${files.get(day)}{"at":"2026-`);
    expect([table, rows.length, problems.length]).toEqual(["samples", 1, 1]);
    expect(rows[0]).toMatchObject({ path: day, line: 1, host: "one", load: 0.25, disk_free: 2048, slots: 1 });
  });
});

test("a host's own words for its samples are checked", () => {
  const said = [
    "1795858516 0.52 2 100 400 200 800 1",
    "1795858500 0.52 2 100 400 200 800 1", // not after it was asked for
    "1795858600 0.52 2 100 400 200 800", // torn
    "1795858600 $(id) 2 100 400 200 800 1",
    "",
  ].join("\n");
  expect(readSamples(Buffer.from(said), 1795858510)).toEqual([
    {
      at: 1795858516,
      load: 0.52,
      cores: 2,
      memory: { free: 102400, total: 409600 },
      disk: { free: 204800, total: 819200 },
      slots: 1,
    },
  ]);
});

describe("a probe is due", () => {
  const path = "state/hosts.ndjson";
  const met = (seen: string) => `${JSON.stringify({ host: "two", identity: "x", at: { address: "a" }, seen })}\n`;
  const due = (probed: Record<string, number>, more: Record<string, string> = {}) =>
    dueProbes(stateOf({ ...basics(["one", "two"]), ...more }), probed, now);

  test("when nobody asked for the time of fleet.probe, by the heartbeat or by the newest sample", () => {
    expect(due({})).toEqual(["one", "two"]);
    expect(due({ one: sec("2026-11-20T09:31:00Z"), two: sec("2026-11-20T09:29:00Z") })).toEqual(["two"]);
    expect(due({ one: sec("2026-11-20T09:31:00Z") }, { [path]: met("2026-11-20T09:40:00.000Z") })).toEqual([]);
    expect(due({ one: sec("2026-12-20T09:31:00Z"), two: sec("2026-11-20T09:31:00Z") })).toEqual(["one"]);
  });

  test("never for a host that is off, cordoned or elsewhere, and for none with `fleet: {probe: 0s}`", () => {
    const host = (more: string) => md(`address: a\n${more}`);
    const shut = {
      "hosts/one.md": host("cordon: true"),
      "hosts/two.md": host("network: lan"),
      "hosts/x.md": host("off: true"),
    };
    expect(due({}, shut)).toEqual([]);
    expect(due({}, basics(["one"], "fleet: {probe: 0s}\n"))).toEqual([]);
  });
});
