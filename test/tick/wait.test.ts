import { expect, test } from "vitest";
import type { Start } from "../../src/core/claim.ts";
import { waitFor } from "../../src/shell/hands.ts";

test("a job that has ended is not asked for again while others run", async () => {
  const asked: string[][] = [];
  const session = {
    async wait(jobs: { job: string; epoch: number }[]) {
      asked.push(jobs.map(({ job }) => job));
      return jobs.filter(({ job }) => job === "quick" || asked.length > 3);
    },
  };
  const start = (job: string) => ({ job, epoch: 1, host: "keel" }) as Start;
  const starts = [start("quick"), start("slow")];
  const findings = { starts: new Map(starts.map(({ job }) => [`${job}/1`, { state: "started", epoch: 1 }])) };
  const hands = { pool: { open: async () => ({ session, fresh: false }) }, clock: { tick: () => 0 } };
  const state = { met: new Map(), hosts: new Map([["keel", { id: "keel", data: {} }]]) };
  await waitFor(hands as never, state as never, starts, findings as never, { tick: 1000 });
  expect(asked).toEqual([["quick", "slow"], ["slow"], ["slow"], ["slow"]]);
});
