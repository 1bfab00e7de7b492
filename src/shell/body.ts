// The whole of an HTTP answer, up to a size: nobody's answer may fill our memory.

/** Throws `tooLarge` past `most` bytes. `heard`: told of each piece, with the bytes so far. */
export async function bodyOf(
  answer: Response,
  most: number,
  tooLarge: () => Error,
  heard?: (bytes: number) => void,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    heard?.(bytes);
    if (bytes > most) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}
