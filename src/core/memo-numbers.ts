// Open memos by the short number that people type on a phone.
import type { Entry } from "./entry.ts";
import type { State } from "./state.ts";

const rank = { ask: 0, approval: 0, warning: 1, info: 2 };

/** Open memos: questions first, then the oldest. */
export const waiting = ({ memos }: Pick<State, "memos">): Entry<"memo">[] =>
  [...memos.values()]
    .filter(({ data }) => data.status === "open")
    .sort((a, b) => rank[a.data.kind] - rank[b.data.kind] || (key(a) < key(b) ? -1 : 1));

const key = ({ id, data }: Entry<"memo">) => `${data.created} ${id}`;

/** The first four digits of the hash at the end of its name; all eight where others begin alike. */
export function memoNumber(state: Pick<State, "memos">, memo: Entry<"memo">): string {
  const hash = hashOf(memo);
  const short = hash.slice(0, 4);
  const twins = waiting(state).filter((one) => one.id !== memo.id && hashOf(one).startsWith(short));
  return twins.length === 0 ? short : hash;
}

const hashOf = ({ id }: Entry<"memo">) => id.split("-").at(-1) ?? id;
