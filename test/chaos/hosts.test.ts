// Machines that refuse, fall silent, freeze, lose their cable or restart, before a job starts and while it runs: calls end
// in time, no job starts twice, and what ran is collected when the machine is back.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { md, type TestPack } from "../fakes/pack.ts";
import { tickerFile } from "./kit/crew.ts";
import { type Lab, type LabMachine, lacksLab, needsLab, raiseLab } from "./kit/lab.ts";
import { keyEnv, labPack, marked, marksOf } from "./kit/pack.ts";
import { share, size, tell, watchProgress } from "./kit/sizes.ts";
import type { TickerPlan } from "./kit/ticker.ts";
import type { Event } from "./kit/watch.ts";

interface Trouble {
  name: string;
  begin(machine: LabMachine): void | Promise<void>;
  end(machine: LabMachine): void | Promise<void>;
}

const drop = ["iptables", "-I", "INPUT", "-j", "DROP"];
const reset = ["iptables", "-I", "INPUT", "-p", "tcp", "--dport", "22", "-j", "REJECT", "--reject-with", "tcp-reset"];
const flush = (machine: LabMachine) => machine.net("iptables", "-F");
const signal = (name: NodeJS.Signals) => (machine: LabMachine) => {
  for (const pid of machine.pids()) process.kill(pid, name);
};

const troubles: Trouble[] = [
  { name: "silent (D5, D6)", begin: (machine) => machine.net(...drop), end: flush },
  { name: "refusing (D4)", begin: (machine) => machine.net(...reset), end: flush },
  {
    name: "unplugged (D6)",
    begin: (machine) => machine.net("ip", "link", "set", "eth0", "down"),
    end: (machine) => machine.net("ip", "link", "set", "eth0", "up"),
  },
  { name: "frozen (D5)", begin: signal("SIGSTOP"), end: signal("SIGCONT") },
  { name: "restarted (D13)", begin: (machine) => machine.crash(), end: (machine) => machine.boot() },
];
const repeats = share(size(1, 20));
/** Seconds: a connection must stand within 10, a silent one is given up after 12 to 30; 5 more are allowed. */
const longest = { open: 15, other: 35 };

describe.skipIf(lacksLab)(`machines in trouble, ${needsLab}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await raiseLab(troubles.length * 2);
  });
  afterAll(() => lab?.down());

  const ticking = (pack: TestPack, hours: number) =>
    new Promise<void>((resolve, reject) => {
      const now = new Date(Date.now() + hours * 3_600_000).toISOString();
      const plan: TickerPlan = {
        who: "t",
        repo: pack.clone,
        log: join(pack.dir, "events"),
        now,
        sync: false,
        site: false,
      };
      const child = lab.spawn(process.execPath, [tickerFile, JSON.stringify(plan)], {
        env: { ...process.env, ...keyEnv(lab), NODE_COMPILE_CACHE: join(lab.dir, "compiled") },
        stdio: ["ignore", "ignore", "inherit"],
      });
      child.once("error", reject);
      child.once("exit", () => resolve());
    });

  const told: Event[] = [];
  const stateOf = (pack: TestPack, id: string) => /^state: (\w+)$/m.exec(pack.file(`status/${id}.md`))?.[1];

  async function live(machine: LabMachine, trouble: Trouble, when: "before" | "while", round: number) {
    const id = `${machine.name}-${round}`;
    const settings = "tick: {patience: 20s}\n";
    const pack = labPack({ id, machines: [machine], settings }, { [`tasks/${id}.md`]: marked(id, "sleep 2; ") });
    try {
      if (when === "before") {
        await trouble.begin(machine);
        await ticking(pack, 0);
        expect(marksOf([machine]).get(id) ?? 0).toBe(0);
      } else {
        const tick = ticking(pack, 0);
        for (let tries = 0; tries < 600 && !marksOf([machine]).has(id); tries++)
          await new Promise((resolve) => setTimeout(resolve, 50));
        await trouble.begin(machine);
        await tick;
      }
      await trouble.end(machine);
      await ticking(pack, 1);
      await ticking(pack, 2);
      return { trouble: trouble.name, when, ran: marksOf([machine]).get(id), state: stateOf(pack, id) };
    } finally {
      const lines = readFileSync(join(pack.dir, "events"), "utf8").split("\n").filter(Boolean);
      told.push(...lines.map((line) => JSON.parse(line) as Event));
      pack.remove();
    }
  }

  test(
    `each trouble before and while a job runs, × ${repeats}`,
    async () => {
      const from = performance.now();
      const plan = troubles.flatMap((trouble) => (["before", "while"] as const).map((when) => ({ trouble, when })));
      let lived = 0;
      const end = watchProgress("hosts", () => ({ rounds: lived, seconds: (performance.now() - from) / 1000 }));
      const lives = await Promise.all(
        plan.map(async ({ trouble, when }, index) => {
          const machine = lab.machines[index] as LabMachine;
          const found = [];
          for (let round = 0; round < repeats; round++, lived++) found.push(await live(machine, trouble, when, round));
          return found;
        }),
      ).finally(end);
      const calls = told.filter((one) => one.op === "call");
      const seconds = (verb: RegExp) =>
        Math.max(0, ...calls.filter((one) => verb.test(one.verb)).map((one) => (one.to - one.from) / 1e6));
      const all = lives.flat();
      tell("hosts", {
        troubles: plan.length,
        rounds: all.length,
        calls: calls.length,
        "seconds of the longest connect": seconds(/^open$/),
        "seconds of the longest call": seconds(/^(?!open|wait)/),
        twice: all.filter((one) => (one.ran ?? 0) > 1).length,
        lost: all.filter((one) => one.ran === undefined).length,
        seconds: (performance.now() - from) / 1000,
      });
      // A machine that restarted under a job has lost it: it is said to be lost, and never started again by itself.
      expect(all).toEqual(
        all.map((one) => ({
          ...one,
          ran: 1,
          state: one.when === "while" && one.trouble.startsWith("restarted") ? "lost" : "done",
        })),
      );
      expect(seconds(/^open$/)).toBeLessThan(longest.open);
      expect(seconds(/^(?!open)/)).toBeLessThan(longest.other);
      expect(told.flatMap((one) => (one.op === "failed" ? [one.why] : []))).toEqual([]);
    },
    size(600_000, 4_000_000),
  );

  test("what ran into its limit is gone ten seconds later: agents that ignore TERM, leave their group, hold the output", async () => {
    const machine = lab.machines[0] as LabMachine;
    const left = () =>
      machine.pids().filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("4242");
        } catch {
          return false; // it has just ended
        }
      });
    const stubborn = {
      ignores: "trap '' TERM; while :; do sleep 4242; done",
      forks: "setsid sh -c 'sleep 4242' & sleep 4242 & sleep 4242",
      holds: "trap '' TERM HUP INT; (setsid sh -c \"trap '' TERM; sleep 4242\" &) ; sleep 4242",
    };
    const files = Object.fromEntries(
      Object.entries(stubborn).map(([id, script]) => [`tasks/${id}.md`, md(`title: ${id}\ntimeout: 2s`, script)]),
    );
    const pack = labPack({ id: "stubborn", machines: [machine], settings: "tick: {patience: 20s}\n" }, files);
    try {
      const from = performance.now();
      let started = 0;
      const tick = ticking(pack, 0);
      while (started === 0 && performance.now() - from < 60_000) {
        started = left().length;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(started).toBeGreaterThan(0);
      const limit = performance.now() + 2000 + 10_000;
      while (performance.now() < limit && left().length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
      expect(left()).toEqual([]);
      await tick;
      for (const id of Object.keys(stubborn))
        expect([id, pack.at("grep", "-h", "-o", "state: timeout", "main", "--", `jobs/*/${id}-*`).trim()]).toEqual([
          id,
          "state: timeout",
        ]);
      tell("limits", { jobs: 3, "left alive": left().length, seconds: (performance.now() - from) / 1000 });
    } finally {
      pack.remove();
    }
  }, 200_000);
});
