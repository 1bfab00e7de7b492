// `towline fleet add` against real sshd, judged by what stands on the machine and in the work tree afterwards.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findSshd, openSsh, type RunningServer } from "../../src/demo/sshd.ts";
import { makeKey } from "../../src/shell/pack-keys.ts";
import { fingerprintOf } from "../../src/transports/ssh.ts";
import { cli } from "../fakes/cli.ts";
import { basics, type TestPack, testPack } from "../fakes/pack.ts";
import { lacksSshd, needs } from "../integration/real.ts";

interface Guest {
  dir: string;
  home: string;
  port: number;
  fingerprint: string;
  line: string;
  keys(): string[];
  /** Where the machine's sshd looks for the keys that it accepts. */
  authorized: string;
  server: RunningServer;
}

const { username: user } = userInfo();
let dir: string;
let person: string;
let pack: TestPack;
let env: Record<string, string>;
const servers: RunningServer[] = [];

const bin = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const line = (file: string) => readFileSync(`${file}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");

/** A machine that lets in whoever holds the private half of this line. */
async function guest(name: string, authorized: string): Promise<Guest> {
  const own = join(dir, name);
  const home = join(own, "home");
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  const file = join(home, ".ssh", "authorized_keys");
  symlinkSync(file, join(own, "authorized_keys"));
  const key = await makeKey(join(own, "lock"), name);
  const options = { dir: own, home, user, hostKey: key?.private ?? "", authorized };
  const server = await openSsh(findSshd() as string, options);
  servers.push(server);
  const parsed = ssh2.utils.parseKey(key?.public ?? "");
  if (parsed instanceof Error) throw parsed;
  const fingerprint = fingerprintOf(parsed.getPublicSSH());
  // Without their comments.
  const keys = () =>
    readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((one) => (one.startsWith("#") ? one : one.split(" ").slice(0, 2).join(" ")));
  return { dir: own, home, port: server.port, fingerprint, line: key?.public ?? "", keys, authorized: file, server };
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "towline-add-test-"));
  person = join(dir, "person");
  mkdirSync(join(person, ".ssh"), { recursive: true, mode: 0o700 });
  await makeKey(join(person, ".ssh", "id_ed25519"), "person");
  pack = testPack({ ...basics([]), "hosts/idle.md": "---\naddress: idle.example.org\ncordon: true\n---\n" });
  env = { PATH: process.env.PATH ?? bin };
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  pack.remove();
  rmSync(dir, { recursive: true, force: true });
});

const add = (to: string, ...more: string[]) => cli(pack.clone, ["fleet", "add", to, ...more], env, person);
const ownKey = () => join(person, ".config", "towline", "ssh", "test-pack", "TOWLINE_SSH_KEY");
const hosts = () => readdirSync(join(pack.clone, "hosts")).sort();

describe.skipIf(lacksSshd)(`fleet add, ${needs}`, () => {
  test("from an address to the first word: key made and brought there, record written, enrolled, heard", async () => {
    const one = await guest("one", line(join(person, ".ssh", "id_ed25519")));
    const said = await add(
      `${user}@127.0.0.1:${one.port}`,
      "--yes",
      "--label",
      "pi",
      "--label",
      "kitchen",
      "--slots",
      "3",
      "--name",
      "pi-1",
    );
    expect([said.code, said.said]).toEqual([0, ""]);
    expect(said.out).toMatch(/^✓ pi-1 is in the fleet \(hosts\/pi-1\.md\)\n {2}“hello from /);
    expect(said.out).toContain(`${one.fingerprint}, pinned`);
    expect(said.out).toContain("git add hosts/pi-1.md && git commit -m 'pi-1 joins the fleet' && git push");
    // The machine: our line behind the person's, once; the root with an identity; nothing left of the job but its fence.
    const [first, second, ...rest] = one.keys();
    expect(first).toBe(line(join(person, ".ssh", "id_ed25519")));
    expect(second).toBe(line(ownKey()));
    expect(rest).toEqual([]);
    const root = join(one.home, ".towline");
    const identity = readFileSync(join(root, "identity"), "utf8").trim();
    const jobs = readdirSync(join(root, "test-pack", "jobs"));
    expect(jobs).toEqual([expect.stringMatching(/^adhoc-[0-9a-f]{12}$/)]);
    expect(readdirSync(join(root, "test-pack", "jobs", jobs[0] as string)).sort()).toEqual(["1", "1.acked", "1.go"]);
    // The work tree: one record, which pins what was seen; nothing was committed.
    expect(hosts()).toEqual(["idle.md", "pi-1.md"]);
    const record = readFileSync(join(pack.clone, "hosts", "pi-1.md"), "utf8");
    const shown = one.line.split(" ").slice(0, 2).join(" ");
    expect(record).toContain(
      `---\naddress: 127.0.0.1\nport: ${one.port}\nuser: ${user}\nlabels:\n  - pi\n  - kitchen\nslots: 3\nkey: env:TOWLINE_SSH_KEY\nhost_key: ${shown}\nidentity: ${identity}\n---\n\nLinux `,
    );
    expect(pack.git("status", "--porcelain").trim()).toBe("?? hosts/pi-1.md");
    // The key: only for this person, and OpenSSH opens the machine with it.
    expect(statSync(ownKey()).mode & 0o777).toBe(0o600);
    const ssh = [
      "-i",
      ownKey(),
      "-p",
      String(one.port),
      "-F",
      "/dev/null",
      "-o",
      "StrictHostKeyChecking=no",
      "-o",
      "UserKnownHostsFile=/dev/null",
      "-o",
      "IdentitiesOnly=yes",
      "-o",
      "BatchMode=yes",
    ];
    expect(
      execFileSync("ssh", [...ssh, `${user}@127.0.0.1`, "echo in"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    ).toBe("in\n");
    expect(said.out).not.toContain(readFileSync(ownKey(), "utf8").split("\n")[2]);
    // Verbs on this machine find the key by itself.
    const status = await cli(pack.clone, ["fleet", "status", "pi-1", "--json"], env, person);
    expect(JSON.parse(status.out)).toMatchObject([{ host: "pi-1", state: "ready", identity: "ok" }]);

    const again = await add(`${user}@127.0.0.1:${one.port}`, "--yes");
    expect(again.code).toBe(2);
    expect(again.said).toContain("is in the fleet already, as pi-1");
  });

  test("two with one name of their own get a number; the second machine finds the key that there is", async () => {
    const mine = line(join(person, ".ssh", "id_ed25519"));
    const [one, two] = await Promise.all([guest("one", mine), guest("two", mine)]);
    writeFileSync(one.authorized, `# a comment without an end`, { flag: "a" });
    const said = await Promise.all([one, two].map((each) => add(`${user}@127.0.0.1:${each.port}`, "--yes", "--json")));
    expect(said.map((each) => [each.code, each.said])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    const names = said.map((each) => JSON.parse(each.out).host as string).sort();
    expect(names[1]).toBe(`${names[0]}-2`);
    expect(hosts()).toEqual(["idle.md", ...names.map((name) => `${name}.md`)].sort());
    expect(one.keys()).toEqual([mine, "# a comment without an end", line(ownKey())]);
    expect(two.keys()).toEqual([mine, line(ownKey())]);
    expect(JSON.stringify(said)).not.toContain("PRIVATE KEY");
  });

  test("the host key: asked for, compared, and known to be another one", async () => {
    const one = await guest("one", line(join(person, ".ssh", "id_ed25519")));
    const at = `${user}@127.0.0.1:${one.port}`;
    const unasked = await add(at);
    expect(unasked.code).toBe(3);
    expect(unasked.said).toContain(`shows the host key ${one.fingerprint}`);
    expect(unasked.said).toContain("nothing was sent to it");
    const other = await add(at, "--yes", "--host-key", `SHA256:${"A".repeat(43)}`);
    expect([other.code, other.said]).toEqual([3, expect.stringContaining(`not SHA256:${"A".repeat(43)}`)]);
    const stranger = await makeKey(join(dir, "stranger"), "");
    const known = join(person, ".ssh", "known_hosts");
    writeFileSync(known, `[127.0.0.1]:${one.port} ${stranger?.public}\n`);
    execFileSync("ssh-keygen", ["-q", "-H", "-f", known], { stdio: "ignore" });
    const changed = await add(at, "--yes");
    expect([changed.code, changed.said]).toEqual([3, expect.stringContaining("has another one for it")]);
    expect(changed.said).toContain(`ssh-keygen -R '[127.0.0.1]:${one.port}'`);
    const { public: rsa } = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 });
    writeFileSync(known, `[127.0.0.1]:${one.port} ${rsa}\n`);
    execFileSync("ssh-keygen", ["-q", "-H", "-f", known], { stdio: "ignore" });
    for (const more of [["--yes"], []]) {
      const strange = await add(at, ...more);
      expect([strange.code, strange.said]).toEqual([3, expect.stringContaining("by another kind of key")]);
      expect(strange.said).toMatch(/ssh_host_ed25519_key\.pub.* --host-key SHA256:/);
      expect(strange.said).not.toContain("--yes");
    }
    expect([existsSync(ownKey()), existsSync(join(one.home, ".towline")), one.keys().length]).toEqual([
      false,
      false,
      1,
    ]);
    const right = await add(at, "--host-key", one.line, "--name", "right");
    expect([right.code, right.said]).toEqual([0, ""]);
  });

  test("nobody answers, or lets us in: what to do is said, and nothing is written", async () => {
    const closed = await add(`${user}@127.0.0.1:1`, "--yes");
    expect([closed.code, closed.said]).toEqual([4, expect.stringContaining("nothing listens there")]);
    expect(closed.said).toContain("is it on, does sshd run there");
    const stranger = await makeKey(join(dir, "stranger"), "");
    const one = await guest("one", stranger?.public ?? "");
    const refused = await add(`${user}@127.0.0.1:${one.port}`, "--yes");
    expect(refused.code).toBe(4);
    expect(refused.said).toContain("tried ~/.ssh/id_ed25519; it takes publickey");
    expect(refused.said).toContain(line(ownKey()));
    expect([hosts(), one.keys()]).toEqual([["idle.md"], [stranger?.public]]);
    // By hand, as advised: then it goes.
    writeFileSync(one.authorized, `${line(ownKey())}\n`, { flag: "a" });
    const right = await add(`${user}@127.0.0.1:${one.port}`, "--yes", "--name", "by-hand");
    expect([right.code, right.said]).toEqual([0, ""]);
  });

  test("behind a jump host of the fleet, with a key that the person chose", async () => {
    const mine = join(person, ".ssh", "id_ed25519");
    const [gate, inner] = await Promise.all([guest("gate", line(mine)), guest("inner", line(mine))]);
    const key = ["--key", "file:~/.ssh/id_ed25519", "--yes"];
    const first = await add(`${user}@127.0.0.1:${gate.port}`, ...key, "--name", "gate");
    expect([first.code, first.said]).toEqual([0, ""]);
    const second = await add(`${user}@127.0.0.1:${inner.port}`, ...key, "--name", "inner", "--jump", "gate");
    expect([second.code, second.said]).toEqual([0, ""]);
    const record = readFileSync(join(pack.clone, "hosts", "inner.md"), "utf8");
    expect(record).toContain("\njump: gate\n");
    expect(record).toContain("\nkey: file:~/.ssh/id_ed25519\n");
    expect([gate.keys(), inner.keys(), existsSync(ownKey())]).toEqual([[line(mine)], [line(mine)], false]);
    await gate.server.stop();
    rmSync(join(pack.clone, "hosts", "inner.md"));
    const cut = await add(`${user}@127.0.0.1:${inner.port}`, ...key, "--name", "inner", "--jump", "gate");
    expect([cut.code, cut.said]).toEqual([4, expect.stringContaining("is behind gate (jump)")]);
    expect(hosts()).toEqual(["gate.md", "idle.md"]);
  });

  test("STOP.md: the machine comes in and is asked for no word; --pr proposes its record", async () => {
    const one = await guest("one", line(join(person, ".ssh", "id_ed25519")));
    writeFileSync(join(pack.clone, "STOP.md"), "");
    const said = await add(`${user}@127.0.0.1:${one.port}`, "--yes", "--name", "one", "--pr");
    expect([said.code, said.out]).toEqual([0, expect.stringContaining("STOP.md stops everything: no job was run")]);
    // Its record is on the branch alone: the merge brings it into the folder.
    const branch = /proposed on the branch (towline\/edit-\w+)/.exec(said.out)?.[1] ?? "";
    expect(pack.at("diff", "--name-only", "main", branch)).toBe("hosts/one.md\n");
    expect([hosts(), existsSync(join(one.home, ".towline", "test-pack"))]).toEqual([["idle.md"], false]);
  });

  test("one machine does not come in twice under two users' words for its address", async () => {
    const one = await guest("one", line(join(person, ".ssh", "id_ed25519")));
    expect((await add(`${user}@127.0.0.1:${one.port}`, "--yes", "--name", "one")).code).toBe(0);
    const twin = await add(`${user}@localhost:${one.port}`, "--yes", "--name", "two");
    expect([twin.code, twin.said]).toEqual([3, expect.stringContaining("in the fleet already, as one")]);
    expect(hosts()).toEqual(["idle.md", "one.md"]);
  });
});

test("words that can be no machine, label or name are refused before anything is called", async () => {
  for (const [why, to, ...more] of [
    ["cannot be an address", "me@-oProxyCommand=x"],
    ["cannot be a user", "$(x)@host"],
    ["cannot be a user", "ssh://-l@host"],
    ["is no port", "me@host:99999"],
    ["cannot be an address", "me@ho st"],
    ["no IPv6 address", "me@fe80::zz"],
    ["no IPv4 address", "me@1.2.3.400"],
    ["must be lower-case letters", "me@host", "--name", "../x"],
    ["must not be only digits", "me@host", "--name", "42"],
    ["is no label", "me@host", "--label", "a b"],
    ["is no number of jobs", "me@host", "--slots", "0"],
    ["there is no hosts/nowhere.md", "me@host", "--jump", "nowhere"],
    ["there is a hosts/idle.md", "me@host", "--name", "idle"],
  ] as [string, string, ...string[]][]) {
    const said = await cli(pack.clone, ["fleet", "add", to, ...more], env, person);
    expect([to, more, said.code, said.out, said.said]).toEqual([to, more, 2, "", expect.stringContaining(why)]);
  }
  const nowhere = await cli(dir, ["fleet", "add", "me@host"], env, person);
  expect([nowhere.code, nowhere.said]).toEqual([3, expect.stringContaining("is not a git repository")]);
  expect(hosts()).toEqual(["idle.md"]);
});
