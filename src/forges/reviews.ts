// What reviews come to, on whatever forge.
import type { Review } from "../ports.ts";

/** The newest word of each reviewer that decides, where that is: something is to be changed. */
export function demands(reviews: readonly Review[]): Review[] {
  const last = new Map<string, Review>();
  for (const one of reviews) if (one.state !== "commented" && one.author) last.set(one.author.id, one);
  return [...last.values()].filter(({ state }) => state === "changes_requested");
}
