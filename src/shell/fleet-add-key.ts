// The two keys of a first meeting: the one that the machine shows, and the one that we are to come in with.
import type { Host } from "../core/schema.ts";
import { configuration, outside, usage } from "../errors.ts";
import { HostFault } from "../ports.ts";
import { pinnedFingerprint } from "../transports/ssh.ts";
import type { Ask } from "./confirm.ts";
import { connectHost, type FleetOptions } from "./fleet.ts";
import { resolveKey } from "./fleet-key.ts";
import { acquaintance } from "./known-keys.ts";
import { makeKey, packKeyFile, publicLine, readKey, refuseTracked } from "./pack-keys.ts";
import type { Secrets } from "./secrets.ts";

export interface Lock {
  /** `SHA256:…` */
  fingerprint: string;
  /** The whole public key, as the record pins it. */
  line: string;
}

export interface Meeting {
  top: string;
  state: { pack: string };
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  secrets: Secrets;
  ask: Ask;
  yes: boolean;
  hostKey?: string;
  step(line: string): void;
}

const met = {
  known: ", your known_hosts knows it",
  new: "",
  "other-kind": ", but your known_hosts knows it by another kind of key",
};

/** The key that the machine shows, compared or confirmed. Throws a Fault when it is not to be trusted, or nobody answers. */
export async function metKey(at: string, host: Host, meeting: Meeting, fleet: FleetOptions): Promise<Lock> {
  const wanted = meeting.hostKey === undefined ? undefined : pinnedFingerprint(meeting.hostKey);
  const { fingerprint, key } = await shownKey(at, host, fleet);
  const kind = key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1");
  const lock = { fingerprint, line: `${kind} ${key.toString("base64")}` };
  if (wanted === fingerprint) return lock;
  if (wanted !== undefined)
    throw configuration(
      `${at} shows the host key ${fingerprint}, not ${wanted}`,
      "compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine; nothing was sent to it",
    );
  const known = await acquaintance(meeting.home, host, key);
  if (known === "other")
    throw configuration(
      `${at} shows the host key ${fingerprint}, but your ~/.ssh/known_hosts has another one for it`,
      `if it was set up anew, check the key there, then: ssh-keygen -R '${host.port === 22 ? host.address : `[${host.address}]:${host.port}`}'; if not, somebody else answers`,
    );
  const shown = `${at} shows the host key ${fingerprint} (${kind}${met[known]})`;
  // Whoever stands in between has no key of a kind that is known, and shows one of another: no mere --yes pins that.
  const strange = known === "other-kind";
  if (meeting.yes && !strange) {
    meeting.step(shown);
    return lock;
  }
  if (!meeting.yes && (await meeting.ask.confirm(`${shown}.\nIs it that machine?`))) return lock;
  throw configuration(
    `${shown}; it was not pinned, and nothing was sent to it`,
    strange
      ? `compare it with \`ssh-keygen -lf /etc/ssh/ssh_host_${kind.replace(/^ssh-|-.*$/g, "")}_key.pub\` on the machine, then use --host-key ${fingerprint}`
      : "compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine, then use --yes, or --host-key SHA256:…",
  );
}

async function shownKey(at: string, host: Host, fleet: FleetOptions): Promise<{ fingerprint: string; key: Buffer }> {
  let seen: { fingerprint: string; key: Buffer } | undefined;
  const look = (fingerprint: string, key?: Uint8Array) => {
    if (key) seen = { fingerprint, key: Buffer.from(key) };
    return false;
  };
  try {
    // The answer to the look is no: it ends before anybody would log in.
    (await connectHost(at, host, { ...fleet, login: { password: "" } }, look)).close();
  } catch (thrown) {
    if (!seen) throw addFault(at, thrown);
  }
  if (!seen) throw outside(`${at} shows no host key`, "is that an SSH server?");
  return seen;
}

export interface PackKey {
  /** As the record says it: `env:NAME`, `file:…`, `agent`. */
  word: string;
  /** The variable and secret that holds it. */
  name?: string;
  private?: string;
  /** The line for authorized_keys. */
  public?: string;
  /** Where the private half lies on this machine. */
  file?: string;
  made: boolean;
}

/** The key that the record names; a pack without one gets one. */
export async function chosenKey(word: string, meeting: Meeting): Promise<PackKey> {
  const { env, home, secrets, state, top } = meeting;
  const comment = `towline ${state.pack.replace(/-[0-9a-f]{12}$/, "")}`;
  const name = /^env:([A-Z_][A-Z0-9_]{0,63})$/.exec(word)?.[1];
  if (word.startsWith("env:") && name === undefined)
    throw usage(
      `\`--key ${word.slice(0, 40)}\` names no variable`,
      "write capitals, digits and _, like env:TOWLINE_SSH_KEY",
    );
  if (name !== undefined && !env[name]) {
    const file = packKeyFile(meeting, state.pack, name);
    await refuseTracked(file, top, env);
    const made = (await readKey(file)) === null ? await makeKey(file, `${comment} ${name}`) : null;
    const text = made?.private ?? ((await readKey(file)) as string);
    secrets.add(name, text);
    return { word, name, private: text, public: lineOf(text, `${comment} ${name}`, file), file, made: made !== null };
  }
  const { key } = await resolveKey("--key", word, { env, home, secrets });
  if (key === undefined) return { word, made: false };
  return { word, ...(name ? { name } : {}), private: key, public: lineOf(key, comment, word), made: false };
}

function lineOf(key: string, comment: string, where: string): string {
  const line = publicLine(key, comment);
  if (line !== null) return line;
  throw configuration(
    `the key in ${where} cannot be used: it is locked with a passphrase, or no private key`,
    "towline fleet keygen makes one that only this pack's machines accept",
  );
}

/** What a person can do about a machine that is not ours yet. */
export function addFault(at: string, thrown: unknown): unknown {
  if (!(thrown instanceof HostFault)) return thrown;
  const advice: Partial<Record<HostFault["kind"], string>> = {
    unreachable:
      "is it on, does sshd run there, is the port right, and may this machine reach it? `ssh -v` to it says more",
    refused: "put the public half of the key into ~/.ssh/authorized_keys of that user on the machine",
    "changed-key": "it showed another key a moment ago: two machines answer at this address, or somebody is in between",
    lost: "look at the line to it and run this again: nothing was written here",
    protocol: "look at what the login shell of that user prints and runs",
  };
  return outside(thrown.message, advice[thrown.kind] ?? `look at ${at} and run this again`, thrown);
}
