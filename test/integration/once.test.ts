// Four processes tick the same pack in the same moment, over real SSH: files on the machines count what was started.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, realPack, towline } from "./real.ts";

const state = (pack: TestPack, task: string, ref: string) =>
  /^state: (\w+)$/m.exec(pack.file(`status/${task}.md`, ref))?.[1];

describe.skipIf(lacksSshd)(`four ticks in one moment, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-once-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 2, names: ["bow", "stern"], server: "openssh" });
  });
  afterAll(async () => {
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });

  test.each([
    ["default", "main", ""],
    ["own", "towline", "ledger: {branch: towline}\n"],
  ])("ledger on the %s branch: each job once, all done, nothing more to write", async (mode, ledger, settings) => {
    const mark = (name: string) => `echo ${mode}-${name} >> "$HOME/marks"; echo said`;
    const single = ["t0", "t1", "t2", "t3", "t4", "t5"];
    const pack = realPack(
      up.machines,
      {
        ...Object.fromEntries(single.map((id) => [`tasks/${id}.md`, md(`title: ${id}`, mark(id))])),
        "tasks/everywhere.md": md("title: everywhere\nhosts: all", mark("everywhere")),
        "tasks/then.md": md("title: then\nafter: [t0]", mark("then")),
        "tasks/wrong.md": md("title: wrong", `${mark("wrong")}; exit 7`),
        "tasks/slow.md": md("title: slow\ntimeout: 1s", `${mark("slow")}; sleep 30; ${mark("late")}`),
      },
      `tick: {patience: 5s}\n${settings}`,
      `real-${mode}`,
    );
    try {
      const clones = [pack.clone, ...[1, 2, 3].map((n) => join(pack.dir, `clone${n}`))];
      for (const clone of clones.slice(1)) pack.git("clone", "-q", pack.origin, clone);
      const tick = (clone: string) =>
        towline(["tick", "--json", "--no-sync", "--no-site", "--repo", clone], keyOf(up.machines));
      const said = await Promise.all(clones.map(tick));
      expect(said.map(({ code, err }) => [code, /fault of ours/.test(err)])).toEqual(said.map(() => [0, false]));
      for (let more = 0; more < 2; more++) expect((await tick(clones[more] as string)).code).toBe(0);
      const seen = marks(up.machines).filter((line) => line.startsWith(`${mode}-`));
      const bare = seen.filter((line) => !line.includes("everywhere")).map((line) => line.split(" ")[0]);
      expect(bare.sort()).toEqual([...single, "then", "wrong", "slow"].map((id) => `${mode}-${id}`).sort());
      expect(seen.filter((line) => line.includes("everywhere")).sort()).toEqual([
        `${mode}-everywhere bow`,
        `${mode}-everywhere stern`,
      ]);
      for (const id of [...single, "everywhere", "then"]) expect([id, state(pack, id, ledger)]).toEqual([id, "done"]);
      expect([state(pack, "wrong", ledger), state(pack, "slow", ledger)]).toEqual(["failed", "failed"]);
      expect(pack.file("status/slow.md", ledger)).toContain("said");
      // Each job was told as started by one process only.
      const told = said.flatMap(({ out }) => (JSON.parse(out) as { started: { job: string }[] }).started);
      expect(new Set(told.map((one) => one.job)).size).toBe(told.length);
      expect(pack.at("fsck", "--strict", "--no-dangling")).toBe("");
      const subjects = pack.at("log", "--format=%an %s", ledger);
      expect(subjects).toMatch(/^towline .*\d+ claimed: .*\[skip ci\]$/m);
      expect(subjects).toMatch(/^towline .*\d+ done.*\[skip ci\]$/m);
      if (mode === "own") expect(pack.at("log", "--format=%an", "main").trim()).toBe("person");
      const tip = pack.at("rev-parse", ledger);
      const after = await tick(clones[2] as string);
      expect(JSON.parse(after.out)).toMatchObject({ commits: [], started: [], ended: [], degraded: [] });
      expect(pack.at("rev-parse", ledger)).toBe(tip);
      for (const clone of clones) expect(pack.git("-C", clone, "status", "--porcelain")).toBe("");
    } finally {
      pack.remove();
    }
  });
});
