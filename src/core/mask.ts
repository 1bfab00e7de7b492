// Known secrets taken out of any text, in every promised spelling, in one pass over the text.
import { spellings } from "./encodings.ts";

export interface Secret {
  /** What stands in its place: the name of the variable or file that it came from. */
  name: string;
  value: string;
}

/** Where a text was cut off: part of a secret may stand there. */
export interface Cut {
  start?: boolean;
  end?: boolean;
}

export interface Mask {
  /** The text with each secret replaced by `⟨redacted NAME⟩`. Safe in YAML, JSON, markdown and paths as it stands. */
  text(text: string, cut?: Cut): string;
  /** Values that are left alone, and why: replacing them would only garble innocent text. */
  readonly weak: { name: string; why: string }[];
}

/** Shortest piece that is looked for: fewer characters say too little and stand in too many texts. */
export const shortest = 8;

export const redacted = (name: string) =>
  `⟨redacted ${name
    .replace(/[^A-Za-z0-9_.-]+/g, " ")
    .trim()
    .slice(0, 60)}⟩`;

const ordinary = /^(true|false|null|undefined|default|localhost|x-access-token|anonymous|password|changeme)$/i;

/** Why a value is not looked for; null: it is. */
export function weakness(value: string): string | null {
  const { units } = squeeze(value);
  if (units.length < shortest) return `it has fewer than ${shortest} characters`;
  if (new Set(units).size < 4 || ordinary.test(value)) return "it is an ordinary word";
  return null;
}

/** A matcher for these secrets. Of a value over many lines, like a private key, each longer line counts by itself, too. */
export function maskOf(secrets: Secret[]): Mask {
  const weak: Mask["weak"] = [];
  const wanted = new Map<string, string>();
  for (const { name, value } of secrets) {
    const why = weakness(value);
    if (why !== null) weak.push({ name, why });
    else for (const part of parts(value)) for (const form of spellings(part)) add(wanted, form, name);
  }
  if (wanted.size === 0) return { text: (text) => text, weak };
  const index = indexOf([...wanted]);
  const clear = (text: string, cut: Cut) => !cut.start && !cut.end && !suspicious(text, index);
  return {
    text: (text, cut = {}) => (clear(text, cut) ? text : replaced(text, found(squeeze(text), index, cut))),
    weak,
  };
}

function parts(value: string): string[] {
  const lines = value.split(/\r\n|[\r\n]/).map((line) => line.trim());
  const own = lines.length < 2 ? [] : lines.filter((l) => l.length >= 16 && !/^-----(BEGIN|END) /.test(l));
  return [...new Set([value.trim(), ...own])];
}

function add(wanted: Map<string, string>, form: string, name: string): void {
  const units = squeezed(form);
  if (units.length >= shortest && !wanted.has(units)) wanted.set(units, name);
}

// What may stand between two characters of a secret without hiding it from a reader: terminal sequences, white space
// and line ends, control and zero-width characters (also as `clean` shows them), and backslashes, so that every escape
// of quotes, slashes and markdown reads as the plain text.
const noise =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)|[PX^_][^\u001b\n]*\u001b\\|[ -/]+[0-~]|[@-_])|\u009b[0-?]*[ -/]*[@-~]|⟨U\+[0-9A-F]{4,6}⟩|\udb40[\udc00-\udc7f\udd00-\uddef]|\u034f|[\ufe00-\ufe0f]|[\u0000-\u001a\u001c-\u0020\u007f-\u009a\u009c-\u00a0\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufeff\uffa0\ufff9-\ufffb\\]+|[\u001b\u009b]/g;

const squeezed = (text: string) => text.replace(noise, "");

interface Squeezed {
  units: string;
  /** Start in `units` and in the text of each stretch without noise. */
  at: number[];
  from: number[];
}

function squeeze(text: string): Squeezed {
  const [at, from, kept]: [number[], number[], string[]] = [[], [], []];
  let length = 0;
  let last = 0;
  const keep = (to: number) => {
    if (to <= last) return;
    at.push(length);
    from.push(last);
    kept.push(text.slice(last, to));
    length += to - last;
  };
  noise.lastIndex = 0;
  for (let hit = noise.exec(text); hit !== null; hit = noise.exec(text)) {
    keep(hit.index);
    last = noise.lastIndex;
  }
  keep(text.length);
  return { units: kept.join(""), at, from };
}

interface Index {
  /** One bit for each hash of the first characters of some form: most places of a text are passed by here. */
  bits: Uint8Array;
  forms: Map<number, [string, string][]>;
  all: [string, string][];
  skipped: Uint8Array;
}

const step = 0x01000193;
/** step^shortest, to take the oldest character out of the rolling hash. */
const oldest = Array.from({ length: shortest }).reduce<number>((power) => Math.imul(power, step), 1);
const slot = (hash: number) => (hash ^ (hash >>> 15)) & 0xffff;

function hashOf(units: string): number {
  let hash = 0;
  for (let i = 0; i < shortest; i++) hash = (Math.imul(hash, step) + units.charCodeAt(i)) | 0;
  return hash;
}

function indexOf(all: [string, string][]): Index {
  const bits = new Uint8Array(0x10000);
  const forms = new Map<number, [string, string][]>();
  for (const form of all) {
    const hash = hashOf(form[0]);
    bits[slot(hash)] = 1;
    const list = forms.get(hash);
    if (list) list.push(form);
    else forms.set(hash, [form]);
  }
  return { bits, forms, all, skipped: skips() };
}

/** Character code → 1 when it is noise by itself. */
const skips = () => new Uint8Array(0x10000).map((_, code) => (squeezed(String.fromCharCode(code)) === "" ? 1 : 0));

/** A first look that builds no strings: whether the beginning of some form stands anywhere. */
function suspicious(text: string, { bits, forms, skipped }: Index): boolean {
  if (/[\u001b\u009b⟨\udb40]/.test(text)) return true; // what spans several characters is left to the whole search
  const window = new Uint16Array(shortest);
  let hash = 0;
  for (let i = 0, kept = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (skipped[code] === 1) continue;
    const place = kept++ % shortest;
    hash = (Math.imul(hash, step) + code - Math.imul(oldest, window[place] as number)) | 0;
    window[place] = code;
    if (bits[slot(hash)] === 1 && kept >= shortest && forms.has(hash)) return true;
  }
  return false;
}

interface Hit {
  start: number;
  end: number;
  name: string;
}

/** Places of secrets in the text itself, in order, apart from each other. */
function found(squeezed: Squeezed, index: Index, cut: Cut): Hit[] {
  const { units } = squeezed;
  const hits: Hit[] = cut.start ? tailsAtStart(units, index.all) : [];
  let hash = 0;
  for (let i = 0; i < units.length; i++) {
    hash = (Math.imul(hash, step) + units.charCodeAt(i)) | 0;
    if (i >= shortest) hash = (hash - Math.imul(oldest, units.charCodeAt(i - shortest))) | 0;
    if (i < shortest - 1 || index.bits[slot(hash)] === 0) continue;
    const start = i - shortest + 1;
    for (const [form, name] of index.forms.get(hash) ?? []) {
      const rest = units.length - start;
      if (units.startsWith(form, start)) hits.push({ start, end: start + form.length, name });
      else if (cut.end && rest < form.length && form.startsWith(units.slice(start)))
        hits.push({ start, end: units.length, name });
    }
  }
  return joined(hits).map((hit) => ({
    ...hit,
    start: placeOf(squeezed, hit.start),
    end: placeOf(squeezed, hit.end - 1) + 1,
  }));
}

/** A text that was cut at its start may begin with the end of a secret. */
function tailsAtStart(units: string, all: [string, string][]): Hit[] {
  if (units.length < shortest) return [];
  const first = units.slice(0, shortest);
  return all.flatMap(([form, name]) => {
    for (let at = form.indexOf(first); at >= 0; at = form.indexOf(first, at + 1))
      if (units.startsWith(form.slice(at))) return { start: 0, end: form.length - at, name };
    return [];
  });
}

function joined(hits: Hit[]): Hit[] {
  const apart: Hit[] = [];
  for (const hit of hits.sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = apart.at(-1);
    if (last && hit.start < last.end) last.end = Math.max(last.end, hit.end);
    else apart.push({ ...hit });
  }
  return apart;
}

function placeOf({ at, from }: Squeezed, unit: number): number {
  let low = 0;
  for (let high = at.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if ((at[middle] as number) <= unit) low = middle;
    else high = middle - 1;
  }
  return (from[low] as number) + unit - (at[low] as number);
}

function replaced(text: string, hits: Hit[]): string {
  let result = "";
  let last = 0;
  for (const { start, end, name } of hits) {
    result += text.slice(last, start) + redacted(name);
    last = end;
  }
  return result + text.slice(last);
}
