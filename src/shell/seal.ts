// A built site, encrypted: what is left to see is a form. site/sealed/sw.js reads what is written here.
import { randomBytes, webcrypto } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** What opens the site: a random key, or words of a person. */
export type Lock = { key: string } | { passphrase: string };

const pack = promisify(gzip);
/** Bytes of one encrypted piece. All are alike. */
const piece_size = 256 << 10;
const fewest_pieces = 8;
export const pbkdf2_rounds = 600_000;
const shell_files = ["unlock.js", "unlock.css", "sw.js", "keep.js"];

/** 128 random bits that fit into an address. */
export const newSiteKey = () => randomBytes(16).toString("base64url");

interface Shell {
  /** site/sealed of this package. */
  from: string;
  base: string;
}

/** Encrypts all of `site` into the new folder `out`. Fresh salt and fresh nonces each time. */
export async function sealFolder(site: string, out: string, lock: Lock, shell: Shell): Promise<void> {
  const stream = await streamOf(site, shell.base);
  const total = padded(Math.ceil(stream.length / piece_size));
  const salt = randomBytes(16);
  const kdf = "key" in lock ? { kdf: "hkdf" } : { kdf: "pbkdf2", rounds: pbkdf2_rounds };
  const head = { version: 1, ...kdf, salt: salt.toString("base64"), size: piece_size, pieces: total };
  const key = await keyOf(lock, salt);
  await mkdir(join(out, "c"), { recursive: true });
  for (let n = 0; n < total; n++) {
    const plain = new Uint8Array(piece_size);
    plain.set(stream.subarray(n * piece_size, (n + 1) * piece_size));
    const iv = randomBytes(12);
    const additionalData = Buffer.from(`${head.salt} ${n} ${total}`);
    const sealed = await webcrypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, plain);
    await writeFile(join(out, "c", String(n)), Buffer.concat([iv, Buffer.from(sealed)]));
  }
  await writeFile(join(out, "site.json"), `${JSON.stringify(head)}\n`);
  await writeShell(out, shell);
}

async function writeShell(out: string, { from, base }: Shell): Promise<void> {
  for (const name of shell_files) await writeFile(join(out, name), await readFile(join(from, name)));
  await writeFile(join(out, "favicon.svg"), await readFile(join(from, "..", "public", "favicon.svg")));
  const page = (await readFile(join(from, "index.html"), "utf8")).replaceAll("%BASE%", base);
  // A host that answers unknown addresses with this page lets deep links in, too.
  for (const name of ["index.html", "404.html"]) await writeFile(join(out, name), page);
}

/** Length and list of all files, then the files, each compressed by itself. Where one ends is not to be seen outside. */
async function streamOf(site: string, base: string): Promise<Buffer> {
  const names = (await readdir(site, { recursive: true, withFileTypes: true }))
    .filter((item) => item.isFile())
    .map((item) => relative(site, join(item.parentPath, item.name)).split(sep).join("/"))
    .sort();
  const keep = Buffer.from(`<script src="${base}keep.js"></script></body>`);
  const files: [string, Buffer][] = [];
  for (const name of names) {
    const read = await readFile(join(site, name));
    const at = name.endsWith(".html") ? read.lastIndexOf("</body>") : -1;
    const whole = at < 0 ? read : Buffer.concat([read.subarray(0, at), keep, read.subarray(at + 7)]);
    files.push([name, await pack(whole)]);
  }
  return laidOut(files);
}

/** The list holds places, and its own length moves them: it is made until it fits. */
async function laidOut(files: [string, Buffer][]): Promise<Buffer> {
  const begin = 4;
  let room = 0;
  for (;;) {
    let at = begin + room;
    const index: Record<string, [number, number]> = {};
    for (const [name, { length }] of files) {
      index[name] = [at, length];
      at += length;
    }
    const list = await pack(JSON.stringify(index));
    if (list.length > room) {
      room = list.length + 64;
      continue;
    }
    const head = Buffer.alloc(begin + room);
    head.writeUInt32BE(list.length);
    list.copy(head, begin);
    return Buffer.concat([head, ...files.map(([, data]) => data)]);
  }
}

/** Up to the next of 1, 1¼, 1½, 1¾ times a power of two: how much there is can only be told so coarsely. */
export function padded(pieces: number): number {
  if (pieces <= fewest_pieces) return fewest_pieces;
  const step = 2 ** (Math.floor(Math.log2(pieces)) - 2);
  return Math.ceil(pieces / step) * step;
}

async function keyOf(lock: Lock, salt: Uint8Array<ArrayBuffer>) {
  const { subtle } = webcrypto;
  const raw = Buffer.from(("key" in lock ? lock.key : lock.passphrase).normalize("NFC"));
  const way =
    "key" in lock
      ? { name: "HKDF", hash: "SHA-256", salt, info: Buffer.from("towline site") }
      : { name: "PBKDF2", hash: "SHA-256", salt, iterations: pbkdf2_rounds };
  const base = await subtle.importKey("raw", raw, way.name, false, ["deriveKey"]);
  return subtle.deriveKey(way, base, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
}
