// What the pages beside the daily ones are made of: rules, pupdates, knowledge, campfires, costs, health, histories, tables.
import { describe, expect, test } from "vitest";
import { more_samples } from "../../site/src/samples-more.ts";
import { kindOf, parseEntry } from "../../src/core/entry.ts";
import { type ExportInput, exportData } from "../../src/core/export.ts";
import type { DocumentName, Exported } from "../../src/core/exported.ts";
import { pupdate, settings } from "../../src/core/schema.ts";
import { sampleInput } from "./sample.ts";

function rows<N extends DocumentName>(name: N, more: Partial<ExportInput> = {}): Exported<N>[] {
  const read = JSON.parse(exportData({ ...sampleInput("quiet"), ...more })[`${name}.json`] as string);
  return Array.isArray(read) ? read : [read];
}
const files = (some: Record<string, string>) => new Map(Object.entries(some));
const ndjson = (...all: unknown[]) =>
  all.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n");

describe("rules", () => {
  const find = (id: string, more?: Partial<ExportInput>) => rows("rules", more).find((row) => row.id === id);

  test("each in plain words, with when it last fired and how often; built-in ones have no file", () => {
    expect(find("failed-job")).toMatchObject({
      says: ["When `job.failed` happens.", "Then write a memo that tells: “{{title}}”."],
      fired: { at: "2026-11-21T06:02:00Z", pupdate: "p2" },
      times: 1,
      built_in: false,
    });
    expect(find("stale-pr")?.says.at(-1)).toBe("It is switched off.");
    expect(find("builtin-job-asked")).toMatchObject({ built_in: true, times: 0 });
  });

  test("a firing outlives the pupdates that are shown", () => {
    expect(find("stale-pr")).toMatchObject({ fired: { at: "2026-11-02T08:00:00Z" }, times: 0 });
    expect(find("stale-pr", { files: new Map() })?.fired).toBeUndefined();
  });
});

describe("pupdates", () => {
  test("the rule that fired stands first, with each field that was looked at", () => {
    const failed = rows("pupdates").find((row) => row.id === "p2");
    expect(failed).toMatchObject({ day: "2026-11-21", verdict: "memo", rule: "failed-job" });
    expect(failed?.why[0]).toMatchObject({
      rule: "failed-job",
      path: "rules/failed-job.md",
      matches: true,
      leaves: ["✓ kind equals job.failed"],
    });
  });

  test("rules of other kinds are left out, and of many only a handful is kept", () => {
    for (const { why, kind } of rows("pupdates"))
      for (const { leaves } of why) expect(leaves.some((leaf) => leaf === `✓ kind equals ${kind}`)).toBe(true);
    const entry = sampleInput("quiet").entries.find((one) => one.path === "rules/failed-job.md");
    const many = Array.from({ length: 30 }, (_, n) => ({ ...entry, path: `rules/r${n}.md`, id: `r${n}` }));
    const one = pupdate.parse({
      id: "x",
      at: "2026-11-21T06:02:00Z",
      source: "s",
      kind: "job.failed",
      subject: "s",
      title: "t",
      rule: "r29",
    });
    const [row] = rows("pupdates", { entries: many as ExportInput["entries"], pupdates: [one] });
    expect(row?.why).toHaveLength(6);
    expect(row?.why[0]?.rule).toBe("r29");
  });
});

describe("knowledge", () => {
  test("how often it was needed, and what is doubted as of the records' own time", () => {
    const found = rows("knowledge");
    expect(found.find((row) => row.id === "quiet-hours")).toMatchObject({ kind: "insight", hits: 14 });
    expect(found.find((row) => row.id === "group-by-path")).toMatchObject({
      kind: "learning",
      hits: 0,
      doubt: "nobody needed it since 2026-06-01",
    });
    expect(rows("knowledge", { files: new Map() }).map(({ hits, doubt }) => [hits, doubt])).toEqual([
      [0, undefined],
      [0, undefined],
    ]);
  });

  test("campfires: the open one first; a torn line, one of another shape and none at all cost nothing", () => {
    expect(rows("campfire").map(({ id, state }) => [id, state])).toEqual([
      ["2026-11-20", "open"],
      ["2026-11-19", "merged"],
    ]);
    const torn = files({
      "state/campfire.ndjson": ndjson(
        { id: "a", at: "2026-11-01T00:00:00Z", state: "open", proposal: { branch: "b" } },
        '{"id": "torn',
        { id: "b", state: "burning" },
        "not json",
        { id: "a", at: "2026-11-01T00:00:00Z", state: "closed", proposal: { branch: "b" } },
      ),
    });
    expect(rows("campfire", { files: torn }).map(({ id, state }) => [id, state])).toEqual([["a", "closed"]]);
    expect(rows("campfire", { files: new Map() })).toEqual([]);
    expect(rows("candidates").map(({ id }) => id)).toEqual(["close-what-you-open-1"]);
    expect(rows("dismissed")).toMatchObject([{ id: "retry-twice-1", signals: 2 }]);
  });
});

describe("costs", () => {
  test("by requester and by day, newest first; days that cost nothing are none", () => {
    const spending = rows("spending");
    expect(spending.length).toBeGreaterThan(3);
    expect(spending.map(({ id }) => id)).toEqual(
      spending
        .map(({ id }) => id)
        .toSorted()
        .reverse(),
    );
    for (const day of spending) expect(day.usd).toBeGreaterThan(0);
    const [month] = rows("costs");
    expect(month?.by.requester.map(({ name }) => name)).toEqual(["-"]);
    const sum = (list: { usd: number }[]) => Math.round(list.reduce((all, { usd }) => all + usd, 0) * 1e6);
    expect(sum(spending.filter(({ id }) => id.startsWith("2026-11")))).toBe(sum(month ? [month.total] : []));
  });
});

describe("health", () => {
  const health = (more?: Partial<ExportInput>) => rows("health", more)[0] as Exported<"health">;

  test("sources that fail come first, with their reason", () => {
    expect(health().sources).toEqual([
      { source: "towline", subject: "github", ok: false, at: "2026-11-21T05:40:00Z", why: "the server answered 502" },
      { source: "plugin:disk-trend", subject: "plugin:disk-trend", ok: true },
      { source: "towline", subject: "calendar", ok: true },
    ]);
  });

  test("lateness is from when a run was due to its claim; runs that were asked for have none", () => {
    const { late } = health();
    expect(late.reduce((n, day) => n + day.n, 0)).toBe(58);
    for (const day of late) expect(day.worst).toBeGreaterThanOrEqual(day.median);
    expect(late.map(({ day }) => day)).toEqual(late.map(({ day }) => day).toSorted());
    const entries = sampleInput("quiet").entries.map((one) =>
      one.kind === "job"
        ? { ...one, data: { ...one.data, run: { ...(one.data as { run: object }).run, occurrence: "run-3" } } }
        : one,
    );
    expect(health({ entries: entries as ExportInput["entries"] }).late).toEqual([]);
  });

  test("what is left of limits is as of the newest record, and a pack without records has none", () => {
    const { budgets } = health();
    expect(budgets.map(({ id, most }) => [id, most])).toEqual([
      ["the pack, usd a day", 0.5],
      ["the pack, usd a month", 0.25],
    ]);
    const [day, month] = budgets;
    expect(month?.spent).toBeGreaterThan(day?.spent ?? 0);
    const tips = { policy: "1".repeat(40), ledger: null, at: null };
    expect(health({ tips }).budgets).toEqual([]);
    const before = { ...sampleInput("quiet").tips, at: "2025-01-01T00:00:00Z" };
    expect(health({ tips: before }).budgets.map(({ spent }) => spent)).toEqual([0, 0]);
  });
});

describe("hosts", () => {
  test("a history keeps its peaks when it is thinned out, and ends at the newest sample", () => {
    const [darth] = rows("history");
    expect(darth?.id).toBe("darth");
    expect(darth?.points.length).toBeLessThanOrEqual(168);
    expect(darth?.points.length).toBeGreaterThan(150);
    expect(Math.max(...(darth?.points ?? []).map(({ load }) => load))).toBeGreaterThan(120);
    expect(darth?.points.at(-1)?.at).toBe(darth?.last.at);
    for (const { disk, memory } of darth?.points ?? []) expect(Math.max(disk, memory)).toBeLessThanOrEqual(100);
  });

  test("drift and the newest sample stand at the host; samples of a host that is gone are left out", () => {
    const host = (id: string) => rows("hosts").find((row) => row.id === id);
    expect(host("lobot")).toMatchObject({ drift: "its record says `arch: arm64`, the machine is x86_64" });
    expect(host("darth")?.seen).toBe("2026-11-21T08:12:00.000Z");
    expect(host("darth")?.drift).toBeUndefined();
    const gone = files({
      "state/hosts/2026-11-21.ndjson": ndjson(
        {
          at: "2026-11-21T08:00:00Z",
          host: "gone",
          load: 1,
          memory_free: 1,
          memory_total: 1,
          disk_free: 1,
          disk_total: 1,
          slots: 1,
        },
        "torn",
      ),
    });
    expect(rows("history", { files: gone })).toEqual([]);
  });
});

describe("collections", () => {
  const table = (more?: Partial<ExportInput>) => rows("collections", more)[0];

  test("a table by its schema, with what is wrong beside the row", () => {
    const { columns, rows: list } = table() as Exported<"collections">;
    expect(columns.map(({ title }) => title)).toEqual(["Who", "Stage", "Asked on", "Worth, $", "tags"]);
    expect(list.map(({ id, cells, faults }) => [id, cells.worth, cells.tags, faults.length])).toEqual([
      ["outreach-acme.md", "4200", "warm, robots", 0],
      ["outreach-globex.md", undefined, undefined, 0],
      ["outreach-initech.md", "much", undefined, 2],
    ]);
  });

  test("a schema that cannot be used leaves a table with nothing but names; no setting, no table", () => {
    const broken = new Map(sampleInput("quiet").files).set("outreach/schema.json", "{");
    expect(table({ files: broken })).toMatchObject({ columns: [] });
    expect(table({ files: broken })?.rows).toHaveLength(3);
    expect(table({ settings: settings.parse({ id: "x" }) })).toBeUndefined();
  });
});

test.each(Object.entries(more_samples).filter(([, { path }]) => kindOf(path) !== null))(
  "the %s that an empty page shows is a valid record",
  (_, { path, text }) => {
    const { entry, problems } = parseEntry(path, kindOf(path) as "rule", text);
    expect(problems).toEqual([]);
    expect(entry?.id).toBe(path.replace(/^.*\/|\.md$/g, ""));
  },
);
