// The conversations of one tick: each host is called at most once, whatever the number of passes and jobs.
import type { Entry } from "../core/entry.ts";
import { messageOf } from "../errors.ts";
import { type Fleet, HostFault, type HostSession } from "../ports.ts";

export type Opened = { session: HostSession; fresh: boolean } | { fault: string; message: string };

export interface Pool {
  /** Id of the pack whose folder on the hosts is spoken about. */
  readonly pack: string;
  /** The host's session, opened when there is none yet. A host that failed once in this tick is not called again. */
  open(host: Entry<"host">): Promise<Opened>;
  /** The session broke in use. */
  fail(name: string, thrown: unknown): { fault: string; message: string };
  close(): void;
}

export function createPool(fleet: Fleet, pack: string, limit = 64): Pool {
  const sessions = new Map<string, HostSession>();
  const faults = new Map<string, { fault: string; message: string }>();
  const gate = limiter(limit);
  let over = false;
  const fail = (name: string, thrown: unknown) => {
    const fault = {
      fault: thrown instanceof HostFault ? thrown.kind : "unreachable",
      message: withoutName(name, messageOf(thrown)),
    };
    sessions.get(name)?.close();
    sessions.delete(name);
    faults.set(name, fault);
    return fault;
  };
  return {
    pack,
    async open(host) {
      const known = sessions.get(host.id);
      if (known) return { session: known, fresh: false };
      const fault = faults.get(host.id);
      if (fault) return fault;
      try {
        const session = await gate(() => fleet.open(host.id, host.data, pack));
        if (over) session.close();
        sessions.set(host.id, session);
        return { session, fresh: true };
      } catch (thrown) {
        return fail(host.id, thrown);
      }
    },
    fail,
    close() {
      over = true;
      for (const session of sessions.values()) session.close();
      fleet.close?.();
    },
  };
}

/** Faults name their host for a terminal; records and reasons put the name in front themselves. */
export const withoutName = (name: string, message: string) =>
  message.startsWith(`${name}: `) || message.startsWith(`${name} `)
    ? message.slice(name.length).replace(/^:? /, "")
    : message;

/** Runs at most `limit` of the given functions at a time. */
export function limiter(limit: number): <T>(run: () => Promise<T>) => Promise<T> {
  let active = 0;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (active >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    active++;
    try {
      return await run();
    } finally {
      active--;
      waiting.shift()?.();
    }
  };
}
