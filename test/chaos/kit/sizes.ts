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
