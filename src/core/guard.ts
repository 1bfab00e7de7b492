// What an agent may change. Judged on what it brought, not on what it was asked: the first look at its work is this one.
import { matcher } from "./globs.ts";
import { unsafePath } from "./path.ts";
import type { Permit } from "./permits.ts";
import { folded, isLockFile, packRecord, protectedPath } from "./protected.ts";
import { oneLine } from "./text.ts";

/** One path as one commit, or the whole branch, changes it. Modes as git names them; `000000`: it is not there. */
export interface Change {
  path: string;
  was: string;
  mode: string;
  /** Bytes of what stands there now. */
  size: number;
  binary: boolean;
  /** What is new in it; null: it is binary, too large to read, or gone. */
  added: string | null;
}

export interface Person {
  name: string;
  email: string;
}

export interface Commit {
  id: string;
  author: Person;
  committer: Person;
  message: string;
  /** Headers besides those of every commit: no page and no command shows them. */
  more?: string;
}

/** What a branch brings. */
export interface Work {
  /** Of every commit by itself: what one adds and the next takes away would be pushed, too. */
  changes: readonly Change[];
  commits: readonly Commit[];
  /** Lines added and taken away from end to end, but for lock files. */
  lines: number;
  /** Paths of the branch as it stands at its end. */
  paths: readonly string[];
  /** Kinds of secrets that were found, by path or by commit. */
  secrets: ReadonlyMap<string, readonly string[]>;
}

/** The agent's `guard`, as far as it is about files. */
export interface Guard {
  allow?: readonly string[];
  deny?: readonly string[];
  max_files?: number;
  max_lines?: number;
  permit?: readonly Permit[];
}

export interface Judging {
  guard: Guard;
  /** Who the commits must be from. */
  identity: Person;
  /** The repository holds towline records. */
  pack: boolean;
}

export interface Breach {
  /** null: it is about the branch as a whole. */
  path: string | null;
  /** Reads after the path. */
  why: string;
}

export const caps = { files: 200, lines: 10_000, size: 5 << 20, commits: 500 };

const file_modes = new Set(["100644", "100755"]);
const nothing = "000000";

/** Every reason why this work must not be pushed; none: it may. */
export function judge(work: Work, judging: Judging): Breach[] {
  const found = [...wholeBranch(work, judging), ...twins(work), ...work.commits.flatMap((one) => signed(one, judging))];
  const tests = pathTests(judging);
  for (const change of work.changes) {
    const why = changeFault(change, judging) ?? tests(change.path);
    if (why !== null) found.push({ path: change.path, why });
  }
  for (const [place, kinds] of work.secrets)
    found.push({ path: place, why: `holds what looks like a secret (${[...new Set(kinds)].join(", ")})` });
  return distinct(found);
}

function wholeBranch({ changes, commits, lines }: Work, { guard }: Judging): Breach[] {
  const files = new Set(changes.map((one) => one.path)).size;
  const most = { files: guard.max_files ?? caps.files, lines: guard.max_lines ?? caps.lines };
  const branch = (why: string): Breach => ({ path: null, why });
  return [
    ...(files > most.files ? [branch(`changes ${files} files; at most ${most.files} are allowed`)] : []),
    ...(lines > most.lines ? [branch(`changes ${lines} lines; at most ${most.lines} are allowed`)] : []),
    ...(commits.length > caps.commits ? [branch(`has ${commits.length} commits; at most ${caps.commits}`)] : []),
  ];
}

/** What is wrong with the change itself, wherever it is. */
function changeFault({ path, was, mode, size, binary, added }: Change, { guard }: Judging): string | null {
  const unsafe = unsafePath(path) ?? trick(path);
  if (unsafe !== null) return `is not a safe path: ${unsafe}`;
  if (mode === "160000" || was === "160000") return "is a submodule";
  if (mode === "120000") return "is a symbolic link";
  if (mode === nothing) return null;
  if (!file_modes.has(mode)) return `has the unknown mode ${mode}`;
  if (file_modes.has(was) && was !== mode && !permitted(guard, "modes"))
    return mode === "100755" ? "was made executable" : "is not executable any more";
  if (size > caps.size) return `has ${size} bytes; at most ${caps.size} are allowed`;
  if (binary) return permitted(guard, "binaries") ? null : "is not text";
  if (added === null) return "could not be read";
  return hiddenIn(added);
}

const permitted = (guard: Guard, what: Permit) => guard.permit?.includes(what) ?? false;

/** Spellings that are one path here and another one elsewhere. */
function trick(path: string): string | null {
  if (path.includes(":")) return "a colon begins a hidden part of a file on Windows";
  if (/(^|\/)[^/]{1,8}~\d+(\.[^/.]{0,3})?(\/|$)/.test(path))
    return "Windows takes it for the short name of another file";
  if (/\p{Default_Ignorable_Code_Point}|[\u2028\u2029]/u.test(path)) return "it has characters that nobody sees";
  if (path !== path.normalize("NFC")) return "its letters are put together in a way that some systems change";
  if (/[\u0080-\u009f]/.test(path)) return "it has a control character";
  return null;
}

/**
 * Tags, and selectors of a variant where there is none: both can carry a whole text beside the one that is shown. One
 * selector behind a sign that has variants is how emoji and names are written.
 */
const unseen = /[\u{e0000}-\u{e007f}]|(?<!\p{Unified_Ideograph})[\u{e0100}-\u{e01ef}]|[\ufe00-\ufe0f]{2}/u;

/** Text that shows people something else than what runs. */
function hiddenIn(text: string): string | null {
  if (/[\u202a-\u202e\u2066-\u2069]/.test(text)) return "holds characters that turn the direction of text around";
  if (unseen.test(text)) return "holds characters that nobody sees";
  return null;
}

/** What is wrong with a change at a path. */
function pathTests({ guard, pack }: Judging): (path: string) => string | null {
  const denied = matcher((guard.deny ?? []).map(folded));
  const allowed = guard.allow === undefined ? null : matcher(guard.allow);
  return (path) => {
    const plain = folded(path);
    const held = protectedPath(plain);
    if (held !== null) return `is protected: it ${held}`;
    if (pack && packRecord(plain)) return "is protected: it is a record of the pack";
    if (isLockFile(plain) && !permitted(guard, "lock-files")) return "is a lock file (guard.permit: lock-files)";
    if (denied(plain)) return "is denied by the agent's guard";
    if (allowed !== null && !allowed(path)) return "is outside of what the agent's guard allows";
    return null;
  };
}

/** Two paths that are one file on systems that do not tell them apart. */
function twins({ changes, paths }: Work): Breach[] {
  const changed = new Set(changes.filter((one) => one.mode !== nothing).map((one) => one.path));
  const groups = Map.groupBy(new Set([...paths, ...changed]), folded);
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .flatMap((group) =>
      group
        .filter((path) => changed.has(path))
        .map((path) => ({ path, why: `is the same file as ${group.find((other) => other !== path)} on some systems` })),
    );
}

/** Trailers that speak for somebody. A co-author is fine where the address is a program's. */
const speaks =
  /^[ \t]*(signed-off|reviewed|acked|approved|tested|reported|suggested|co-?authored|co-?developed)-by[ \t]*:(.*)$/gimu;
const skips = /\[(skip ci|ci skip|no ci|skip actions|actions skip|skip checks)\]|^skip-checks: *true/im;

/** Headers that git itself makes. Whatever stands in them is searched for secrets. */
const header = /^(gpgsig|gpgsig-sha256|mergetag) |^ |^$/;

function signed({ id, author, committer, message, more = "" }: Commit, { identity }: Judging): Breach[] {
  const at = `commit ${id.slice(0, 12)}`;
  const found: Breach[] = [];
  for (const [role, person] of [
    ["author", author],
    ["committer", committer],
  ] as const)
    if (person.name !== identity.name || person.email !== identity.email)
      found.push({ path: at, why: `names another ${role}: ${oneLine(`${person.name} <${person.email}>`, 120)}` });
  for (const [, how = "", who = ""] of message.matchAll(speaks))
    if (!/^co-?authored$/i.test(how) || !/<noreply@[^<>@\s]+>\s*$/.test(who))
      found.push({ path: at, why: `speaks for somebody else: ${oneLine(who, 120)}` });
  if (skips.test(message)) found.push({ path: at, why: "asks the forge to skip its checks" });
  const odd = more.split("\n").find((line) => !header.test(line));
  if (odd !== undefined) found.push({ path: at, why: `has a header that nobody sees: ${oneLine(odd, 60)}` });
  if (hiddenIn(message) !== null || /[\u0000-\u0008\u000b-\u001f\u007f]/.test(message))
    found.push({ path: at, why: "has a message with hidden characters" });
  return found;
}

/** For people: one line. */
export const breachLine = ({ path, why }: Breach) => `${path === null ? "it" : oneLine(path, 200)} ${why}`;

function distinct(found: Breach[]): Breach[] {
  const seen = new Map(found.map((one) => [`${one.path}\0${one.why}`, one]));
  return [...seen.values()];
}
