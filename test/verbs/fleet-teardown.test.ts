// What stands on a machine under the name that a pack had before its first tick is its own, and goes with the rest.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";

let pack: TestPack;
let dir: string;
afterEach(() => {
  pack.remove();
  rmSync(dir, { recursive: true, force: true });
});

test("--host-program leaves nothing where only this pack was, by either name; another pack keeps it", async () => {
  dir = mkdtempSync(join(tmpdir(), "towline-teardown-"));
  const root = join(dir, "root");
  pack = testPack({
    "towline.yml": "id: early\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 20s}\n",
    "agents/deckhand.md": md("runtime: shell"),
    "hosts/here.md": md(`address: localhost\ntransport: local\nroot: ${root}\nslots: 4`),
    "tasks/t.md": md("title: T\nagent: nobody", "true"),
  });
  const run = (...args: string[]) => cli(pack.clone, args, { ...process.env, HOME: dir }, dir);
  await run("tick", "--no-site", "--no-sync");
  const stand = (name: string) => {
    for (const one of ["jobs", "held"]) mkdirSync(join(root, name, one), { recursive: true });
    mkdirSync(join(root, name, "held", "hello-1.1"));
  };
  expect(pack.file("state/pack.json")).toMatch(/"early-[0-9a-f]+"/);
  stand("early");
  stand("strange");
  const teardown = ["fleet", "teardown", "here", "--host-program", "--yes"];
  const refused = await run(...teardown);
  expect(refused.said).toContain("the pack strange has results here");
  rmSync(join(root, "strange"), { recursive: true });
  const dry = await run(...teardown, "--dry-run", "--force");
  expect(dry.out).toContain("− the host program and its journal");
  expect(existsSync(join(root, "early"))).toBe(true);
  const done = await run(...teardown, "--force");
  expect([done.code, done.out.includes("left:")]).toEqual([0, false]);
  expect(existsSync(root)).toBe(false);
});
