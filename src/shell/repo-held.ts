// Contents that were read once in this process: a tick asks for the same few records before and after each push.

type ReadBlobs = (ids: string[], maxBytes: number) => Promise<Map<string, Uint8Array | null>>;

/** Larger ones are read again, so that a flood of records does not stay in memory. */
const largest = 64 << 10;
const all_together = 8 << 20;
/** Whoever asks for more than this at once goes through all records, and would push out what is asked for often. */
const many = 1000;

/** Reads as `read` does, which answers every id that it is asked for, and asks it only for what is not held yet. */
export function holding(read: ReadBlobs): ReadBlobs {
  const held = new Map<string, Uint8Array>();
  let size = 0;

  const hold = (id: string, bytes: Uint8Array | null) => {
    if (bytes === null || bytes.length > largest || held.has(id)) return;
    // What came first goes first.
    for (const [oldest, { length }] of held) {
      if (size + bytes.length <= all_together) break;
      held.delete(oldest);
      size -= length;
    }
    // A copy: what git sent is a slice of all that came with it. A Buffer, as what is read afresh.
    held.set(id, Buffer.from(bytes));
    size += bytes.length;
  };

  return async (ids, maxBytes) => {
    const found = new Map<string, Uint8Array | null>();
    const missing: string[] = [];
    for (const id of ids) {
      const bytes = held.get(id);
      if (bytes === undefined) missing.push(id);
      else found.set(id, bytes.length > maxBytes ? null : bytes);
    }
    if (missing.length === 0) return found;
    for (const [id, bytes] of await read(missing, maxBytes)) {
      if (missing.length <= many) hold(id, bytes);
      found.set(id, bytes);
    }
    return found;
  };
}
