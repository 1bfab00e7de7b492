// What GitHub tells versions of its answers apart by. Asked with the tag of what the ledger knows, it answers "as it was",
// which counts towards no limit. Tags stand in one row a repository, and move in the commit that carries what was read.
import type { z } from "zod";
import { digest } from "../core/hash.ts";
import { cursorAt, cursorLevel } from "../core/raise.ts";
import type { Level, PollContext } from "../ports.ts";
import type { Api, Rest } from "../shell/github-api.ts";

const tag_form = /^(W\/)?"[\x21\x23-\x7e]{1,128}"$/;
const row = (repo: string) => `${repo} tags`;

export interface Tags {
  /**
   * Asks; null: it is as the ledger has it. `more`: it goes on behind this page, and the tag says nothing of that, so none
   * is kept. `newest`: what is new comes first, so the first page tells all. `anew`: without a tag.
   */
  ask<T>(name: string, what: string, call: Call, shape: z.ZodType<T>, how?: How): Promise<Asked<T> | null>;
  /** The whole of a list; null: it is as the ledger has it. */
  list<T extends { id: string }>(name: string, what: string, call: Page, shape: z.ZodType<T[]>): Promise<T[] | null>;
  /** Not to be relied on next time: not all that hangs on this answer was read. */
  forget(name: string): void;
  /** For which the ledger has no tag any more from this time on (ms): levels turn by themselves then. */
  expire(name: string, at: number): void;
  /** `open`: numbers of pull requests; what is known of others is let go. */
  levels(open: ReadonlySet<number>): Level[];
}

interface Asked<T> {
  found: T;
  more: boolean;
}
interface How {
  newest?: boolean;
  anew?: boolean;
}
type Page = (rest: Rest, page: { page?: number; headers?: Headers }) => ReturnType<Parameters<Api["get"]>[1]>;
interface Headers {
  [name: string]: string | undefined;
  "if-none-match"?: string;
}
type Call = (rest: Rest, headers: Headers) => ReturnType<Parameters<Api["get"]>[1]>;

/** `asked`: all else that answers and levels depend on. With another, no tag counts. */
export function tagsOf(api: Api, repo: string, known: PollContext["known"], asked: string, now: Date): Tags {
  const by = digest(asked).slice(0, 8);
  const before = cursorAt(known, "github", row(repo));
  const held = read(before, by);
  // What cannot be read now stays known by the tag that it had.
  const next = new Map(held);
  return {
    async ask(name, what, call, shape, { newest = false, anew = false } = {}) {
      const [tag, until] = held.get(name) ?? [];
      const counts = !anew && tag !== undefined && (until === undefined || Number(until) > now.getTime());
      const headers = counts ? { "if-none-match": tag } : {};
      const got = await api.tagged(what, (rest) => call(rest, headers), shape);
      if (got === null) return null;
      next.delete(name);
      if ((newest || !got.more) && tag_form.test(got.tag)) next.set(name, [got.tag]);
      return { found: got.value, more: got.more };
    },
    async list(name, what, call, shape) {
      const first = await this.ask(name, what, (rest, headers) => call(rest, { headers }), shape);
      if (first === null || !first.more) return first?.found ?? null;
      return api.list(what, (rest, page) => call(rest, { page }), shape, first.found);
    },
    forget: (name) => void next.delete(name),
    expire(name, at) {
      const [tag] = next.get(name) ?? [];
      if (tag !== undefined) next.set(name, [tag, String(at)]);
    },
    levels(open) {
      const sorted = [...next].filter(([name]) => stays(name, open)).sort(([a], [b]) => (a < b ? -1 : 1));
      if (sorted.length === 0 && before === undefined) return [];
      return [cursorLevel("github", row(repo), JSON.stringify({ by, ...Object.fromEntries(sorted) }))];
    },
  };
}

const stays = (name: string, open: ReadonlySet<number>) => {
  const number = /^(?:reviews|checks) (\d+)/.exec(name)?.[1];
  return number === undefined || open.has(Number(number));
};

/** Rows are written by us, and people may have edited them: what is no tag is none. */
function read(state: string | undefined, by: string): Map<string, string[]> {
  try {
    const { by: then, ...tags } = JSON.parse(state ?? "{}") as Record<string, unknown>;
    const sound = (one: unknown): one is string[] => Array.isArray(one) && tag_form.test(String(one[0]));
    return new Map(then === by ? Object.entries(tags).flatMap(([name, one]) => (sound(one) ? [[name, one]] : [])) : []);
  } catch {
    return new Map();
  }
}
