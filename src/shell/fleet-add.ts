// A new machine, from its address to its first word: looks at its key, brings ours there, enrols it, hears it, and only
// then writes its record. Whoever stops this half-way has nothing half-written.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { placeText } from "../core/machine-address.ts";
import { hostSlug, type NewHost } from "../core/new-host.ts";
import { render } from "../core/render.ts";
import { type Host, host as hostForm } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { configuration, messageOf } from "../errors.ts";
import { type Connection, HostFault } from "../ports.ts";
import { putKey } from "./authorized.ts";
import type { Ask } from "./confirm.ts";
import { type Enrolled, enrollHost } from "./enroll.ts";
import { connectHost, type FleetOptions } from "./fleet.ts";
import { addFault, chosenKey, metKey, type PackKey } from "./fleet-add-key.ts";
import { type Hello, hello } from "./fleet-hello.ts";
import { loginAsPerson } from "./fleet-login.ts";
import { runScript } from "./host-script.ts";
import { newRecord } from "./new-record.ts";
import type { Secrets } from "./secrets.ts";

export interface AddOptions {
  /** Top of the work tree, and what stands in it. */
  top: string;
  state: State;
  /** What the record will say. */
  fields: NewHost;
  name?: string;
  /** The host key that it must show. */
  hostKey?: string;
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  secrets: Secrets;
  ask: Ask;
  /** Pins what the machine shows without asking. */
  yes: boolean;
  /** No job at all: STOP.md is there. */
  silent: boolean;
  /** What has been done, a line each. */
  step(line: string): void;
  signal?: AbortSignal;
}

export interface Added {
  host: string;
  path: string;
  /** As the machine shows it. */
  fingerprint: string;
  key: PackKey;
  enrolled: Enrolled;
  hello: Hello | null;
  /** Why there is no hello. */
  why?: string;
}

export async function addHost(options: AddOptions): Promise<Added> {
  const { step } = options;
  const at = `${options.fields.user}@${placeText(options.fields)}`;
  const lock = await metKey(at, formOf(options.fields), options, fleetOf(options));
  const key = await chosenKey(options.fields.key, options);
  if (key.made) step(`a key of its own for this pack: ${key.file}`);
  const fields = { ...options.fields, host_key: lock.line };
  const hostname = await enter(at, formOf(fields), key, options);
  const name = await freeName(options, hostname);
  step(`enrolling it as ${name}`);
  const { enrolled, text } = await enrolDraft(name, fields, key, options);
  refuseTwin(options.state, name, enrolled.identity);
  options.signal?.throwIfAborted();
  const host = await publish(name, text, options);
  return {
    host,
    path: `hosts/${host}.md`,
    fingerprint: lock.fingerprint,
    key,
    enrolled: { ...enrolled, host },
    ...(await firstWord(host, fields, key, enrolled, options)),
  };
}

type Fields = NewHost & { host_key?: string; identity?: string };

const formOf = (fields: Fields): Host =>
  hostForm.parse(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));

/** How machines are reached, those behind a jump host, too. */
const fleetOf = ({ env, home, secrets, state, ask }: AddOptions, key?: PackKey): FleetOptions => ({
  env: key?.name && key.private ? { ...env, [key.name]: key.private } : env,
  home,
  secrets,
  pack: state.pack,
  ask: ask.hidden,
  hosts: (name) => state.hosts.get(name)?.data,
});

/** Makes sure that our key opens the machine; answers what the machine calls itself. */
async function enter(at: string, host: Host, key: PackKey, options: AddOptions): Promise<string> {
  const own = () => connectHost(at, host, fleetOf(options, key));
  const first = key.made ? null : await own().catch(passRefused);
  if (first) {
    options.step(`it lets ${key.word} in already`);
    return closing(first, hostnameOf).catch(rethrow(at));
  }
  if (!key.public) throw addFault(at, new HostFault("refused", `${at} accepts no key of your ssh-agent`));
  const knock = { name: at, host, options: fleetOf(options, key), ask: options.ask, line: key.public };
  const entered = await loginAsPerson(knock).catch(rethrow(at));
  const brought = await closing(entered.connection, async (connection) => ({
    key: await putKey({ name: at, host, connection, options: knock.options }),
    hostname: await hostnameOf(connection),
  })).catch(rethrow(at));
  const put = brought.key === "written" ? "was added to" : "stood in";
  options.step(`in by ${entered.by}; the public key ${put} ~/.ssh/authorized_keys`);
  const second = await own().catch((thrown) => {
    if (!(thrown instanceof HostFault) || thrown.kind !== "refused") throw addFault(at, thrown);
    throw configuration(
      `${at} does not accept the key that was just added to ~/.ssh/authorized_keys`,
      "look at AuthorizedKeysFile and PubkeyAuthentication in its sshd_config, and at the modes of ~ and ~/.ssh there (not writable for others)",
    );
  });
  second.close();
  return brought.hostname;
}

function passRefused(thrown: unknown): null {
  if (thrown instanceof HostFault && thrown.kind === "refused") return null;
  throw thrown instanceof HostFault ? addFault(thrown.message, thrown) : thrown;
}

const rethrow = (at: string) => (thrown: unknown) => {
  throw addFault(at, thrown);
};

async function closing<T>(connection: Connection, use: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

/** What the machine calls itself. */
const hostnameOf = async (connection: Connection): Promise<string> =>
  (await runScript(connection, "uname -n\n")).out.trim().split("\n").at(-1) ?? "";

const taken = async (top: string, name: string) =>
  readFile(join(top, "hosts", `${name}.md`)).then(
    () => true,
    (thrown) => (thrown as NodeJS.ErrnoException).code !== "ENOENT",
  );

/** The given name, or the machine's own; two machines with one name of their own get a number. */
async function freeName({ top, name, fields }: AddOptions, hostname: string): Promise<string> {
  if (name !== undefined) return name;
  const own = hostname.split(".")[0] as string;
  const base = hostSlug(/^(localhost)?$/i.test(own) ? fields.address : own, 40);
  for (let n = 1; ; n++) {
    const word = n === 1 ? base : `${base}-${n}`;
    if (!(await taken(top, word))) return word;
  }
}

/** Enrols it with a record that nobody else sees yet. */
async function enrolDraft(name: string, fields: Fields, key: PackKey, options: AddOptions) {
  let text = render("host", { ...fields }, "");
  const save = async (changed: string) => {
    text = changed;
  };
  const confirm = () => Promise.resolve(false);
  const record = { text, save };
  const enrolled = await enrollHost({ dir: options.top, host: name, ...fleetOf(options, key), confirm, record });
  const { facts } = enrolled;
  const gib = (facts.memory.total / 2 ** 30).toFixed(1);
  return { enrolled, text: `${text}\n${facts.system} ${facts.arch}, ${facts.cores} cores, ${gib} GiB of memory.\n` };
}

function refuseTwin(state: State, name: string, identity: string): void {
  const twin = [...state.hosts.values()].find((host) => host.data.identity === identity);
  if (twin)
    throw configuration(
      `this machine is in the fleet already, as ${twin.id} (${twin.path})`,
      `change that record, or give ${name} a user or \`root:\` of its own`,
    );
}

async function publish(name: string, text: string, options: AddOptions): Promise<string> {
  for (let word = name; ; word = await freeName(options, name)) {
    if (await newRecord(options.top, "hosts", word, text)) return word;
    if (options.name !== undefined)
      throw configuration(`hosts/${word}.md came to be meanwhile`, "give the machine another name with --name");
  }
}

async function firstWord(name: string, fields: Fields, key: PackKey, enrolled: Enrolled, options: AddOptions) {
  if (options.silent) return { hello: null, why: "STOP.md stops everything: no job was run" };
  if (enrolled.missing.length > 0)
    return { hello: null, why: `${enrolled.missing.join(", ")} must be installed there first` };
  options.step("asking for its first word");
  try {
    const host = formOf({ ...fields, identity: enrolled.identity });
    return { hello: await hello(name, host, options.state.pack, fleetOf(options, key)) };
  } catch (thrown) {
    if (!(thrown instanceof HostFault)) throw thrown;
    return { hello: null, why: messageOf(thrown) };
  }
}
