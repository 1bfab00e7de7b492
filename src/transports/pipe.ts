// What the transports have in common: a stream of chunks that ends quietly, and a bounded memory of stderr.
import type { Readable } from "node:stream";

const max_stderr = 64 << 10;

/** Collects at most 64 KiB of a stream; the rest is read and dropped, so that the writer is never held up. */
export function keepText(stream: Readable): () => string {
  const kept: Buffer[] = [];
  let room = max_stderr;
  stream.on("data", (chunk: Buffer) => {
    if (room <= 0) return;
    kept.push(chunk.subarray(0, room));
    room -= chunk.length;
  });
  stream.on("error", () => {});
  return () => Buffer.concat(kept).toString("utf8");
}

/** Chunks until the stream ends or breaks: whether the command ended well is said by `closed` alone. */
export async function* chunks(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch {
    // A broken stream and an ended one look alike here.
  }
}
