// The secrets that this process knows, and the one mask made of them. Nothing here prints or stores a value.
import { existsSync } from "node:fs";
import { type Cut, type Mask, maskOf, type Secret, weakness } from "../core/mask.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What every text that leaves goes through. */
export interface Secrets {
  mask(text: string, cut?: Cut): string;
  /** Another value to mask from now on, like a key that was read from a file. */
  add(name: string, value: string): void;
  /** All of these variables that hold secrets, by their names or their values. */
  learn(env: Env): void;
  /** Added by name and left unmasked, in words; each is given once. */
  warnings(): string[];
}

const secret_name = /(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|PASSPHRASE|CREDENTIALS?|PAT)(_|$)/i;
const ours = /^GIT_CONFIG_KEY_\d+$/; // names of settings

export function createSecrets(env: Env): Secrets {
  const known = new Map<string, Secret>();
  const told = new Set<string>();
  const pending: string[] = [];
  let mask: Mask | null = null;
  const keep = (name: string, value: string) => {
    const key = `${name}\0${value}`;
    if (value === "" || known.has(key)) return;
    known.set(key, { name, value });
    mask = null;
  };
  const secrets: Secrets = {
    mask(text, cut) {
      mask ??= maskOf([...known.values()]);
      return mask.text(text, cut);
    },
    add(name, value) {
      keep(name, value);
      const why = value === "" ? null : weakness(value);
      if (why === null || told.has(name)) return;
      told.add(name);
      pending.push(`${name} is not masked in records and logs: ${why}`);
    },
    learn(more) {
      for (const { name, value } of secretsIn(more)) keep(name, value);
    },
    warnings: () => pending.splice(0),
  };
  secrets.learn(env);
  return secrets;
}

/** For tests that look at what would leave without the mask. */
export const noSecrets: Secrets = { mask: (text) => text, add() {}, learn() {}, warnings: () => [] };

/** Variables with a secret's name, private keys, and passwords inside addresses. A path to a key is no secret. */
export function secretsIn(env: Env): Secret[] {
  const found: Secret[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!value) continue;
    const named = secret_name.test(name) && !ours.test(name) && !(value.startsWith("/") && existsSync(value));
    if (named || value.includes("PRIVATE KEY-----")) found.push({ name, value });
    for (const word of passwordsIn(value)) found.push({ name, value: word });
  }
  return found;
}

/** The passwords and tokens in an address: `https://user:password@host`, `?authToken=…`. */
export function passwordsIn(value: string): string[] {
  const found = [...value.matchAll(/\b[a-z][a-z0-9+.-]*:\/\/([^/@\s]+)@/gi)].flatMap(([, user = ""]) => {
    const cut = user.indexOf(":");
    return cut < 0 ? [user] : [user.slice(cut + 1)];
  });
  const query = [...value.matchAll(/[?&](?:auth_?token|access_token|token|password|key)=([^&\s#]+)/gi)];
  return [...found, ...query.map((hit) => hit[1] as string)].flatMap((word) => [word, decoded(word)]);
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
