// Two ways to look for the same, put together by the places that they give.
import type { Hit } from "./retrieve.ts";

/** Those that are close enough to what is asked, the closest first. `vectors`: by the place of their name. */
export function closest(
  ids: readonly string[],
  vectors: readonly (readonly number[])[],
  asked: readonly number[],
  least: number,
): Hit[] {
  return ids
    .map((id, at) => ({ id, score: 0, close: Math.round(closeness(vectors[at] ?? [], asked)) }))
    .filter(({ close }) => close >= least)
    .sort((one, other) => other.close - one.close || (one.id < other.id ? -1 : 1));
}

/** So that the first place of one way does not outweigh what both find. */
const damping = 60;

/** In percent; 0 for vectors that cannot be compared. */
export function closeness(one: readonly number[], other: readonly number[]): number {
  if (one.length === 0 || one.length !== other.length) return 0;
  let dot = 0;
  let left = 0;
  let right = 0;
  for (const [at, value] of one.entries()) {
    const its = other[at] as number;
    dot += value * its;
    left += value * value;
    right += its * its;
  }
  const size = Math.sqrt(left * right);
  return size > 0 && Number.isFinite(dot / size) ? (100 * dot) / size : 0;
}

const closeOf = ({ close }: Hit) => (close === undefined ? {} : { close });

/** By reciprocal rank: best first, equal ones by name. What words found keeps its score; `most` at most. */
export function fused(byWords: readonly Hit[], byMeaning: readonly Hit[], most: number): Hit[] {
  const found = new Map<string, { hit: Hit; rank: number }>();
  for (const list of [byWords, byMeaning])
    for (const [at, hit] of list.entries()) {
      const known = found.get(hit.id) ?? { hit, rank: 0 };
      found.set(hit.id, { hit: { ...hit, ...known.hit, ...closeOf(hit) }, rank: known.rank + 1 / (damping + at + 1) });
    }
  return [...found.values()]
    .sort((one, other) => other.rank - one.rank || (one.hit.id < other.hit.id ? -1 : 1))
    .slice(0, most)
    .map(({ hit }) => hit);
}
