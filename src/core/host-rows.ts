// How the machines of a fleet stand, as rows: what `fleet status` prints.
import type { HostAllow, HostFacts } from "../ports.ts";
import { tabled } from "./columns.ts";
import type { Entry } from "./entry.ts";
import { ownerAllows, slotsOf } from "./owner.ts";
import { outside } from "./place.ts";

/** What looking at a host gave. `fault`: a kind of HostFault, or `configuration` when it could not be called. `remedy`: what a person can do about the fault. */
export type Look = { facts: HostFacts; took: number } | { fault: string; message: string; remedy?: string };

export const host_states = ["ready", "busy", "cordoned", "off", "elsewhere", "unenrolled", "down"] as const;
export type HostState = (typeof host_states)[number];

export interface HostRow {
  host: string;
  address: string;
  state: HostState;
  /** It is meant to take work and can. A host that is off, cordoned or on another ticker's network is not meant to. */
  healthy: boolean;
  reachable: boolean | null;
  authenticated: boolean | null;
  /** Whether the machine showed the pinned host key; `none` for a host that is reached without SSH. */
  key: "pinned" | "not pinned" | "changed" | "none" | null;
  /** `ok`: the pinned identity. `not pinned`: the machine has one, its record names none. `none`: never enrolled. */
  identity: "ok" | "not pinned" | "other" | "none" | null;
  system: string | null;
  arch: string | null;
  cores: number | null;
  /** One-minute load divided by cores. */
  load: number | null;
  /** Bytes. */
  memory: { total: number; free: number } | null;
  disk: { total: number; free: number } | null;
  slots: { total: number; used: number };
  runtimes: string[];
  /** What those say of their version. */
  versions: Record<string, string>;
  /** What the machine's owner allows; null: everything. */
  allow: HostAllow | null;
  /** Jobs of this pack that the host holds: running, or ended and not yet collected. */
  jobs: { job: string; epoch: number; state: string }[];
  /** Seconds that its clock is ahead of ours. */
  skew: number | null;
  boot: string | null;
  /** Milliseconds from the call to the whole answer. */
  took: number | null;
  /** When it last answered, as far as this clone knows: now, or its newest sample in the ledger. */
  seen: string | null;
  why: string | null;
  remedy: string | null;
  warnings: string[];
}

export interface Seen {
  /** Time of these looks. */
  at: string;
  /** What the ledger knows of earlier ones, by host name. */
  before: ReadonlyMap<string, { seen?: string }>;
}

/** `looks`: by host name; a host without one was not asked. Two names for one machine are a fault of both. */
export function hostRows(
  hosts: Entry<"host">[],
  looks: ReadonlyMap<string, Look>,
  networks: string[],
  seen?: Seen,
  when?: { zone: string; now: Date },
): HostRow[] {
  const names = new Map<string, string[]>();
  for (const [name, look] of looks)
    if ("facts" in look && look.facts.identity !== "-")
      names.set(look.facts.identity, [...(names.get(look.facts.identity) ?? []), name]);
  return hosts.map((host) => {
    const look = looks.get(host.id);
    const row = {
      ...(look && "facts" in look ? answered(host, look, when) : silent(host, look, networks)),
      seen: (look && "facts" in look ? seen?.at : seen?.before.get(host.id)?.seen) ?? null,
    };
    const twins =
      look && "facts" in look ? (names.get(look.facts.identity) ?? []).filter((one) => one !== host.id) : [];
    if (twins.length === 0) return row;
    const why = `is the same machine as ${twins.join(", ")}`;
    return { ...row, state: "down", healthy: false, why, remedy: "keep one of the records, the other must go" };
  });
}

/** True when the host is to be asked at all. */
export const isAsked = (host: Entry<"host">, networks: string[]) =>
  !host.data.off && networks.includes(host.data.network);

const shown = (address: string, port: number) =>
  port === 22 ? address : `${/^[^[].*:/.test(address) ? `[${address}]` : address}:${port}`;

function blank(host: Entry<"host">): HostRow {
  const { address, port, user, transport, slots } = host.data;
  return {
    host: host.id,
    address: transport === "local" ? "this machine" : `${user ? `${user}@` : ""}${shown(address, port)}`,
    state: "down",
    healthy: false,
    reachable: null,
    authenticated: null,
    key: null,
    identity: null,
    system: null,
    arch: null,
    cores: null,
    load: null,
    memory: null,
    disk: null,
    slots: { total: slots, used: 0 },
    runtimes: [],
    versions: {},
    allow: null,
    jobs: [],
    skew: null,
    boot: null,
    took: null,
    seen: null,
    why: null,
    remedy: null,
    warnings: [],
  };
}

function silent(host: Entry<"host">, look: Look | undefined, networks: string[]): HostRow {
  const row = blank(host);
  if (!look || !("fault" in look)) {
    const off = host.data.off === true;
    const why = off ? "is switched off in its record" : `is on network ${host.data.network}`;
    return { ...row, state: off || networks.includes(host.data.network) ? "off" : "elsewhere", healthy: true, why };
  }
  const { fault, message, remedy } = look;
  if (fault === "unreachable" && !networks.includes(host.data.network)) {
    const why = `is on network ${host.data.network}, which is not reached from here`;
    return { ...row, state: "elsewhere", healthy: true, reachable: false, why };
  }
  const called = fault !== "configuration";
  const wrong_key = fault === "unknown-key" || fault === "changed-key";
  return {
    ...row,
    healthy: host.data.cordon !== undefined && host.data.cordon !== null,
    reachable: called ? fault !== "unreachable" : null,
    authenticated: !called || fault === "unreachable" || wrong_key ? null : fault !== "refused",
    key: fault === "unknown-key" ? "not pinned" : fault === "changed-key" ? "changed" : null,
    identity: fault === "not-enrolled" ? "other" : null,
    why: message,
    remedy: remedy ?? null,
  };
}

/** It is well and takes nothing new at this time of day. */
function shutNow(host: Entry<"host">, when: { zone: string; now: Date } | undefined): string | null {
  const early = when && outside(host, when);
  return early ? ("wait" in early ? early.wait : early.blocked).slice(host.id.length + 1) : null;
}

function answered(
  host: Entry<"host">,
  { facts, took }: { facts: HostFacts; took: number },
  when: { zone: string; now: Date } | undefined,
): HostRow {
  const { data } = host;
  const known = facts.identity !== "-";
  const identity = known
    ? data.identity === undefined
      ? "not pinned"
      : data.identity === facts.identity
        ? "ok"
        : "other"
    : "none";
  const state = standing(host, facts, identity);
  const enroll = `towline fleet enroll ${host.id}`;
  const told =
    identity === "other"
      ? {
          why: `answers as ${facts.identity}, but its record pins ${data.identity}`,
          remedy: `${enroll} when that is right`,
        }
      : state === "unenrolled"
        ? { why: "has no identity yet", remedy: enroll }
        : state === "cordoned"
          ? { why: String(data.cordon), remedy: null }
          : { why: shutNow(host, when), remedy: null };
  return {
    ...blank(host),
    state,
    healthy: state !== "down" && state !== "unenrolled",
    reachable: true,
    authenticated: true,
    key: data.transport === "local" ? "none" : "pinned",
    identity,
    system: facts.system,
    arch: facts.arch,
    cores: facts.cores,
    load: Math.round((facts.load / facts.cores) * 100) / 100,
    memory: facts.memory,
    disk: facts.disk,
    slots: { total: slotsOf(data.slots, facts.allow), used: facts.slots.used },
    runtimes: Object.keys(facts.runtimes),
    versions: Object.fromEntries(Object.entries(facts.runtimes).filter(([, version]) => version !== "")),
    allow: facts.allow ?? null,
    jobs: facts.held.map(({ job, epoch, state: held }) => ({ job, epoch, state: held })),
    skew: facts.skew,
    boot: facts.boot,
    took,
    ...told,
    warnings: warningsOf(facts),
  };
}

function standing(host: Entry<"host">, facts: HostFacts, identity: HostRow["identity"]): HostState {
  if (identity === "other") return "down";
  if (host.data.cordon) return "cordoned";
  if (identity === "none") return "unenrolled";
  return facts.slots.used >= slotsOf(host.data.slots, facts.allow) ? "busy" : "ready";
}

/** What works, but will not for long or less well. */
export function warningsOf(facts: HostFacts): string[] {
  const warnings: string[] = [];
  if (Math.abs(facts.skew) >= 5)
    warnings.push(`its clock is ${Math.abs(facts.skew)} s ${facts.skew > 0 ? "ahead" : "behind"}`);
  if (facts.disk.free < 256 << 20) warnings.push(`only ${Math.round(facts.disk.free / 2 ** 20)} MiB of disk are free`);
  return warnings;
}

const glyph: Record<HostState, string> = {
  ready: "✓",
  busy: "●",
  cordoned: "‖",
  off: "‖",
  elsewhere: "‖",
  unenrolled: "?",
  down: "✕",
};

/** Said of hosts that were to answer and did not. */
const lastSeen = ({ state, took, seen }: HostRow) =>
  state === "down" && took === null && seen !== null ? `; last seen ${seen.slice(0, 16).replace("T", " ")} UTC` : "";

const size = (bytes: number) => {
  const gib = bytes / 2 ** 30;
  return gib >= 100 ? `${Math.round(gib)}G` : gib >= 1 ? `${gib.toFixed(1)}G` : `${Math.round(bytes / 2 ** 20)}M`;
};

const withVersion = (name: string, version: string | undefined) => (version ? `${name}@${version}` : name);

/** An aligned table with one line a host, each followed by what is wrong and what to do. */
/** `columns`: of a terminal, where it is one. */
export function hostTable(rows: HostRow[], columns?: number): string[] {
  const cells = rows.map((row) => [
    `${glyph[row.state]} ${row.host}`,
    row.state,
    row.address,
    row.arch ?? "-",
    row.load === null ? "-" : row.load.toFixed(2),
    row.memory ? size(row.memory.free) : "-",
    row.disk ? size(row.disk.free) : "-",
    row.took === null ? "-" : `${row.slots.used}/${row.slots.total}`,
    row.took === null ? "-" : String(row.jobs.length),
    row.took === null ? "-" : row.runtimes.map((name) => withVersion(name, row.versions[name])).join(" "),
  ]);
  const head = ["  HOST", "STATE", "ADDRESS", "ARCH", "LOAD", "MEM", "DISK", "SLOTS", "JOBS", "RUNTIMES"];
  const [top = "", ...lines] = tabled([head, ...cells], columns);
  const below = rows.map((row) => [
    ...(row.why ? [`    ${row.why}${lastSeen(row)}`] : []),
    ...(row.remedy ? [`    → ${row.remedy}`] : []),
    ...(row.allow ? [`    its owner allows ${ownerAllows(row.allow)}`] : []),
    ...row.warnings.map((warning) => `    △ ${warning}`),
  ]);
  return [top, ...lines.flatMap((line, index) => [line, ...(below[index] ?? [])])];
}
