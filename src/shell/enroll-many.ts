// Enrols machines side by side: one that fails leaves the others going.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { enrolBranch } from "../core/compare.ts";
import { Fault } from "../errors.ts";
import type { Changes, Clock } from "../ports.ts";
import { type Enrolled, type EnrollOptions, enrollHost, recordOf } from "./enroll.ts";
import { limiter } from "./pool.ts";
import { type Proposed, type Proposing, propose } from "./propose.ts";
import { replaceHost } from "./replace-host.ts";
import type { Secrets } from "./secrets.ts";
import { createWays } from "./ways.ts";

export type Enrolling = Enrolled | { host: string; fault: Fault };

export interface ManyOptions extends Omit<EnrollOptions, "host" | "replace" | "record" | "secrets" | "inTurn"> {
  clock: Clock;
  secrets: Secrets;
  replace?: boolean;
  /** Changed records go to a branch of origin; the work tree stays as it is. */
  pr?: boolean;
  /** Called after each host with how many are done. */
  done?(count: number): void;
}

/** In the order of the names. Throws what is no Fault once all have come to their end. */
export async function enrollMany(names: string[], options: ManyOptions) {
  const { clock, secrets, dir, env, replace, pr, ...rest } = options;
  const ways = createWays({ ...rest, env, secrets, hosts: (name) => recordOf(dir, name) });
  const at = { dir, env, clock, secrets };
  const proposing = pr ? await propose(at, enrolBranch(names, clock.now())) : null;
  const changes: Changes = new Map();
  const gate = limiter(64);
  const turns = new Map<string, Promise<unknown>>();
  const inTurn = <T>(login: string, work: () => Promise<T>): Promise<T> => {
    const turn = (turns.get(login) ?? Promise.resolve()).then(work, work);
    turns.set(login, turn);
    return turn;
  };
  let count = 0;
  const one = async (host: string): Promise<Enrolling> => {
    try {
      const record = proposing ? await proposed(proposing, dir, host, changes) : undefined;
      const replacing = replace ? (identity: string) => replaceHost(at, host, identity) : undefined;
      return await enrollHost({ ...rest, dir, env, secrets, ways, inTurn, host, record, replace: replacing });
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      return { host, fault: thrown };
    } finally {
      options.done?.(++count);
    }
  };
  const settled = await Promise.allSettled(names.map((host) => gate(() => one(host))));
  ways.close();
  for (const outcome of settled) if (outcome.status === "rejected") throw outcome.reason;
  const hosts = settled.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const changed = [...changes.keys()].map((path) => path.slice("hosts/".length, -".md".length)).sort();
  const proposal: Proposed | null = proposing ? await proposing.push(changes, subject(changed)) : null;
  return { hosts, proposal };
}

const subject = (names: string[]) =>
  names.length > 4 ? `Enrols ${names.length} hosts` : `Enrols ${names.join(", ").replace(/, ([^,]*)$/, " and $1")}`;

/** The record as the branch has it; one that only stands in the work tree is proposed as a whole. */
async function proposed(proposing: Proposing, dir: string, host: string, changes: Changes) {
  const path = `hosts/${host}.md`;
  const known = await proposing.text(path);
  const text = known ?? (await readFile(join(dir, path), "utf8").catch(() => null));
  if (text === null) return undefined; // enrolment says that there is none
  if (known === null) changes.set(path, text);
  return {
    text,
    save: async (changed: string) => {
      changes.set(path, changed);
    },
  };
}
