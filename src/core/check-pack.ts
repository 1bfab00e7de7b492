// What every single check works on, and how each of them complains.
import type { Entry, Problem } from "./entry.ts";
import { locate } from "./locate.ts";
import { nearest } from "./nearest.ts";
import type { Settings } from "./schema.ts";

export interface CheckFile {
  path: string;
  /** `100644`, `100755`, `120000` (symlink), `160000` (submodule). */
  mode: string;
  /** null: too big, or not UTF-8 text. Files that `reads` does not name may come without: then "". */
  text: string | null;
  /** Bytes. */
  size: number;
}

/** What the single checks work on. */
export interface Pack {
  settings: Settings | null;
  entries: Entry[];
  /** Ids by folder, broken records included: a broken agent is not a missing one. */
  names: Map<string, Set<string>>;
  /** Folders with a record that cannot be read: what it would have offered is unknown. */
  broken: Set<string>;
  texts: Map<string, string>;
  runtimes: string[];
}

/** A problem with a file as a whole. */
export const problem = (path: string, code: string, message: string, fix: string): Problem => ({
  path,
  line: 1,
  column: 1,
  level: "error",
  code,
  message,
  fix,
});

/** A problem at a field of a record. */
export function atField(
  pack: Pack,
  entry: Entry,
  field: PropertyKey[],
  code: string,
  message: string,
  fix: string,
  level: Problem["level"] = "error",
): Problem {
  return { ...problem(entry.path, code, message, fix), ...locate(pack.texts.get(entry.path) ?? "", field), level };
}

/** The closest name there is, or what to do when none is close. */
export function meant(word: string, known: Iterable<string>, otherwise: string): string {
  const names = [...known].sort();
  const near = nearest(word, names);
  if (near) return `did you mean \`${near}\`?`;
  return names.length > 0 && names.length <= 8 ? `${otherwise} (there is: ${names.join(", ")})` : otherwise;
}
