// One secret in the encodings that are promised to be found, written here without our own encoder.
import type { FileRow } from "./files.ts";
import type { Signing } from "./objects.ts";

export const secret = "xK9/3vR+'t8Qz-Lm42:pW";
const bytes = Buffer.from(secret);
const base64 = (lead: string, rest: string) => Buffer.from(`${lead}${secret}${rest}`).toString("base64");
const each = (how: (code: number) => string) => [...bytes].map(how).join("");
const hex = (code: number) => code.toString(16).padStart(2, "0");
const halves = (between: string) => `${secret.slice(0, 9)}${between}${secret.slice(9)}`;

/** As text that a file, a message or an answer may hold. */
export const encodings: Record<string, string> = {
  plain: secret,
  "base64 at its beginning": base64("", "abc"),
  "base64, one byte on": base64("k", "yz"),
  "base64, two bytes on": base64("kk", "z"),
  "base64 for addresses": Buffer.from(`kk${secret}z`).toString("base64url"),
  hex: bytes.toString("hex"),
  "hex in capitals": bytes.toString("hex").toUpperCase(),
  "as part of an address": encodeURIComponent(secret).replaceAll("'", "%27"),
  "each byte percent-encoded": each((code) => `%${hex(code)}`),
  "JSON with its slashes escaped": JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/"),
  "each character as \\u": each((code) => `\\u00${hex(code)}`),
  "each byte as \\x": each((code) => `\\x${hex(code)}`),
  HTML: secret.replaceAll("'", "&#39;"),
  "split over lines": halves("\n"),
  "split by a continued line": halves("\\\n  "),
  "split by what nobody sees": [...secret].join("\u200b"),
  "split by selectors of a variant": [...secret].join("\ufe01"),
};
const names = Object.keys(encodings);
const finds = (path: string) => new RegExp(`${path} holds what looks like a secret \\(DEPLOY_TOKEN\\)`);

export const secret_files: FileRow[] = [
  ...names.map((name, n) => ({
    kind: "secret",
    name: `in a file: ${name}`,
    leaves: [{ path: `secret-${n}.txt`, data: `a = "${encodings[name]}";\n` }],
    says: finds(`secret-${n}\\.txt`),
  })),
  {
    kind: "secret",
    name: "as a name of a folder",
    leaves: [{ path: `${bytes.toString("hex")}/x.txt`, data: "fine\n" }],
    says: /⟨redacted DEPLOY_TOKEN⟩\/x\.txt holds what looks like a secret/,
  },
];

const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`key ${secret}`, "utf16le")]);
const picture = Buffer.concat([Buffer.from([0x89, 0x50, 0, 1, 2, 0xff]), bytes, Buffer.from([0, 0xfe])]);
/** In files of an agent that may bring binaries. */
export const secret_binaries: FileRow[] = [
  { kind: "secret", name: "in a picture", leaves: [{ path: "a.png", data: picture }], says: finds("a\\.png") },
  {
    kind: "secret",
    name: "in text of two bytes each",
    leaves: [{ path: "w.txt", data: wide }],
    says: finds("w\\.txt"),
  },
  {
    kind: "secret",
    name: "by its shape, in a binary",
    leaves: [{ path: "t.bin", data: `\0\u0001ghp_${"a1B2".repeat(9)}\0` }],
    says: /t\.bin holds what looks like a secret/,
  },
];

/** As messages of commits. */
export const secret_messages: [name: string, how: Signing][] = names.map((name) => [
  `in a message: ${name}`,
  { message: `Counts\n\n${encodings[name]}` },
]);
