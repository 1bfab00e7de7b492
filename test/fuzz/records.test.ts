// Any bytes under any record's name: a record or findings, never an exception, code that runs, or a hang.
import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { kindOf, parseEntry } from "../../src/core/entry.ts";
import { ndjson, render } from "../../src/core/render.ts";
import { rowsOf } from "../../src/core/rows.ts";
import { type Kind, kinds } from "../../src/core/schema.ts";
import { max_bytes } from "../../src/core/split.ts";
import { openPaths, readSettings, readState } from "../../src/core/state.ts";
import { textOf } from "../../src/shell/pack-files.ts";
import { times, type Watch, watched } from "./budget.ts";
import { corpus, generated, hard, mutated } from "./texts.ts";

// A hang limit for the whole, not for one input.
vi.setConfig({ testTimeout: 3_600_000 });

const settings = { path: "towline.yml", mode: "100644", text: "id: fuzz\n" };
const good = { path: "tasks/good.md", mode: "100644", text: "---\ntitle: good\n---\nsay so\n" };
const tips = { policy: "p", ledger: "l" };
const canary = globalThis as { towline_canary?: unknown };

const wrong = (what: string, text: unknown): never => {
  throw new Error(`${what}: ${JSON.stringify(text)}`);
};

let count = 0;

/** Everything that reads the file at this path, and what must hold of each answer. */
function readAll(path: string, bytes: Uint8Array): void {
  // As git's reader does: what is larger than a record may be is not even decoded.
  const text = bytes.length > max_bytes ? null : textOf(bytes);
  if (count++ % 8 === 0) besideGood(path, text);
  if (text === null) return;
  if (path === "towline.yml") told(readSettings(text).problems, text);
  openPaths(text);
  const kind = kindOf(path);
  if (!kind) return;
  const read = parseEntry(path, kind, text);
  told(read.problems, text);
  if ((read.entry === null) !== read.problems.some(({ level }) => level === "error"))
    wrong("neither a record nor an error that says why there is none", text);
}

/** Whatever stands in one file, the others are read. */
function besideGood(path: string, text: string | null): void {
  if (path === good.path || path === "towline.yml") return;
  const { state } = readState(tips, [settings, good, { path, mode: "100644", text }]);
  if (state?.tasks.get("good")?.data.title !== "good") wrong("a good record was lost", text);
}

function told(problems: ReturnType<typeof parseEntry>["problems"], text: string): void {
  if (problems.length > 50) wrong("too many findings", text);
  const lines = text.split(/\r\n|\r|\n/).length;
  for (const { line, column, code, message, fix } of problems)
    if (!(line >= 1 && line <= lines + 1 && column >= 1 && code !== "" && message !== "" && fix !== ""))
      wrong(`a finding without a place, a reason or a remedy: ${JSON.stringify(problems)}`, text);
}

const files = corpus();
const paths = [...new Set(files.map(({ path }) => path.split("/")[0] as string))]
  .filter((folder) => kindOf(`${folder}/x.md`) !== null)
  .map((folder) => `${folder}/x.md`)
  .concat("STOP.md", "towline.yml", "state/open.ndjson", "state/levels.ndjson", "tasks/x.md", "learnings/x.md");
const watch: Watch = { worst: 0, input: "" };
const report = (what: string, count: number) =>
  console.log(`${count} ${what}: slowest ${watch.worst.toFixed(1)} ms: ${JSON.stringify(watch.input.slice(0, 80))}`);

describe("records", () => {
  beforeAll(() => {
    expect(files.length).toBeGreaterThan(50);
    for (const { path, text } of files) readAll(path, Buffer.from(text));
  });

  test.each([
    ["good records with faults", times(50_000, 50), mutated(files)],
    ["generated frontmatter", times(25_000, 50), generated(paths)],
    [
      "bytes of any sort",
      times(10_000),
      fc.record({ path: fc.constantFrom(...paths), bytes: fc.uint8Array({ maxLength: 400 }) }),
    ],
  ] as [string, number, fc.Arbitrary<{ path: string; bytes: Uint8Array }>][])("%s", (what, count, input) => {
    fc.assert(
      fc.property(input, ({ path, bytes }) => {
        watched(watch, Buffer.from(bytes).toString("latin1"), () => readAll(path, bytes));
        if (canary.towline_canary !== undefined) throw new Error("code of a record was run");
      }),
      { numRuns: count },
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    report(what, count);
  });

  test.each(hard)("hard: %s", (_, text) => {
    for (const path of ["tasks/x.md", "status/x.md", "towline.yml", "state/open.ndjson"])
      watched(watch, text.slice(0, 100), () => readAll(path, Buffer.from(text)));
  });
});

describe("pupdates", () => {
  test("lines of any sort: rows and findings", () => {
    const line = fc.oneof(
      fc.json(),
      fc.string({ unit: "binary", maxLength: 60 }),
      fc
        .record({
          id: fc.string(),
          at: fc.constantFrom("2026-11-20T10:00:00Z", "x"),
          source: fc.string(),
          kind: fc.string(),
          subject: fc.string(),
          title: fc.string(),
          data: fc.dictionary(fc.string(), fc.jsonValue()),
        })
        .map((one) => JSON.stringify(one)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const text = lines.join("\n");
        const { rows, problems } = watched(watch, text, () => rowsOf("pupdates/2026/11/20/t.ndjson", text));
        expect(rows.length + problems.length).toBeLessThanOrEqual(text.split("\n").length);
      }),
      { numRuns: times(5000) },
    );
  });
});

describe("what is written is read back", () => {
  const words = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 30 }),
    fc.constantFrom("007", "no", "~", "1e3", "- x", "a: b", "#", "'", '"', "---", "&a", "|", " x ", "2026-11-20"),
  );
  const line = words
    .map((text) => text.replace(/[\r\n\u0085\u2028\u2029]/g, " "))
    .filter((text) => text.isWellFormed());
  const body = fc
    .string({ unit: "grapheme", maxLength: 80 })
    .map((text) => text.replace(/[\0\r]/g, "").trim())
    .filter((text) => text.isWellFormed());
  const at = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString());
  const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/).filter((text) => !/^(con|prn|aux|nul)$/.test(text));
  const option = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });
  const job = fc.record({
    task: line,
    agent: option(slug),
    host: option(line),
    state: fc.constantFrom("claimed", "started", "finished", "lost"),
    started_at: option(at),
    took: option(fc.nat(1e6)),
    cost: option(fc.nat(1e6)),
    run: fc.record({
      occurrence: line,
      run_id: line,
      epoch: fc.integer({ min: 1, max: 1e9 }),
      tick: line,
      claimed_at: at,
      deadline: fc.nat(1e6),
      input_hash: line,
      why: option(line),
      result: option(line),
      surprise: option(words.filter((text) => text.isWellFormed())),
    }),
  });
  const memo = fc.record({
    kind: fc.constantFrom("ask", "info"),
    title: line,
    subject: words,
    created: at,
    expires: at,
    status: fc.constantFrom("open", "answered"),
    answer: option(words),
  });
  const status = fc.record({
    title: line,
    state: fc.constantFrom("queued", "done"),
    since: at,
    seen: at,
    failures: fc.nat(9),
    jobs: fc.array(fc.record({ id: words, path: words, state: fc.constant("finished"), occurrence: words, at }), {
      maxLength: 3,
    }),
  });
  const record = fc.oneof(
    fc.record({ kind: fc.constant<Kind>("job"), data: job }),
    fc.record({ kind: fc.constant<Kind>("memo"), data: memo }),
    fc.record({ kind: fc.constant<Kind>("status"), data: status }),
  );
  const path: Partial<Record<Kind, string>> = {
    job: "jobs/2026/11/20/x.md",
    memo: "memos/2026/11/x.md",
    status: "status/x.md",
  };

  test("records: 50,000", () => {
    fc.assert(
      fc.property(record, body, ({ kind, data }, text) => {
        const typed = kinds[kind].parse(data) as Record<string, unknown>;
        const written = render(kind, typed, text);
        const { entry, problems } = parseEntry(path[kind] as string, kind, written);
        expect(problems).toEqual([]);
        expect(entry?.data).toEqual(kinds[kind].parse(JSON.parse(JSON.stringify(typed))));
        expect(entry?.body.trim()).toBe(text);
        // Written again, the same bytes.
        expect(render(kind, entry?.data as Record<string, unknown>, entry?.body ?? "")).toBe(written);
      }),
      { numRuns: 50_000 },
    );
  });

  test("rows", () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 4 }), (rows) => {
        const text = ndjson(rows);
        expect(
          text
            .split("\n")
            .filter(Boolean)
            .map((row) => JSON.parse(row)),
        ).toEqual(JSON.parse(JSON.stringify(rows)));
      }),
      { numRuns: 2000 },
    );
  });
});
