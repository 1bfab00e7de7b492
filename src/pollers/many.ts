// Pollers with a list of sources: one that cannot be read hides none of the others.

import { messageOf } from "../errors.ts";
import type { Level } from "../ports.ts";
import { SourceFault } from "./fetch.ts";

interface Memory<T> {
  /** When it was read last, ms. */
  at: number;
  value: T | undefined;
  fault: Error | undefined;
}

/**
 * Remembers what was read, over the ticks of one process: within `every`, and while the source has asked for a rest, the
 * same answer is given again.
 */
export function remembering<T>() {
  const memory = new Map<string, Memory<T>>();
  return async (key: string, every: number, read: (known: T | undefined) => Promise<T>): Promise<T> => {
    const known = memory.get(key);
    const now = Date.now();
    const rests = known?.fault instanceof SourceFault && (known.fault.until ?? 0) > now;
    if (known && (rests || now - known.at < every * 1000)) {
      if (known.fault) throw known.fault;
      return known.value as T;
    }
    try {
      const value = await read(known?.value);
      memory.set(key, { at: now, value, fault: undefined });
      return value;
    } catch (thrown) {
      memory.set(key, { at: now, value: known?.value, fault: thrown as Error });
      throw thrown;
    }
  };
}

/** The levels of all sources, each with one of its own that says whether it could be read. */
export async function eachSource<S extends { name: string }>(
  poller: string,
  sources: readonly S[],
  read: (source: S) => Promise<Level[]>,
): Promise<Level[]> {
  const all = sources.map(async (source): Promise<Level[]> => {
    const same = { source: poller, subject: source.name, family: "source" };
    try {
      const ok = `${poller} ${source.name} can be read again`;
      return [...(await read(source)), { ...same, kind: "source.ok", first: "calm", title: ok }];
    } catch (thrown) {
      const why = messageOf(thrown);
      const title = `${poller} ${source.name} could not be read: ${why}`;
      return [{ ...same, kind: "source.failed", title, data: { name: source.name, why } }];
    }
  });
  return (await Promise.all(all)).flat();
}
