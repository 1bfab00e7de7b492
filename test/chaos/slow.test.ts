// A line of 10 kB/s: a long request and its answer get through, within a time that goes by their size; others are not held up.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { md, type TestPack } from "../fakes/pack.ts";
import { tickerFile } from "./kit/crew.ts";
import { type Lab, type LabMachine, lacksLab, needsLab, raiseLab } from "./kit/lab.ts";
import { keyEnv, labPack, marked, marksOf } from "./kit/pack.ts";
import { size, tell } from "./kit/sizes.ts";
import type { TickerPlan } from "./kit/ticker.ts";
import type { Event } from "./kit/watch.ts";

/** Bytes of the long task: over thirty seconds of that line, the time in which a host usually has to answer. */
const bytes = 360_000;
const rounds = size(1, 20);

describe.skipIf(lacksLab)(`a slow line, ${needsLab}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await raiseLab(2);
  });
  afterAll(() => lab?.down());

  const run = (command: string, args: string[], env: Record<string, string | undefined> = {}) =>
    new Promise<number | null>((resolve, reject) => {
      const child = lab.spawn(command, args, {
        env: { ...process.env, ...env },
        stdio: ["ignore", "ignore", "inherit"],
      });
      child.once("error", reject);
      child.once("exit", (code) => resolve(code));
    });

  const done = (pack: TestPack, id: string) =>
    pack.at("ls-tree", "--name-only", "main", "status/").includes(`${id}.md`) &&
    /^state: done$/m.test(pack.file(`status/${id}.md`));

  test(
    `a task of ${bytes} bytes and an answer of 30,000 over 10 kB/s, × ${rounds}`,
    async () => {
      const [slow, fast] = lab.machines as [LabMachine, LabMachine];
      const tbf = ["root", "tbf", "rate", "80kbit", "burst", "6kb", "latency", "60s"];
      slow.net("tc", "qdisc", "add", "dev", "eth0", ...tbf);
      expect(await run("tc", ["qdisc", "add", "dev", "v1b1", ...tbf])).toBe(0);
      for (let round = 0; round < rounds; round++) {
        const filler = `# ${"words that no program would leave out ".repeat(bytes / 38)}\n`;
        const long = `echo long-${round} >>"$HOME/marks"; head -c 30000 /dev/zero | tr '\\0' x; exit\n${filler}`;
        const pack = labPack(
          { id: `slow-${round}`, machines: [slow, fast], settings: "tick: {patience: 60s}\n" },
          {
            [`tasks/long-${round}.md`]: md(`title: Long\nhosts: ${slow.name}`, long),
            [`tasks/short-${round}.md`]: marked(`short-${round}`, "", `hosts: ${fast.name}\n`),
          },
        );
        try {
          const log = join(pack.dir, "events");
          // A connection that breaks on the way is allowed on such a line: the next tick asks, and sends again.
          for (let hour = 0; hour < 3 && !done(pack, `long-${round}`); hour++) {
            const now = new Date(Date.now() + hour * 3_600_000).toISOString();
            const plan: TickerPlan = { who: "t", repo: pack.clone, log, now, sync: false, site: false };
            expect(await run(process.execPath, [tickerFile, JSON.stringify(plan)], keyEnv(lab))).toBe(0);
          }
          const told = readFileSync(log, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as Event);
          const calls = told
            .filter((one) => one.op === "call")
            .map((one) => ({ ...one, seconds: (one.to - one.from) / 1e6 }));
          const longest = Math.max(...calls.filter(({ verb }) => verb !== "wait").map(({ seconds }) => seconds));
          tell("slow", { bytes, "seconds of the longest call": longest });
          expect([...marksOf([slow, fast])].sort().slice(-2 * (round + 1))).toEqual(
            expect.arrayContaining([
              [`long-${round}`, 1],
              [`short-${round}`, 1],
            ]),
          );
          for (const id of ["long", "short"]) expect(pack.file(`status/${id}-${round}.md`)).toMatch(/^state: done$/m);
          // The other machine had its work done long before the task had even arrived here.
          const at = ({ home }: LabMachine) => statSync(join(home, "marks")).mtimeMs;
          expect(at(slow) - at(fast)).toBeGreaterThan(15_000);
          expect(longest).toBeGreaterThan(30);
          expect(longest).toBeLessThan(30 + (bytes * 1.2) / 8192 + 5);
          expect(told.flatMap((one) => (one.op === "failed" ? [one.why] : []))).toEqual([]);
        } finally {
          pack.remove();
        }
      }
    },
    size(600_000, 4_000_000),
  );
});
