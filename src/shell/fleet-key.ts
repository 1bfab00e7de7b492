// `key:` of a host record → what to log in with. The environment is handed in; nothing is kept or printed.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { configuration, messageOf } from "../errors.ts";
import type { Secrets } from "./secrets.ts";

export interface Keyring {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  /** Learns the keys that are read from files. */
  secrets?: Pick<Secrets, "add">;
}

export interface Login {
  /** Private key as text. */
  key?: string;
}

/** Throws a configuration Fault when the key that the record names is not there. */
export async function resolveKey(
  name: string,
  wanted: string | undefined,
  { env, home, secrets }: Keyring,
): Promise<Login> {
  if (wanted === undefined || wanted === "agent") {
    if (env.SSH_AUTH_SOCK) return {};
    throw configuration(
      wanted ? `${name} wants a key of the ssh agent, but none is running` : `${name} names no key to log in with`,
      "write `key: env:NAME` or `key: file:~/.ssh/id_ed25519` in its record, or start ssh-agent",
    );
  }
  const [, kind, rest] = /^(env|file):(.+)$/s.exec(wanted) ?? [];
  if (kind === "env") {
    const text = env[rest as string];
    if (text) secrets?.add(rest as string, text);
    if (text) return { key: text.endsWith("\n") ? text : `${text}\n` };
    throw configuration(
      `${name} wants the key in ${rest}, but that variable is empty`,
      `set ${rest} to the key's text`,
    );
  }
  if (kind === "file") {
    const path = (rest as string).startsWith("~/") ? join(home, (rest as string).slice(2)) : (rest as string);
    const text = await readFile(path, "utf8").catch((thrown) => {
      throw configuration(`${name} wants the key in ${rest}: ${messageOf(thrown)}`, "put the private key there");
    });
    secrets?.add(rest as string, text);
    return { key: text };
  }
  throw configuration(
    `${name}: \`key: ${wanted.slice(0, 20)}\` is no place`,
    "write `env:NAME`, `file:~/…` or `agent`",
  );
}
