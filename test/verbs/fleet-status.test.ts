// `towline fleet status` against this machine, without SSH, and against addresses where nobody is.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { HostRow } from "../../src/core/host-rows.ts";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const key = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
}).privateKey;
const local = (root: string, more = "") => md(`address: localhost\ntransport: local\nroot: ${root}\nslots: 1\n${more}`);

function made(files: (root: string) => Record<string, string>): TestPack {
  const root = mkdtempSync(join(tmpdir(), "towline-root-"));
  const pack = testPack({
    ...basics([]),
    "towline.yml": "id: stand\nname: stand\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 0s}\n",
    ...files(root),
  });
  ends.push(() => {
    pack.remove();
    rmSync(root, { recursive: true, force: true });
  });
  return pack;
}

async function rows(pack: TestPack, ...names: string[]) {
  const { out, code, said } = await cli(pack.clone, ["fleet", "status", ...names, "--json"], {
    ...process.env,
    CI: "",
    GITHUB_ACTIONS: "",
    KEY: key,
  });
  if (out === "") throw new Error(said);
  return { code, hosts: Object.fromEntries((JSON.parse(out) as HostRow[]).map((row) => [row.host, row])) };
}

test("a machine before and after it is enrolled, and while it works", async () => {
  const pack = made((root) => ({
    "hosts/home.md": local(root),
    "tasks/long.md": md("title: Long\nhosts: home", "sleep 60"),
  }));
  const before = await rows(pack);
  expect(before.code).toBe(1);
  expect(before.hosts.home).toMatchObject({ state: "unenrolled", healthy: false, reachable: true, key: "none" });
  expect(before.hosts.home?.remedy).toBe("towline fleet enroll home");

  expect((await cli(pack.clone, ["fleet", "enroll", "home", "--yes"])).code).toBe(0);
  const after = await rows(pack);
  expect(after.code).toBe(0);
  expect(after.hosts.home).toMatchObject({
    state: "ready",
    healthy: true,
    identity: "ok",
    slots: { total: 1, used: 0 },
  });
  expect(after.hosts.home?.cores).toBeGreaterThan(0);
  expect(after.hosts.home?.disk?.total).toBeGreaterThan(after.hosts.home?.disk?.free ?? 0);

  pack.git("add", "-A");
  pack.git("commit", "-q", "-m", "enrolled");
  pack.git("push", "-q", "origin", "main");
  await cli(pack.clone, ["tick", "--no-site"]);
  const busy = await rows(pack);
  expect(busy.hosts.home).toMatchObject({ state: "busy", healthy: true, slots: { total: 1, used: 1 } });
  expect(busy.hosts.home?.jobs).toMatchObject([{ epoch: 1, state: "running" }]);
  const table = (await cli(pack.clone, ["fleet", "status"])).out;
  expect(table).toMatch(/^ {2}HOST +STATE +ADDRESS/);
  expect(table).toMatch(/\n● home +busy +this machine .* 1\/1 +1 +/);
  expect(table).toContain("1 of 1 take work, 0 slots are free\n");

  pack.push({ "tasks/long.md": md("title: Long\nhosts: home\nstatus: cancelled", "sleep 60") }, "no more");
  await cli(pack.clone, ["tick", "--no-site"]);
  expect((await rows(pack)).hosts.home).toMatchObject({ state: "ready", slots: { used: 0 } });
});

test("who is silent, held back, elsewhere, or there twice; and what to do", async () => {
  const pack = made((root) => ({
    "hosts/away.md": md(
      "address: 127.0.0.1\nport: 1\nkey: env:KEY\nhost_key: SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ),
    "hosts/blind.md": md("address: 127.0.0.1\nport: 1\nkey: env:NO_KEY"),
    "hosts/idle.md": local(`${root}/idle`, "cordon: new disk"),
    "hosts/lan.md": md(
      "address: 127.0.0.1\nport: 1\nnetwork: lan\nkey: env:KEY\nhost_key: SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ),
    "hosts/one.md": local(`${root}/twin`),
    "hosts/other.md": local(`${root}/other`, "identity: 00000000000000000000000000000000"),
    "hosts/out.md": local(`${root}/out`, "off: true"),
    "hosts/two.md": local(`${root}/twin`),
  }));
  await cli(pack.clone, ["fleet", "enroll", "one", "--yes"]);
  const { code, hosts } = await rows(pack);
  expect(code).toBe(1);
  expect(hosts.away).toMatchObject({ state: "down", reachable: false, healthy: false });
  expect(hosts.away?.remedy).toContain("check address and port");
  expect(hosts.blind).toMatchObject({ state: "down", reachable: null, authenticated: null });
  expect(hosts.blind?.why).toContain("NO_KEY");
  expect(hosts.idle).toMatchObject({ state: "cordoned", why: "new disk", healthy: true });
  expect(hosts.lan).toMatchObject({ state: "elsewhere", reachable: false, healthy: true });
  expect(hosts.other).toMatchObject({ state: "unenrolled", identity: "none" });
  expect(hosts.out).toMatchObject({ state: "off", reachable: null, healthy: true });
  expect(hosts.one).toMatchObject({ state: "down", why: "is the same machine as two" });
  expect(hosts.two).toMatchObject({ state: "down", why: "is the same machine as one" });

  const { out } = await cli(pack.clone, ["fleet", "status", "lan", "--json"], { ...process.env, CI: "true", KEY: key });
  expect(JSON.parse(out)).toMatchObject([{ state: "elsewhere", reachable: null, healthy: true }]);

  const some = await rows(pack, "idle", "out");
  expect(some.code).toBe(0);
  expect(Object.keys(some.hosts)).toEqual(["idle", "out"]);
  const wrong = await cli(pack.clone, ["fleet", "status", "idl"]);
  expect(wrong.code).toBe(2);
  expect(wrong.said).toContain("there is no hosts/idl.md\n  did you mean idle?");
});
