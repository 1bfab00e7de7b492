// SIGKILL at every named step of a tick, of the host program and of the database's batch: after at most two clean ticks
// all is as if nothing had happened.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limiter } from "../../src/shell/pool.ts";
import { needs_sqld, no_sqld } from "../store/sqld.ts";
import { bundleTicker, compiled } from "./kit/bundle.ts";
import type { CrashPoint } from "./kit/crash.ts";
import { type Lab, type LabMachine, lacksLab, needsLab, raiseLab } from "./kit/lab.ts";
import { keyEnv } from "./kit/pack.ts";
import { chainsOf, databasePoints, hostPoints, nameOf, parts, sitePoints, tickPoints } from "./kit/points.ts";
import { long, ofShard, random, size, tell, watchProgress } from "./kit/sizes.ts";
import type { Kill, Round, SweepPlan, Whole } from "./kit/sweep.ts";

const repeats = size(1, 100);
const siteRepeats = size(1, 15);
/** Tickers that are killed one after another before the clean ticks. */
const chained = 5;
/** Sweeps at a time, and machines for each. */
const lanes = 3;
const machinesEach = 4;

interface Part {
  kind: SweepPlan["kind"];
  machines: number;
  chains: CrashPoint[][];
}

function allParts(): Part[] {
  const roll = random(long ? 12 : 11);
  const chains = (points: CrashPoint[], times: number, length: number) => chainsOf(points, times, length, roll);
  return [
    ...parts(chains(hostPoints(), repeats, machinesEach), 100).map(
      (list): Part => ({ kind: "host", machines: machinesEach, chains: list }),
    ),
    ...parts(chains(databasePoints, repeats, 3), 25).map(
      (list): Part => ({ kind: "database", machines: 1, chains: list }),
    ),
    ...parts(chains(sitePoints, siteRepeats, 1), 10).map((list): Part => ({ kind: "site", machines: 1, chains: list })),
    // Every fourth part is about tickers with two machines and two jobs each.
    ...parts(chains(tickPoints, repeats, chained), 60).map(
      (list, at): Part => ({ kind: "tick", machines: at % 4 === 3 ? 2 : 1, chains: list }),
    ),
  ];
}

describe.skipIf(lacksLab)(`a kill at every step, ${needsLab}`, () => {
  let lab: Lab;
  let ticker: string;
  const free: LabMachine[][] = [];
  const lane = limiter(lanes);
  beforeAll(async () => {
    lab = await raiseLab(lanes * machinesEach);
    for (let n = 0; n < lanes; n++) free.push(lab.machines.slice(n * machinesEach, (n + 1) * machinesEach));
    ticker = await bundleTicker(lab.dir);
  });
  afterAll(() => lab?.down());

  const sweep = (plan: SweepPlan, heard: (round: Round) => void) =>
    new Promise<Whole>((resolve, reject) => {
      const child = lab.spawn(process.execPath, [join(import.meta.dirname, "kit", "sweep.ts"), JSON.stringify(plan)], {
        env: { ...process.env, ...keyEnv(lab), ...compiled(lab.dir) },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let open = "";
      let whole: Whole | undefined;
      child.stdout?.setEncoding("utf8").on("data", (text) => {
        const lines = (open + text).split("\n");
        open = lines.pop() ?? "";
        for (const line of lines.map((one) => JSON.parse(one) as Round | Whole))
          if ("fsck" in line) whole = line;
          else heard(line);
      });
      child.once("error", reject);
      child.once("close", (code) =>
        whole ? resolve(whole) : reject(new Error(`the sweep ${plan.name} ended with ${code}`)),
      );
    });

  const run = (part: Part, number: number, heard: (round: Round) => void) =>
    lane(async () => {
      const machines = free.pop() as LabMachine[];
      const { kind, chains } = part;
      const name = `${kind}${number}`;
      try {
        return await sweep(
          { name, kind, chains, machines: machines.slice(0, part.machines), ticker, pause: 20 },
          heard,
        );
      } finally {
        free.push(machines);
      }
    });

  async function runAll(scenario: string, list: Part[]): Promise<void> {
    const from = performance.now();
    const rounds: Round[] = [];
    const numbers = () => numbersOf(rounds, (performance.now() - from) / 1000);
    const end = watchProgress(scenario, numbers);
    const wholes = await Promise.all(list.map((part, at) => run(part, at, (round) => rounds.push(round)))).finally(end);
    tell(scenario, numbers());
    const planned = Map.groupBy(
      list.flatMap(({ chains }) => chains.flat()),
      nameOf,
    );
    const done = Map.groupBy(killsOf(rounds), nameOf);
    expect(rounds.filter((one) => one.twice.length > 0)).toEqual([]);
    expect(rounds.filter((one) => one.ticks > 2)).toEqual([]);
    expect(rounds.filter((one) => one.astray.length > 0)).toEqual([]);
    expect(rounds.filter((one) => one.faults.length > 0)).toEqual([]);
    expect(lab.machines.filter(({ home }) => existsSync(join(home, "survived")))).toEqual([]);
    expect([...planned].filter(([name, { length }]) => (done.get(name)?.length ?? 0) < length)).toEqual([]);
    expect(wholes.flatMap(({ anomalies, faults }) => [...anomalies, ...faults])).toEqual([]);
    expect(wholes.map(({ fsck }) => fsck).join("")).toBe("");
  }

  const all = ofShard(allParts());
  const database = all.filter(({ kind }) => kind === "database");

  // A hang limit only. The database comes first: its kills wait the longest.
  const limit = { concurrent: true, timeout: size(2_400_000, 10_000_000) };
  const lacks = no_sqld ? `, ${needs_sqld}` : "";
  test.skipIf(no_sqld)(
    `around and inside a batch of the database × ${repeats}: then it holds what a rebuild gives${lacks}`,
    limit,
    () => runAll("database", database),
  );

  const rest = all.filter((part) => !database.includes(part));
  test(
    `every step × ${repeats} (of building the site × ${siteRepeats}): recovered within two ticks, nothing twice, nothing lost`,
    limit,
    () => runAll("steps", rest),
  );
});

const killsOf = (rounds: Round[]): Kill[] => rounds.flatMap((one) => one.kills).filter(({ killed }) => killed);

function numbersOf(rounds: Round[], seconds: number): Record<string, number> {
  const kills = killsOf(rounds);
  // What a step leaves behind meets a clean tick only where its kill was the last of the round.
  const last = Map.groupBy(
    rounds.flatMap(({ kills: all }) => (all.at(-1)?.killed ? [all.at(-1) as Kill] : [])),
    nameOf,
  );
  return {
    steps: new Set(kills.map(nameOf)).size,
    kills: kills.length,
    rounds: rounds.length,
    "needed two ticks": rounds.filter((one) => one.ticks === 2).length,
    twice: rounds.flatMap((one) => one.twice).length,
    lost: rounds.filter((one) => one.ticks > 2).length + rounds.flatMap((one) => one.astray).length,
    "held for a person": rounds.flatMap((one) => one.held).length,
    "rounds for the rarest last step": last.size > 0 ? Math.min(...[...last.values()].map((list) => list.length)) : 0,
    seconds,
  };
}
