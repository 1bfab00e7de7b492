// The index beside an archive is a short cut, never a reason: where it cannot be believed the archive is read.
import { afterAll, beforeAll, expect, test } from "vitest";
import { indexText } from "../../src/core/archive-index.ts";
import { archiveOnce } from "../../src/shell/archive.ts";
import { archivesNaming } from "../../src/shell/archive-index.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { jobPaths } from "../../src/shell/read.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { cli } from "../fakes/cli.ts";
import { machine } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { at, runTick } from "../fakes/run-tick.ts";

const now = "2026-11-28T10:00:00Z";
const [file, index] = ["archive/jobs/2026/06/01.ndjson", "archive/jobs/2026/06/01.index.json"];
const machines = { ann: machine() };
const script = () => ({ stdout: "fine\n" });

let p: TestPack;
beforeAll(async () => {
  p = testPack({ ...basics(["ann"]), "tasks/once.md": md("title: Once", "once") });
  await runTick(p.clone, machines, script, { now: "2026-06-01T10:00:00Z" });
  await runTick(p.clone, machines, script, { now: "2026-06-01T10:10:00Z" });
});
afterAll(() => p?.remove());

const opened = () => openOrigin(p.clone, { env: process.env, clock: at(now), secrets: noSecrets });
const roll = async () => {
  const { repo, tips } = await opened();
  return archiveOnce({ repo, clock: at(now), tick: "2026-archive", age: 90 * 86_400 }, tips);
};

test("one job is found by the indexes; one that is missing, torn or of another archive is not believed, and nothing starts twice", async () => {
  expect(await roll()).toMatchObject({ commit: expect.any(String), records: { jobs: 1 } });
  expect(await roll()).toMatchObject({ commit: null, indexes: 0 });
  const { repo, tips } = await opened();
  const naming = async (name: string) => archivesNaming(repo, (await repo.fetch()).ledger as string, "jobs", [name]);
  const id = [...(await jobPaths(repo, tips)).keys()].find((one) => one.startsWith("once-")) as string;
  expect([await naming(id), await naming("once-0000000000")]).toEqual([[file], []]);
  expect([...(await jobPaths(repo, tips, ["once-0000000000"])).keys()]).not.toContain(id);
  expect((await jobPaths(repo, tips, [id])).get(id)).toBe(`jobs/2026/06/01/${id}.md`);
  // What it was about is found, too: by its job, and by itself.
  const why = async (what: string) => JSON.parse((await cli(p.clone, ["why", what, "--json"])).out);
  p.git("pull", "-q", "--ff-only", "origin", "main");
  const [told] = (await why(id)).pupdates;
  expect(told).toMatchObject({ kind: "job.finished", data: { job: id } });
  expect((await why(told.id)).pupdate).toEqual(told);

  const good = p.file(index);
  const starts = machines.ann.journal.length;
  const emptied = JSON.stringify({ ...JSON.parse(good), keys: "" });
  const other = indexText(file, "", p.at("rev-parse", "main:towline.yml").trim(), "UTC");
  for (const wrong of [null, "{ torn", emptied, other]) {
    p.push({ "status/once.md": null, [index]: wrong });
    expect(await naming("once-0000000000")).toEqual([file]);
    await runTick(p.clone, machines, script, { now });
    expect([wrong, machines.ann.journal.length]).toEqual([wrong, starts]);
    expect(p.file("status/once.md")).toMatch(/^state: done$/m);
  }
  expect(await roll()).toMatchObject({ records: {}, indexes: 1, more: false });
  expect(p.file(index)).toBe(good);
});
