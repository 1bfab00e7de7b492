// From the machines of other tools' files to host records: a name for each, what is there already, what to write.
import type { Entry } from "./entry.ts";
import {
  fieldsOf,
  type Imported,
  type ImportProblem,
  keyWord,
  type MachineFields,
  type RawMachine,
  shown,
} from "./import-machine.ts";
import { parseTarget } from "./machine-address.ts";
import { hostSlug } from "./new-host.ts";
import { render } from "./render.ts";
import { oneLine } from "./text.ts";

export interface ImportedHost {
  host: string;
  path: string;
  /** Where it stands in the file, and what it is called there. */
  from: { file: string; line: number; name: string };
  /** `new`: to be written · `same`, `differs`: a record of that name is there · `known`: that machine has another name here. */
  state: "new" | "same" | "differs" | "known";
  /** Why it is not written, or how the record that is there differs. */
  why?: string;
  /** The record's text, for those that are new. */
  text?: string;
}

export interface ImportPlan {
  hosts: ImportedHost[];
  problems: ImportProblem[];
}

interface Candidate {
  file: string;
  raw: RawMachine;
  fields: MachineFields & { jump?: string };
  host: string;
}

export interface Present {
  hosts: ReadonlyMap<string, Entry<"host">>;
  /** Ids of host files that cannot be read. */
  broken: ReadonlySet<string>;
}

/** `key`: for all of them, whatever the files say; `fallback` for those of which they say nothing. */
export function planImport(
  read: (Imported & { file: string })[],
  present: Present,
  keys: { key?: string; fallback: string },
): ImportPlan {
  const problems = read.flatMap((one) => one.problems);
  const candidates: Candidate[] = [];
  const names = new Map<string, Candidate>();
  for (const { file, machines } of read)
    for (const raw of machines) {
      const { fields, problems: found } = fieldsOf(file, raw);
      problems.push(...found);
      if (!fields) continue;
      const candidate: Candidate = { file, raw, fields, host: hostSlug(raw.name) };
      const other = names.get(candidate.host);
      if (other) problems.push(...doubled(candidate, other));
      else {
        names.set(candidate.host, candidate);
        candidates.push(candidate);
      }
    }
  const places = placesOf(candidates, present);
  for (const one of candidates) {
    one.fields.key = (keys.key && keyWord(keys.key)) || one.fields.key || keys.fallback;
    problems.push(...jumpOf(one, places));
  }
  return { hosts: candidates.map((one) => planned(one, present)), problems };
}

/** The same machine in two files is one; two that only come to the same name are not. */
function doubled(one: Candidate, other: Candidate): ImportProblem[] {
  const where = `${other.file}:${other.raw.line}`;
  if (one.raw.name === other.raw.name && one.fields.address === other.fields.address) return [];
  const message = `${shown(one.raw.name)} would be called \`${one.host}\` here, and so is ${shown(other.raw.name)} (${where})`;
  return [
    { path: one.file, line: one.raw.line, level: "error", message, fix: "give it another name there; it was left out" },
  ];
}

/** Where a jump can lead: machines by their names and addresses, those of the files before those that are here. */
function placesOf(all: Candidate[], { hosts }: Present): Map<string, string> {
  const places = new Map<string, string>();
  const add = (word: string, host: string) => void (places.has(word) || places.set(word, host));
  for (const { raw, host } of all) add(raw.name, host);
  for (const { fields, host } of all) add(fields.address.toLowerCase(), host);
  for (const { id } of hosts.values()) add(id, id);
  for (const { id, data } of hosts.values()) add(data.address.toLowerCase(), id);
  return places;
}

/** A jump is another host record: by its name, or by its address. */
function jumpOf(one: Candidate, places: Map<string, string>): ImportProblem[] {
  const { jump } = one.raw;
  if (jump === undefined) return [];
  const target = parseTarget(jump);
  const words = typeof target === "string" ? [jump] : [jump, target.address, target.address.toLowerCase()];
  const found = words.flatMap((word) => places.get(word) ?? [])[0];
  if (found !== undefined && found !== one.host) {
    one.fields.jump = found;
    return [];
  }
  one.fields.cordon ??= `it is reached over ${oneLine(jump, 80)}, which is not in the fleet yet`;
  const message = `${shown(one.raw.name)} is reached over ${shown(jump)}, which is no machine here`;
  return [
    {
      path: one.file,
      line: one.raw.line,
      level: "warning",
      message,
      fix: "add that machine, then write `jump:` and take `cordon` away",
    },
  ];
}

function planned({ file, raw, fields, host }: Candidate, { hosts, broken }: Present): ImportedHost {
  const from = { file, line: raw.line, name: raw.name };
  const base = { host, path: `hosts/${host}.md`, from };
  const there = hosts.get(host);
  if (broken.has(host)) return { ...base, state: "differs", why: "the record that is there cannot be read" };
  if (there) {
    const differing = differences(fields, there);
    return differing.length === 0
      ? { ...base, state: "same" }
      : { ...base, state: "differs", why: differing.join("; ") };
  }
  const twin = [...hosts.values()].find(({ data }) => sameMachine(fields, data));
  if (twin) return { ...base, state: "known", why: `that machine is ${twin.path}` };
  return { ...base, state: "new", text: render("host", { ...fields }, notes(from, host)) };
}

const sameMachine = (one: Candidate["fields"], other: Entry<"host">["data"]) =>
  one.address.toLowerCase() === other.address.toLowerCase() &&
  (one.port ?? 22) === other.port &&
  (one.user ?? "") === (other.user ?? "") &&
  (one.jump ?? "") === (other.jump ?? "") &&
  other.transport !== "local";

/** What the file says and the record says otherwise. What only the record says is people's own. */
function differences(fields: Candidate["fields"], { data }: Entry<"host">): string[] {
  const said = Object.entries({ port: 22, ...definedOf(fields) }).filter(
    ([name]) => name !== "cordon" && name !== "key",
  );
  return said.flatMap(([name, value]) => {
    const there = (data as Record<string, unknown>)[name];
    const text = (one: unknown) =>
      Array.isArray(one) ? one.toSorted().join(" ") : one === undefined ? "nothing" : String(one);
    return text(there) === text(value) ? [] : [`\`${name}\` is ${text(there)} here, ${text(value)} there`];
  });
}

const definedOf = (fields: object) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const notes = ({ file, line, name }: ImportedHost["from"], host: string) =>
  `From ${oneLine(file, 120)}:${line}${name === host ? "" : `, where it is called ${shown(name)}`}.`;
