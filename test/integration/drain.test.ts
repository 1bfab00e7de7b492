// `towline fleet drain` and `towline try` on a real machine: what waits for what, and what is left where.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, realPack } from "./real.ts";

describe.skipIf(lacksSshd)(`draining and trying, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  const packs: TestPack[] = [];
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-drain-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"], server: "openssh" });
  });
  afterAll(async () => {
    await up?.down();
    for (const pack of packs) pack.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const made = (id: string, files: Record<string, string>) => {
    const pack = realPack(up.machines, files, "tick: {patience: 0s}\n", id);
    pack.git("config", "user.name", "person");
    pack.git("config", "user.email", "person@localhost");
    packs.push(pack);
    return pack;
  };
  const run = (pack: TestPack, ...args: string[]) =>
    cli(pack.clone, args, { ...process.env, CI: "", GITHUB_ACTIONS: "", ...keyOf(up.machines) });
  const tick = (pack: TestPack) => run(pack, "tick", "--no-sync", "--no-site", "--json");

  test("it waits for what runs there, gives it no more, and says what is still open when the time is up", async () => {
    const gate = join(dir, "gate");
    const wait = `echo drain >>$HOME/marks; until [ -e ${gate} ]; do sleep 0.2; done`;
    const pack = made("drain", { "tasks/long.md": md("title: Long", wait) });
    expect((await tick(pack)).code).toBe(0);

    const hidden = await run(pack, "fleet", "drain", "bow", "new disk", "--timeout", "0s");
    expect([hidden.code, hidden.said]).toEqual([1, expect.stringContaining("ticks do not see the cordon yet")]);
    expect(hidden.out).toMatch(
      /^‖ bow is cordoned \(new disk\)\n◐ 1 still open on bow after \d+s\n {2}long-[0-9a-f]{10} {2}(runs|claimed)\n$/,
    );
    pack.git("checkout", "-q", "--", ".");

    const short = await run(pack, "fleet", "drain", "bow", "new disk", "--push", "--timeout", "0s", "--json");
    expect(short.code).toBe(1);
    expect(JSON.parse(short.out)).toMatchObject({
      drained: false,
      cordoned: true,
      open: [{ job: expect.stringMatching(/^long-/) }],
    });
    pack.push({ "tasks/more.md": md("title: More", "echo more >>$HOME/marks") });
    await tick(pack);

    const drained = run(pack, "fleet", "drain", "bow", "--push", "--timeout", "60s");
    writeFileSync(gate, "");
    let over = false;
    void drained.finally(() => {
      over = true;
    });
    while (!over) await tick(pack);
    const end = await drained;
    expect([end.code, end.out]).toEqual([
      0,
      expect.stringMatching(/✓ bow is drained: nothing of this pack is open there\n$/),
    ]);
    expect(pack.file("status/long.md")).toMatch(/^state: done$/m);
    expect(marks(up.machines)).toEqual(["drain bow"]);
  }, 300_000);

  test("a machine that does not answer is not called drained", async () => {
    const pack = made("silent", {});
    pack.push({ "hosts/bow.md": pack.file("hosts/bow.md").replace(/port: \d+/, "port: 1") });
    const said = await run(pack, "fleet", "drain", "bow", "--push", "--timeout", "0s");
    expect([said.code, said.out]).toEqual([
      1,
      expect.stringMatching(/\? bow .*nothing listens there.*could not be asked\n$/),
    ]);
  });

  test("a tried task runs, commits nothing and leaves nothing; a tick then writes what was shown", async () => {
    const pack = made("try", {
      "tasks/t.md": md(
        "title: Look\nevery: 1h\ncatch_up: skip\nstatus: paused\ndomain: INFRA",
        "echo tried >>$HOME/marks; echo seen",
      ),
    });
    const before = pack.at("for-each-ref");
    const tried = await run(pack, "try", "tasks/t.md", "--json");
    expect(tried.code).toBe(0);
    const told = JSON.parse(tried.out) as {
      host: string;
      answer: string;
      job: string;
      records: Record<string, string>;
    };
    expect(told).toMatchObject({ task: "t", host: "bow", good: true, answer: "seen" });
    expect([pack.at("for-each-ref"), pack.git("status", "--short")]).toEqual([before, ""]);
    expect((await run(pack, "dispatch", "--collect")).out).toBe("Nothing is left of earlier dispatches.\n");
    expect(marks(up.machines).filter((line) => line.startsWith("tried"))).toHaveLength(1);

    pack.push({ "tasks/t.md": md("title: Look\ndomain: INFRA", "echo tried >>$HOME/marks; echo seen") });
    const again = JSON.parse((await run(pack, "try", "t", "--json")).out) as typeof told;
    for (let tries = 0; tries < 20 && !pack.at("log", "-1", "--format=%s", "main").includes("done"); tries++)
      await tick(pack);
    // Times, ids of ticks and of the pack, and the machine's own words for the run are others.
    const plain = (text: string) =>
      text
        .replace(/\b20\d\d-\S+Z\b/g, "TIME")
        .replace(/^( *)(tick|took|result|boot|run_id|session_id): .*$/gm, "$1$2: X")
        .replace(/\bt-[0-9a-f]{10}\b/g, "t-ID");
    const written = pack.at("ls-tree", "-r", "--name-only", "main").split("\n");
    for (const [path, text] of Object.entries(again.records)) {
      const twin = written.find((one) => plain(one).replace(/.*\//, "") === plain(path).replace(/.*\//, ""));
      expect(plain(pack.file(twin ?? path))).toBe(plain(text));
    }
    expect(Object.keys(again.records).map((path) => path.split("/")[0])).toEqual(["jobs", "reflections"]);
    const none = await run(pack, "try", "tasks/tt.md");
    expect([none.code, none.said]).toEqual([2, expect.stringContaining("did you mean tasks/t.md?")]);
  }, 300_000);
});
