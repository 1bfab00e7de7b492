// What a person's own ~/.ssh/known_hosts says of a machine's key. Read only: towline pins keys in records.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * `known`: this very key · `other`: another one of the same kind, or it is revoked · `other-kind`: only keys of other
 * kinds · `new`: nothing of this machine.
 */
export type Acquaintance = "known" | "other" | "other-kind" | "new";

export async function acquaintance(
  home: string,
  { address, port }: { address: string; port: number },
  key: Uint8Array,
): Promise<Acquaintance> {
  const text = await readFile(join(home, ".ssh", "known_hosts"), "utf8").catch(() => "");
  return judgeKnown(text, { address, port }, Buffer.from(key));
}

export function judgeKnown(text: string, at: { address: string; port: number }, key: Buffer): Acquaintance {
  const name = at.port === 22 ? at.address.toLowerCase() : `[${at.address.toLowerCase()}]:${at.port}`;
  const shown = key.toString("base64");
  const kind = key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1");
  let found: Acquaintance = "new";
  for (const line of text.split(/\r?\n/)) {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith("@") ? words.shift() : undefined;
    const [names = "", type, data] = words;
    if (line.trimStart().startsWith("#") || !names.split(",").some((one) => isNamed(one, name))) continue;
    if (marker === "@revoked" && type === kind && data === shown) return "other";
    if (marker !== undefined) continue; // a certificate authority says nothing about this key
    if (type !== kind) {
      if (data !== undefined && found === "new") found = "other-kind";
    } else if (data === shown) found = "known";
    else if (found !== "known") found = "other";
  }
  return found;
}

/** Plain or hashed: `|1|salt|HMAC-SHA1`. Patterns are left to ssh. */
function isNamed(word: string, name: string): boolean {
  const [, version, salt, hash] = /^\|(\d+)\|([^|]+)\|([^|]+)$/.exec(word) ?? [];
  if (version !== "1" || !salt || !hash) return word.toLowerCase() === name;
  const wanted = Buffer.from(hash, "base64");
  const made = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return wanted.length === made.length && timingSafeEqual(wanted, made);
}
