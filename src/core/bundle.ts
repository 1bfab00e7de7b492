// The head of a git bundle: what it says that it brings, before git is shown a byte of it.

export interface BundleHead {
  /** Commit of the one ref. */
  head: string;
  /** Commits that it builds on. */
  needs: string[];
  /** Where the pack begins. */
  at: number;
}

const most_head = 64 * 1024;
const most_needs = 500;

/** The head of a bundle that brings this ref and no other, or why it is none. */
export function readBundle(bytes: Uint8Array, ref: string): BundleHead | { refused: string } {
  const refused = (why: string) => ({ refused: `the bundle ${why}` });
  const end = blankLine(bytes);
  if (end < 0) return refused("has no head");
  const [first = "", ...lines] = new TextDecoder("latin1").decode(bytes.subarray(0, end)).split("\n");
  if (first !== "# v2 git bundle" && first !== "# v3 git bundle") return refused("is none");
  const needs: string[] = [];
  const refs: [string, string][] = [];
  for (const line of lines) {
    const need = /^-([0-9a-f]{40})(?: .*)?$/.exec(line)?.[1];
    const [, commit, name] = /^([0-9a-f]{40}) (\S+)$/.exec(line) ?? [];
    if (need !== undefined) needs.push(need);
    else if (commit !== undefined && name !== undefined) refs.push([commit, name]);
    // A filter leaves objects out; another hash is no commit of ours.
    else if (line !== "@object-format=sha1") return refused("asks for what is not known here");
  }
  if (needs.length > most_needs) return refused(`builds on more than ${most_needs} commits`);
  const [only, ...others] = refs;
  if (!only || others.length > 0) return refused(`brings ${refs.length} refs, and one was asked for`);
  if (only[1] !== ref) return refused("brings another ref than the one that was asked for");
  if (!startsWith(bytes, end + 2, "PACK")) return refused("has no pack");
  return { head: only[0], needs, at: end + 2 };
}

function blankLine(bytes: Uint8Array): number {
  const most = Math.min(bytes.length - 1, most_head);
  for (let at = 0; at < most; at++) if (bytes[at] === 10 && bytes[at + 1] === 10) return at;
  return -1;
}

const startsWith = (bytes: Uint8Array, at: number, text: string) =>
  [...text].every((character, index) => bytes[at + index] === character.charCodeAt(0));
