// `towline leave` where it must not go on, and where it only looks.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { machine } from "../fakes/fleet.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { runTick } from "../fakes/run-tick.ts";

const packs: TestPack[] = [];
afterEach(() => {
  for (const pack of packs.splice(0)) pack.remove();
});

test("open jobs, nobody's yes, a folder that is full: nothing is done; a dry run changes nothing", async () => {
  const p = testPack({
    ...basics(["ann"]),
    "tasks/a.md": md("title: A\nevery: 6h", "a"),
    "tasks/b.md": md("title: B", "b"),
  });
  packs.push(p);
  for (const [key, value] of [
    ["user.name", "Ann"],
    ["user.email", "ann@example.org"],
  ] as const)
    execFileSync("git", ["-C", p.clone, "config", key, value]);
  await runTick(p.clone, { ann: machine() }, () => ({ hangs: true }));
  p.at("update-ref", "refs/heads/towline/b-1", "main");
  const before = p.at("for-each-ref");
  const leave = (...more: string[]) => cli(p.clone, ["leave", "--keep-hosts", ...more]);

  const dry = await leave("--dry-run");
  expect(dry.code).toBe(0);
  expect(dry.out).toMatch(
    /Nothing was changed[\s\S]*STOP\.md on origin[\s\S]*Jobs that are open:\n {2}b-[\s\S]*towline\/b-1[\s\S]*refs\/towline\/pack/,
  );
  expect(await leave("--yes")).toMatchObject({ code: 2, said: expect.stringContaining("open: b-") });
  expect(await leave("--force")).toMatchObject({ code: 2, said: expect.stringContaining("nobody said yes") });
  expect(p.at("for-each-ref")).toBe(before);
  expect(existsSync(join(p.dir, "test-pack-export"))).toBe(false);

  const full = join(p.dir, "full");
  mkdirSync(full);
  writeFileSync(join(full, "mine"), "");
  expect(await leave("--force", "--yes", "--out", full)).toMatchObject({
    code: 3,
    said: expect.stringContaining("is not empty"),
  });
  // By then nothing starts any more; said again, it goes on from there.
  expect(p.file("STOP.md")).toContain("left");
  const done = await leave("--force", "--yes");
  expect(done.code).toBe(0);
  const out = join(p.dir, "test-pack-export");
  const records = JSON.parse(readFileSync(join(out, "records.json"), "utf8")) as { path: string }[];
  const stored = p
    .at("ls-tree", "-r", "--name-only", "main")
    .split("\n")
    .filter((path) => /^(jobs|status|tasks|hosts|agents)\//.test(path));
  expect(records.map(({ path }) => path)).toEqual(expect.arrayContaining(stored));
  expect(readFileSync(join(out, "crontab"), "utf8")).toContain(
    "0 */6 * * * ssh -o BatchMode=yes -- 127.0.0.1 'sh -s' < ",
  );
});
