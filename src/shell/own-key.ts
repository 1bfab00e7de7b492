// A person's own way in: the keys that they log in with anyway, and the public half of the key that a record names.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { configuration, outside } from "../errors.ts";
import { type Connection, HostFault } from "../ports.ts";
import { isLocked, unlock } from "../transports/key.ts";
import { connectHost, type FleetOptions } from "./fleet.ts";
import { type Keyring, type Login, resolveKey } from "./fleet-key.ts";

type Host = Parameters<typeof connectHost>[1];

/** `own`: the agent and the usual files of ~/.ssh; else the one file. */
export type OwnKey = "own" | { file: string };

const usual = ["id_ed25519", "id_ecdsa", "id_rsa"];

/** What a person may log in with, in the order in which it is tried. Throws a configuration Fault when there is nothing. */
export async function ownLogins(own: OwnKey, keyring: Keyring): Promise<Login[]> {
  const { env, home } = keyring;
  if (own !== "own") return [await resolveKey("enrolment", `file:${own.file}`, keyring)];
  const logins: Login[] = env.SSH_AUTH_SOCK ? [{}] : [];
  let locked: string | undefined;
  for (const name of usual) {
    const keyFile = join(home, ".ssh", name);
    const key = await readFile(keyFile, "utf8").catch(() => undefined);
    if (key !== undefined && isLocked(key)) locked ??= keyFile;
    else if (key !== undefined) logins.push({ key, keyFile });
  }
  // A passphrase is asked for only where nothing else is left to try.
  if (logins.length === 0 && locked) return [await resolveKey("enrolment", `file:${locked}`, keyring)];
  if (logins.length > 0) return logins;
  throw configuration(
    "there is no key of your own: no ssh-agent runs, and ~/.ssh holds none",
    "start ssh-agent and `ssh-add`, or name a key with --identity-file",
  );
}

/** Logs in with the first of a person's keys that the host takes. */
export async function connectAsPerson(
  name: string,
  host: Host,
  options: FleetOptions,
  own: OwnKey,
): Promise<Connection> {
  let refused: unknown;
  for (const login of await ownLogins(own, options))
    try {
      return await connectHost(name, host, { ...options, login });
    } catch (thrown) {
      if (!(thrown instanceof HostFault) || thrown.kind !== "refused") throw thrown;
      refused = thrown;
    }
  throw outside(
    `${name}: none of your own keys is accepted for ${host.user ?? "this user"}`,
    "name the right one with --identity-file, or put one there by `ssh-copy-id`",
    refused,
  );
}

/** `TYPE BASE64` of the key that the record names; null for one of the agent's, which is a person's already. */
export async function publicHalf(name: string, host: Host, keyring: Keyring): Promise<string | null> {
  if (host.key === undefined || host.key === "agent") return null;
  const { key = "", passphrase } = await resolveKey(name, host.key, keyring, host.key_passphrase);
  const parsed = unlock(name, key, passphrase);
  return `${parsed.type} ${parsed.getPublicSSH().toString("base64")}`;
}
