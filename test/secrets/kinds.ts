// Secrets as services make them, and the ways in which a run may print one. All made up: random, the same in every run.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

const lower = "abcdefghijklmnopqrstuvwxyz";
const digit = "0123456789";
const hex = `${digit}abcdef`;
const word = `${lower}${lower.toUpperCase()}${digit}`;
const base64 = `${word}+/`;
const url = `${word}-_`;

/** Characters out of an alphabet, decided by the name alone. */
function draw(name: string, length: number, from = word): string {
  let text = "";
  for (let round = 0; text.length < length; round++)
    for (const byte of createHash("sha256").update(`${name} ${round}`).digest())
      if (byte < 256 - (256 % from.length)) text += from[byte % from.length];
  return text.slice(0, length);
}

const pem = (name: string, lines: number) =>
  [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    ...Array.from({ length: lines }, (_, at) => draw(`${name} ${at}`, at === lines - 1 ? 44 : 70, base64)),
    "-----END OPENSSH PRIVATE KEY-----",
    "",
  ].join("\n");

const jwt = (name: string) => `eyJ${draw(name, 33, url)}.eyJ${draw(`${name}b`, 90, url)}.${draw(`${name}c`, 86, url)}`;

/** Kind → a value of its form. */
export const kinds: Record<string, string> = {
  github_classic: `ghp_${draw("ghp", 36)}`,
  github_fine: `github_pat_${draw("gpa", 22)}_${draw("gpb", 59)}`,
  github_app: `ghs_${draw("ghs", 36)}`,
  github_oauth: `gho_${draw("gho", 36)}`,
  gitlab: `glpat-${draw("gl", 20, url)}`,
  npm: `npm_${draw("npm", 36)}`,
  pypi: `pypi-AgEIcHlwaS5vcmc${draw("pypi", 150, url)}`,
  openai: `sk-proj-${draw("oai", 74, url)}T3BlbkFJ${draw("oaj", 74, url)}`,
  anthropic: `sk-ant-api03-${draw("ant", 93, url)}AA`,
  anthropic_oauth: `sk-ant-oat01-${draw("anto", 93, url)}AA`,
  huggingface: `hf_${draw("hf", 34)}`,
  groq: `gsk_${draw("groq", 52)}`,
  aws_secret: draw("aws", 40, base64),
  aws_session: draw("awss", 356, base64),
  gcp_api: `AIza${draw("gcp", 35, url)}`,
  azure_storage: `${draw("az", 86, base64)}==`,
  slack_bot: `xoxb-${draw("s1", 12, digit)}-${draw("s2", 13, digit)}-${draw("s3", 24)}`,
  slack_hook: `https://hooks.slack.com/services/T${draw("h1", 8)}/B${draw("h2", 10)}/${draw("h3", 24)}`,
  stripe: `sk_live_${draw("st", 24)}`,
  sendgrid: `SG.${draw("sg", 22, url)}.${draw("sh", 43, url)}`,
  shopify: `shpat_${draw("shop", 32, hex)}`,
  twilio: draw("tw", 32, hex),
  telegram: `${draw("t1", 10, digit)}:AA${draw("t2", 33, url)}`,
  discord: `${draw("d1", 26)}.${draw("d2", 6)}.${draw("d3", 38, url)}`,
  digitalocean: `dop_v1_${draw("do", 64, hex)}`,
  cloudflare: draw("cf", 40, url),
  vault: `hvs.${draw("hv", 95, url)}`,
  tailscale: `tskey-auth-${draw("ts1", 17)}-${draw("ts2", 32)}`,
  linear: `lin_api_${draw("lin", 40)}`,
  notion: `ntn_${draw("ntn", 46)}`,
  sentry: `sntrys_${draw("sen", 120, base64)}`,
  turso: jwt("turso"),
  jwt: jwt("jwt"),
  uuid: draw("uu", 32, hex).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5"),
  hex64: draw("h64", 64, hex),
  base64_32: `${draw("b32", 43, base64)}=`,
  eight: draw("eight", 8, `${word}!$%&`),
  symbols: `p"w'<${draw("sy", 6)}>&/+=%\\ü€`,
  phrase: `correct ${draw("ph", 6, lower)} battery ${draw("pi", 5, lower)}`,
  ssh_ed25519: pem("ed", 5),
  ssh_rsa: pem("rsa", 26),
  unicode: `пароль-${draw("uni", 6)}-密码`,
};

const bytes = (value: string) => Buffer.from(value, "utf8");
const at = (value: string, offset: number) => Buffer.concat([bytes("x".repeat(offset)), bytes(value), bytes("yz")]);
const each = (value: string, between: (index: number) => string) =>
  [...value].map((c, index) => c + between(index)).join("");

export type Transform = (value: string) => string;

/** What towline promises to find. */
export const promised: Record<string, Transform> = {
  plain: (v) => v,
  "base64, first place": (v) => at(v, 0).toString("base64"),
  "base64, second place": (v) => at(v, 1).toString("base64"),
  "base64, third place": (v) => at(v, 2).toString("base64"),
  "base64 url-safe, first place": (v) => at(v, 0).toString("base64url"),
  "base64 url-safe, second place": (v) => at(v, 1).toString("base64url"),
  "base64 url-safe, third place": (v) => at(v, 2).toString("base64url"),
  "base64 in lines of 76": (v) => at(v, 2).toString("base64").replace(/.{76}/g, "$&\n"),
  hex: (v) => bytes(v).toString("hex"),
  "hex, upper case": (v) => bytes(v).toString("hex").toUpperCase(),
  "hex in pairs": (v) => bytes(v).toString("hex").replace(/../g, "$& "),
  "URL-escaped": (v) => encodeURIComponent(v),
  "URL-escaped, every byte": (v) => bytes(v).toString("hex").replace(/../g, "%$&"),
  "JSON string": (v) => JSON.stringify(v),
  "JSON inside JSON": (v) => JSON.stringify(JSON.stringify(v)),
  "JSON, ASCII only": (v) =>
    JSON.stringify(v).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
  "HTML-escaped": (v) =>
    v.replace(
      /[&<>"']/g,
      (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c] as string,
    ),
  "split over lines": (v) => each(v, (i) => (i % 5 === 4 ? "\n" : "")),
  "terminal colours between": (v) => each(v, (i) => (i % 3 === 2 ? "\u001b[3%dm".replace("%d", String(i % 8)) : "")),
  "links of the terminal between": (v) => each(v, (i) => (i % 7 === 6 ? "\u001b]8;;http://x\u0007" : "")),
  "zero-width between": (v) => each(v, () => "\u200b"),
  "carriage returns between": (v) => each(v, (i) => (i % 9 === 8 ? "\r" : "")),
};

/** What towline does not promise; how often it gets through is measured. */
export const not_promised: Record<string, Transform> = {
  "UTF-16": (v) => Buffer.from(v, "utf16le").toString("latin1"),
  "base64 of UTF-16": (v) => Buffer.from(v, "utf16le").toString("base64"),
  reversed: (v) => [...v].reverse().join(""),
  "first 7 cut off": (v) => v.slice(7),
  "last 7 cut off": (v) => v.slice(0, -7),
  "lower case": (v) => v.toLowerCase(),
  "base64 twice": (v) => bytes(at(v, 0).toString("base64")).toString("base64"),
  gzip: (v) => gzipSync(bytes(v)).toString("base64"),
  "letters with dots between": (v) => each(v, () => "."),
};
