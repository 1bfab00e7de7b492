// Every way to end a run, over real SSH: the whole process group on the host ends, and the record says who wanted it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, needs, realPack, towline } from "./real.ts";

const quick = ["--no-sync", "--no-site"];

/** Says the ids of all its processes; one of them ignores TERM. */
const stubborn = (name: string) => `sh -c 'trap "" TERM; while :; do sleep 1; done' &
echo "$! $$" >"$HOME/${name}.pids"
echo "half of ${name}"
sleep 600`;

function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

describe.skipIf(lacksSshd)(`cancelling, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  const packs: TestPack[] = [];
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-cancel-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"], server: "openssh" });
  });
  afterAll(async () => {
    await up?.down();
    for (const pack of packs) pack.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const made = (id: string, files: Record<string, string>, settings = "") => {
    const pack = realPack(up.machines, files, `tick: {patience: 1s, wall: 1s}\n${settings}`, id);
    packs.push(pack);
    return pack;
  };
  const tick = async (pack: TestPack) => {
    const said = await towline(["tick", ...quick, "--json", "--repo", pack.clone], keyOf(up.machines));
    expect([said.code, said.err.includes("fault of ours")]).toEqual([0, false]);
    return JSON.parse(said.out) as { commits: string[]; ended: { state: string; why?: string }[] };
  };
  const cancel = (pack: TestPack, id: string, env = keyOf(up.machines)) =>
    towline(["job", "cancel", id, "--json", "--repo", pack.clone], { ...env, GITHUB_ACTOR: "ann" });
  const jobsOf = (pack: TestPack, ref = "main") =>
    pack.at("ls-tree", "-r", "--name-only", ref, "jobs/").trim().split("\n");
  const pids = (name: string) =>
    readFileSync(join(up.machines[0]?.home ?? "", `${name}.pids`), "utf8")
      .trim()
      .split(" ")
      .map(Number);
  const gone = async (name: string) => {
    for (let tries = 0; pids(name).some(runs) && tries < 100; tries++) await delay(100);
    expect(pids(name).filter(runs)).toEqual([]);
  };
  const idOf = (path: string) => (path.split("/").at(-1) ?? "").slice(0, -3);

  test.each([
    [
      "a cancelled task",
      "cancelled",
      { "tasks/t.md": "title: T\nstatus: cancelled" },
      "tasks/t.md says `status: cancelled`",
    ],
    ["a higher run", "bumped", { "tasks/t.md": "title: T\nrun: 2" }, "tasks/t.md says `run: 2`"],
    ["STOP.md", "stopped", { "STOP.md": "cancel: true" }, "STOP.md says `cancel: true`"],
  ])("by %s", async (_, name, edit, why) => {
    const pack = made(name, { "tasks/t.md": md("title: T", stubborn(name)) });
    await tick(pack);
    expect(pids(name).every(runs)).toBe(true);
    const first = jobsOf(pack)[0] as string;
    pack.push(
      Object.fromEntries(Object.entries(edit).map(([path, text]) => [path, md(text as string, "echo second")])),
    );
    await tick(pack);
    await gone(name);
    const record = pack.file(first);
    expect(record).toMatch(/^state: cancelled$/m);
    expect(record).toContain(why);
    expect(record).toContain(`half of ${name}`);
    if (name === "bumped") expect(pack.file("status/t.md")).toMatch(/^state: done$[\s\S]*second/m);
  });

  test.each([
    ["default", "main", ""],
    ["own", "towline", "ledger: {branch: towline}\n"],
  ])("by the verb, ledger on the %s branch: at once, and twice is once", async (mode, ledger, settings) => {
    const name = `verb-${mode}`;
    const pack = made(name, { "tasks/t.md": md("title: T\nretries: 2", stubborn(name)) }, settings);
    await tick(pack);
    const path = jobsOf(pack, ledger)[0] as string;
    const said = await cancel(pack, idOf(path));
    expect([said.code, said.err]).toEqual([0, ""]);
    expect(JSON.parse(said.out)).toMatchObject({ came: "ended", state: "cancelled", asked: { by: "ann" } });
    await gone(name);
    const record = pack.file(path, ledger);
    expect(record).toMatch(/^state: cancelled$/m);
    expect(record).toMatch(/cancelled: asked for by ann at 20/);
    expect(record).toContain(`half of ${name}`);
    expect(pack.file("status/t.md", ledger)).toMatch(/^state: cancelled$/m);
    const tip = pack.at("rev-parse", ledger);
    const again = await cancel(pack, path);
    expect(JSON.parse(again.out)).toMatchObject({ came: "over", state: "cancelled", commits: [] });
    expect(pack.at("rev-parse", ledger)).toBe(tip);
    // The next tick agrees with what the verb wrote, and starts nothing.
    const after = await tick(pack);
    expect(after.ended).toEqual([]);
    expect(pack.at("diff", "--name-only", tip.trim(), ledger).trim()).toBe("");
    if (mode === "own") expect(pack.at("log", "--format=%an", "main").trim()).toBe("person");
  });

  test("by the verb while its host is out of reach: written down, and done by the next tick that gets there", async () => {
    const pack = made("away", { "tasks/t.md": md("title: T", stubborn("away")) });
    await tick(pack);
    const path = jobsOf(pack)[0] as string;
    const host = pack.file("hosts/bow.md");
    pack.push({ "hosts/bow.md": host.replace(/port: \d+/, "port: 1") });
    const said = await cancel(pack, idOf(path));
    expect(said.code).toBe(0);
    expect(JSON.parse(said.out)).toMatchObject({
      came: "asked",
      why: expect.stringContaining("nothing listens there"),
    });
    expect(pack.file(path)).toMatch(/cancel: *\n? *(\{|at:)/);
    expect(pack.file("status/t.md")).toContain("ann asked for it to be ended");
    expect(JSON.parse((await cancel(pack, idOf(path))).out)).toMatchObject({ came: "asked", commits: [] });
    await tick(pack);
    expect(pids("away").every(runs)).toBe(true);
    pack.push({ "hosts/bow.md": host });
    await tick(pack);
    await gone("away");
    expect(pack.file(path)).toMatch(/^state: cancelled$/m);
    expect(pack.file(path)).toContain("asked for by ann at 20");
  });

  test("what is no job, and one that has ended, are said", async () => {
    const pack = made("words", {
      "tasks/t.md": md("title: T", "echo done"),
      "tasks/u.md": md("title: U", stubborn("u")),
    });
    await tick(pack);
    const paths = jobsOf(pack);
    const [done, open] = ["t-", "u-"].map((head) => idOf(paths.find((one) => idOf(one).startsWith(head)) as string));
    const over = await towline(["job", "cancel", done as string, "--repo", pack.clone], keyOf(up.machines));
    expect(over.out).toMatch(/^✓ t-\w+ has ended already: finished at 20\S+, exit 0\n$/);
    const typo = `${open?.slice(0, -1)}${open?.endsWith("0") ? "1" : "0"}`;
    const wrong = await cancel(pack, typo);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining(`did you mean ${open}?`)]);
    const task = await cancel(pack, "u");
    expect([task.code, task.err]).toEqual([2, expect.stringContaining(`towline job cancel ${open}`)]);
    const nothing = await cancel(pack, "no-such-thing-at-all");
    expect([nothing.code, nothing.err]).toEqual([2, expect.stringContaining(`open jobs: ${open}`)]);
    expect((await cancel(pack, open as string)).code).toBe(0);
    await gone("u");
  });
});
