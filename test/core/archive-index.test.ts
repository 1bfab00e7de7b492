// What stands beside archives, and which of them the dashboard opens: the newest of what it lists, however many years there are.
import { expect, test } from "vitest";
import { type ArchiveIndex, indexText, mayName, readIndex } from "../../src/core/archive-index.ts";
import { parseEntry } from "../../src/core/entry.ts";
import { costRows } from "../../src/core/export-costs.ts";
import { olderDays } from "../../src/core/export-days.ts";
import { most_listed, windowOf } from "../../src/core/export-window.ts";
import { worldOf } from "../../src/core/export-world.ts";
import { md } from "../fakes/pack.ts";

const blob = "a".repeat(40);
const lines = (records: [string, string][]) =>
  records.map(([path, text]) => `${JSON.stringify({ path, text })}\n`).join("");
const event = (id: string, subject: string, data = {}) => JSON.stringify({ id, subject, data });

const jobText = (n: number, at: string, more = "") =>
  md(
    `task: t${n % 3}\nagent: a${n % 2}\nhost: h\nstate: ${n % 4 === 0 ? "failed" : "finished"}\nstarted_at: ${at}\ntook: 30s\ncost: 0.${n + 1}\n` +
      `run: {occurrence: x, run_id: r${n}, epoch: 1, tick: t, claimed_at: "${at}", deadline: 2m, input_hash: x${more}}`,
    "Done.",
  );
const jobs = Array.from({ length: 9 }, (_, n): [string, string] => [
  `jobs/2026/06/01/t-${n}.md`,
  jobText(n, `2026-06-01T0${n}:00:00Z`, n === 1 ? ", rule: night, requested_by: mia" : ""),
]);

test("an index names what its archive may hold, and is believed for that archive only, as it was written", () => {
  const file = "archive/pupdates/2026/06/01.ndjson";
  const text = lines([
    [
      "pupdates/2026/06/01/t.ndjson",
      `${event("e1", "disk", { job: "j1", task: "clean" })}\n{ torn\n${event("e2", "disk")}\n`,
    ],
    ["pupdates/2026/06/02/t.ndjson", event("e3", "elsewhere")],
  ]);
  const said = indexText(file, text, blob, "UTC");
  const index = readIndex(said, blob) as ArchiveIndex;
  expect(index.records).toBe(2);
  expect(["e1", "e2", "disk", "j1", "clean", "e3", "elsewhere"].filter((name) => mayName(index, [name]))).toEqual([
    "e1",
    "e2",
    "disk",
    "j1",
    "clean",
  ]);
  expect(mayName(index, ["nobody", "e2"])).toBe(true);
  expect(readIndex(said, "b".repeat(40))).toBeNull();
  expect(readIndex(said.replace('"records":2', '"records":1'), blob)).toBeNull();
  expect(readIndex(said.replace(/"keys":"......./, '"keys":"'), blob)).toBeNull();
  expect(readIndex("", blob)).toBeNull();
  const own = indexText(
    "archive/jobs/2026/06/01.ndjson",
    lines([...jobs, ["jobs/2026/06/01/t-1.d/told.md", "…"]]),
    blob,
    "UTC",
  );
  expect(readIndex(own, blob)?.records).toBe(9);
});

test("what archived jobs cost is the same by their indexes as by their records, alone and beside newer ones", () => {
  const entries = jobs.map(([path, text]) => parseEntry(path, "job", text).entry as NonNullable<unknown>) as never[];
  const worldWith = (some: never[]) => worldOf({ zone: "UTC", entries: some, pupdates: [], levels: [] });
  const archived = (from: number) =>
    readIndex(indexText("archive/jobs/2026/06/01.ndjson", lines(jobs.slice(from)), blob, "UTC"), blob)?.costs;
  const all = costRows(worldWith(entries));
  expect(all[0]?.total).toMatchObject({ runs: 9, usd: 4.5 });
  expect(costRows(worldWith([]), archived(0))).toEqual(all);
  expect(costRows(worldWith(entries.slice(0, 4)), archived(4))).toEqual(all);
});

test("archives are opened up to what the dashboard lists; of older ones it says what their indexes say", () => {
  const shelf = (kind: string, day: string, records: number | null) => ({
    file: `archive/${kind}/${day}.ndjson`,
    blob: `${kind}-${day}`,
    index:
      records === null
        ? null
        : { of: blob, records, keys: "", outcomes: kind === "reflections" ? { success: 1 } : undefined },
  });
  const shelves = [
    shelf("jobs", "2020/01/01", 7),
    shelf("reflections", "2020/01/01", 5),
    shelf("reflections", "2020/01/00", 2),
    shelf("jobs", "2020/01/02", null),
    shelf("jobs", "2026/08/01", most_listed),
    shelf("jobs", "2026/08/02-2", 3),
    shelf("pupdates", "2020/01/01", 400),
    shelf("pupdates", "2020/01/02", 400),
    shelf("pupdates", "2020/01/03", 400),
  ];
  const { open, older } = windowOf(shelves, { history: 0, pupdates: 0, memos: 0, queue: 0 });
  expect(open.map((file) => file.slice(8, -7)).sort()).toEqual([
    "jobs/2020/01/02",
    "jobs/2026/08/01",
    "jobs/2026/08/02-2",
    "pupdates/2020/01/02",
    "pupdates/2020/01/03",
  ]);
  expect(olderDays({ entries: [], zone: "UTC" }, new Map(), older.days).map(({ row }) => row)).toEqual([
    expect.objectContaining({ id: "2020-01-01", jobs: 7, reflections: 7, shows: "nothing" }),
  ]);
  expect(older.outcomes).toEqual(new Map([["success", 2]]));
  // Without a full list of newer ones they are all opened.
  expect(windowOf(shelves.slice(0, 3), { history: 0, pupdates: 0, memos: 0, queue: 0 }).open).toHaveLength(3);
});
