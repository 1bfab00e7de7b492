// Which machine each host name stands for, as ticks have met it: `state/hosts.ndjson`. What a record does not pin is
// remembered here, for whatever runner ticks next, and a host whose record is gone can still be asked about its jobs.
import type { Draft } from "./draft.ts";
import type { Entry } from "./entry.ts";
import { isAtRest, isOver } from "./jobs.ts";
import type { HostAnswer } from "./place.ts";
import { isWaiting } from "./rollout.ts";
import { host as form, type Host } from "./schema.ts";
import type { State } from "./state.ts";

export const hosts_path = "state/hosts.ndjson";

/** A line of the file. */
export interface Met {
  host: string;
  /** The random id in the machine's root. */
  identity: string;
  /** How it was reached: fields of its record. Keys are named there, never held. */
  at: Partial<Host>;
  /** Time of its newest sample in the ledger. */
  seen?: string;
}

const reaching = [
  "address",
  "port",
  "user",
  "key",
  "key_passphrase",
  "host_key",
  "jump",
  "transport",
  "root",
  "run_as",
  "network",
  "slots",
] as const;

/** The row of a machine that answered under this record. */
export function metAs({ id, data }: Entry<"host">, identity: string): Met {
  const named = reaching.flatMap((name) => (data[name] === undefined ? [] : [[name, data[name]]]));
  return { host: id, identity, at: Object.fromEntries(named) };
}

/** Rows as they were read; one that is torn, or no host any more, costs itself only. */
export function readMet(rows: Met[]): Map<string, Met> {
  const fine = rows.filter(
    ({ host, identity, at }) =>
      typeof host === "string" && /^[0-9A-Za-z._-]{1,128}$/.test(identity ?? "") && form.safeParse(at).success,
  );
  return new Map(fine.map((row) => [row.host, row]));
}

/** The host to call by this name: its record, else where it was last met. The identity that it must show is always in it. */
export function hostCalled(state: State, name: string): Entry<"host"> | undefined {
  const met = state.met.get(name);
  const record = state.hosts.get(name);
  if (record) return { ...record, data: { ...record.data, identity: record.data.identity ?? met?.identity } };
  if (!met) return undefined;
  const data = { ...form.parse(met.at), identity: met.identity, cordon: "its record is gone" };
  return { path: hosts_path, id: name, kind: "host", data, body: "", bodyLine: 1 };
}

/** Where the records of jump hosts are found: as `hostCalled` finds them. */
export const recordsOf = (state: State) => (name: string) => hostCalled(state, name)?.data;

/** Hosts that open jobs must be asked about: the one that each was given to, and any that is the same machine. */
export function hostsOfJobs(state: State): Set<string> {
  const hosts = new Set<string>();
  for (const job of state.jobs.values()) {
    const name = job.data.host;
    // While it waits for a person, nothing is to be heard of it.
    if (isOver(job) || isWaiting(job) || isAtRest(job) || name === undefined) continue;
    if (hostCalled(state, name)) hosts.add(name);
    if (!state.hosts.has(name))
      for (const other of state.hosts.keys())
        if (isMachine(job, hostCalled(state, other)?.data.identity)) hosts.add(other);
  }
  return hosts;
}

const isMachine = (job: Entry<"job">, identity: string | undefined) =>
  identity !== undefined && job.data.run.identity === identity;

/** Whether this host answers for the job: it was given to it, or it is that machine under the name that it has now. */
export function answersFor(state: State, job: Entry<"job">, host: string, identity: string): boolean {
  if (job.data.host === host) return job.data.run.identity === undefined || job.data.run.identity === identity;
  return !state.hosts.has(job.data.host ?? "") && isMachine(job, identity);
}

/**
 * One machine that answers under several records keeps the name that it was met under; the others are refused, or its
 * slots would count twice. By name: the words for it.
 */
export function twins(state: State, answers: ReadonlyMap<string, HostAnswer>): Map<string, string> {
  const names = new Map<string, string[]>();
  for (const [name, answer] of answers)
    if ("facts" in answer && state.hosts.has(name))
      names.set(answer.facts.identity, [...(names.get(answer.facts.identity) ?? []), name]);
  // Where several tickers share the work, the other name may be another one's to ask.
  for (const { host, identity } of state.part ? state.met.values() : [])
    if (state.hosts.has(host) && !answers.has(host)) names.get(identity)?.push(host);
  const refused = new Map<string, string>();
  for (const [identity, group] of names) {
    const rank = (name: string) => `${state.met.get(name)?.identity === identity ? 0 : 1} ${name}`;
    const [first, ...others] = group.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    for (const other of others.filter((name) => answers.has(name)))
      refused.set(other, `is the same machine as ${first}: one of the two records must go`);
  }
  return refused;
}

/** Remembers who answered, and forgets hosts that have neither a record nor an open job. */
export function remember(draft: Draft, answers: ReadonlyMap<string, HostAnswer>): void {
  for (const [name, answer] of answers) {
    const record = draft.hosts.get(name);
    if (record && "facts" in answer) {
      const seen = draft.met.get(name)?.seen;
      draft.met.set(name, { ...metAs(record, answer.facts.identity), ...(seen === undefined ? {} : { seen }) });
    }
  }
  const busy = new Set([...draft.jobs.values()].filter((job) => !isOver(job)).map((job) => job.data.host));
  for (const name of draft.met.keys()) if (!draft.hosts.has(name) && !busy.has(name)) draft.met.delete(name);
}
