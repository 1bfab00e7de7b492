// The named steps at which something is killed, and in what order.
import { type CrashPoint, hostSteps } from "./crash.ts";
import { size } from "./sizes.ts";

const once = (steps: string): CrashPoint[] => steps.split(" ").map((step) => ({ step, nth: 1 }));
/** `#2` is the push that records, `#1` the one that claims. */
const twice = (steps: string): CrashPoint[] => once(steps).flatMap(({ step }) => [1, 2].map((nth) => ({ step, nth })));

/** Steps of a tick at which a killed ticker leaves work behind. */
export const tickPoints: CrashPoint[] = [
  ...once("started git-fetch git-read opened connect:before connect:after cleanup:before cleanup:after reread send"),
  ...once("host-ack wait agent-end collect verified summary:before"),
  ...size([], once("notify:before notify:after archive:before archive:after")),
  ...twice("plan git-write git-commit git-push push-in push-landed git-pushed pushed"),
];

/** Around the database's batch and in it: half of it sent, all of it with the server, done and not answered. */
export const databasePoints: CrashPoint[] = once("sync:before sync:request sync:batch sync:answer sync:after");

/** Building the site costs most and shows least: these are killed more rarely. */
export const sitePoints: CrashPoint[] = once("publish:before publish:in publish:after");

/** Steps of the host program. */
export const hostPoints = (): CrashPoint[] => hostSteps().map((step) => ({ step: `host.${step}`, nth: 1 }));

/** Where the supervisor itself dies over its run, nobody can know what the agent did: it is never started again. */
export const unknowable = new Set(["host.agent", "host.end", "host.supervisor"]);

export const nameOf = ({ step, nth }: CrashPoint) => `${step}#${nth}`;

export function shuffled<T>(list: T[], roll: () => number): T[] {
  return list
    .map((one) => [roll(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

const copies = <T>(list: T[], times: number) => list.flatMap((one) => Array.from({ length: times }, () => one));

/**
 * Each point `times` times, in chains: processes that are killed one after another, each with what those before it left
 * behind and with work of its own. Each point ends as many chains as any other, so that its own mess meets a clean tick.
 */
export function chainsOf(points: CrashPoint[], times: number, length: number, roll: () => number): CrashPoint[][] {
  const last = Math.ceil(times / length);
  const chains = shuffled(copies(points, last), roll).map((point) => [point]);
  for (const [index, point] of shuffled(copies(points, times - last), roll).entries())
    chains[index % chains.length]?.unshift(point);
  return chains;
}

/** Parts of about `size` kills. */
export function parts(chains: CrashPoint[][], size: number): CrashPoint[][][] {
  const found: CrashPoint[][][] = [];
  let room = 0;
  for (const chain of chains) {
    if (room <= 0) {
      found.push([]);
      room = size;
    }
    found.at(-1)?.push(chain);
    room -= chain.length;
  }
  return found;
}
