// A fleet of two hundred records, fifty of them dead: the dead cost one wave of waiting together, not one each.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, realPack, towline } from "./real.ts";

const count = 200;
const dead = 50;
/** Seconds for a connection; each of the dead that are silent costs as much when asked one after the other. */
const wave = 10;
const name = (n: number) => `h${String(n).padStart(3, "0")}`;

/** A listener that is stopped with no room for who waits: of those who knock, all but the first few get no answer at all. */
async function deaf(): Promise<{ port: number; process: ChildProcess }> {
  const script =
    'require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () { console.log(this.address().port) })';
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  const [said] = await once(child.stdout, "data");
  child.kill("SIGSTOP");
  return { port: Number(String(said)), process: child };
}

describe.skipIf(lacksSshd)(`a fleet of ${count}, ${dead} of them dead, ${needs}`, { timeout: 600_000 }, () => {
  let dir: string;
  let up: Machines;
  let silent: Server;
  let reset: Server;
  let mute: Awaited<ReturnType<typeof deaf>>;
  let pack: TestPack;
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-many-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 2, names: ["bow", "stern"], server: "openssh" });
    silent = createServer((socket) => void sockets.add(socket.on("error", () => {})));
    reset = createServer((socket) => void socket.on("error", () => {}).resetAndDestroy());
    for (const server of [silent, reset])
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    mute = await deaf();
    const portOf = (server: Server) => (server.address() as { port: number }).port;
    // Frozen, dropped, reset, and nobody there at all.
    const ports = [portOf(silent), mute.port, portOf(reset), 9];
    const record = (n: number) => {
      const { user, hostKey, port: open } = up.machines[n % 2] as Machine;
      const at = n >= dead ? open : ports[n % 4];
      const login = `user: ${user}\nkey: env:TOWLINE_TEST_KEY\nhost_key: ${hostKey}`;
      return md(`address: 127.0.0.1\nport: ${at}\n${login}\nroot: ~/root-${n}\nlabels: [fleet]`);
    };
    const hosts = Array.from({ length: count }, (_, n) => [`hosts/${name(n)}.md`, record(n)]);
    pack = realPack(up.machines, Object.fromEntries(hosts), "tick: {patience: 20s}\n", "many");
    pack.push({ "hosts/bow.md": null, "hosts/stern.md": null });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    silent?.close();
    reset?.close();
    mute?.process.kill("SIGKILL");
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

  test("`fleet status` lists each of them, in one wave more than it takes for those that live", async () => {
    const status = async (...names: string[]) => {
      const from = performance.now();
      const said = await towline(
        ["fleet", "status", ...names, "--json", "--repo", pack.clone],
        keyOf(up.machines),
        300_000,
      );
      return {
        code: said.code,
        rows: JSON.parse(said.out) as { reachable: boolean }[],
        took: performance.now() - from,
      };
    };
    const all = await status();
    expect([all.code, all.rows.length, all.rows.filter((row) => row.reachable).length]).toEqual([
      1,
      count,
      count - dead,
    ]);
    const living = await status(...Array.from({ length: count - dead }, (_, n) => name(dead + n)));
    expect(living.rows.filter((row) => row.reachable).length).toBe(count - dead);
    const [seconds, healthy] = [all.took / 1000, living.took / 1000];
    console.log(
      `fleet status of ${count} hosts, ${dead} dead: ${seconds.toFixed(1)} s; of the ${count - dead} that live: ${healthy.toFixed(1)} s`,
    );
    expect(seconds - healthy).toBeLessThan(5 * wave);
  });
});
