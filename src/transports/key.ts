// Private keys as text, locked or not, opened once.
import ssh2, { type ParsedKey } from "ssh2";
import { configuration } from "../errors.ts";

const { utils } = ssh2;

// Opening a locked key is slow on purpose, and many hosts share one.
const opened = new Map<string, ParsedKey>();

/** Whether a passphrase is asked for. Rubbish is not locked. */
export function isLocked(key: string): boolean {
  const parsed = utils.parseKey(key);
  return parsed instanceof Error && /passphrase|encrypted/i.test(parsed.message);
}

/** The key, ready to sign. Throws a configuration Fault that says what is wrong with it; never shows any of it. */
export function unlock(name: string, key: string, passphrase?: string): ParsedKey {
  const id = `${passphrase ?? ""}\0${key}`;
  const known = opened.get(id);
  if (known) return known;
  const read = utils.parseKey(key, passphrase);
  const parsed = Array.isArray(read) ? read[0] : read;
  if (parsed instanceof Error || !parsed?.isPrivateKey()) throw keyFault(name, key, passphrase, parsed);
  opened.set(id, parsed);
  return parsed;
}

function keyFault(name: string, key: string, passphrase: string | undefined, parsed: unknown) {
  if (isLocked(key) && passphrase !== undefined)
    return configuration(
      `the passphrase does not open the SSH key of ${name}`,
      "check what `key_passphrase` names, or what you typed",
    );
  if (isLocked(key))
    return configuration(
      `the SSH key of ${name} is locked with a passphrase, and nobody is there to type it`,
      "put the passphrase into a variable and write `key_passphrase: env:NAME`, or use `key: agent`, or a key without one that only these hosts accept",
    );
  if (/^sk-|BEGIN OPENSSH/.test(key) && parsed instanceof Error && /unsupported|sk-/i.test(parsed.message))
    return configuration(
      `the SSH key of ${name} is of a kind that only the system's ssh can use: ${parsed.message}`,
      "write `transport: openssh`",
    );
  return configuration(
    `the SSH key of ${name} cannot be read: ${parsed instanceof Error ? parsed.message : "it is no private key"}`,
    "give the whole private key, with its first and last line",
  );
}
