// `towline watch` as a service, and with the dashboard: written below a folder, no systemd needed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { placeOf } from "../../src/verbs/watch-serve.ts";
import { cli } from "../fakes/cli.ts";
import { basics, md, type TestPack, testPack } from "../fakes/pack.ts";

let p: TestPack;
let root: string;
const unit = () => join(root, "etc/systemd/system/towline-test-pack.service");

beforeAll(() => {
  p = testPack({
    ...basics([]),
    "hosts/far.md": md("address: far.example.org\nuser: towline"),
    "hosts/near.md": md("address: 127.0.0.1\nuser: worker"),
  });
  root = join(p.dir, "root");
  mkdirSync(join(root, "etc"), { recursive: true });
  mkdirSync(join(root, "home/agents/.towline"), { recursive: true });
  const line = (name: string, uid: number) => `${name}:x:${uid}:${uid}::/home/${name}:/bin/sh\n`;
  writeFileSync(
    join(root, "etc/passwd"),
    `root:x:0:0::/root:/bin/sh\n${line("towline", 990)}${line("worker", 1000)}${line("agents", 1001)}`,
  );
});
afterAll(() => p?.remove());

const install = (...more: string[]) => cli(p.clone, ["watch", "--install", "--root", root, ...more]);

test("a dry run prints the unit and writes nothing; then it is written, with what is left to do", async () => {
  const dry = await install("--dry-run", "--every", "90s");
  expect([dry.code, existsSync(unit())]).toEqual([0, false]);
  expect(dry.out).toMatch(/^User=towline$/m);
  expect(dry.out).toMatch(/^ExecStart=\/\S+ \/\S+\/bin\/towline watch --repo \/\S+\/clone --every 90s$/m);
  const done = await install("--serve", "192.168.1.5");
  expect([done.code, done.out]).toEqual([
    0,
    expect.stringContaining("systemctl enable --now towline-test-pack.service"),
  ]);
  expect(readFileSync(unit(), "utf8")).toMatch(/--every 5m --serve 192\.168\.1\.5:4400$/m);
});

test.each([
  ["root", 3, "must not run as root"],
  ["worker", 3, "agents of hosts/near.md run as worker"],
  ["agents", 3, "agents run as agents"],
  ["nobody-here", 2, "there is no user nobody-here"],
])("the user %s is refused, and nothing is written", async (user, code, why) => {
  const before = existsSync(unit()) && readFileSync(unit(), "utf8");
  const said = await install("--user", user);
  expect([said.code, said.said]).toEqual([code, expect.stringContaining(why)]);
  expect(existsSync(unit()) && readFileSync(unit(), "utf8")).toBe(before);
});

test("a private dashboard is served over plain http on this machine only", async () => {
  const watch = (address: string) => cli(p.clone, ["watch", "--ticks", "1", "--no-lead", "--serve", address]);
  const none = await watch("127.0.0.1:0");
  expect([none.code, none.said]).toEqual([3, expect.stringContaining("has no `site`")]);
  p.push({ "towline.yml": `${p.file("towline.yml")}site: {private: true}\n` });
  const open = await watch("0.0.0.0:0");
  expect([open.code, open.said]).toEqual([3, expect.stringContaining("not served over plain http on 0.0.0.0")]);
  const near = await watch("127.0.0.1:0");
  expect([near.code, near.said]).toEqual([0, expect.stringMatching(/The dashboard is at http:\/\/127\.0\.0\.1:\d+\//)]);
});

test("addresses to serve on", () => {
  expect([placeOf(true), placeOf("8080"), placeOf("[::1]:80"), placeOf("localhost")]).toEqual([
    { host: "127.0.0.1", port: 4400 },
    { host: "127.0.0.1", port: 8080 },
    { host: "::1", port: 80 },
    { host: "localhost", port: 4400 },
  ]);
  for (const bad of ["", "example.org", "1.2.3.4:99999", "a b"]) expect(() => placeOf(bad)).toThrow("is no address");
});
