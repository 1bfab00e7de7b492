// Machines that cannot be logged in to, or no longer: nothing starts there, what runs is not started elsewhere, and how a
// connection ended says nothing about a job. Over real SSH, one machine for each way.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { host as hostForm } from "../../src/core/schema.ts";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { findSshd } from "../../src/demo/sshd.ts";
import { createFleet } from "../../src/shell/fleet.ts";
import { size } from "../chaos/kit/sizes.ts";
import { runTicker } from "../chaos/kit/ticker.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, marks, needs, realPack } from "./real.ts";

const rounds = size(2, 20);

describe.skipIf(lacksSshd)(`logins, ${needs}`, { timeout: 400_000 * (rounds / 3) }, () => {
  let dir: string;
  let up: Machines;
  let left: Machine;
  let right: Machine;
  const packs: TestPack[] = [];
  const servers: ChildProcess[] = [];
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-logins-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 2, names: ["left", "right"], server: "openssh" });
    [left, right] = up.machines as [Machine, Machine];
  });
  afterEach(() => {
    for (const { home } of up.machines) rmSync(join(home, "marks"), { force: true });
    for (const pack of packs.splice(0)) pack.remove();
  });
  afterAll(async () => {
    for (const server of servers) server.kill("SIGKILL");
    await up?.down();
    rmSync(dir, { recursive: true, force: true });
  });

  function made(id: string, files: Record<string, string>, patience = 1): TestPack {
    const pack = realPack(up.machines, files, `tick: {patience: ${patience}s}\n`, id);
    packs.push(pack);
    return pack;
  }
  async function tick(pack: TestPack, hours = 0): Promise<void> {
    const now = new Date(Date.now() + hours * 3_600_000).toISOString();
    const plan = { who: "t", repo: pack.clone, log: join(pack.dir, "events"), now, sync: false, site: false };
    expect((await runTicker(plan, keyOf(up.machines))).fault).toBeNull();
  }
  const state = (pack: TestPack, task: string) => /^state: (\w+)$/m.exec(pack.file(`status/${task}.md`))?.[1];
  const mark = (name: string, then = "") => `echo ${name} >>"$HOME/marks"; ${then}`;
  const ran = (name: string) => marks(up.machines).filter((line) => line.split(" ")[0] === name);
  const keysOf = (machine: Machine) => join(dir, "machines", machine.name, "authorized_keys");
  const recordOf = (machine: Machine, more: Record<string, string | number | undefined>) => {
    const { port, user, hostKey } = machine;
    const fields = { address: "127.0.0.1", port, user, key: "env:TOWLINE_TEST_KEY", host_key: hostKey, ...more };
    const lines = Object.entries(fields).filter(([, value]) => value !== undefined);
    return md(lines.map(([name, value]) => `${name}: ${value}`).join("\n"));
  };

  test("an unknown key and a changed one: marked, nothing starts there, the others go on; mended, they work", async () => {
    const tasks = ["unknown", "changed", "right"].map((host) => [
      `tasks/on-${host}.md`,
      md(`title: On ${host}\nhosts: ${host}`, mark(`on-${host}`)),
    ]);
    const pack = made("keys", {
      "hosts/unknown.md": recordOf(left, { host_key: undefined, root: "~/unknown" }),
      "hosts/changed.md": recordOf(left, { host_key: right.hostKey, root: "~/changed" }),
      ...Object.fromEntries(tasks),
    });
    await tick(pack);
    expect(marks(up.machines)).toEqual(["on-right right"]);
    expect(state(pack, "on-right")).toBe("done");
    const said = pack.file("OVERVIEW.md");
    for (const [host, words] of [
      ["unknown", /pins no key/],
      ["changed", /is pinned in hosts\/changed\.md/],
    ] as const) {
      expect(state(pack, `on-${host}`)).toBe("queued");
      expect(pack.file(`status/on-${host}.md`)).toMatch(words);
      expect(said).toContain(host);
      expect(pack.at("grep", "-h", `"host.down".*"${host}"`, "main", "--", "pupdates/")).not.toBe("");
    }
    pack.push({
      "hosts/unknown.md": recordOf(left, { root: "~/unknown" }),
      "hosts/changed.md": recordOf(left, { root: "~/changed" }),
    });
    await tick(pack, 1);
    expect(marks(up.machines).sort()).toEqual(["on-changed left", "on-right right", "on-unknown left"]);
  });

  test(`a key that is revoked: work goes elsewhere only if it never started, × ${rounds}`, async () => {
    const key = readFileSync(keysOf(left), "utf8");
    for (let round = 0; round < rounds; round++) {
      const go = join(left.home, `go-${round}`);
      const long = mark(`long-${round}`, `while [ ! -e "${go}" ]; do sleep 0.05; done; echo answer`);
      const pack = made(`revoked-${round}`, { "tasks/long.md": md("title: Long\nhosts: [left, right]", long) });
      pack.push({ "hosts/right.md": recordOf(right, { cordon: "not yet" }) });
      await tick(pack);
      expect(state(pack, "long")).toBe("running");
      writeFileSync(keysOf(left), "");
      pack.push({
        "hosts/right.md": recordOf(right, {}),
        "tasks/short.md": md("title: Short\nhosts: [left, right]", mark(`short-${round}`)),
        "tasks/there.md": md("title: There\nhosts: left", mark(`there-${round}`)),
      });
      for (const hour of [1, 2]) await tick(pack, hour);
      writeFileSync(keysOf(left), key);
      expect(ran(`short-${round}`)).toEqual([`short-${round} right`]);
      expect(ran(`there-${round}`)).toEqual([]);
      expect(pack.file("status/there.md")).toContain("the key is not accepted");
      expect(pack.at("grep", "-h", "state: unknown", "main", "--", "jobs/")).not.toBe("");
      writeFileSync(go, "");
      await delay(300);
      await tick(pack, 3);
      await tick(pack, 4);
      expect([state(pack, "long"), state(pack, "there")]).toEqual(["done", "done"]);
      expect([ran(`long-${round}`), ran(`there-${round}`)]).toEqual([[`long-${round} left`], [`there-${round} left`]]);
    }
  });

  /** The same machine behind another server of its own, with these lines instead. Answers its port and what it logs. */
  async function another(machine: Machine, lines: Record<string, string>) {
    const base = readFileSync(join(dir, "machines", machine.name, "sshd_config"), "utf8");
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const changed = Object.entries({ ListenAddress: `127.0.0.1:${port}`, ...lines });
    const kept = base.split("\n").filter((line) => !changed.some(([name]) => line.startsWith(`${name} `)));
    const file = join(dir, `sshd-${port}`);
    writeFileSync(file, [...changed.map(([name, value]) => `${name} ${value}`), ...kept].join("\n"));
    const server = spawn(findSshd() as string, ["-D", "-e", "-f", file], { stdio: ["ignore", "ignore", "pipe"] });
    servers.push(server);
    let log = "";
    server.stderr?.setEncoding("utf8").on("data", (text) => {
      log += text;
    });
    for (let tries = 0; !log.includes("listening"); tries++) {
      if (tries > 200) throw new Error(`sshd does not start: ${log}`);
      await delay(50);
    }
    return { port, log: () => log };
  }

  test(`a server that takes two logins at a time: sixteen at once all get in, × ${rounds}`, async () => {
    const { port, log } = await another(left, { MaxStartups: "2:100:2", LogLevel: "VERBOSE" });
    const { user, hostKey } = left;
    const record = hostForm.parse({
      address: "127.0.0.1",
      port: String(port),
      user,
      host_key: hostKey,
      key: "env:TOWLINE_TEST_KEY",
      slots: "9",
    });
    const fleet = createFleet({ env: keyOf(up.machines), home: dir });
    for (let round = 0; round < rounds; round++) {
      const many = await Promise.all(Array.from({ length: 16 }, () => fleet.open("left", record, "crowd")));
      expect(new Set(many.map((session) => session.facts.identity)).size).toBe(1);
      for (const session of many) session.close();
    }
    expect(log()).toMatch(/drop connection .*MaxStartups|past MaxStartups/);
  });

  test("a tick logs in once to a machine, however much it has to do there", async () => {
    const { port, log } = await another(left, { MaxStartups: "2:100:2" });
    const tasks = Array.from({ length: 6 }, (_, i) => [`tasks/t${i}.md`, md(`title: T${i}`, mark(`t${i}`))]);
    const pack = made("once", Object.fromEntries(tasks), 5);
    pack.push({ "hosts/right.md": null, "hosts/left.md": recordOf(left, { port, slots: 8 }) });
    await tick(pack);
    expect(marks(up.machines)).toHaveLength(6);
    expect(log().match(/Accepted publickey/g)).toHaveLength(1);
  });

  /** Processes on a machine whose command line says so. */
  const processes = (machine: Machine, words: RegExp) =>
    readdirSync("/proc").flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
        const there = readFileSync(`/proc/${pid}/environ`, "latin1").includes(`HOME=${machine.home}`);
        return there && words.test(line) ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
  const parentOf = (pid: number) => Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

  test(`255 means nothing: a session, a host program or an agent that ends with it, × ${rounds}`, async () => {
    const end = async (machine: Machine, what: "session" | "program", round: number) => {
      const id = `${what}-${round}`;
      const go = join(machine.home, `go-${id}`);
      const script = mark(id, `while [ ! -e "${go}" ]; do sleep 0.05; done; echo answer; exit 255`);
      const pack = made(id, { "tasks/long.md": md(`title: Long\nhosts: ${machine.name}`, script) }, 20);
      const during = tick(pack);
      for (let tries = 0; ran(id).length === 0 && tries < 600; tries++) await delay(20);
      const [serving] = processes(machine, /\/bin\/[0-9a-f]{64} serve $/);
      expect(serving).toBeDefined();
      process.kill(what === "program" ? (serving as number) : parentOf(serving as number), "SIGKILL");
      await during;
      expect(["running", "queued"]).toContain(state(pack, "long"));
      await tick(pack, 1);
      expect(state(pack, "long")).toBe("running");
      writeFileSync(go, "");
      await delay(300);
      await tick(pack, 2);
      expect(state(pack, "long")).toBe("failed");
      expect(pack.file("status/long.md")).toMatch(/^reason: .*exit 255/m);
      expect(ran(id)).toHaveLength(1);
    };
    for (let round = 0; round < rounds; round++)
      await Promise.all([end(left, "session", round), end(right, "program", round)]);
  });
});
