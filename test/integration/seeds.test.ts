// What the scripts before towline got wrong, as regressions: a loop over hosts whose input ssh ate, a dispatch that never
// came back, a status page whose writers overtook each other. Real processes, real SSH, a real bare repository.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machines } from "../../src/demo/machines.ts";
import { size } from "../chaos/kit/sizes.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, program, realPack, towline } from "./real.ts";

const quick = ["--no-sync", "--no-site"];
/** A hang is what is looked for, ms. */
const hang = 60_000;

describe.skipIf(lacksSshd)(`what the scripts before got wrong, ${needs}`, { timeout: 400_000 }, () => {
  let dir: string;
  let up: Machines;
  const packs: TestPack[] = [];
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-seeds-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 3, names: ["ann", "bob", "cid"], server: "openssh" });
  });
  afterEach(() => {
    for (const pack of packs.splice(0)) pack.remove();
    for (const { home } of up.machines) rmSync(join(home, "marks"), { force: true });
  });
  afterAll(async () => {
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });
  function made(id: string, files: Record<string, string>, patience = 20): TestPack {
    const pack = realPack(up.machines, files, `tick: {patience: ${patience}s}\n`, id);
    packs.push(pack);
    return pack;
  }
  const tick = (pack: TestPack, clone = pack.clone) =>
    towline(["tick", ...quick, "--json", "--repo", clone], keyOf(up.machines), hang);
  const recordOf = (pack: TestPack, task: string) => {
    const paths = pack.at("ls-tree", "-r", "--name-only", "main", "jobs/").trim().split("\n");
    return pack.file(paths.find((path) => path.includes(`/${task}-`)) as string);
  };

  test("a shell's loop over hosts keeps its own input: every host is asked", async () => {
    const pack = made("loop", {});
    for (const { name } of up.machines)
      expect((await towline(["fleet", "enroll", name, "--yes", "--repo", pack.clone], keyOf(up.machines))).code).toBe(
        0,
      );
    const script = `while read -r host; do "$NODE" "$PROGRAM" fleet status "$host" --json --repo "$PACK"; done; echo over`;
    const child = spawn("sh", ["-c", script], {
      env: { ...process.env, ...keyOf(up.machines), NODE: process.execPath, PROGRAM: program, PACK: pack.clone },
      stdio: ["pipe", "pipe", "inherit"],
      timeout: hang,
    });
    let out = "";
    child.stdout.on("data", (text) => {
      out += text;
    });
    child.stdin.end(`${up.machines.map(({ name }) => name).join("\n")}\n`);
    await new Promise((resolve) => child.once("close", resolve));
    expect([...out.matchAll(/"host": "(\w+)"/g)].map(([, name]) => name)).toEqual(["ann", "bob", "cid"]);
    expect([...out.matchAll(/"reachable": true/g)]).toHaveLength(3);
    expect(out).toMatch(/over\n$/);
    const all = await towline(["fleet", "status", "--json", "--repo", pack.clone], keyOf(up.machines));
    expect(JSON.parse(all.out).map((row: { host: string }) => row.host)).toEqual(["ann", "bob", "cid"]);
  });

  test("a limit of two seconds holds: an agent that ignores TERM, a child in the background that keeps the output", async () => {
    const deaf = "trap '' TERM HUP INT; echo half of it; while :; do sleep 1; done";
    const child = "echo quick; sleep 600 & setsid sleep 600 & echo said";
    const pack = made("limits", {
      "tasks/deaf.md": md("title: Deaf\nhosts: ann\ntimeout: 2s", deaf),
      "tasks/child.md": md("title: Child\nhosts: bob\ntimeout: 20s", child),
    });
    const said = await tick(pack);
    expect([said.code, JSON.parse(said.out).ended.length]).toEqual([0, 2]);
    expect(recordOf(pack, "deaf")).toMatch(/^state: timeout$[\s\S]*\nhalf of it\n/m);
    expect(Number(/^took: ([\d.]+)/m.exec(recordOf(pack, "deaf"))?.[1])).toBeLessThan(12);
    expect(recordOf(pack, "child")).toMatch(/^state: finished$[\s\S]*\nquick\nsaid\n/m);
  });

  const rounds = size(2, 20);
  test(`two writers in one moment: both say what is so, nothing is lost or done twice, × ${rounds}`, async () => {
    for (let round = 0; round < rounds; round++) {
      const ids = ["a", "b", "c", "d"].map((one) => `${one}${round}`);
      const tasks = ids.map((id) => [
        `tasks/${id}.md`,
        md(`title: ${id}`, `echo ${id} >>"$HOME/marks"; echo said ${id}`),
      ]);
      const pack = made(`two-${round}`, Object.fromEntries(tasks));
      const other = join(pack.dir, "other");
      pack.git("clone", "-q", pack.origin, other);
      const both = await Promise.all([tick(pack), tick(pack, other)]);
      expect(both.map(({ code }) => code)).toEqual([0, 0]);
      if (ids.some((id) => !/^state: done$/m.test(pack.file(`status/${id}.md`)))) await tick(pack);
      for (const id of ids) expect(pack.file(`status/${id}.md`)).toContain(`said ${id}`);
      expect(marks(up.machines).filter((line) => ids.includes(line.split(" ")[0] as string))).toHaveLength(4);
    }
  });

  test("a push that fails is a failed tick, in words and by its exit code; nothing was started", async () => {
    const pack = made("push", { "tasks/t.md": md("title: T", 'echo t >>"$HOME/marks"') });
    const hook = join(pack.origin, "hooks", "pre-receive");
    writeFileSync(hook, "#!/bin/sh\necho 'not today' >&2\nexit 1\n");
    chmodSync(hook, 0o755);
    const said = await tick(pack);
    expect([said.code, said.err]).toEqual([
      3,
      expect.stringMatching(/origin refused the ledger commit[\s\S]*not today/),
    ]);
    expect(marks(up.machines)).toEqual([]);
  });

  test("names, messages and titles are only text: no shell ever reads them", async () => {
    const evil = `a\`touch pwned\`$(touch pwned)";touch pwned;'touch pwned' #{}`;
    const pack = made("words", {});
    const record = `---\ntitle: ${JSON.stringify(evil)}\nhosts: ann\n---\n\ncat <<'END'\n${evil}\nEND\n`;
    pack.push({ "tasks/t.md": record, [`notes/${evil.replace(/\//g, "")}.txt`]: "x" }, evil);
    pack.git(
      "-c",
      `user.name=${evil}`,
      "-c",
      "user.email=$(touch pwned)@x",
      "commit",
      "-q",
      "--allow-empty",
      "-m",
      evil,
    );
    pack.git("push", "-q", "origin", "HEAD:main");
    expect((await tick(pack)).code).toBe(0);
    for (const verb of ["check", "plan", "why t", "export"])
      expect((await towline([...verb.split(" "), "--repo", pack.clone])).code).toBeLessThan(2);
    expect(recordOf(pack, "t")).toContain(evil);
    const found = [pack.dir, pack.clone, process.cwd(), ...up.machines.map(({ home }) => home)].filter((one) =>
      existsSync(join(one, "pwned")),
    );
    expect(found).toEqual([]);
    const below = (one: string) =>
      readdirSync(one, { recursive: true }).filter((name) => String(name).endsWith("pwned"));
    expect([pack.dir, ...up.machines.map(({ home }) => home)].flatMap(below)).toEqual([]);
    expect(readFileSync(join(pack.clone, "tasks/t.md"), "utf8")).toBe(record);
  });
});
