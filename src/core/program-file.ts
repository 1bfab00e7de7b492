// What came out of a download: the one program in an archive, and for which machine it was built. Only bytes are looked
// at: no name in an archive ever becomes a path.

const block = 512;

const ascii = (bytes: Uint8Array, from: number, length: number) => {
  let text = "";
  for (let at = from; at < from + length && bytes[at]; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
};

export const isTar = (bytes: Uint8Array) => bytes.length >= block && ascii(bytes, 257, 5) === "ustar";

export const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Kinds of packing that are not opened, by their first bytes. */
export function foreignPacking(bytes: Uint8Array): string | null {
  const head = Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (head.startsWith("504b0304")) return "zip";
  if (head.startsWith("fd377a585a00")) return "xz";
  if (head.startsWith("28b52ffd")) return "zstd";
  return head.startsWith("425a68") ? "bzip2" : null;
}

/** The regular file of that name in a tar archive, whatever its folder. A text: why there is no such one. */
export function fileInTar(bytes: Uint8Array, name: string): Uint8Array | string {
  const found: Uint8Array[] = [];
  for (let at = 0; at + block <= bytes.length; ) {
    const header = bytes.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) break;
    const size = sizeOf(header);
    if (size === null || sumOf(header) !== Number.parseInt(ascii(header, 148, 8).trim(), 8))
      return "the archive is damaged";
    const from = at + block;
    if (from + size > bytes.length) return "the archive is cut";
    const kind = header[156] ?? 0;
    const path = ascii(header, 0, 100);
    if ((kind === 0 || kind === 0x30) && path.slice(path.lastIndexOf("/") + 1) === name)
      found.push(bytes.subarray(from, from + size));
    at = from + Math.ceil(size / block) * block;
  }
  if (found.length === 1) return found[0] as Uint8Array;
  return found.length === 0
    ? `the archive holds no file named ${name}`
    : `the archive holds ${found.length} files named ${name}`;
}

function sizeOf(header: Uint8Array): number | null {
  const text = ascii(header, 124, 12).trim();
  return /^[0-7]{1,12}$/.test(text) ? Number.parseInt(text, 8) : null;
}

/** The header's own checksum counts itself as spaces. */
const sumOf = (header: Uint8Array) => header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);

const machines: Record<number, string> = {
  3: "x86",
  8: "mips",
  22: "s390x",
  40: "arm",
  62: "amd64",
  183: "arm64",
  243: "riscv64",
  258: "loong64",
};

/** Why these bytes are no program for that kind of machine, or null. `arch`: as in Platform. */
export function unfit(bytes: Uint8Array, arch: string): string | null {
  if (bytes[0] === 0x23 && bytes[1] === 0x21) return null; // a script says itself what runs it
  if (ascii(bytes, 0, 4) !== "\x7fELF" || bytes.length < 20) return "it is no program for Linux";
  const little = bytes[5] === 1;
  const [low, high] = little ? [18, 19] : [19, 18];
  const machine = (bytes[low] as number) | ((bytes[high] as number) << 8);
  const built = machines[machine] ?? `machine ${machine}`;
  const wanted = arch.startsWith("armv") ? "arm" : arch === "mipsle" ? "mips" : arch;
  return built === wanted || (built === "x86" && wanted === "amd64")
    ? null
    : `it is built for ${built}, this machine is ${arch}`;
}
