// Results are collected by whoever comes next: another runner with an empty disk, two at once, late, after an edit.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, needs, packFolder, realPack, towline } from "./real.ts";

const quick = ["--no-sync", "--no-site"];

describe.skipIf(lacksSshd)(`collecting, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  let home: string;
  const packs: TestPack[] = [];
  let clones = 0;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-collect-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 1, names: ["bow"], server: "openssh" });
    home = up.machines[0]?.home ?? "";
  });
  afterAll(async () => {
    await up?.down();
    for (const pack of packs) pack.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const made = (id: string, files: Record<string, string>) => {
    const pack = realPack(up.machines, files, "tick: {patience: 1s, wall: 1s}\n", id);
    packs.push(pack);
    return pack;
  };
  /** A runner that has nothing but the key: a shallow clone of its own, an empty home. */
  const runner = (pack: TestPack) => {
    const empty = join(dir, `runner-${++clones}`);
    mkdirSync(empty);
    pack.git("clone", "-q", "--depth=1", `file://${pack.origin}`, join(empty, "clone"));
    return { clone: join(empty, "clone"), env: { ...keyOf(up.machines), HOME: empty } };
  };
  const tick = async ({ clone, env }: ReturnType<typeof runner>) => {
    const said = await towline(["tick", ...quick, "--json", "--repo", clone], env);
    expect([said.code, said.err.split("fault of ours")[1] ?? ""]).toEqual([0, ""]);
    return JSON.parse(said.out) as { commits: string[]; ended: { state: string }[] };
  };
  const jobsOf = (pack: TestPack) => pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n");
  const recordOf = (pack: TestPack, task: string) =>
    pack.file(jobsOf(pack).find((path) => path.includes(`/${task}-`)) as string);
  const root = (id: string) => packFolder(home, id) ?? "";
  const held = (id: string) => readdirSync(join(root(id), "held"));
  const slow = (words: string) => `while [ ! -e "$HOME/go-${words}" ]; do sleep 0.1; done; echo ${words}`;
  const go = (words: string) => writeFileSync(join(home, `go-${words}`), "");

  test("by another runner with an empty disk; the acknowledgement of it needs no commit", async () => {
    const pack = made("fresh", {
      "tasks/a.md": md("title: A", slow("one")),
      "tasks/b.md": md("title: B", slow("two")),
    });
    const first = runner(pack);
    await tick(first);
    rmSync(first.clone, { recursive: true });
    go("one");
    await delay(1200);
    const second = await tick(runner(pack));
    expect(second.ended).toMatchObject([{ state: "finished" }]);
    expect(recordOf(pack, "a")).toMatch(/^state: finished$[\s\S]*\none\n/m);
    expect(held("fresh")).toHaveLength(2);
    // The next call is made for the other job; what stands in the commit it read is let go.
    expect((await tick(runner(pack))).commits).toEqual([]);
    expect(held("fresh")).toEqual([expect.stringMatching(/^b-/)]);
    go("two");
    await delay(1200);
    await tick(runner(pack));
    expect(
      readFileSync(join(root("fresh"), "journal"), "utf8")
        .trim()
        .split("\n"),
    ).toHaveLength(2);
  });

  test("by two at once: one record, the same bytes for both, nothing more to write", async () => {
    const pack = made("two", { "tasks/a.md": md("title: A", slow("both")) });
    await tick(runner(pack));
    go("both");
    await delay(1200);
    const [one, two] = [runner(pack), runner(pack)];
    const both = await Promise.all([tick(one), tick(two)]);
    expect(both.flatMap((said) => said.ended).length).toBeGreaterThan(0);
    expect(jobsOf(pack)).toHaveLength(1);
    expect(recordOf(pack, "a")).toMatch(/^state: finished$/m);
    const wrote = pack
      .at("log", "--format=%s", "--author=towline", "--", jobsOf(pack)[0] as string)
      .trim()
      .split("\n");
    expect(wrote.filter((subject) => subject.startsWith("1 done"))).toHaveLength(1);
    expect(pack.at("ls-tree", "-r", "--name-only", "main", "reflections/").trim().split("\n")).toHaveLength(1);
    const tip = pack.at("rev-parse", "main");
    await Promise.all([tick(one), tick(two)]);
    expect(pack.at("rev-parse", "main")).toBe(tip);
  });

  test("after its task was edited or deleted: kept, and the edit is said", async () => {
    const pack = made("edit", {
      "tasks/edited.md": md("title: Edited", slow("old")),
      "tasks/deleted.md": md("title: Deleted", slow("orphan")),
      "tasks/same.md": md("title: Same", slow("same")),
    });
    await tick(runner(pack));
    pack.push({ "tasks/edited.md": md("title: Edited", "echo new words"), "tasks/deleted.md": null });
    const path = jobsOf(pack).find((one) => one.includes("/edited-")) as string;
    const open = await towline(["why", path, "--repo", pack.clone]);
    expect(open.out).toMatch(/tasks\/edited\.md or agents\/deckhand\.md was edited after it began/);
    for (const words of ["old", "orphan", "same"]) go(words);
    await delay(1200);
    await tick(runner(pack));
    const input = /input_hash: (\w+)/.exec(recordOf(pack, "edited"))?.[1];
    expect(recordOf(pack, "edited")).toMatch(/drift: .*tasks\/edited\.md or agents\/deckhand\.md was edited/);
    expect(recordOf(pack, "edited")).toContain(`(input ${input})`);
    expect(recordOf(pack, "edited")).toMatch(/\nold\n/);
    expect(recordOf(pack, "same")).not.toContain("drift");
    expect(recordOf(pack, "deleted")).toMatch(/^state: finished$[\s\S]*\norphan\n/m);
    expect(existsSync(join(pack.clone, "tasks/deleted.md"))).toBe(false);
    expect(pack.at("ls-tree", "-r", "--name-only", "main", "queue/", "tasks/")).not.toContain("deleted");
    pack.git("fetch", "-q", "origin");
    pack.git("reset", "-q", "--hard", "origin/main");
    expect((await towline(["why", path, "--repo", pack.clone])).out).toContain("was edited after it began");
    // The edit alone asks for no other run.
    expect((await tick(runner(pack))).commits).toEqual([]);
  });

  test("what a run leaves in its folder stays there, and goes with the acknowledgement", async () => {
    writeFileSync(join(home, "precious"), "mine");
    const mess = `ln -s "$HOME" outside; ln -s "$HOME/precious" link; : > ./-rf; mkdir "$(printf 'a\\nb')" .hidden
: > "$(printf '*\\t;$(touch pwned)')"; truncate -s 1T sparse; mkfifo pipe
i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); : > "file $i"; done
mkdir -p deep/er/est; ln -s / deep/root; chmod 500 deep/er
echo made`;
    const pack = made("mess", { "tasks/mess.md": md("title: Mess", mess), "tasks/z.md": md("title: Z", slow("z")) });
    const one = runner(pack);
    await tick(one);
    for (let n = 0; n < 5 && !/^state: finished$/m.test(recordOf(pack, "mess")); n++) await tick(one);
    expect(recordOf(pack, "mess")).toMatch(/^state: finished$[\s\S]*\nmade\n/m);
    const folder = join(root("mess"), "jobs");
    const job = readdirSync(folder).find((name) => name.startsWith("mess-")) as string;
    await tick(one);
    expect(readdirSync(join(folder, job, "1"))).toEqual([]);
    expect(readFileSync(join(home, "precious"), "utf8")).toBe("mine");
    expect(existsSync(join(home, "pwned"))).toBe(false);
    const paths = pack.at("ls-tree", "-r", "-z", "--name-only", "main").split("\0");
    expect(paths.filter((path) => /file \d|sparse|hidden|outside/.test(path))).toEqual([]);
    go("z");
  });
});
