// Paths as text: which ones towline never writes, whatever asked for it.

const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
// `.git` in the spellings that some file systems fold into it.
const git_names = /^(\.git|git~\d+)[. ]*$/i;

/** Why a repository-relative path is not safe to write on every system, or null when it is. */
export function unsafePath(path: string): string | null {
  if (path === "") return "it is empty";
  if (!path.isWellFormed() || path.includes("\ufffd")) return "it is not valid Unicode";
  if (/[\x00-\x1f\x7f]/.test(path)) return "it has a control character";
  if (path.includes("\\")) return "it has a backslash";
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "it is absolute";
  if (byteLength(path) > 1024) return "it is over 1024 bytes";
  for (const part of path.split("/")) {
    if (part === "") return "it has an empty part";
    if (part === "." || part === "..") return "it has a `.` or `..` part";
    if (git_names.test(part.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, "")))
      return "it has a part that git keeps for itself";
    if (part.startsWith("-")) return "a part starts with a dash";
    if (/[. ]$/.test(part)) return "a part ends in a dot or a space";
    if (reserved.test(part)) return "it has a name that Windows keeps for itself";
    if (byteLength(part) > 255) return "a part is over 255 bytes";
  }
  return null;
}

function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
