// `key:` of a host record → what to log in with. The environment is handed in; nothing is kept or printed.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { configuration, messageOf } from "../errors.ts";
import { isLocked, unlock } from "../transports/key.ts";
import { packKeyFile, readKey } from "./pack-keys.ts";
import type { Secrets } from "./secrets.ts";

export interface Keyring {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  /** Learns the keys that are read from files. */
  secrets?: Pick<Secrets, "add">;
  /** Asks a person for something that must not be seen; null when there is none. */
  ask?(question: string): Promise<string | null>;
  /** The pack, whose own keys on this machine stand in for variables that are not set. */
  pack?: string;
}

export interface Login {
  /** Private key as text. */
  key?: string;
  /** What opens it, where it is locked. */
  passphrase?: string;
  /** The file that it stands in. */
  keyFile?: string;
  /** In place of a key: what a person typed for this one login. */
  password?: string;
}

/** Throws a configuration Fault when the key that the record names is not there. */
export async function resolveKey(
  name: string,
  wanted: string | undefined,
  keyring: Keyring,
  lock?: string,
): Promise<Login> {
  const { env, home, secrets } = keyring;
  if (wanted === undefined || wanted === "agent") {
    if (env.SSH_AUTH_SOCK) return {};
    throw configuration(
      wanted ? `${name} wants a key of the ssh agent, but none is running` : `${name} names no key to log in with`,
      "write `key: env:NAME` or `key: file:~/.ssh/id_ed25519` in its record, or start ssh-agent",
    );
  }
  const [, kind, rest] = /^(env|file):(.+)$/s.exec(wanted) ?? [];
  if (kind === "env") {
    const text = env[rest as string] || (await ownKey(keyring, rest as string));
    if (text) secrets?.add(rest as string, text);
    const key = text?.endsWith("\n") ? text : `${text}\n`;
    if (text) return { key, ...(await passphrase(name, rest as string, key, lock, keyring)) };
    throw configuration(
      `${name} wants the key in ${rest}, but that variable is empty`,
      `set ${rest} to the key's text, or make one: towline fleet keygen --name ${rest}`,
    );
  }
  if (kind === "file") {
    const path = (rest as string).startsWith("~/") ? join(home, (rest as string).slice(2)) : (rest as string);
    const text = await readFile(path, "utf8").catch((thrown) => {
      throw configuration(`${name} wants the key in ${rest}: ${messageOf(thrown)}`, "put the private key there");
    });
    secrets?.add(rest as string, text);
    return { key: text, keyFile: path, ...(await passphrase(name, rest as string, text, lock, keyring)) };
  }
  throw configuration(
    `${name}: \`key: ${wanted.slice(0, 20)}\` is no place`,
    "write `env:NAME`, `file:~/…` or `agent`",
  );
}

/** The key that `towline fleet keygen` left on this machine, or null. */
async function ownKey({ pack, ...at }: Keyring, name: string): Promise<string | null> {
  return pack !== undefined && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? readKey(packKeyFile(at, pack, name)) : null;
}

/** One question for each key, however many hosts it opens, for as long as the same person is asked. */
const asked = new WeakMap<NonNullable<Keyring["ask"]>, Map<string, Promise<string | null>>>();

/** What opens the key, when it is locked: from the variable that the record names, or from a person. */
async function passphrase(
  name: string,
  place: string,
  key: string,
  lock: string | undefined,
  { env, secrets, ask }: Keyring,
): Promise<Pick<Login, "passphrase">> {
  if (!isLocked(key)) return {};
  const variable = lock?.replace(/^env:/, "");
  const said = variable ? env[variable] : ask && (await once(ask, key, `Passphrase of the SSH key ${place}: `));
  if (said) secrets?.add(variable ?? `the passphrase of ${place}`, said);
  if (variable && !said)
    throw configuration(
      `${name} wants the passphrase of its key in ${variable}, but that variable is empty`,
      `set ${variable} to the passphrase`,
    );
  unlock(name, key, said || undefined);
  return said ? { passphrase: said } : {};
}

function once(ask: NonNullable<Keyring["ask"]>, key: string, question: string): Promise<string | null> {
  const answers = asked.get(ask) ?? new Map<string, Promise<string | null>>();
  asked.set(ask, answers);
  const answer = answers.get(key) ?? ask(question);
  answers.set(key, answer);
  return answer;
}
