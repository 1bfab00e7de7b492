import { describe, expect, test } from "vitest";
import { samples } from "../../site/src/samples.ts";
import { kindOf, parseEntry } from "../../src/core/entry.ts";
import { exportData } from "../../src/core/export.ts";
import { firstParagraph } from "../../src/core/export-home.ts";
import { documents, type Exported, recordUrl } from "../../src/core/exported.ts";
import { exportDigest, webAddress } from "../../src/shell/export.ts";
import { sampleInput } from "./sample.ts";

type Files = ReturnType<typeof exportData>;
const rows = <N extends keyof typeof documents>(files: Files, name: N): Exported<N>[] => {
  const read = JSON.parse(files[`${name}.json`] as string);
  return Array.isArray(read) ? read : [read];
};
const home = (files: Files) => rows(files, "home")[0] as Exported<"home">;

function reflection(path: string, fields: Record<string, string>, body = "text") {
  const lines = Object.entries({ timestamp: "2026-11-20T10:00:00Z", title: "t", ...fields }).map(
    ([key, value]) => `${key}: ${JSON.stringify(value)}`,
  );
  const { entry, problems } = parseEntry(path, "reflection", `---\n${lines.join("\n")}\n---\n${body}`);
  if (!entry) throw new Error(JSON.stringify(problems));
  return entry;
}
const only = (...entries: ReturnType<typeof reflection>[]) => exportData({ ...sampleInput("empty"), entries });

describe("export", () => {
  test("the same records in any order give the same bytes", () => {
    const input = sampleInput("hostile");
    const shuffled = {
      ...input,
      entries: input.entries.toReversed(),
      problems: input.problems.toReversed(),
      pupdates: input.pupdates.toReversed(),
    };
    expect(exportData(shuffled)).toEqual(exportData(input));
    expect(exportDigest(exportData(sampleInput()))).toBe(exportDigest(exportData(sampleInput())));
    expect(exportDigest(exportData(input))).not.toBe(exportDigest(exportData(sampleInput())));
  });

  test.each(["quiet", "hostile", "empty"] as const)("every document of the %s pack fits its schema", (kind) => {
    const files = exportData(sampleInput(kind));
    for (const name of Object.keys(documents) as (keyof typeof documents)[])
      for (const row of rows(files, name)) documents[name].parse(row);
    expect(Object.keys(files)).toEqual(
      Object.keys(documents)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });

  test("ids are unique in their document and fit an address", () => {
    const files = exportData(sampleInput("hostile"));
    for (const name of ["reflections", "tasks", "jobs", "hosts", "memos"] as const) {
      const ids = rows(files, name).map((row) => row.id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9._-]+$/);
    }
    const twins = only(reflection("reflections/2026/10/x.md", {}), reflection("reflections/2026/11/x.md", {}));
    expect(new Set(rows(twins, "reflections").map((row) => row.id)).size).toBe(2);
  });

  test("the success rate counts rows with an outcome only", () => {
    const { stats, domains } = home(
      only(
        reflection("reflections/a.md", { outcome: "success", domain: "A" }),
        reflection("reflections/b.md", { outcome: "failure", domain: "A" }),
        reflection("reflections/c.md", { outcome: "partial" }),
        reflection("reflections/d.md", {}),
      ),
    );
    expect(stats).toMatchObject({
      total: 4,
      with_outcome: 3,
      tally: { success: 1, partial: 1, failure: 1 },
      domains: 1,
    });
    expect(domains.map((domain) => [domain.name, domain.n])).toEqual([
      ["A", 2],
      ["", 2],
    ]);
  });

  test("an empty surprise and the word none are no surprise", () => {
    const { stats } = home(
      only(
        ...["", " ", "none", "None.", "NONE", "none of the disks were full"].map((surprise, n) =>
          reflection(`reflections/${n}.md`, { surprise }),
        ),
      ),
    );
    expect(stats).toMatchObject({ surprises: 1, surprise: "5" });
  });

  test("days are those of the pack's zone", () => {
    const files = exportData({
      ...sampleInput("empty"),
      entries: [
        reflection("reflections/late.md", { timestamp: "2026-11-20T23:30:00Z" }),
        reflection("reflections/early.md", { timestamp: "2026-11-20T22:30:00Z" }),
      ],
    });
    expect(home(files).days).toEqual([
      { day: "2026-11-21", reflections: ["late"] },
      { day: "2026-11-20", reflections: ["early"] },
    ]);
  });

  test("bodies and fields end at 16 KiB of UTF-8, between characters, with the size of the whole", () => {
    const [row] = rows(
      only(reflection("reflections/big.md", { goal: "g".repeat(40_000) }, "€😀".repeat(5000))),
      "reflections",
    );
    const bytes = new TextEncoder().encode(row?.body).length;
    expect(bytes).toBeLessThanOrEqual(16384);
    expect(bytes).toBeGreaterThan(16370);
    expect(row?.body.isWellFormed()).toBe(true);
    expect(row?.cut).toBe(35_000);
    expect(row?.fields.goal).toHaveLength(16384);
    expect(
      rows(only(reflection("reflections/small.md", {}, "x".repeat(16384))), "reflections")[0]?.cut,
    ).toBeUndefined();
  });

  test("newest comes first, and only so many jobs", () => {
    const files = exportData(sampleInput());
    const times = rows(files, "reflections").map((row) => Date.parse(row.fields.timestamp));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    const entries = Array.from({ length: 230 }, (_, n) => {
      const at = new Date(Date.UTC(2026, 10, 1) + n * 60_000).toISOString();
      const text = `---\ntask: t\nstate: finished\nrun: {occurrence: x, run_id: r${n}, epoch: 1, tick: t, claimed_at: "${at}", deadline: 2m, input_hash: x}\n---\n`;
      return parseEntry(`jobs/2026/11/01/j${n}.md`, "job", text).entry as never;
    });
    const old = reflection("reflections/old.md", { session_id: "r0" });
    const many = exportData({ ...sampleInput("empty"), entries: [...entries, old] });
    expect(rows(many, "jobs")).toHaveLength(200);
    expect(rows(many, "jobs")[0]?.id).toBe("j229");
    expect(rows(many, "reflections")[0]?.jobs).toEqual([
      { id: "j0", path: "jobs/2026/11/01/j0.md", listed: false, state: "finished" },
    ]);
  });

  test("only the newest reflections are listed, but all are counted", () => {
    const files = only(
      ...Array.from({ length: 2010 }, (_, n) => reflection(`reflections/r${n}.md`, { outcome: "success" })),
    );
    expect(rows(files, "reflections")).toHaveLength(2000);
    expect(home(files).stats).toMatchObject({ total: 2010, with_outcome: 2010 });
  });

  test("where a machine is and how to log in stays in the repository", () => {
    const text = exportData(sampleInput())["hosts.json"] as string;
    for (const secret of ["192.168.50.57", "10.0.0.4", "eric", "canaryhostkey", "canary-identity"])
      expect(text).not.toContain(secret);
    expect(exportData(sampleInput())["agents.json"]).not.toContain("SECRET_NAME");
  });

  test("tasks and hosts say how they stand", () => {
    const files = exportData(sampleInput());
    const groups = rows(files, "tasks").map((task) => [task.id, task.group, task.state]);
    expect(groups.slice(0, 3)).toEqual([
      ["dependency-watch", "attention", "waiting"],
      ["rotate-logs", "attention", "failed"],
      ["backup-check", "attention", "blocked"],
    ]);
    expect(groups).toContainEqual(["pr-12-stale-q0a1b2c3d", "moving", "new"]);
    expect(Object.fromEntries(rows(files, "hosts").map((host) => [host.id, host.state]))).toEqual({
      boba: "down",
      darth: "ready",
      example: "cordoned",
      lando: "cordoned",
      lobot: "ready",
    });
    expect(rows(files, "hosts").find((host) => host.id === "boba")?.since).toBe("2026-11-21T04:10:00Z");
  });

  test("a model's answer is read without its fence, a script's output stays in it", () => {
    const files = exportData(sampleInput());
    const of = (task: string) => rows(files, "tasks").find((row) => row.id === task)?.answer;
    expect(of("nginx-errors")).toMatch(/^1,204 errors/);
    expect(of("disk-report")).toMatch(/^```text\nFilesystem/);
    const job = rows(files, "jobs").find((job) => job.fields.task === "nginx-errors");
    expect(job?.sections).toEqual([{ name: "Answer", text: of("nginx-errors") }]);
    expect(job?.body).toBe("");
  });

  test("what waits stands first, soonest to expire on top, and nothing is counted twice", () => {
    const { waits, counts, headline, next } = home(exportData(sampleInput()));
    expect(waits).toEqual(["dependency-watch-5f0a6", "rotate-logs-failed"]);
    expect(headline).toMatch(/^Quiet night: 2 done, 2 wait for you\. boba/);
    expect(counts.map((count) => count.state)).toEqual(["failed", "blocked", "running", "draft"]);
    expect(next).toMatchObject({ task: "disk-report", at: "2026-11-21T12:00:00Z" });
    expect(home(exportData(sampleInput("empty"))).headline).toBe("A new pack, with no work yet.");
  });

  test("an unknown zone does not stop the export", () => {
    const input = sampleInput();
    const files = exportData({ ...input, settings: { ...input.settings, zone: "Mars/Olympus" } });
    expect(rows(files, "meta")[0]?.zone).toBe("UTC");
  });
});

test("the overview's first paragraph, as plain words", () => {
  expect(firstParagraph("# x\n\n- a list\n\n3 done; **1 waits\nfor [you](x.md).** `a\\_b`\n\nmore")).toBe(
    "3 done; 1 waits for you. a_b",
  );
  expect(firstParagraph("# only\n\n| a | b |\n")).toBeNull();
});

test("web addresses of records and remotes", () => {
  const meta = rows(exportData(sampleInput()), "meta")[0] as Exported<"meta">;
  expect(recordUrl(meta, "tasks/a b#c.md", 7)).toBe(
    `https://github.com/example/harbour/blob/${meta.policy}/tasks/a%20b%23c.md?plain=1#L7`,
  );
  expect(recordUrl(meta, "jobs/x.md")).toContain(`/blob/${meta.ledger}/jobs/x.md`);
  expect(recordUrl({ ...meta, forge: "https://codeberg.org/o/n" }, "tasks/x.md", 2)).toMatch(
    /src\/commit\/.*x\.md#L2$/,
  );
  expect(recordUrl({ ...meta, forge: undefined }, "jobs/x.md")).toBeNull();
  for (const remote of ["git@github.com:o/n.git", "https://x:token@github.com/o/n", "ssh://git@github.com/o/n.git/"])
    expect(webAddress(remote)).toBe("https://github.com/o/n");
  expect(webAddress("/srv/git/n.git")).toBeNull();
  expect(webAddress("https://git.example.org/o/n")).toBeNull();
});

test.each(Object.entries(samples))("the %s that an empty page shows is a valid record", (_, sample) => {
  const { entry, problems } = parseEntry(sample.path, kindOf(sample.path) as never, sample.text);
  expect(problems).toEqual([]);
  expect(entry).not.toBeNull();
});
