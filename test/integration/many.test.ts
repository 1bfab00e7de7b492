// A fleet of two hundred records, fifty of them dead: the dead cost one wave of waiting together, not one each.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { size } from "../chaos/kit/sizes.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, realPack, towline } from "./real.ts";

const count = size(80, 200);
const dead = count / 4;
/** Seconds for a connection; each of the dead that are silent costs as much when asked one after the other. */
const wave = 10;

describe.skipIf(lacksSshd)(`a fleet of ${count}, ${dead} of them dead, ${needs}`, { timeout: 600_000 }, () => {
  let dir: string;
  let up: Machines;
  let silent: Server;
  let pack: TestPack;
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-many-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 2, names: ["bow", "stern"], server: "openssh" });
    silent = createServer((socket) => void sockets.add(socket.on("error", () => {})));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const record = (n: number) => {
      const { user, hostKey, port: open } = up.machines[n % 2] as Machine;
      const at = n >= dead ? open : n % 2 === 0 ? port : 9;
      const login = `user: ${user}\nkey: env:TOWLINE_TEST_KEY\nhost_key: ${hostKey}`;
      return md(`address: 127.0.0.1\nport: ${at}\n${login}\nroot: ~/root-${n}\nlabels: [fleet]`);
    };
    const hosts = Array.from({ length: count }, (_, n) => [`hosts/h${String(n).padStart(3, "0")}.md`, record(n)]);
    pack = realPack(up.machines, Object.fromEntries(hosts), "tick: {patience: 20s}\n", "many");
    pack.push({ "hosts/bow.md": null, "hosts/stern.md": null });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    silent.close();
    await up?.down();
    pack?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  test("a tick that asks all of them does its work on one that lives, in one wave's time", async () => {
    pack.push({ "tasks/any.md": md("title: Any", 'echo any >>"$HOME/marks"; echo fine') });
    const from = performance.now();
    const said = await towline(["tick", "--no-sync", "--no-site", "--repo", pack.clone], keyOf(up.machines), 300_000);
    const seconds = (performance.now() - from) / 1000;
    expect([said.code, said.err.includes("fault of ours")]).toEqual([0, false]);
    expect(pack.file("status/any.md")).toMatch(/^state: done$/m);
    expect(marks(up.machines)).toHaveLength(1);
    const fallen = pack.at("grep", "-h", "-o", "-E", '"kind":"(host|network).down"', "main", "--", "pupdates/").trim();
    expect(fallen.split("\n").length).toBeGreaterThan(0);
    console.log(`a tick over ${count} hosts, ${dead} dead: ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan((wave * dead) / 2 / 2);
  });

  test("`fleet status` lists each of them", async () => {
    const from = performance.now();
    const said = await towline(["fleet", "status", "--json", "--repo", pack.clone], keyOf(up.machines), 300_000);
    const seconds = (performance.now() - from) / 1000;
    const rows = JSON.parse(said.out) as { reachable: boolean }[];
    expect([said.code, rows.length, rows.filter((row) => row.reachable).length]).toEqual([1, count, count - dead]);
    console.log(`fleet status of ${count} hosts, ${dead} dead: ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan((wave * dead) / 2 / 2);
  });
});
