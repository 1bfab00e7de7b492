// Many tickers, many jobs, one bare repository: no job is started twice, none is lost. Then the same with random SIGKILLs.
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestPack } from "../fakes/pack.ts";
import { bundleTicker } from "./kit/bundle.ts";
import { type Sailed, sail } from "./kit/crew.ts";
import { anomalies, historyOf } from "./kit/history.ts";
import { type Lab, lacksLab, needsLab, raiseLab } from "./kit/lab.ts";
import { journalOf, labPack, marked, marksOf } from "./kit/pack.ts";
import { long, random, shard, size, tell } from "./kit/sizes.ts";

const jobs = size(200, 2000);
/** In the gate the life with kills is the whole one: it holds all that a calm one does. */
const calm_jobs = size(16, 2000);
const tickers = size(16, 32);
/** Each is one more start of a ticker, which is most of what this suite costs. */
const kills = size(120, 5000);
/** The calm life and, in shards, parts of the killed one, each with all of its jobs. */
const lives: [name: string, kills: number][] =
  long && shard.count > 1
    ? [
        ["calm", 0],
        ...Array.from({ length: shard.count - 1 }, (_, at): [string, number] => [
          `killed${at + 1}`,
          Math.ceil(kills / (shard.count - 1)),
        ]),
      ]
    : [
        ["calm", 0],
        ["killed", kills],
      ];
const settings = "tick: {patience: 10s, wall: 20s, max_starts: 1000000}\n";

/** Tasks whose answer stands in a job record of the bare repository's tip. */
function recorded(pack: TestPack, ids: string[]): number {
  const found = spawnSync("git", ["grep", "-h", "-o", "-E", "^said-[a-z0-9-]+$", "main", "--", "jobs/"], {
    cwd: pack.origin,
    encoding: "utf8",
  });
  const said = new Set(found.stdout.split("\n").map((line) => line.trim()));
  return ids.filter((id) => said.has(`said-${id}`)).length;
}

describe.skipIf(lacksLab)(`many tickers on one pack, ${needsLab}`, () => {
  let lab: Lab;
  let ticker: string;
  beforeAll(async () => {
    lab = await raiseLab(8);
    ticker = await bundleTicker(lab.dir);
  });
  afterAll(() => lab?.down());

  const sailing = (name: string, pack: TestPack, ids: string[], count: number) => {
    let looked = 0;
    let reached = 0;
    return sail(lab, pack, {
      name,
      ticker,
      count: tickers,
      limit: size(500_000, 5_000_000),
      done: () => {
        if (performance.now() - looked < 1000) return false;
        looked = performance.now();
        reached = recorded(pack, ids);
        return reached === ids.length;
      },
      reached: () => reached,
      kills: count > 0 ? { count, pause: [100, 500], random: random(6 + shard.index) } : undefined,
    });
  };

  test.each(lives.filter((_, at) => shard.count === 1 || at === shard.index - 1))(
    "%s: every job once, all recorded, history sound",
    async (name, killing) => {
      const count = killing === 0 ? calm_jobs : jobs;
      const ids = Array.from({ length: count }, (_, i) => `${name}-${i}`);
      const files = Object.fromEntries(ids.map((id) => [`tasks/${id}.md`, marked(id, "sleep 0.05; ")]));
      const pack = labPack({ id: name, machines: lab.machines, settings, slots: 3 }, files);
      try {
        judge(name, pack, ids, await sailing(name, pack, ids, killing));
      } finally {
        pack.remove();
      }
    },
    size(600_000, 5_100_000),
  );

  const judge = (name: string, pack: TestPack, ids: string[], sailed: Sailed) => {
    const history = historyOf(pack);
    const ran = marksOf(lab.machines);
    const twice = ids.filter((id) => (ran.get(id) ?? 0) > 1);
    const never = ids.filter((id) => !ran.has(id));
    const pushes = sailed.events.filter((one) => one.op === "push");
    const faults = sailed.events.filter((one) => one.op === "failed");
    tell(name, {
      tickers,
      jobs: ids.length,
      kills: sailed.kills,
      pushes: pushes.length,
      won: history.length,
      unknown: pushes.filter((one) => one.state === "unknown").length,
      faults: faults.length,
      twice: twice.length,
      lost: ids.length - recorded(pack, ids),
      seconds: sailed.seconds,
    });
    expect(faults.map((one) => one.why).filter((why) => !/could not be pushed/.test(why))).toEqual([]);
    expect(twice).toEqual([]);
    expect(never).toEqual([]);
    expect(recorded(pack, ids)).toBe(ids.length);
    expect(anomalies(history, sailed.events)).toEqual([]);
    const starts = journalOf(lab.machines, `${name}-`).map((line) => line.split(" ")[0]);
    expect(new Set(starts).size).toBe(ids.length);
    expect(pack.at("fsck", "--strict", "--no-dangling")).toBe("");
  };
});
