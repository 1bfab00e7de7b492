// Releases of runtimes: which file of one is for which machine, what its checksums say, how a host's record pins it.
import type { Release, Settings } from "./schema.ts";

const usual: Record<string, Release> = { picoclaw: { github: "EricGrill/picoclaw", scripts: false } };

/** Where this runtime comes from, or null when nothing says so. */
export const releaseOf = (settings: Settings, runtime: string): Release | null =>
  (Object.hasOwn(settings.releases, runtime) ? settings.releases[runtime] : usual[runtime]) ?? null;

/** The file to look for, as release pages name machines; null: towline's host program does not run there either. */
export interface Platform {
  /** As Go and most release pages call it: `amd64`, `arm64`, `riscv64`, `armv7`. */
  arch: string;
  /** As the archives of picoclaw call it: `x86_64`, the rest alike. */
  word: string;
  /** What else files are named by. */
  also: string[];
}

const platforms: [RegExp, Platform][] = [
  [/^(x86_64|amd64)$/, { arch: "amd64", word: "x86_64", also: ["x64"] }],
  [/^(aarch64|arm64)$/, { arch: "arm64", word: "arm64", also: ["aarch64"] }],
  [/^riscv64$/, { arch: "riscv64", word: "riscv64", also: [] }],
  [/^(armv7l?|armv8l|armhf)$/, { arch: "armv7", word: "armv7", also: ["armv7l", "armhf"] }],
  [/^armv6l?$/, { arch: "armv6", word: "armv6", also: ["armv6l"] }],
  [/^loong(arch)?64$/, { arch: "loong64", word: "loong64", also: ["loongarch64"] }],
  [/^s390x$/, { arch: "s390x", word: "s390x", also: [] }],
  [/^mips(el|le)$/, { arch: "mipsle", word: "mipsle", also: ["mipsel"] }],
];

/** What `uname -m` says → the platform, or null for one that no release is known for. */
export const platformOf = (machine: string): Platform | null =>
  platforms.find(([pattern]) => pattern.test(machine))?.[1] ?? null;

/** `v1.2.3` and `1.2.3` are one version; records and file names have it without the v. */
export const bareVersion = (version: string) => version.replace(/^v(?=\d)/, "");

/** Names under which a release may hold the program, best first: today's archives, then raw files of older releases. */
export function assetNames(runtime: string, version: string, { arch, word, also }: Platform): string[] {
  const words = [...new Set([word, arch, ...also])];
  const bare = bareVersion(version);
  const heads = [`${runtime}_`, `${runtime}-`, `${runtime}_${bare}_`, `${runtime}-${bare}-`, `${runtime}-v${bare}-`];
  const plain = heads.flatMap((head) => {
    const sign = head.at(-1) as string;
    return words.flatMap((one) => [`${head}Linux${sign}${one}`, `${head}linux${sign}${one}`]);
  });
  return [
    ...plain.flatMap((name) => [`${name}.tar.gz`, `${name}.tgz`]),
    ...plain,
    ...plain.map((name) => `${name}.gz`),
  ];
}

/** Names of the file with the checksums, best first. `asset`: the file that it is wanted for. */
export const checksumNames = (runtime: string, version: string, asset: string): string[] => [
  `${runtime}_${bareVersion(version)}_checksums.txt`,
  "checksums.txt",
  "sha256sums.txt",
  "SHA256SUMS",
  "SHA256SUMS.txt",
  `${asset}.sha256`,
  `${asset}.sha256sum`,
];

/** The words of a pattern: `https://…/{version}/picoclaw_{os}_{arch}.tar.gz`. */
export function filled(pattern: string, version: string, { arch, word }: Platform): string {
  const words: Record<string, string> = {
    version: bareVersion(version),
    tag: version,
    os: "linux",
    Os: "Linux",
    arch,
    Arch: word,
  };
  return pattern.replace(/\{(\w+)\}/g, (all, name: string) => words[name] ?? all);
}

/** Words in braces that no pattern can have filled in. */
export const unknownWords = (pattern: string): string[] =>
  [...pattern.matchAll(/\{(\w*)\}/g)]
    .map(([all]) => all)
    .filter((all) => !/^\{(version|tag|os|Os|arch|Arch)\}$/.test(all));

/** The sha256 that a checksums file names for this file: GNU and BSD lines, or the hash alone. */
export function checksumIn(text: string, asset: string): string | null {
  const lines = text.split(/\r?\n/, 10_000).map((line) => line.trim());
  for (const line of lines) {
    const [, hash, name] = /^([0-9a-fA-F]{64})\s+\*?(.+)$/.exec(line) ?? [];
    const [, other, digest] = /^SHA256 ?\((.+)\) ?= ?([0-9a-fA-F]{64})$/.exec(line) ?? [];
    if (hash && name?.replace(/^.*\//, "") === asset) return hash.toLowerCase();
    if (digest && other?.replace(/^.*\//, "") === asset) return digest.toLowerCase();
  }
  const only = lines.filter(Boolean);
  return only.length === 1 && /^[0-9a-fA-F]{64}$/.test(only[0] as string) ? (only[0] as string).toLowerCase() : null;
}

/** What a host's record pins: the version, and the sha256 of the program as it stands on the machine. */
export interface Pin {
  version?: string;
  sha256?: string;
}

/** `1.2.3 sha256:…`, or one of the two. null: it is neither. */
export function parsePin(text: string): Pin | null {
  const words = text.trim().split(/\s+/).filter(Boolean);
  const pin: Pin = {};
  for (const word of words) {
    const digest = /^sha256:([0-9a-f]{64})$/.exec(word)?.[1];
    if (digest && pin.sha256 === undefined) pin.sha256 = digest;
    else if (!word.includes(":") && isVersion(word) && pin.version === undefined) pin.version = bareVersion(word);
    else return null;
  }
  return pin;
}

export const formatPin = ({ version, sha256 }: Pin): string =>
  [version && bareVersion(version), sha256 && `sha256:${sha256}`].filter(Boolean).join(" ");

/** A tag or version that may become a part of an address or a command. */
export const isVersion = (word: string) => /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(word) && !word.includes("..");

/** The pins of a host's record, by runtime; those that cannot be read are left out. */
export function pinsOf(runtimes: string[] | Record<string, string> | undefined): Map<string, Pin> {
  if (runtimes === undefined || Array.isArray(runtimes)) return new Map();
  return new Map(
    Object.entries(runtimes).flatMap(([name, text]) => {
      const pin = parsePin(text);
      return pin ? [[name, pin] as const] : [];
    }),
  );
}
