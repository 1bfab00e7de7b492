// Old records rolled up in a real repository: whoever reads them finds them as before, and open work stays.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sizeFindings, sizeOf } from "../../src/core/doctor-size.ts";
import { archiveOnce } from "../../src/shell/archive.ts";
import { writeExport } from "../../src/shell/export.ts";
import { openLocal, openOrigin } from "../../src/shell/pack.ts";
import { jobPaths } from "../../src/shell/read.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { spentSince } from "../../src/shell/spent.ts";
import { openStore } from "../../src/shell/store.ts";
import { canonicalDump, verify } from "../../src/shell/store-verify.ts";
import { sync } from "../../src/shell/sync.ts";
import { cli } from "../fakes/cli.ts";
import { machine, type Script } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { at, runTick } from "../fakes/run-tick.ts";

const summer = "2026-06-01T10:00:00Z";
const autumn = "2026-11-28T10:00:00Z";
const age = 90 * 86_400;
const script: Script = (job) =>
  job.startsWith("slow") ? { hangs: true, stdout: "" } : { stdout: `answer of ${job}\n` };
const options = { packId: "pack", budgetMs: 60_000 };

let p: TestPack;
let folder: string;
const machines = { ann: machine() };

beforeAll(async () => {
  p = testPack({
    ...basics(["ann"]),
    "tasks/once.md": md("title: Once", "once"),
    "tasks/slow.md": md("title: Slow\ntimeout: 365d", "slow"),
    "queue/look-q0a1b2c3d.md": md("title: Look\nborn_of: 0a1b2c3d", "look"),
    "reflections/2026/06/my-own.md": md("timestamp: 2026-06-02T09:00:00Z\ntitle: Mine\noutcome: success", "By hand: ü"),
    "memos/2026/06/old.md": md(
      "kind: info\ntitle: Old\nsubject: disk\nstatus: dismissed\ncreated: 2026-06-01T08:00:00Z\nexpires: 2026-06-08T08:00:00Z",
      "Old.",
    ),
    "jobs/2026/06/01/broken-0123456789.md": "no record at all\n",
  });
  folder = mkdtempSync(join(p.dir, "out-"));
  for (const minute of ["00", "10"])
    await runTick(p.clone, machines, script, { now: summer.replace(":00:", `:${minute}:`) });
  p.git("fetch", "-q", "origin");
});
afterAll(() => p?.remove());

const opened = (dir = p.clone) => openOrigin(dir, { env: process.env, clock: at(autumn), secrets: noSecrets });
const names = () => p.at("ls-tree", "-r", "--name-only", "main").trim().split("\n");
const roll = async (more: { most?: number; dry?: boolean } = {}) => {
  const { repo, tips } = await opened();
  return archiveOnce({ repo, clock: at(autumn), tick: "2026-archive", age, ...more }, tips);
};

/** Weeks on the home page count back from the newest commit, and the last ticks are read from the newest commits. */
const read = (file: string) => readFileSync(file, "utf8").replace(/"(week(_before)?|beat)":\{[^}]*\}/g, "");

/** What readers make of the ledger: the rows, the dashboard's documents, sums, and each job as it is shown. */
async function readAll(dir: string, to: string) {
  const { repo, tips } = await opened(dir);
  const store = await openStore({ url: `file:${join(folder, `${to}.db`)}` });
  await sync(store, repo, tips, options);
  const rows = (await canonicalDump(store)).split("\n").filter((line) => !line.includes("sync_state"));
  store.close();
  await writeExport(repo, tips, join(folder, to));
  const documents = readdirSync(join(folder, to), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".json") && name !== "meta.json")
    .sort()
    .map((name) => [name, read(join(folder, to, name))]);
  const jobs = [...(await jobPaths(repo, tips))].sort();
  const spent = await spentSince(repo, tips, new Date("2026-05-01"), new Date(autumn));
  const shown = await cli(dir, ["job", "show", jobs.find(([id]) => id.startsWith("once"))?.[0] ?? "", "--json"]);
  return { rows, documents, jobs, spent: [...spent.expenses].sort(), shown: [shown.code, JSON.parse(shown.out)] };
}

test("what is over goes into files of many, and every reader finds it as before: also a shallow clone, and by the difference", async () => {
  const before = await readAll(p.clone, "before");
  const { repo } = await opened();
  const mirror = await openStore({ url: `file:${join(folder, "mirror.db")}` });
  expect(await sync(mirror, repo, await repo.fetch(), options)).toMatchObject({ state: "synced" });
  const was = names();

  expect(await roll({ dry: true })).toMatchObject({ commit: null, records: { jobs: 2, queue: 1, status: 1 } });
  expect(names()).toEqual(was);
  const made = await roll();
  expect(made).toMatchObject({ commit: expect.any(String), more: false });
  const now = names();
  const indexes = made.files.map((file) => file.replace(/ndjson$/, "index.json"));
  expect(now.filter((path) => path.startsWith("archive/"))).toEqual([...made.files, ...indexes].sort());
  expect(made.indexes).toBe(indexes.length);
  expect(made.files).toEqual(
    expect.arrayContaining(["archive/jobs/2026/06/01.ndjson", "archive/memos/2026/06/00.ndjson"]),
  );
  // Open work, records that cannot be read, and what people schedule stay.
  const stays = was.filter(
    (path) => now.includes(path) && /^(jobs|queue|status|memos|reflections|pupdates)\//.test(path),
  );
  expect(stays).toEqual([
    "jobs/2026/06/01/broken-0123456789.md",
    expect.stringMatching(/^jobs\/2026\/06\/01\/slow-/),
    "status/once.md",
    "status/slow.md",
  ]);

  const { tips } = await opened();
  expect(await sync(mirror, repo, tips, options)).toMatchObject({ state: "synced", written: 0, deleted: 0 });
  expect(await verify(mirror, repo, tips, performance.now() + 60_000)).toEqual([]);
  mirror.close();
  const shallow = join(p.dir, "shallow");
  execFileSync("git", ["clone", "-q", "--depth=1", `file://${p.origin}`, shallow]);
  expect(await readAll(shallow, "after")).toEqual(before);
});

test("again it finds nothing, and a tick goes on with what is open", async () => {
  const tip = p.at("rev-parse", "main");
  expect(await roll()).toMatchObject({ commit: null, records: {} });
  expect(p.at("rev-parse", "main")).toBe(tip);
  const said = await cli(p.clone, ["archive"]);
  expect([said.code, said.out]).toEqual([0, expect.stringContaining("no commit made")]);
  const late = await cli(p.clone, ["archive", "--after", "1d"]);
  expect([late.code, late.said]).toEqual([2, expect.stringContaining("at least 7d")]);
  await runTick(p.clone, machines, script, { now: summer.replace(":00:", ":20:") });
  expect(machines.ann.journal.filter((line) => JSON.stringify(line).includes("once-"))).toHaveLength(1);
});

test("a task of the queue that was archived is shown and explained, and its runs by its name", async () => {
  const task = "look-q0a1b2c3d";
  const say = async (...args: string[]) => (await cli(p.clone, args)).out;
  p.git("fetch", "-q");
  p.git("reset", "-q", "--hard", "origin/main");
  const shown = await say("task", "show", task);
  expect(shown).toMatch(/^✓ look-q0a1b2c3d: Look\n {2}done: .*over since 2026-06-01T\S+, and archived\n/);
  expect(shown).toContain(`answer of ${task}-`);
  expect(await say("why", task)).toMatch(/^look-q0a1b2c3d: done\n {2}.*archived\n/);
  expect(await say("job", "list", "--task", task)).toMatch(/^✓ look-q0a1b2c3d-/);
  expect(await say("job", "show", task)).toContain("jobs/2026/06/01/look-");
  expect(await say("job", "log", task)).toContain(`answer of ${task}-`);
  const none = await cli(p.clone, ["task", "show", "look-q00000000"]);
  expect(none.code).toBe(2);
});

test("an archived job is purged where it is, and a leaked text in its record, too", async () => {
  const file = "archive/jobs/2026/06/01.ndjson";
  const [id = ""] = /look-q0a1b2c3d-[0-9a-f]{10}/.exec(p.file(file)) ?? [];
  expect(p.file(file)).toContain(`answer of ${id}`);
  const job = await cli(p.clone, ["purge", id, "--json"]);
  expect(JSON.parse(job.out).changed).toEqual(expect.arrayContaining([{ path: file, what: "cleaned" }]));
  expect(p.file(file)).not.toContain(`answer of ${id}`);
  expect(p.file(file)).toContain("answer of once");
  const leak = await cli(p.clone, ["purge", "/answer of once/", "--json"]);
  expect(JSON.parse(leak.out).changed).toEqual(expect.arrayContaining([{ path: file, what: "cleaned" }]));
  expect(p.file(file)).not.toContain("answer of once");
  const { repo, tips } = await opened();
  expect([...(await jobPaths(repo, tips)).keys()]).toContain(id);
  expect(names().some((path) => path.includes(id))).toBe(false);
});

test("a status that is lost does not start an archived job again", async () => {
  const starts = machines.ann.journal.length;
  p.push({ "status/once.md": null });
  await runTick(p.clone, machines, script, { now: autumn });
  expect(machines.ann.journal.length).toBe(starts);
  expect(p.file("status/once.md")).toMatch(/^state: done$/m);
  // The purge changed three archives: until the next run their indexes are of what those were.
  const said = await cli(p.clone, ["archive"]);
  expect([said.code, said.out]).toEqual([0, expect.stringContaining("3 indexes of archives were written anew")]);
});

test("with `archive:` in towline.yml a tick does it, once a day", async () => {
  const old = (title: string) => md(`timestamp: 2026-05-02T09:00:00Z\ntitle: ${title}\noutcome: success`, "Old.");
  const settings = `${p.file("towline.yml")}archive: {after: 30d}\n`;
  const file = "archive/reflections/2026/05/00.ndjson";
  p.push({ "towline.yml": settings, "STOP.md": "---\n---\nStop.\n", "reflections/2026/05/one.md": old("One") });
  const quiet = ["tick", "--no-site", "--no-sync", "--json"];
  expect(JSON.parse((await cli(p.clone, quiet)).out).degraded.filter((line: string) => /archive/.test(line))).toEqual(
    [],
  );
  expect(p.file(file)).toContain("title: One");
  p.push({ "reflections/2026/05/two.md": old("Two") });
  await cli(p.clone, quiet);
  expect(p.file(file)).not.toContain("title: Two");
  expect(names()).toContain("reflections/2026/05/two.md");

  // What is too much for one commit goes with the next: each is whole.
  p.push({ "reflections/2026/04/three.md": old("Three") });
  expect(await roll({ most: 1 })).toMatchObject({ records: { reflections: 1 }, more: true });
  expect(names()).toContain("reflections/2026/05/two.md");
  expect(await roll({ most: 1 })).toMatchObject({ records: { reflections: 1 }, more: false });
  expect(p.file(file)).toMatch(/title: One[^\n]*\n[^\n]*title: Two/);
});

test("doctor warns at half of what a folder, a file and a repository can take", async () => {
  const files = Array.from({ length: 1501 }, (_, n) => ({ path: `jobs/2026/06/01/a${n}.md`, bytes: 10 }));
  const codes = (bytes: number, repository: number, some = files) =>
    sizeFindings(sizeOf([...some, { path: "big", bytes }], repository)).map(({ code }) => code);
  expect(codes(51 << 20, 3 * 2 ** 30)).toEqual(["folder-size", "file-size", "repository-size"]);
  expect(codes(50 << 20, 2 ** 31, files.slice(1))).toEqual([]);
  p.push(Object.fromEntries(files.map(({ path }) => [path.replace("jobs/2026/06/01", "queue"), "x\n"])));
  const said = JSON.parse((await cli(p.clone, ["doctor", "--offline", "--json"])).out);
  expect(said.findings).toContainEqual(
    expect.objectContaining({ code: "folder-size", message: expect.stringContaining("queue/ holds 15") }),
  );
});

test("a row is believed only where that record belongs, and what stands in the tree is newer", async () => {
  const row = (path: string, text: string) => `${JSON.stringify({ path, text })}\n`;
  const { repo } = await opened();
  p.push({
    "STOP.md": null,
    "archive/jobs/2026/06/02.ndjson": [
      row("STOP.md", "---\n---\nstop"),
      row("jobs/2026/06/03/x-0123456789.md", "another day"),
      row("jobs/2026/06/02/../../../../hosts/x.md", "up"),
      "{ torn\n",
      row("jobs/2026/06/02/fine-0123456789.md", "fine"),
    ].join(""),
    "jobs/2026/06/02/fine-0123456789.md": "newer\n",
  });
  const { ledger } = await repo.fetch();
  const strange = (await repo.tree(ledger as string)).filter(({ path }) => /STOP|hosts\/x|\/x-0|fine/.test(path));
  expect(strange.map(({ path }) => path)).toEqual(["jobs/2026/06/02/fine-0123456789.md"]);
  const blob = strange[0]?.blob as string;
  expect(Buffer.from((await repo.blobs([blob])).get(blob) ?? []).toString()).toBe("newer\n");
  const file = "archive/jobs/2026/06/02.ndjson";
  expect((await repo.tree(ledger as string, [file], "stored")).map(({ path }) => path)).toEqual([file]);
  expect((await openLocal(p.clone, { env: process.env, clock: at(autumn) })).tips).toBeDefined();
  rmSync(folder, { recursive: true, force: true });
});
