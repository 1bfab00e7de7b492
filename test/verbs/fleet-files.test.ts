// The verbs that carry machines in and out of the fleet by files, and the one that counts its secrets.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";
import { lacksSshd, needs } from "../integration/real.ts";

const samples = join(import.meta.dirname, "..", "fixtures", "inventories");
let home: string;
let pack: TestPack;
const make = (files: Record<string, string>) => {
  pack = testPack({ ...basics([]), ...files });
};
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "towline-files-"));
});
afterEach(() => {
  pack.remove();
  rmSync(home, { recursive: true, force: true });
});
const run = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  cli(pack.clone, args, { PATH: process.env.PATH, ...env }, home);
const hosts = () => readdirSync(join(pack.clone, "hosts")).sort();
const record = (name: string) => readFileSync(join(pack.clone, "hosts", `${name}.md`), "utf8");

test("import: on origin in one commit, or on a branch; the folder follows, or stays as it is", async () => {
  make({});
  const file = join(samples, "picoclaw-fleet.json");
  for (const [name, value] of [
    ["user.name", "Ann"],
    ["user.email", "ann@example.org"],
  ] as const)
    pack.git("config", name, value);
  const proposed = JSON.parse((await run(["fleet", "import", file, "--pr", "--json"])).out);
  expect(existsSync(join(pack.clone, "hosts"))).toBe(false);
  const paths = pack.at("diff", "--name-only", "main", "towline/fleet-import").trim().split("\n");
  expect([proposed.branch, paths]).toEqual([
    "towline/fleet-import",
    proposed.hosts.map((one: { path: string }) => one.path).sort(),
  ]);
  const pushed = await run(["fleet", "import", file, "--push"]);
  expect(pushed.out).toMatch(/^ {2}pushed as [0-9a-f]{10}/m);
  expect(pack.at("diff", "--name-only", "main~1", "main").trim().split("\n")).toEqual(paths);
});

test("import: a dry run writes nothing, a run writes what is new, the next one nothing", async () => {
  make({});
  const files = ["picoclaw-fleet.json", "ssh_config", "inventory.ini"].map((name) => join(samples, name));
  const dry = await run(["fleet", "import", ...files, "--dry-run"]);
  expect([dry.code, existsSync(join(pack.clone, "hosts"))]).toEqual([1, false]);
  expect(dry.out).toContain("would be written");
  const done = await run(["fleet", "import", ...files, "--json"]);
  const { hosts: all, problems } = JSON.parse(done.out);
  expect(hosts()).toEqual(all.map((one: { host: string }) => `${one.host}.md`).sort());
  expect(problems[0]).toMatchObject({ path: files[0], line: 10, level: "warning" });
  expect(record("pi-kitchen")).toBe(
    `---\naddress: 192.168.50.57\nuser: pi\narch: arm64\nkey: file:~/.ssh/id_ed25519\n---\n\nFrom ${files[0]}:3.\n`,
  );
  writeFileSync(join(pack.clone, "hosts", "nuc.md"), md("address: 10.0.0.4\nuser: somebody"));
  const before = hosts().map((name) => readFileSync(join(pack.clone, "hosts", name), "utf8"));
  const again = await run(["fleet", "import", ...files]);
  expect(again.out).toContain("△ hosts/nuc.md was not written: `user` is somebody here, towline there");
  expect(again.out).toMatch(/^0 written, 1\d there already, 1 left as they are, \d left out\.$/m);
  expect(hosts().map((name) => readFileSync(join(pack.clone, "hosts", name), "utf8"))).toEqual(before);
  // What was written is a pack that the check takes.
  writeFileSync(join(pack.clone, "hosts", "nuc.md"), md("address: 10.0.0.4\nuser: towline"));
  const check = await run(["check"]);
  expect([check.code, check.said]).toEqual([0, expect.not.stringContaining("error")]);
});

test("import: one key for all, files that are none, two at once", async () => {
  make({});
  const csv = join(home, "fleet.csv");
  writeFileSync(
    csv,
    `name,address,key\n${Array.from({ length: 60 }, (_, i) => `m${i},10.9.0.${i},~/.ssh/x`).join("\n")}\n`,
  );
  const both = await Promise.all([1, 2].map(() => run(["fleet", "import", csv, "--key", "env:OUR_KEY", "--json"])));
  const states = both.map((said) => JSON.parse(said.out).hosts as { host: string; state: string }[]);
  for (let i = 0; i < 60; i++) expect(states.filter((all) => all[i]?.state === "new").length, `m${i}`).toBe(1);
  expect([hosts().length, record("m7")]).toEqual([60, expect.stringContaining("key: env:OUR_KEY\n")]);
  writeFileSync(join(home, "words.txt"), "no machine at all");
  writeFileSync(join(home, "latin1"), Buffer.from([0x5b, 0xe9, 0x5d]));
  for (const [said, ...args] of [
    ["is of no format that is known", join(home, "words.txt")],
    ["is no text in UTF-8", join(home, "latin1")],
    ["is no file", home],
    ["cannot be read", join(home, "nothing")],
    ["there is no format", csv, "--format", "toml"],
    ["is no place", csv, "--key", "-----BEGIN"],
  ] as [string, ...string[]][]) {
    const refused = await run(["fleet", "import", ...args]);
    expect([args, refused.code, refused.said]).toEqual([args, 2, expect.stringContaining(said)]);
  }
});

test("import: hosts/ that leads elsewhere is not written through", async () => {
  make({});
  mkdirSync(join(home, "elsewhere"));
  symlinkSync(join(home, "elsewhere"), join(pack.clone, "hosts"));
  const said = await run(["fleet", "import", join(samples, "fleet.csv")]);
  expect([said.code, said.said]).toEqual([3, expect.stringContaining("hosts/ is a link")]);
  expect(readdirSync(join(home, "elsewhere"))).toEqual([]);
});

test("export: to stdout, in each format; a broken record is told and left out", async () => {
  make({ "hosts/one.md": md("address: one.example.org\nuser: me\nkey: env:K"), "hosts/torn.md": md("port: x") });
  const said = await run(["fleet", "export"]);
  expect([said.code, JSON.parse(said.out).hosts]).toEqual([
    1,
    [{ name: "one", host: "one.example.org", user: "me", slots: 2, network: "public", key: "env:K" }],
  ]);
  expect(said.said).toContain("it was left out");
  expect((await run(["fleet", "export", "--format", "ssh_config"])).out).toBe(
    "Host one\n    HostName one.example.org\n    User me\n",
  );
  expect((await run(["fleet", "export", "--format", "xml"])).code).toBe(2);
});

test.skipIf(lacksSshd)(`export: OpenSSH reads our ssh_config and known_hosts as we mean them, ${needs}`, async () => {
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH3JNItjen3cICQT1rLbx7kbD9YDbSq5V8CCzls7Wjer";
  make({
    "hosts/gate.md": md("address: gate.example.org\nuser: ops\nport: 2222"),
    "hosts/inner.md": md(
      `address: 2001:db8::7\nuser: pi\nkey: file:/keys/with space\njump: gate\nport: 2200\nhost_key: ${key}`,
    ),
  });
  const file = join(home, "config");
  writeFileSync(file, (await run(["fleet", "export", "--format", "ssh_config"])).out);
  const read = execFileSync("ssh", ["-G", "-F", file, "inner"], { encoding: "utf8", stdio: "pipe" }).split("\n");
  expect(read).toEqual(
    expect.arrayContaining([
      "hostname 2001:db8::7",
      "user pi",
      "port 2200",
      "identityfile /keys/with space",
      "proxyjump gate",
    ]),
  );
  writeFileSync(join(home, "known"), (await run(["fleet", "export", "--format", "known_hosts"])).out);
  const found = execFileSync("ssh-keygen", ["-F", "[2001:db8::7]:2200", "-f", join(home, "known")], {
    encoding: "utf8",
  });
  expect(found).toContain(key);
});

test("without a host the first fleet command leaves a cordoned example, once", async () => {
  make({});
  const first = await run(["fleet", "status", "--json"]);
  expect(first.said).toContain("hosts/example.md was written");
  expect(JSON.parse(first.out)).toMatchObject([{ host: "example", healthy: true }]);
  expect(record("example")).toBe(readFileSync(join(import.meta.dirname, "..", "..", "hosts", "example.md"), "utf8"));
  expect((await run(["fleet", "status"])).said).toBe("");
  const check = await run(["check"]);
  expect(check.code).toBe(0);
  // A file in the way of the folder: nothing is written, and the verb does what it can.
  rmSync(join(pack.clone, "hosts"), { recursive: true });
  writeFileSync(join(pack.clone, "hosts"), "");
  expect((await run(["fleet", "status", "--json"])).out).toBe("[]\n");
  const outside = await cli(home, ["fleet", "status"], {}, home);
  expect([outside.code, existsSync(join(home, "hosts"))]).toEqual([3, false]);
});

const workflow = (env: string) => `jobs:
  tick:
    runs-on: ubuntu-24.04
    env:
      FOR_JOB: \${{ secrets.OTHER }}
    steps:
      - run: npm ci
        env:
          NOT_FOR_TICKS: x
      - run: npm run --silent tick
        env:
${env}
`;

test("secrets: where each is named, what is handed to the ticks, what sets it, and never a value", async () => {
  make({
    "towline.yml": "id: test-pack\nname: t\npollers:\n  github:\n    repos: [.]\nheartbeat: {url: BEAT_URL}\n",
    "agents/scout.md": md("runtime: shell\nenv:\n  - FOR_JOB\n  - NOT_FOR_TICKS"),
    "agents/oops.md": md("runtime: shell\nenv: [sk-live-pasted-by-mistake]"),
    "hosts/one.md": md("address: one.example.org\nkey: env:TOWLINE_SSH_KEY"),
    "hosts/two.md": md("address: two.example.org\nuser: x\nkey: env:TOWLINE_SSH_KEY"),
    ".github/workflows/tick.yml": workflow(
      "          TOWLINE_SSH_KEY: ${{ secrets.TOWLINE_SSH_KEY }}\n          EMPTY: ''\n",
    ),
  });
  const said = await run(["secrets", "--json"], { TOWLINE_SSH_KEY: "value-that-is-never-shown" });
  expect(said.code).toBe(1);
  const { secrets, wrong } = JSON.parse(said.out);
  const short = secrets.map((one: Record<string, unknown>) => [
    one.name,
    one.here,
    (one.mapped as { secret?: string } | null)?.secret,
    one.missing,
    one.command,
  ]);
  expect(short).toEqual([
    ["BEAT_URL", null, undefined, true, "gh secret set BEAT_URL"],
    ["FOR_JOB", null, "OTHER", false, "gh secret set OTHER"],
    ["GITHUB_TOKEN", null, undefined, true, "GITHUB_TOKEN: ${{ github.token }}"],
    ["NOT_FOR_TICKS", null, undefined, true, "gh secret set NOT_FOR_TICKS"],
    ["TOWLINE_SSH_KEY", "variable", "TOWLINE_SSH_KEY", false, "towline fleet keygen --name TOWLINE_SSH_KEY"],
    ["TURSO_AUTH_TOKEN", null, undefined, false, "gh secret set TURSO_AUTH_TOKEN"],
    ["TURSO_URL", null, undefined, false, "gh secret set TURSO_URL"],
  ]);
  expect(secrets[4].uses).toEqual([
    { path: "hosts/one.md", line: 3 },
    { path: "hosts/two.md", line: 4 },
  ]);
  expect(secrets[3].uses).toEqual([{ path: "agents/scout.md", line: 5 }]);
  expect(secrets[0].uses).toEqual([{ path: "towline.yml", line: 6 }]);
  expect(wrong).toEqual([{ path: "agents/oops.md", line: 3 }]);
  const table = await run(["secrets"], { TOWLINE_SSH_KEY: "value-that-is-never-shown" });
  expect(table.out).toMatch(/^✕ NOT_FOR_TICKS +no +no +agents\/scout\.md:5$/m);
  expect(table.out).toMatch(/^✓ TOWLINE_SSH_KEY +yes +line 12 +hosts\/one\.md:3, hosts\/two\.md:4$/m);
  expect(table.out).toContain(
    "in .github/workflows/tick.yml, in the `env:` of the tick step: BEAT_URL: ${{ secrets.BEAT_URL }}",
  );
  expect(JSON.stringify([said, table])).not.toMatch(/never-shown|pasted-by-mistake/);
});

test("secrets: a key that was made here, a pack without CI, and inside of CI", async () => {
  make({ "hosts/one.md": md("address: one.example.org\nkey: env:TOWLINE_SSH_KEY") });
  expect((await run(["secrets"])).code).toBe(1);
  await run(["fleet", "keygen"]);
  const here = await run(["secrets", "--json"]);
  expect(here.code).toBe(0);
  const file = join(home, ".config", "towline", "ssh", "test-pack", "TOWLINE_SSH_KEY");
  expect(JSON.parse(here.out).secrets[0]).toMatchObject({
    here: file,
    missing: false,
    command: `gh secret set TOWLINE_SSH_KEY < ${file}`,
  });
  pack.push({
    ".github/workflows/tick.yml": workflow("          TOWLINE_SSH_KEY: ${{ secrets.TOWLINE_SSH_KEY }}"),
    "hosts/two.md": md("address: two.example.org\nkey: env:SECOND_KEY"),
  });
  const mapped = JSON.parse((await run(["secrets", "--json"])).out).secrets as { name: string; missing: boolean }[];
  expect(mapped.filter((one) => one.missing).map((one) => one.name)).toEqual(["SECOND_KEY"]);
  const ci = JSON.parse((await run(["secrets", "--json"], { GITHUB_ACTIONS: "true", SECOND_KEY: "x" })).out)
    .secrets as { name: string; missing: boolean }[];
  expect(ci.filter((one) => one.missing).map((one) => one.name)).toEqual([]);
  pack.push({ ".github/workflows/tick.yml": "jobs: [\n" });
  expect((await run(["secrets"])).code).toBe(3);
});
