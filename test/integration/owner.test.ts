// What the owner of a machine says there, as ticks over real SSH meet it: held in their name, never burned.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, realPack, towline } from "./real.ts";

describe.skipIf(lacksSshd)(`the owner's word, ${needs}`, { timeout: 300_000 }, () => {
  let dir: string;
  let up: Machines;
  let bow: Machine;
  let pack: TestPack;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-owner-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"], server: "openssh" });
    bow = up.machines[0] as Machine;
    pack = realPack(up.machines, { "tasks/work.md": md("title: Work", 'echo work >> "$HOME/marks"') });
    mkdirSync(join(bow.home, ".towline"), { recursive: true });
  });
  afterAll(async () => {
    pack?.remove();
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });
  const run = (...args: string[]) => towline([...args, "--repo", pack.clone], keyOf(up.machines));
  const tick = async () => expect((await run("tick", "--no-sync", "--no-site")).code).toBe(0);
  const allow = (text: string) => writeFileSync(join(bow.home, ".towline", "allow"), text);
  const status = () => pack.file("status/work.md");

  test("a runtime that is not listed: held, with the line that would let it in; then it runs, once", async () => {
    allow("pack any\nruntime claude\n");
    await tick();
    expect(status()).toContain("state: blocked");
    expect(status()).toContain("'bow: refused by the host''s owner: its allow file has no line `runtime shell`'");
    const { pack: id } = JSON.parse(pack.file("state/pack.json"));
    allow("pack somebody-elses\nruntime any\n");
    await tick();
    expect(status()).toContain(`has no line \`pack ${id}\``);
    allow("pack any\nruntime any\nslot 1\n");
    await tick();
    expect(status()).toMatch(/line 3 of \S+allow cannot be understood/);
    expect(marks(up.machines)).toEqual([]);
    allow(`pack ${id}\nruntime shell # mine\nslots 1\n`);
    await tick();
    expect(status()).toContain("state: done");
    expect(marks(up.machines)).toEqual(["work bow"]);
  });

  test("the verbs show it", async () => {
    allow("pack any\nruntime shell\nslots 1\n");
    const table = await run("fleet", "status");
    expect(table.out).toContain("its owner allows any pack; runtimes shell; 1 slot");
    expect(table.out).toMatch(/ 0\/1 /);
    const json = JSON.parse((await run("fleet", "status", "--json")).out);
    expect(json[0].allow).toEqual({ packs: ["any"], runtimes: ["shell"], slots: 1, amiss: null });
    expect((await run("fleet", "enroll", "bow")).out).toContain("its owner allows any pack; runtimes shell");
  });
});
