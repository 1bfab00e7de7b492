// `towline fleet enroll` for several machines at once, and as a branch: real servers, judged by records and git.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compareAddress, enrolBranch } from "../../src/core/compare.ts";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack, testPack } from "../fakes/pack.ts";
import { keyOf, towline } from "../integration/real.ts";

test.each([
  ["git@github.com:o/r.git", "https://github.com/o/r/compare/towline/enroll-a?expand=1"],
  ["https://github.com/o/r", "https://github.com/o/r/compare/towline/enroll-a?expand=1"],
  ["https://x-access-token:s3cret@github.com/o/r.git/", "https://github.com/o/r/compare/towline/enroll-a?expand=1"],
  ["ssh://git@ssh.github.com:443/o/r.git", "https://github.com/o/r/compare/towline/enroll-a?expand=1"],
  ["ssh://git@ghe.example:7999/o/r.git", "https://ghe.example/o/r/compare/towline/enroll-a?expand=1"],
  ["https://gitlab.com/o/r.git", null],
  ["/srv/git/o/r.git", null],
  ["https://github.com.evil.example/o/r", null],
])("where a pull request is opened: %s", (origin, url) =>
  expect(compareAddress(origin, "towline/enroll-a", "https://ghe.example")).toBe(url),
);

test("a branch is named after few hosts, else after the day", () => {
  const now = new Date("2026-11-28T09:00:00Z");
  expect(enrolBranch(["bob", "ann"], now)).toBe("towline/enroll-ann-bob");
  expect(enrolBranch(["a.b..c", "-x"], now)).toBe("towline/enroll--x-a-b-c");
  expect(enrolBranch(["a", "b", "c", "d"], now)).toBe("towline/enroll-2026-11-28");
});

describe("machines side by side", { timeout: 300_000 }, () => {
  let dir: string;
  let up: Machines;
  let pack: TestPack;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-enrol-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 2, names: ["ann", "bob"] });
  });
  beforeEach(() => {
    const record = ({ port, user }: Machine) =>
      md(`address: 127.0.0.1 # here\nport: ${port}\nuser: ${user}\nkey: env:TOWLINE_TEST_KEY`, "Notes.");
    pack = testPack({
      "towline.yml": "id: enrol\nname: enrol\nzone: UTC\n",
      ...Object.fromEntries(up.machines.map((one) => [`hosts/${one.name}.md`, record(one)])),
      "hosts/dead.md": md("address: 127.0.0.1\nport: 1\nkey: env:TOWLINE_TEST_KEY"),
      "hosts/far.md": md("address: 10.9.9.9\nnetwork: elsewhere\nkey: env:TOWLINE_TEST_KEY"),
    });
    return () => pack.remove();
  });
  afterAll(async () => {
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });
  const run = (...args: string[]) =>
    towline(["fleet", "enroll", ...args, "--repo", pack.clone], { ...keyOf(up.machines), SSH_AUTH_SOCK: "" });
  const text = (name: string) => readFileSync(join(pack.clone, "hosts", `${name}.md`), "utf8");
  const keyAt = (name: string) => up.machines.find((one) => one.name === name)?.hostKey;

  test("one that is dead leaves the others going; a line for each, and the exit code says that one is not well", async () => {
    const before = text("dead");
    const said = await run("--all", "--yes");
    expect(said.code).toBe(1);
    const lines = said.out.split("\n");
    expect(lines.filter((line) => /^[✓✕] /.test(line)).map((line) => line.slice(0, 8).trim())).toEqual([
      "✓ ann",
      "✓ bob",
      "✕ dead",
    ]);
    expect(said.out).toContain("nothing listens there");
    expect(said.out).toContain("2 of 3 are enrolled; 1 needs you; records were changed");
    expect(said.out).not.toContain("far");
    for (const name of ["ann", "bob"])
      expect(text(name)).toMatch(
        new RegExp(
          `^---\\naddress: 127.0.0.1 # here\\n[^]*host_key: ${keyAt(name)?.replace(/[+]/g, "\\+")}\\nidentity: [0-9a-f]{32}\\n---\\n\\nNotes.\\n$`,
        ),
      );
    expect(text("dead")).toBe(before);
    const again = await run("ann", "bob", "--json");
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject([
      { host: "ann", written: false, missing: [] },
      { host: "bob", written: false, missing: [] },
    ]);
  });

  test("a teardown that cannot see the line of authorized_keys says so before it calls anybody", async () => {
    pack.push({ "hosts/ann.md": text("ann").replace("key: env", "run_as: agents\nkey: env") });
    const args = ["fleet", "teardown", "ann", "--login", "--yes", "--repo", pack.clone];
    const said = await towline(args, keyOf(up.machines));
    expect([said.code, said.err]).toEqual([2, expect.stringContaining("towline works as agents there")]);
  });

  test("nobody there to ask: nothing is pinned, and each is told apart", async () => {
    const said = await run("ann", "dead", "--json");
    expect(said.code).toBe(1);
    expect(JSON.parse(said.out)).toMatchObject([
      { host: "ann", error: expect.stringContaining("was not pinned"), advice: expect.stringContaining("--yes") },
      { host: "dead", error: expect.stringContaining("nothing listens") },
    ]);
    expect(text("ann")).not.toContain("host_key");
  });

  test.each<[string, string[]]>([
    ["no name", []],
    ["names beside --all", ["ann", "--all"]],
    ["a line that would allow nothing", ["ann", "--allow", "runtime a b"]],
    ["both of two", ["ann", "--lock", "--unlock"]],
  ])("usage: %s", async (_, args) => expect((await run(...args)).code).toBe(2));

  test("the owner's file is written where there is none, and never over theirs", async () => {
    const home = up.machines[0]?.home ?? "";
    const file = join(home, ".towline", "allow");
    const args = ["ann", "--yes", "--allow", "pack any", "--allow", "runtime shell"];
    const said = await run(...args);
    expect([said.code, said.out]).toEqual([0, expect.stringContaining("its owner allows any pack; runtimes shell")]);
    expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual(["pack any\nruntime shell\n", 0o600]);
    expect((await run(...args)).code).toBe(0);
    writeFileSync(file, "pack mine\n");
    const refused = await run(...args);
    expect([refused.code, refused.err]).toEqual([3, expect.stringContaining("stays as it is")]);
    expect(readFileSync(file, "utf8")).toBe("pack mine\n");
    expect(readdirSync(join(home, ".towline")).filter((name) => name.startsWith(".allow"))).toEqual([]);
    rmSync(file);
  });

  test("as a branch: one commit on the default branch, no work tree, again and again the same", async () => {
    const main = pack.at("rev-parse", "main").trim();
    const tree = () => [pack.git("status", "--porcelain"), pack.git("rev-parse", "HEAD")];
    const before = tree();
    const first = await run("ann", "bob", "dead", "--yes", "--pr");
    expect(first.code).toBe(1);
    const branch = "towline/enroll-ann-bob-dead";
    expect(first.out).toContain(`Pushed: ${branch}; merge branch ${branch}`);
    expect(pack.at("rev-parse", `${branch}^`).trim()).toBe(main);
    expect(pack.at("diff", "--name-only", "main", branch).trim().split("\n")).toEqual(["hosts/ann.md", "hosts/bob.md"]);
    expect(pack.at("log", "-1", "--format=%s", branch).trim()).toBe("Enrols ann and bob");
    expect(pack.file("hosts/ann.md", branch)).toContain(`host_key: ${keyAt("ann")}\nidentity: `);
    expect([tree(), pack.at("rev-parse", "main").trim()]).toEqual([before, main]);

    const commit = pack.at("rev-parse", branch);
    const again = await run("ann", "bob", "dead", "--pr", "--json");
    expect(JSON.parse(again.out).proposal).toEqual({ branch, url: null, commit: null });
    expect(pack.at("rev-parse", branch)).toBe(commit);

    // What a person did to the branch stays, and what is asked for next comes on top.
    pack.git("fetch", "-q", "origin", branch);
    pack.git("checkout", "-q", "--detach", "FETCH_HEAD");
    writeFileSync(join(pack.clone, "hosts", "ann.md"), text("ann").replace(/identity: .*\n/, "slots: 7\n"));
    pack.git("commit", "-qam", "Mine");
    pack.git("push", "-q", "origin", `HEAD:refs/heads/${branch}`);
    pack.git("checkout", "-q", "main");
    expect((await run("ann", "bob", "dead", "--pr")).out).toContain("Pushed");
    expect(pack.file("hosts/ann.md", branch)).toMatch(/slots: 7\nidentity: [0-9a-f]{32}\n/);
    expect(pack.at("log", "--format=%s", `main..${branch}`).trim().split("\n")).toEqual([
      "Enrols ann",
      "Mine",
      "Enrols ann and bob",
    ]);

    pack.at("update-ref", "refs/heads/main", branch);
    const merged = await run("ann", "bob", "dead", "--pr", "--json");
    expect(JSON.parse(merged.out).proposal).toBe(null);
  });

  test("a record that only stands in the work tree is proposed as a whole", async () => {
    const name = "new";
    writeFileSync(join(pack.clone, "hosts", `${name}.md`), text("ann"));
    const said = await run(name, "--yes", "--pr");
    expect([said.code, said.err]).toEqual([0, ""]);
    expect(pack.file(`hosts/${name}.md`, `towline/enroll-${name}`)).toContain(`host_key: ${keyAt("ann")}`);
    expect(text(name)).not.toContain("host_key");
  });
});
