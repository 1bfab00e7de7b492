// Makes a machine one of ours: pins its key, installs the host program, gives it an identity, looks at its tools.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEntry } from "../core/entry.ts";
import { warningsOf } from "../core/host-rows.ts";
import { installLine, limits, type Survey } from "../core/machine.ts";
import type { Host } from "../core/schema.ts";
import { configuration, type Fault, messageOf, outside } from "../errors.ts";
import { type Connection, type HostFacts, HostFault } from "../ports.ts";
import { lockKey, putKey, unlockKey } from "./authorized.ts";
import { connectHost, type Enrolment, type FleetOptions, meetHost } from "./fleet.ts";
import { setFields } from "./fleet-record.ts";
import { lookAround } from "./look-around.ts";
import { connectAsPerson, type OwnKey, ownLogins } from "./own-key.ts";
import { writeAllow } from "./owner-file.ts";
import { writeWhole } from "./write-whole.ts";

export interface EnrollOptions extends FleetOptions {
  dir: string;
  host: string;
  /** Asks a person; false when there is none or they say no. */
  confirm(question: string): Promise<boolean>;
  /** The host is another machine now: closes in the ledger what its old life had open, and answers those job ids. */
  replace?(identity: string): Promise<string[]>;
  /** A person's own key, for what the record's key cannot do there (yet). */
  own?: OwnKey;
  /** Puts the record's key behind the gate, or takes it out of there. */
  lock?: "lock" | "unlock";
  /** Locks of one login go one after the other: each sees what the one before it wrote. */
  inTurn?<T>(login: string, work: () => Promise<T>): Promise<T>;
  /** Lines of an `allow` file for a host that has none. */
  allow?: string[];
  /** The record, and what becomes of the changed one; when absent: the work tree's file. */
  record?: { text: string; save(text: string): Promise<void> };
}

export interface Enrolled {
  host: string;
  host_key: string | null;
  identity: string;
  facts: HostFacts;
  /** What keeps work from this host. */
  missing: string[];
  /** The line that brings what is missing there. */
  install: string | null;
  /** What works, but less well. */
  warnings: string[];
  /** Jobs of the host's old life that were closed as lost. */
  closed: string[];
  /** True when the record was changed. */
  written: boolean;
  /** `added`: a person's key put the record's one there. null: nobody had to look. */
  key: "added" | "there" | null;
  /** Whom agents run as; null: the login user. */
  run_as: string | null;
  /** Whether the record's key is behind the gate. null for a machine that is reached without one. */
  locked: boolean | null;
}

/** Enrols `hosts/HOST.md`. Throws Fault; changes nothing but that record's `host_key` and `identity`. */
export async function enrollHost(options: EnrollOptions): Promise<Enrolled> {
  const path = join("hosts", `${options.host}.md`);
  const file = join(options.dir, path);
  const { text, save } = options.record ?? {
    text: await readFile(file, "utf8").catch((thrown) => {
      throw configuration(
        `${path} cannot be read: ${messageOf(thrown)}`,
        "copy hosts/example.md and give it an address",
      );
    }),
    save: (changed: string) => writeWhole(file, changed),
  };
  const { entry, problems } = parseEntry(path, "host", text);
  const wrong = problems.find((problem) => problem.level === "error");
  if (!entry) throw configuration(`${path}:${wrong?.line ?? 1}: ${wrong?.message ?? "is no host record"}`, wrong?.fix);
  const reaching = { ...options, hosts: options.hosts ?? ((name: string) => recordOf(options.dir, name)) };
  const pinned = await pin(reaching, entry.data);
  const met = await meet(reaching, pinned).catch((thrown) => {
    throw asFault(options.host, thrown);
  });
  const { facts, enrolment, survey } = met;
  const { identity } = enrolment;
  refuseAnother(options, entry.data, identity);
  // The ledger first: whoever dies here has a record that still refuses the new machine.
  const closed = (await options.replace?.(identity)) ?? [];
  const fields: Record<string, string> = {};
  if (pinned.host_key && pinned.host_key !== entry.data.host_key) fields.host_key = pinned.host_key;
  if (identity !== entry.data.identity) fields.identity = identity;
  const changed = setFields(text, fields);
  if (changed !== text) await save(changed);
  const { missing } = enrolment;
  return {
    host: options.host,
    host_key: pinned.host_key ?? null,
    identity,
    facts,
    missing,
    install: missing.length > 0 ? installLine(missing, survey?.family ?? []) : null,
    warnings: [...(survey ? limits(survey) : []), ...allWarnings(facts, enrolment, survey)],
    closed,
    written: changed !== text,
    key: met.key,
    run_as: entry.data.run_as ?? null,
    locked: met.locked,
  };
}

/** The record of a jump host, as it stands in the work tree. */
export async function recordOf(dir: string, name: string): Promise<Host | undefined> {
  const path = join("hosts", `${name}.md`);
  const text = await readFile(join(dir, path), "utf8").catch(() => null);
  return text === null ? undefined : parseEntry(path, "host", text).entry?.data;
}

/** The record with its host key: as pinned, or as shown and confirmed. What is pinned is compared by whoever connects. */
async function pin(options: EnrollOptions, host: Host): Promise<Host> {
  if (host.host_key !== undefined || host.transport === "local") return host;
  let shown: string | undefined;
  const look = (fingerprint: string) => {
    shown = fingerprint;
    return false;
  };
  const login = options.own === undefined ? undefined : (await ownLogins(options.own, options))[0];
  try {
    (await connectHost(options.host, host, { ...options, login }, look)).close();
    return host;
  } catch (thrown) {
    if (!(thrown instanceof HostFault) || thrown.kind !== "unknown-key" || !shown) throw asFault(options.host, thrown);
  }
  const question = `${options.host} (${host.address}:${host.port}) shows the host key ${shown}. Pin it?`;
  if (!(await options.confirm(question)))
    throw configuration(
      `${options.host} shows the host key ${shown}; it was not pinned`,
      "compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine, then use --yes",
    );
  return { ...host, host_key: shown };
}

interface Met {
  facts: HostFacts;
  enrolment: Enrolment;
  /** null: the key is behind the gate, where nobody can look around. */
  survey: Survey | null;
  key: Enrolled["key"];
  locked: boolean | null;
}

async function meet(options: EnrollOptions, host: Host): Promise<Met> {
  const open: Connection[] = [];
  const { host: name } = options;
  try {
    const { connection, key } = await enter(options, host);
    open.push(connection);
    let working = connection;
    let survey = await lookAround(name, host, connection);
    const gated = survey === null;
    if (gated && options.own !== undefined) {
      working = await connectAsPerson(name, host, options, options.own);
      open.push(working);
      survey = await lookAround(name, host, working);
    }
    // Before the meeting, which is told what the file says.
    if (options.allow) await writeAllow(name, host, working, options.allow);
    const met = await meetHost(name, host, working, options);
    const writing = { name, host, connection: working, options };
    const { inTurn = (_: string, work: () => Promise<void>) => work() } = options;
    const login = `${host.user}@${host.address}:${host.port}`;
    if (options.lock === "lock") await inTurn(login, () => lockKey(writing));
    if (options.lock === "unlock") await unlockKey(writing);
    const locked = options.lock === undefined ? gated : options.lock === "lock";
    return { ...met, survey, key, locked: host.transport === "local" ? null : locked };
  } finally {
    for (const connection of open) connection.close();
  }
}

/** A connection by the record's key. Where that is not accepted yet, a person's own key puts it there first. */
async function enter(options: EnrollOptions, host: Host): Promise<{ connection: Connection; key: Enrolled["key"] }> {
  const { host: name, own } = options;
  try {
    return { connection: await connectHost(name, host, options), key: own === undefined ? null : "there" };
  } catch (thrown) {
    if (!(thrown instanceof HostFault) || thrown.kind !== "refused" || own === undefined) throw thrown;
  }
  const person = await connectAsPerson(name, host, options, own);
  try {
    await putKey({ name, host, connection: person, options });
  } finally {
    person.close();
  }
  const connection = await connectHost(name, host, options).catch((thrown) => {
    if (!(thrown instanceof HostFault) || thrown.kind !== "refused") throw thrown;
    throw outside(
      `${name}: the key stands in ~/.ssh/authorized_keys now, and is not accepted all the same`,
      "look at AuthorizedKeysFile, StrictModes and the log of the SSH server there",
      thrown,
    );
  });
  return { connection, key: "added" };
}

/** Another identity than the pinned one means another machine, or one that forgot what it has run. */
function refuseAnother({ host: name, replace }: EnrollOptions, host: Host, identity: string): void {
  if (replace || host.identity === undefined || host.identity === identity) return;
  throw configuration(
    `${name} is pinned as ${host.identity}, but this machine is ${identity}`,
    `if it was set up anew, or is another machine on purpose: towline fleet enroll ${name} --replace (what the old one had open is lost)`,
  );
}

function allWarnings(facts: HostFacts, { sync, timeout }: Enrolment, survey: Survey | null): string[] {
  const warnings: string[] = [];
  if (sync === "all") warnings.push("neither `sync FILE` nor `dd conv=fsync`: the whole disk is synced at each start");
  if (timeout !== "group" && !survey?.missing.includes("timeout"))
    warnings.push("its `timeout` does not end process groups: a watch of ours does that");
  return [...warnings, ...warningsOf(facts)];
}

function asFault(name: string, thrown: unknown): Fault | unknown {
  if (!(thrown instanceof HostFault)) return thrown;
  return outside(thrown.message, remedies(name)[thrown.kind], thrown);
}

/** What a person can do about each fault of this host. */
export function remedies(name: string): Partial<Record<HostFault["kind"], string>> {
  return {
    "unknown-key": `towline fleet enroll ${name} shows the key and pins it`,
    "not-enrolled": `towline fleet enroll ${name} --replace, when it was set up anew`,
    "changed-key": `if the machine got a new key, check it there, remove \`host_key\` from hosts/${name}.md and enrol again; if not, somebody else answers`,
    refused: `towline fleet enroll ${name} --own-key logs in with a key of yours and puts the public half of towline's into ~/.ssh/authorized_keys there`,
    unreachable: "check address and port, and that this machine may reach it",
    protocol: "look at what the login shell of that user prints and runs",
  };
}
