// Stage publish over real git: what it builds, where that goes, and that it builds nothing twice.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { readBeatText } from "../../src/core/beat.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { publish } from "../../src/shell/publish.ts";
import { readPair } from "../../src/shell/read.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

vi.setConfig({ testTimeout: 240_000 });

let pack: TestPack;
afterEach(() => pack.remove());

async function stage(before: string | null = null, more: { left?: number; now?: number } = {}) {
  const { repo, tips } = await openOrigin(pack.clone, { env: process.env, clock: systemClock(), secrets: noSecrets });
  const { settings } = await readPair(repo, tips);
  const none = { hosts: new Map(), connect: () => Promise.reject(new Error("no host")), secret: () => undefined };
  return publish({ repo, dir: pack.clone, env: process.env, ...none, ...more }, settings, tips, readBeatText(before));
}
const made = (site: string) =>
  testPack({ ...basics([], `site: {${site}}\n`), "tasks/a.md": md("title: Mend the sails", "x") });
const beat = (published: object | undefined) => JSON.stringify({ at: "2026-11-20T10:00:00Z", tick: "t", published });

test("a folder gets the site; the same commits build nothing again, new ones do", async () => {
  pack = made("publish: dir:../site");
  const first = await stage();
  expect(first).toMatchObject({ changed: true, export: null });
  expect(readFileSync(join(pack.dir, "site", "tasks", "index.html"), "utf8")).toContain("Mend the sails");
  expect(await stage(beat(first.beat))).toMatchObject({ changed: false, export: null });
  pack.push({ "tasks/b.md": md("title: Count the ropes", "x") });
  expect((await stage(beat(first.beat))).changed).toBe(true);
  expect(pack.git("status", "--porcelain")).toBe("");
});

test("Pages is left to the workflow's second job, which is told the folder", async () => {
  pack = made("publish: pages, base: /fleet/");
  const done = await stage();
  expect(done.changed).toBe(true);
  expect(existsSync(join(done.export ?? "", "index.html"))).toBe(true);
  expect(readFileSync(join(done.export ?? "", "index.html"), "utf8")).toContain('href="/fleet/tasks/"');
});

test("no site in the settings, nothing built; an unknown way is a fault that says what to write", async () => {
  pack = testPack(basics([]));
  expect(await stage()).toMatchObject({ changed: false, export: null });
  pack.push({ "towline.yml": "id: test-pack\nsite: {publish: ftp}\n" });
  await expect(stage()).rejects.toThrow(/`ftp` is not known/);
});

test("a build that does not fit into the CI job is left to a later tick, but not for ever", async () => {
  pack = made("publish: pages");
  const now = Date.parse("2026-11-20T10:30:00Z");
  const late = await stage(beat(undefined), { left: 4000, now });
  expect(late).toMatchObject({ changed: false, export: null });
  expect(late.later).toMatch(/built by a later tick: 4 s are left of this CI job \(tick\.job, 50 s\)/);
  expect((await stage(beat(undefined), { left: 4000, now: now + 4 * 3_600_000 })).changed).toBe(true);
});
