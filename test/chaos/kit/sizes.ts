// The gate's sizes and the long ones. `npm run test:long` says which.
export const long = process.env.TOWLINE_LONG !== undefined;
export const size = <T>(gate: T, whole: T): T => (long ? whole : gate);

/** Random numbers that a seed decides (mulberry32). */
export function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One line of numbers, as RELIABILITY.md quotes them. */
export const tell = (scenario: string, numbers: Record<string, number>) =>
  console.log(
    `chaos ${scenario}: ${Object.entries(numbers)
      .map(([name, value]) => `${Math.round(value * 10) / 10} ${name}`)
      .join(", ")}`,
  );

/** `TOWLINE_SHARD=2/5`: of all parts of a long run, every fifth, from the second on. */
export const shard = readShard(process.env.TOWLINE_SHARD);

function readShard(text: string | undefined): { index: number; count: number } {
  if (!text) return { index: 1, count: 1 };
  const [index = 0, count = 0] = text.split("/").map(Number);
  if (!(Number.isInteger(index) && Number.isInteger(count) && index >= 1 && index <= count))
    throw new Error(`TOWLINE_SHARD=${text}: write it like 2/5, the second of five`);
  return { index, count };
}

export const ofShard = <T>(all: T[]): T[] => all.filter((_, at) => at % shard.count === shard.index - 1);
/** This shard's part of a count. */
export const share = (count: number) => Math.ceil(count / shard.count);

/** Says where a run stands, once a minute, so that one that is ended half-way has told what it reached. */
export function watchProgress(scenario: string, numbers: () => Record<string, number>): () => void {
  const timer = setInterval(() => tell(`${scenario}, so far`, numbers()), 60_000);
  return () => clearInterval(timer);
}
