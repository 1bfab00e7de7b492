// Makes a machine one of ours: pins its key, installs the host program, gives it an identity, looks at its tools.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEntry } from "../core/entry.ts";
import { warningsOf } from "../core/host-rows.ts";
import type { Host } from "../core/schema.ts";
import { configuration, type Fault, messageOf, outside } from "../errors.ts";
import { type HostFacts, HostFault } from "../ports.ts";
import { connectHost, type Enrolment, type FleetOptions, meetHost } from "./fleet.ts";
import { setFields } from "./fleet-record.ts";

export interface EnrollOptions extends FleetOptions {
  dir: string;
  host: string;
  /** Asks a person; false when there is none or they say no. */
  confirm(question: string): Promise<boolean>;
  /** The host is another machine now: closes in the ledger what its old life had open, and answers those job ids. */
  replace?(identity: string): Promise<string[]>;
}

export interface Enrolled {
  host: string;
  host_key: string | null;
  identity: string;
  facts: HostFacts;
  /** What keeps work from this host. */
  missing: string[];
  /** What works, but less well. */
  warnings: string[];
  /** Jobs of the host's old life that were closed as lost. */
  closed: string[];
  /** True when the record was written. */
  written: boolean;
}

/** Enrols `hosts/HOST.md` of a work tree. Throws Fault; changes nothing but that file's `host_key` and `identity`. */
export async function enrollHost(options: EnrollOptions): Promise<Enrolled> {
  const path = join("hosts", `${options.host}.md`);
  const file = join(options.dir, path);
  const text = await readFile(file, "utf8").catch((thrown) => {
    throw configuration(`${path} cannot be read: ${messageOf(thrown)}`, "copy hosts/example.md and give it an address");
  });
  const { entry, problems } = parseEntry(path, "host", text);
  const wrong = problems.find((problem) => problem.level === "error");
  if (!entry) throw configuration(`${path}:${wrong?.line ?? 1}: ${wrong?.message ?? "is no host record"}`, wrong?.fix);
  const reaching = { ...options, hosts: options.hosts ?? ((name: string) => recordOf(options.dir, name)) };
  const pinned = await pin(reaching, entry.data);
  const { facts, enrolment } = await meet(reaching, pinned);
  const { identity } = enrolment;
  refuseAnother(options, entry.data, identity);
  // The ledger first: whoever dies here has a record that still refuses the new machine.
  const closed = (await options.replace?.(identity)) ?? [];
  const fields: Record<string, string> = {};
  if (pinned.host_key && pinned.host_key !== entry.data.host_key) fields.host_key = pinned.host_key;
  if (identity !== entry.data.identity) fields.identity = identity;
  const changed = setFields(text, fields);
  if (changed !== text) await writeFile(file, changed);
  return {
    host: options.host,
    host_key: pinned.host_key ?? null,
    identity,
    facts,
    missing: enrolment.missing,
    warnings: allWarnings(facts, enrolment),
    closed,
    written: changed !== text,
  };
}

/** The record of a jump host, as it stands in the work tree. */
async function recordOf(dir: string, name: string): Promise<Host | undefined> {
  const path = join("hosts", `${name}.md`);
  const text = await readFile(join(dir, path), "utf8").catch(() => null);
  return text === null ? undefined : parseEntry(path, "host", text).entry?.data;
}

/** The record with its host key: as pinned, or as shown and confirmed. */
async function pin(options: EnrollOptions, host: Host): Promise<Host> {
  let shown: string | undefined;
  const look = (fingerprint: string) => {
    shown = fingerprint;
    return false;
  };
  try {
    (await connectHost(options.host, host, options, look)).close();
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

async function meet(options: EnrollOptions, host: Host) {
  const connection = await connectHost(options.host, host, options).catch((thrown) => {
    throw asFault(options.host, thrown);
  });
  try {
    return await meetHost(options.host, host, connection, options);
  } catch (thrown) {
    throw asFault(options.host, thrown);
  } finally {
    connection.close();
  }
}

/** Another identity than the pinned one means another machine, or one that forgot what it has run. */
function refuseAnother({ host: name, replace }: EnrollOptions, host: Host, identity: string): void {
  if (replace || host.identity === undefined || host.identity === identity) return;
  throw configuration(
    `${name} is pinned as ${host.identity}, but this machine is ${identity}`,
    `if it was set up anew, or is another machine on purpose: towline fleet enroll ${name} --replace (what the old one had open is lost)`,
  );
}

function allWarnings(facts: HostFacts, { sync, timeout }: Enrolment): string[] {
  const warnings: string[] = [];
  if (sync === "all") warnings.push("neither `sync FILE` nor `dd conv=fsync`: the whole disk is synced at each start");
  if (timeout !== "group") warnings.push("its `timeout` does not end process groups: a watch of ours does that");
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
    refused: "put the public half of the key into ~/.ssh/authorized_keys of that user on the machine",
    unreachable: "check address and port, and that this machine may reach it",
    protocol: "look at what the login shell of that user prints and runs",
  };
}
