// What models' programs say as JSON. It may be cut, or made to mislead: every read has a shape and a way out.
import type { RawStream } from "../ports.ts";

/** The object that a text is, or null for anything else. */
export function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", '"': '"', "\\": "\\", "/": "/" };

/** The text that the inside of a JSON string stands for. What is no escape stays as it was written. */
export const textOf = (inside: string): string =>
  inside
    .replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (all, hex?: string, one?: string) =>
      hex === undefined ? (escapes[one as string] ?? all) : String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .toWellFormed();

/** Those of the values that are counts; undefined when none is. */
export function counts(values: Record<string, unknown>): Record<string, number> | undefined {
  const fine = Object.entries(values).filter(
    (pair): pair is [string, number] => Number.isSafeInteger(pair[1]) && (pair[1] as number) >= 0,
  );
  return fine.length > 0 ? Object.fromEntries(fine) : undefined;
}

const broken_escape = /(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$/;

/**
 * Head and tail of a stream, bytes as UTF-8. Where something between them was cut, it is said in a form that may stand
 * inside a JSON string: cut streams of JSON are nearly always cut in the middle of the answer. `skip`: bytes of the tail
 * that are left out, too.
 */
export function spliced(stream: RawStream, skip = 0): string {
  const decode = (bytes: Uint8Array) => new TextDecoder("utf-8").decode(bytes);
  const cut = stream.cut ?? stream.bytes - stream.head.length - stream.tail.length;
  if (cut <= 0) return decode(stream.head) + decode(stream.tail);
  const head = decode(stream.head).replace(broken_escape, "$1");
  return `${head}\\n[… ${cut} bytes left out …]\\n${decode(stream.tail.subarray(skip))}`;
}

/** What `read` finds in a stream, be it cut. null when it finds nothing. */
export function readCut<T>(stream: RawStream, read: (text: string) => T | null): T | null {
  // A tail may begin in the middle of an escape, whose rest is at most five characters.
  const most = stream.tail.length > 0 ? 5 : 0;
  for (let skip = 0; skip <= most; skip++) {
    const value = read(spliced(stream, skip));
    if (value !== null) return value;
  }
  return null;
}
