// What the pages of jobs and the lists of reflections are made of.
import { describe, expect, test } from "vitest";
import { folderOf } from "../../site/src/folder.ts";
import { readPatch } from "../../site/src/patch.ts";
import { type Entry, parseEntry } from "../../src/core/entry.ts";
import { type ExportInput, exportData } from "../../src/core/export.ts";
import { besideJob } from "../../src/core/export-jobs.ts";
import type { DocumentName, Exported } from "../../src/core/exported.ts";
import { pupdate } from "../../src/core/schema.ts";
import { sampleInput } from "./sample.ts";

function rows<N extends DocumentName>(name: N, input: ExportInput): Exported<N>[] {
  const read = JSON.parse(exportData(input)[`${name}.json`] as string);
  return Array.isArray(read) ? read : [read];
}

const run = (more: object) => ({
  occurrence: "run-1",
  run_id: "r",
  epoch: 1,
  tick: "t",
  claimed_at: "2026-11-21T06:00:00Z",
  deadline: "2m",
  input_hash: "x",
  ...more,
});

function job(id: string, more: object, fields: object = {}, body = ""): Entry<"job"> {
  const all = { task: "t", host: "darth", state: "finished", ...fields, run: run(more) };
  const lines = Object.entries(all).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const path = `jobs/2026/11/21/${id}.md`;
  const { entry, problems } = parseEntry(path, "job", `---\n${lines.join("\n")}\n---\n${body}`);
  if (!entry) throw new Error(JSON.stringify(problems));
  return entry as Entry<"job">;
}

const only = (entry: Entry, more: Partial<ExportInput> = {}) =>
  rows("jobs", { ...sampleInput("empty"), entries: [entry], ...more })[0] as Exported<"jobs">;

describe("why a job began", () => {
  const event = (fields: object) =>
    pupdate.parse({
      id: "0a1b",
      at: "2026-11-21T05:59:00Z",
      source: "github",
      kind: "pr.stale",
      subject: "12",
      ...fields,
    });

  test("its time, its number, a person", () => {
    const because = (more: object) => only(job("j", more)).because;
    expect(because({ occurrence: "2026-11-21T06:00:00.000Z", requested_by: "schedule" })).toEqual({
      kind: "schedule",
      at: "2026-11-21T06:00:00.000Z",
    });
    expect(because({ occurrence: "run-3", requested_by: "run" })).toEqual({ kind: "run", run: "3" });
    expect(because({ occurrence: "dispatch-x", requested_by: "eric" })).toEqual({ kind: "person", by: "eric" });
    expect(because({ occurrence: "2026-11-22T00:00:00.000Z", requested_by: "due" })).toMatchObject({ kind: "due" });
  });

  test("an event with its rule; its address is one of the web or none", () => {
    const born = job("j", { occurrence: "pupdate-0a1b", requested_by: "rule", rule: "stale-pr" });
    const told = (url: string) => only(born, { pupdates: [event({ title: "PR 12 is stale", url })] }).because;
    expect(told("https://github.com/o/n/pull/12")).toEqual({
      kind: "event",
      rule: "stale-pr",
      title: "PR 12 is stale",
      at: "2026-11-21T05:59:00Z",
      url: "https://github.com/o/n/pull/12",
    });
    for (const url of ["javascript:window.canary=1", "data:text/html,x", "nonsense"])
      expect(told(url).url).toBeUndefined();
    expect(only(born).because).toEqual({ kind: "event", rule: "stale-pr" });
  });
});

describe("the steps of a job", () => {
  test("stand in the order of their time, questions with their answers, the end with its reason", () => {
    const told = only(
      job(
        "j",
        {
          epoch: 2,
          earlier: [{ at: "2026-11-21T05:00:00Z", usd: 0.2 }],
          questions: [{ at: "2026-11-21T06:02:00Z", text: "Which one?", pupdate: "q", answer: "Both." }],
          ended_at: "2026-11-21T06:09:00Z",
          why: "exit 2",
        },
        { state: "failed", started_at: "2026-11-21T06:01:00Z" },
      ),
      {
        pupdates: ["job.replied", "job.failed"].map((kind, n) =>
          pupdate.parse({
            id: `p${n}`,
            at: "2026-11-21T06:05:00Z",
            source: "towline",
            kind,
            subject: "t",
            title: kind,
            data: { job: "j", text: "half way" },
          }),
        ),
      },
    );
    expect(told.events.map(({ what, state, text, answer }) => [what || state, text, answer])).toEqual([
      ["claimed for an earlier try or round", undefined, undefined],
      ["claimed for darth (epoch 2)", undefined, undefined],
      ["started on darth", undefined, undefined],
      ["it asked", "Which one?", "Both."],
      ["job.replied", "half way", undefined],
      ["failed", "exit 2", undefined],
    ]);
  });

  test("what lies beside its record is named by the record, and long diffs end at a line", () => {
    const code = { repo: "o/n", base: "1".repeat(40) };
    const coded = job("j", { told: "told-1-a.md", proposal: "true", code });
    expect(besideJob(coded)).toEqual(
      ["told-1-a.md", "proposal.md", "work.patch"].map((name) => `jobs/2026/11/21/j.d/${name}`),
    );
    const files = new Map([["jobs/2026/11/21/j.d/work.patch", `diff --git a/x b/x\n${"+long\n".repeat(30_000)}`]]);
    const { patch, told } = only(coded, { beside: { files } });
    expect(patch?.text.length).toBeLessThanOrEqual(96 << 10);
    expect(patch?.text.endsWith("+long\n")).toBe(true);
    expect(patch?.cut).toBe(180_019);
    expect(told).toBeUndefined();
  });
});

test("a diff that was cut or masked is read as far as it goes", () => {
  const [first, second, ...rest] = readPatch(
    "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -3,2 +3,3 @@ f()\n same\n-old\n+new\n+more\n\\ No newline at end of file\ndiff --git a/b.bin b/b.bin\nBinary files a/b.bin and b/b.bin differ\n@@ nonsense\n+stray\n",
  );
  expect(rest).toEqual([]);
  expect(first).toMatchObject({ path: "a", added: 2, removed: 1 });
  expect(first?.lines.map((line) => [line.kind, line.old, line.new])).toEqual([
    ["hunk", undefined, undefined],
    ["same", 3, 3],
    ["del", 4, undefined],
    ["add", undefined, 4],
    ["add", undefined, 5],
    ["note", undefined, undefined],
  ]);
  expect(second).toMatchObject({ path: "b.bin", added: 0, removed: 0 });
  expect(readPatch("no diff at all")).toEqual([]);
});

test("lists of reflections: unique places whatever they are called, the longest first", () => {
  const facets = rows("facets", sampleInput("hostile"));
  expect(new Set(facets.map(({ id }) => id.toLowerCase())).size).toBe(facets.length);
  for (const { id, by } of facets) expect(id).toMatch(new RegExp(`^${by}/[A-Za-z0-9._-]+$`));
  const domains = facets.filter(({ by }) => by === "domain").map(({ n }) => n);
  expect(domains).toEqual(domains.toSorted((a, b) => b - a));
});

test("no name of a record leads out of its folder, or onto another file", () => {
  for (const id of ["..", ".", ".git", "feed.json", "a.b"]) expect(folderOf(id)).not.toContain(".");
  expect(folderOf("disk-report-5eed1")).toBe("disk-report-5eed1");
});

test("of very many tasks the first have a page, and nothing leads to a page that is not there", () => {
  const entries = Array.from({ length: 510 }, (_, n) => {
    const id = `t${String(n).padStart(3, "0")}`;
    return parseEntry(`tasks/${id}.md`, "task", `---\ntitle: T\nstatus: draft\n---\nx\n`).entry as Entry;
  });
  const last = job("j", {}, { task: "t509" });
  const input = { ...sampleInput("empty"), entries: [...entries, last] };
  expect(rows("tasks", input)).toHaveLength(500);
  expect(rows("jobs", input)[0]?.task_listed).toBe(false);
  expect(rows("jobs", { ...input, entries: [...entries, job("j", {}, { task: "t000" })] })[0]?.task_listed).toBe(true);
});

describe("home", () => {
  test("two weeks stand side by side, counted from when the records were written", () => {
    const { stats } = rows("home", sampleInput())[0] as Exported<"home">;
    expect(stats.week.total).toBe(26);
    expect(stats.week.total - stats.week_before.total).toBe(11);
  });

  test("the newest day holds its jobs from midnight to midnight of the pack's zone", () => {
    const { today } = rows("home", sampleInput())[0] as Exported<"home">;
    expect(today).toMatchObject({
      day: "2026-11-21",
      from: "2026-11-20T23:00:00.000Z",
      to: "2026-11-21T23:00:00.000Z",
    });
    expect(today?.jobs.map(({ host }) => host)).toEqual(["lobot", "lando"]);
  });
});
