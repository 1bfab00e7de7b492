// Pushes whose answer is lost, garbled or late, and pushes that land after their ticker gave up: no ticker believes wrongly.
import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Fault } from "../../src/errors.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { noSecrets } from "../../src/shell/secrets.ts";
import type { TickPorts } from "../../src/shell/tick-run.ts";
import { tick } from "../../src/tick.ts";
import { quiet } from "../../src/wire.ts";
import { fakeFleet, machine, type Script } from "../fakes/fleet.ts";
import { basics, md, testPack } from "../fakes/pack.ts";
import { anomalies, historyOf } from "./kit/history.ts";
import { raiseProxy, type TcpProxy } from "./kit/proxy.ts";
import { onPush, pushFaults } from "./kit/push-faults.ts";
import { random, shard, share, size, tell, watchProgress } from "./kit/sizes.ts";
import { around, type Event } from "./kit/watch.ts";

const wanted = share(size(100, 2000));
const tickers = 3;
const settings =
  "id: unknown\nname: unknown\nzone: UTC\ndefaults: {agent: deckhand}\ntick: {patience: 1s, wall: 1s, max_starts: 1000000}\n";
const say: Script = (job) => ({ stdout: `said-${job}\n`, at: new Date().toISOString() });

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

/** git's own server for this folder of repositories; it takes pushes. */
async function daemon(dir: string): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort();
  const args = [
    "daemon",
    `--port=${port}`,
    "--listen=127.0.0.1",
    "--reuseaddr",
    "--export-all",
    "--enable=receive-pack",
  ];
  const child = spawn("git", [...args, "--informative-errors", `--base-path=${dir}`, dir], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  for (let tries = 0; tries < 200; tries++) {
    if (await listens(port)) return { port, child };
    await delay(25);
  }
  throw new Error(`git daemon does not answer: ${said}`);
}

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const end = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });

/** The work is left to the next tick: an outage, or too many lost pushes. Anything else is a fault of ours. */
function giveWay(thrown: unknown): void {
  if (!(thrown instanceof Fault)) throw thrown;
}

test(
  `${wanted} pushes without a known outcome: nobody believes what is not so`,
  async () => {
    const from = performance.now();
    const roll = random(3 + shard.index);
    const machines = { ann: machine({ slots: 1000 }), bob: machine({ slots: 1000 }) };
    const pack = testPack({ ...basics(["ann", "bob"]), "towline.yml": settings });
    const server = await daemon(pack.dir);
    const events: Event[] = [];
    const counts = Object.fromEntries(pushFaults.map((name) => [name, 0]));
    const proxies: TcpProxy[] = [];
    const started = () => [...machines.ann.journal, ...machines.bob.journal].map((key) => key.split("/")[0] as string);
    let calm = false;
    const unknowns = () => events.filter((one) => one.op === "push" && one.state === "unknown").length;
    try {
      const clones = await Promise.all(
        Array.from({ length: tickers }, async (_, n) => {
          const proxy = await raiseProxy({ host: "127.0.0.1", port: server.port }, () =>
            onPush(
              () => (calm || roll() < 0.1 ? null : (pushFaults[Math.floor(roll() * pushFaults.length)] ?? null)),
              roll,
              ({ fault }) => {
                counts[fault] = (counts[fault] ?? 0) + 1;
              },
            ),
          );
          proxies.push(proxy);
          const clone = join(pack.dir, `t${n}`);
          pack.git("clone", "-q", pack.origin, clone);
          pack.git("-C", clone, "remote", "set-url", "origin", `git://127.0.0.1:${proxy.port}/origin.git`);
          return clone;
        }),
      );
      const one = async (who: string, dir: string) => {
        const clock = systemClock();
        const { repo, tips } = await openOrigin(dir, { env: process.env, clock, secrets: noSecrets });
        const watched = around({ who, log: (event) => events.push(event), at() {}, fleet: fakeFleet(machines, say) });
        const screen: TickPorts["screen"] = async (result, runtime) => ({ result, outcome: runtime.outcome(result) });
        const none = {
          screen,
          secret: () => undefined,
          connect: () => undefined as never,
          after: [],
          pollers: () => [],
          report: quiet,
        };
        await tick(watched({ repo, clock, runtimes, ...none }), { tips });
      };
      let number = 0;
      const ids: string[] = [];
      const feed = (count: number) => {
        const fresh = Array.from({ length: count }, () => `u${number++}`);
        ids.push(...fresh);
        pack.push(Object.fromEntries(fresh.map((id) => [`tasks/${id}.md`, md(`title: ${id}`, "x")])));
      };
      feed(6);
      const until = performance.now() + size(400_000, 3_600_000);
      const end = watchProgress("unknown", () => ({
        unknown: unknowns(),
        pushes: events.filter((event) => event.op === "push").length,
        seconds: (performance.now() - from) / 1000,
      }));
      const work = clones.map(async (dir, n) => {
        while (unknowns() < wanted && performance.now() < until) await one(`t${n}`, dir).catch(giveWay);
      });
      const feeding = (async () => {
        for (; unknowns() < wanted && performance.now() < until; await delay(50))
          if (started().length > ids.length - 3) feed(3);
      })();
      await Promise.all([...work, feeding]).finally(end);
      calm = true;
      await delay(1500); // what lands late has landed; claims of nobody are over their time
      for (let more = 0; more < 6; more++) {
        await one("last", clones[0] as string);
        await delay(300);
      }
      const history = historyOf(pack);
      const ran = started();
      const landed = events.filter(
        (event) =>
          event.op === "push" && event.state === "unknown" && history.some((write) => write.commit === event.commit),
      );
      const states = ids.map((id) => /^state: (\w+)$/m.exec(pack.file(`status/${id}.md`))?.[1]);
      const wrong = anomalies(history, events);
      tell("unknown", {
        unknown: unknowns(),
        "of them landed": landed.length,
        pushes: events.filter((event) => event.op === "push").length,
        ...counts,
        jobs: ids.length,
        twice: ran.length - new Set(ran).size,
        lost: states.filter((state) => state !== "done").length,
        "wrong beliefs": wrong.length,
        seconds: (performance.now() - from) / 1000,
      });
      expect(wrong).toEqual([]);
      expect(ran.length).toBe(new Set(ran).size);
      expect(new Set(states)).toEqual(new Set(["done"]));
      expect(ran.length).toBe(ids.length);
      expect(unknowns()).toBeGreaterThanOrEqual(wanted);
      expect(landed.length).toBeGreaterThan(0);
      expect(landed.length).toBeLessThan(unknowns());
      expect(pack.at("fsck", "--strict", "--no-dangling")).toBe("");
    } finally {
      for (const proxy of proxies) await proxy.close();
      if (server.child.pid !== undefined) process.kill(-server.child.pid, "SIGKILL");
      pack.remove();
    }
  },
  size(500_000, 4_000_000),
);
