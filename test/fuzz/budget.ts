// How many inputs, and how long one may take. `TOWLINE_LONG=1` runs 25 times as many, or `more`.
import { share, size } from "../chaos/kit/sizes.ts";

export const times = (gate: number, more = 25) => share(size(gate, gate * more));

/** Five times the bound that bench/ measures against: over this, a reader hangs. */
const hang = 500;

export interface Watch {
  worst: number;
  input: string;
}

/** Runs the reader; a slow answer counts only when it is slow again: other processes take their share of the machine. */
export function watched<T>(watch: Watch, input: string, read: () => T): T {
  let took = 0;
  let answer: T | undefined;
  for (let tries = 1; tries <= 5; tries++) {
    const from = performance.now();
    answer = read();
    took = performance.now() - from;
    if (took <= hang) break;
  }
  if (took > watch.worst) Object.assign(watch, { worst: took, input });
  if (took > hang) throw new Error(`${took.toFixed(0)} ms for ${JSON.stringify(input.slice(0, 2000))}`);
  return answer as T;
}
