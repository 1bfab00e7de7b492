// A machine as another tool's file describes it, and what of that can stand in a host record. Everything in such a file
// is data: a word that could be an option, a path or a command somewhere keeps its machine out.
import { addressFault, portOf, userFault } from "./machine-address.ts";
import { oneLine } from "./text.ts";

export interface Source {
  /** As the person named it. */
  file: string;
  text: string;
}

export interface ImportProblem {
  path: string;
  line: number;
  level: "error" | "warning";
  message: string;
  fix: string;
}

/** Words as they stand in the file. */
export interface RawMachine {
  name: string;
  line: number;
  address?: string;
  port?: string;
  user?: string;
  arch?: string;
  slots?: string;
  network?: string;
  labels?: string[];
  /** A path of a private key, or a host record's own word for one. */
  key?: string;
  host_key?: string;
  /** Another machine: its name, or `user@host:port`. */
  jump?: string;
  /** Why no work may go there yet. */
  cordon?: string;
}

export interface Imported {
  machines: RawMachine[];
  problems: ImportProblem[];
}

/** Fields of a host record, checked. */
export interface MachineFields {
  address: string;
  port?: number;
  user?: string;
  arch?: string;
  labels?: string[];
  slots?: number;
  network?: string;
  key?: string;
  host_key?: string;
  cordon?: string;
}

/** A word for a message. */
export const shown = (word: string) => `\`${oneLine(word, 60).replaceAll("`", "'")}\``;

/** What can stand in its record; null when the machine cannot be taken. */
export function fieldsOf(file: string, raw: RawMachine): { fields: MachineFields | null; problems: ImportProblem[] } {
  const problems: ImportProblem[] = [];
  const say = (level: ImportProblem["level"], message: string, fix: string) =>
    void problems.push({ path: file, line: raw.line, level, message: `${shown(raw.name)}: ${message}`, fix });
  const address = raw.address ?? raw.name;
  const fatal = badPlace(raw, address);
  if (fatal) {
    say("error", fatal, "mend it there, or write its record by hand; it was left out");
    return { fields: null, problems };
  }
  const fields: MachineFields = {
    address,
    port: raw.port === undefined || raw.port === "22" ? undefined : Number(raw.port),
    user: raw.user,
    labels: labelsOf(raw.labels ?? [], say),
    cordon: raw.cordon,
  };
  if (raw.arch !== undefined) {
    if (/^[A-Za-z0-9_.-]{1,32}$/.test(raw.arch)) fields.arch = raw.arch;
    else say("warning", `${shown(raw.arch)} is no architecture`, "it was left out");
  }
  if (raw.slots !== undefined) {
    if (/^\d{1,3}$/.test(raw.slots) && Number(raw.slots) >= 1 && Number(raw.slots) <= 256)
      fields.slots = Number(raw.slots);
    else say("warning", `${shown(raw.slots)} is no number of slots`, "write 1 to 256; it was left out");
  }
  if (raw.network !== undefined) {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(raw.network)) fields.network = raw.network;
    else say("warning", `${shown(raw.network)} is no name of a network`, "it was left out");
  }
  const key = raw.key === undefined ? undefined : keyWord(raw.key);
  if (key !== null) fields.key = key;
  else
    say(
      "warning",
      `its key ${shown(raw.key as string)} is no path that can be read here`,
      "it was left out; give one with --key",
    );
  if (raw.host_key !== undefined) {
    if (hostKey.test(raw.host_key)) fields.host_key = raw.host_key;
    else
      say(
        "warning",
        "its host key is neither a fingerprint nor a key line",
        "it was left out; enrolling pins the real one",
      );
  }
  return { fields, problems };
}

const hostKey = /^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3})$/;

function badPlace({ port, user }: RawMachine, address: string): string | null {
  const at = addressFault(address);
  if (at) return `${shown(address)} cannot be its address: ${at}`;
  if (port !== undefined && portOf(port) === null) return `${shown(port)} is no port`;
  if (user !== undefined && userFault(user)) return `${shown(user)} cannot be its user`;
  return null;
}

/** `file:PATH` for a path, or the record's own words. Null: neither. */
export function keyWord(word: string): string | null {
  if (word === "agent" || /^env:[A-Z_][A-Z0-9_]{0,63}$/.test(word)) return word;
  const path = word.replace(/^file:/, "");
  // `%d` and `{{ x }}` mean something to their own tools only; a leading dash means something to others.
  return /^[~./A-Za-z0-9_][^\u0000-\u001f\u007f{}%$`"'\\]{0,400}$/.test(path) && !path.startsWith("env:")
    ? `file:${path}`
    : null;
}

function labelsOf(
  labels: string[],
  say: (level: "warning", message: string, fix: string) => void,
): string[] | undefined {
  const fine = labels.flatMap((label) => {
    const word = label
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 63);
    if (word !== label)
      say("warning", `${shown(label)} cannot be a label`, word === "" ? "it was left out" : `it became ${shown(word)}`);
    return word === "" ? [] : [word];
  });
  return fine.length === 0 ? undefined : [...new Set(fine)];
}
