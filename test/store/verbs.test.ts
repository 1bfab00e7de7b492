// `towline sync` and `towline reflections` as a person runs them, on a clone with an origin.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { main } from "../../src/cli.ts";
import { reflectionQuery } from "../../src/core/reflection-query.ts";
import { localDatabase, openStore } from "../../src/shell/store.ts";
import { canonicalDump } from "../../src/shell/store-verify.ts";
import { quiet, type Wire, wireUp } from "../../src/wire.ts";
import { everything, makePack, type Pack, reflection } from "./pack.ts";
import { freePort } from "./sqld.ts";

const packs: Pack[] = [];
afterEach(() => {
  for (const made of packs.splice(0)) {
    made.remove();
    rmSync(`${made.dir}.git`, { recursive: true, force: true });
  }
});

async function clone(files: Record<string, string>, over: Parameters<typeof makePack>[0] = {}) {
  const made = await makePack(over);
  packs.push(made);
  await made.commit(files);
  made.git("clone", "-q", "--bare", made.dir, `${made.dir}.git`);
  made.git("remote", "add", "origin", `${made.dir}.git`);
  made.git("fetch", "-q", "origin");
  return made;
}

async function towline(argv: string[], env: Wire["env"] = {}) {
  const said = { out: "", errors: [] as string[], code: 0 };
  await main(argv, {
    ...wireUp(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    clock: { ...wireUp().clock, now: () => new Date("2026-11-20T12:00:00Z") },
    report: {
      ...quiet,
      note: (line) => void said.errors.push(line),
      warning: (line) => void said.errors.push(line),
      error: (line) => void said.errors.push(line),
    },
    terminal: false,
    out: (text) => {
      said.out += text;
    },
    exit: (code) => {
      said.code = code;
    },
  });
  return said;
}

const hand = async (made: Pack, sql: string) => {
  const store = await openStore(localDatabase(made.repo.gitDir));
  await store.write([{ sql }], performance.now() + 5000);
  store.close();
};

describe("towline sync", () => {
  test("brings the file in the git folder to the tips of origin, again and again", async () => {
    const made = await clone(everything);
    const first = await towline(["sync", "--repo", made.dir]);
    expect(first).toMatchObject({ code: 0, errors: [] });
    expect(first.out).toMatch(/^13 written, 0 deleted \([0-9a-f]{10}\) in .*towline\.db\n$/);
    expect(existsSync(join(made.dir, ".git/towline/towline.db"))).toBe(true);
    expect((await towline(["sync", "--repo", made.dir])).out).toMatch(/^up to date/);
    expect(made.git("status", "--porcelain")).toBe("");
  });

  test("--verify finds rows that were edited and writes those anew (0); --dry-run only says so (1)", async () => {
    const made = await clone(everything);
    await towline(["sync", "--repo", made.dir]);
    const dump = async () => {
      const store = await openStore(localDatabase(made.repo.gitDir));
      const text = await canonicalDump(store);
      store.close();
      return text;
    };
    const good = await dump();
    await hand(made, "UPDATE reflections SET outcome = 'failure'");
    await hand(made, "DELETE FROM jobs");
    await hand(made, "UPDATE pupdates SET line = 7, title = 'moved' WHERE line = 2");
    await hand(made, "INSERT INTO insights VALUES ('insights/x.md', 'x', 'active', NULL, NULL, NULL, '{}', 'b')");
    await hand(made, "UPDATE tasks SET path = 'tasks/elsewhere.md', title = 'moved' WHERE path = 'tasks/disk.md'");
    await hand(made, "DELETE FROM sync_paths WHERE path = 'agents/scout.md'");
    await hand(made, "INSERT INTO sync_paths VALUES ('hosts/ghost.md', 'b', 'hosts', 'ghost')");
    const bad = await dump();
    expect((await towline(["sync", "--repo", made.dir, "--verify", "--dry-run"])).code).toBe(1);
    expect(await dump()).toBe(bad);
    const said = await towline(["sync", "--repo", made.dir, "--verify", "--json"]);
    expect(said.code).toBe(0);
    const told = JSON.parse(said.out) as {
      mended: { table: string; what: string }[];
      drift: object[];
      written: number;
    };
    expect(told.drift).toEqual([]);
    expect(told.mended.map((one) => `${one.table} ${one.what}`)).toEqual([
      "insights extra",
      "jobs missing",
      "pupdates missing",
      "pupdates extra",
      "reflections differs",
      "sync_paths missing",
      "sync_paths extra",
      "tasks missing",
      "tasks extra",
    ]);
    expect(told.written).toBe(5);
    expect(await dump()).toBe(good);
  });

  test("--verify --dry-run finds drift (1), --verify --rebuild mends it (0)", async () => {
    const made = await clone(everything);
    await towline(["sync", "--repo", made.dir]);
    expect(await towline(["sync", "--repo", made.dir, "--verify"])).toMatchObject({ code: 0 });
    await hand(made, "UPDATE reflections SET outcome = 'failure'");
    const found = await towline(["sync", "--repo", made.dir, "--verify", "--dry-run"]);
    expect(found.code).toBe(1);
    expect(found.out).toMatch(
      /differs\s+reflections\s+reflections\/2026\/11\/2026-11-20-disk-0123456789\.md\s+outcome/,
    );
    const json = await towline(["sync", "--repo", made.dir, "--verify", "--rebuild", "--json"]);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({
      state: "synced",
      written: 13,
      drift: [],
      mended: [{ what: "differs" }],
    });
    await hand(made, "DROP TABLE jobs");
    expect(await towline(["sync", "--repo", made.dir, "--verify"])).toMatchObject({ code: 4 });
    expect(await towline(["sync", "--repo", made.dir, "--verify", "--rebuild"])).toMatchObject({ code: 0 });
    expect(await towline(["sync", "--repo", made.dir, "--rebuild"])).toMatchObject({ code: 0 });
  });

  test("a broken record is named and does not stop the rest", async () => {
    const made = await clone({ ...everything, "tasks/bad.md": "no frontmatter\n" });
    const said = await towline(["sync", "--repo", made.dir]);
    expect(said.code).toBe(0);
    expect(said.errors.join("\n")).toContain("left out: the file does not start with a `---` line");
  });

  test("the variables are named in towline.yml; out of reach is 4, another pack's database is 3; no secret is said", async () => {
    const yml = "id: pack\ndatabase:\n  url: MY_URL\n  token: MY_TOKEN\n";
    const made = await clone({ ...everything, "towline.yml": yml });
    const url = `http://127.0.0.1:${await freePort()}/?authToken=canary1`;
    const said = await towline(["sync", "--repo", made.dir, "--json"], { MY_URL: url, MY_TOKEN: "canary2" });
    expect(said.code).toBe(4);
    expect(said.out + said.errors.join("\n")).not.toContain("canary");
    const other = await clone({}, { id: "other" });
    const file = { TURSO_URL: localDatabase(other.repo.gitDir).url };
    expect(await towline(["sync", "--repo", other.dir], file)).toMatchObject({ code: 0 });
    const refused = await towline(["sync", "--repo", made.dir], { MY_URL: file.TURSO_URL });
    expect(refused.code).toBe(3);
    expect(refused.errors.join("\n")).toContain("belongs to the pack `other`");
  });
});

describe("towline reflections", () => {
  const files = {
    "towline.yml": "id: pack\nzone: Pacific/Auckland\n",
    "reflections/2026/11/a.md": reflection({ title: "A", timestamp: "2026-11-20T08:00:00Z", session_id: "j1" }),
    "reflections/2026/11/b.md": reflection({ title: "B", timestamp: "2026-11-20T12:30:00Z", outcome: "failure" }),
    "reflections/2026/11/c.md": reflection({
      title: "C",
      timestamp: "2026-11-18T10:00:00+13:00",
      domain: "aeo",
      surprise: "wow",
    }),
    "reflections/2026/11/d.md": reflection({ title: "D", timestamp: "2026-10-01T10:00:00Z", outcome: "partial" }),
  };

  test.each([
    ["newest first", [], "BACD"],
    ["--limit", ["--limit", "2"], "BA"],
    ["--day in the pack's zone", ["--day", "2026-11-21"], "B"],
    ["--day before it", ["--day", "2026-11-20"], "A"],
    ["--day today", ["--day", "today"], "B"],
    ["--since today", ["--since", "today"], "B"],
    ["--since a duration", ["--since", "7d"], "BAC"],
    ["--since a time", ["--since", "2026-11-20T21:00:00+13:00"], "BA"],
    ["--since a day", ["--since", "2026-11-18"], "BAC"],
    ["--domain in any case", ["--domain", "AEO"], "C"],
    ["--outcome", ["--outcome", "partial"], "D"],
    ["--session", ["--session", "j1"], "A"],
    ["together", ["--outcome", "success", "--since", "3d"], "AC"],
  ])("%s", async (_, argv, titles) => {
    const made = await clone(files);
    const said = await towline(["reflections", "--repo", made.dir, "--json", ...argv]);
    expect(said).toMatchObject({ code: 0, errors: [] });
    expect(
      JSON.parse(said.out)
        .map((row: { title: string }) => row.title)
        .join(""),
    ).toBe(titles);
  });

  test("as a timeline by day; nothing found says so; wrong words are usage (2)", async () => {
    const made = await clone(files);
    const said = await towline(["reflections", "--repo", made.dir]);
    expect(said.out.split("\n").slice(0, 8)).toEqual([
      "2026-11-21",
      "  01:30  ✕ B  [INFRA]",
      "",
      "2026-11-20",
      "  21:00  ✓ A  [INFRA]",
      "",
      "2026-11-18",
      "  10:00  ✓ C  [aeo]",
    ]);
    expect(said.out).toContain("surprise: wow");
    expect((await towline(["reflections", "--repo", made.dir, "--session", "no"])).out).toBe("No reflections match.\n");
    for (const wrong of [
      ["--since", "soon"],
      ["--day", "2026-02-30"],
      ["--limit", "0"],
    ])
      expect((await towline(["reflections", "--repo", made.dir, ...wrong])).code).toBe(2);
  });

  test("days are as long as their zone makes them", () => {
    const bounds = (day: string, zone: string) => {
      const query = reflectionQuery({ day, limit: 1 }, zone, new Date("2026-11-20T12:00:00Z"));
      return typeof query === "string" ? query : query.args.slice(0, 2);
    };
    expect(bounds("2026-03-29", "Europe/Berlin")).toEqual(["2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"]);
    expect(bounds("2026-10-25", "Europe/Berlin")).toEqual(["2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"]);
    expect(bounds("2026-11-20", "Pacific/Kiritimati")).toEqual([
      "2026-11-19T10:00:00.000Z",
      "2026-11-20T10:00:00.000Z",
    ]);
    expect(bounds("2026-11-20", "Etc/GMT+12")).toEqual(["2026-11-20T12:00:00.000Z", "2026-11-21T12:00:00.000Z"]);
  });
});
