// SIGKILL at every named step of a tick and of the host program: two clean ticks later all is as if nothing had happened.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CrashPoint } from "./kit/crash.ts";
import { type Lab, lacksLab, needsLab, raiseLab } from "./kit/lab.ts";
import { keyEnv } from "./kit/pack.ts";
import { long, random, size, tell } from "./kit/sizes.ts";
import { allPoints, type Round, type SweepPlan } from "./kit/sweep.ts";

const repeats = size(2, 100);
const sweeps = 3;
/** What building the site costs buys nothing here: fewer of those. */
const rare = /^publish/;
/** Where the supervisor itself dies over its run, nobody can know what the agent did: it is never started again. */
const may_be_lost = new Set(["host.agent", "host.end", "host.supervisor"]);

interface Told {
  rounds: Round[];
  anomalies: string[];
  fsck: string;
}

describe.skipIf(lacksLab)(`a kill at every step, ${needsLab}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await raiseLab(sweeps * 2);
  });
  afterAll(() => lab?.down());

  const run = (number: number, points: CrashPoint[]) =>
    new Promise<Told>((resolve, reject) => {
      const machines = lab.machines.slice(number * 2, number * 2 + 2);
      const plan: SweepPlan = { name: `sweep${number}`, points, machines, pause: 20 };
      const child = lab.spawn(process.execPath, [join(import.meta.dirname, "kit", "sweep.ts"), JSON.stringify(plan)], {
        env: { ...process.env, ...keyEnv(lab), NODE_COMPILE_CACHE: join(lab.dir, "compiled") },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let out = "";
      child.stdout?.setEncoding("utf8").on("data", (text) => {
        out += text;
      });
      child.once("error", reject);
      child.once("close", (code) => {
        const lines = out
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line));
        const last = lines.pop() as Omit<Told, "rounds">;
        if (code === 0) resolve({ ...last, rounds: lines as Round[] });
        else reject(new Error(`the sweep ended with ${code}: ${out.slice(-500)}`));
      });
    });

  test(
    `every step × ${repeats}: recovered within two ticks, nothing twice, nothing lost`,
    async () => {
      const from = performance.now();
      const roll = random(long ? Date.now() : 11);
      const all = allPoints()
        .flatMap((point) =>
          Array.from({ length: rare.test(point.step) ? Math.ceil(repeats / 4) : repeats }, () => point),
        )
        .map((point) => [roll(), point] as const)
        .sort(([a], [b]) => a - b)
        .map(([, point]) => point);
      const told = await Promise.all(
        Array.from({ length: sweeps }, (_, n) =>
          run(
            n,
            all.filter((_, index) => index % sweeps === n),
          ),
        ),
      );
      const rounds = told.flatMap((one) => one.rounds);
      const missed = [...Map.groupBy(rounds, (one) => `${one.step}#${one.nth}`)].filter(([, list]) =>
        list.every((one) => !one.killed),
      );
      tell("steps", {
        steps: new Set(rounds.map((one) => `${one.step}#${one.nth}`)).size,
        kills: rounds.filter((one) => one.killed).length,
        rounds: rounds.length,
        "needed two ticks": rounds.filter((one) => one.ticks === 2).length,
        twice: rounds.flatMap((one) => one.twice).length,
        lost: rounds.filter((one) => one.ticks > 2).length,
        "held for a person": rounds.flatMap((one) => one.other).length,
        seconds: (performance.now() - from) / 1000,
      });
      expect(rounds.filter((one) => one.twice.length > 0)).toEqual([]);
      expect(rounds.filter((one) => one.ticks > 2)).toEqual([]);
      expect(rounds.filter((one) => one.faults.length > 0)).toEqual([]);
      expect(rounds.filter((one) => one.never.length + one.other.length > 0 && !may_be_lost.has(one.step))).toEqual([]);
      expect(lab.machines.filter(({ home }) => existsSync(join(home, "survived")))).toEqual([]);
      expect(missed.map(([step]) => step)).toEqual([]);
      expect(told.flatMap((one) => one.anomalies)).toEqual([]);
      expect(told.map((one) => one.fsck).join("")).toBe("");
    },
    size(900_000, 5_000_000),
  );
});
