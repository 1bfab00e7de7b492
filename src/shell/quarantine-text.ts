// Bytes of files as text: what is new in them, and what is to be searched for secrets.
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Text that git, too, shows as text. */
export function textIn(bytes: Buffer | null | undefined): string | null {
  if (!bytes || bytes.includes(0)) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** What can be read in other bytes, also where each character takes two of them: a secret may stand there, too. */
export const wordsIn = (bytes: Buffer | null | undefined): string | null =>
  bytes
    ? (
        bytes
          .toString("latin1")
          .replaceAll("\0", "")
          .match(/[\t\x20-\x7e]{8,}/g) ?? []
      ).join("\n")
    : null;

/** Lines that were not there before, as often as they are new. */
export function newLines(before: string, after: string): string {
  const left = new Map<string, number>();
  for (const line of before.split("\n")) left.set(line, (left.get(line) ?? 0) + 1);
  return after
    .split("\n")
    .filter((line) => {
      const count = left.get(line) ?? 0;
      left.set(line, count - 1);
      return count <= 0;
    })
    .map((line) => `${line}\n`)
    .join("");
}
