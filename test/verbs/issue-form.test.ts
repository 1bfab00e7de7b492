// `towline issue-form`: in the folder, on origin, and as a branch.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { issue_form_path as path } from "../../src/core/issue-form.ts";
import { cli } from "../fakes/cli.ts";
import { basics, type TestPack, testPack } from "../fakes/pack.ts";

vi.setConfig({ testTimeout: 90_000 });
let pack: TestPack | undefined;
afterEach(() => pack?.remove());

test("the form is written out of agents and hosts, once for one pack", async () => {
  pack = testPack(basics(["ann"]));
  const { clone } = pack;
  pack.git("config", "user.name", "Ann");
  pack.git("config", "user.email", "ann@example.org");
  expect((await cli(clone, ["issue-form"])).code).toBe(0);
  const text = readFileSync(join(clone, path), "utf8");
  expect(text).toMatch(/^# Made by towline[\s\S]*- ann\n/);
  expect(JSON.parse((await cli(clone, ["issue-form", "--json"])).out)).toMatchObject({ changed: false });
  const branch = JSON.parse((await cli(clone, ["issue-form", "--pr", "--json"])).out).branch;
  expect(pack.file(path, branch)).toBe(text);
  expect((await cli(clone, ["issue-form", "--push"])).code).toBe(0);
  expect(pack.file(path)).toBe(text);
});
