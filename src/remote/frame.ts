// Reads the framed answers of the host program out of chunks of bytes. Knows no time and no connection.
import { HostFault } from "../ports.ts";

export interface Frame {
  verb: string;
  /** `-` where the answer is about no job. */
  job: string;
  epoch: string;
  /** What the host says the payload's description hashes to; null in answers that carry none. */
  sha256: string | null;
  payload: Buffer;
}

const max_noise = 64 << 10;
const max_header = 512;
const header =
  /^towline1 ([0-9a-f]{16}) ([a-z]{1,16}) ([A-Za-z0-9._-]{1,128}) (\d{1,15}|-) (\d{1,12}) ([0-9a-f]{64}|-)$/;

/**
 * One reader per conversation. `expect` says which nonce the next answer must carry; `push` gives that answer
 * once it is whole. What login scripts print before the first answer is skipped; later nothing else may come.
 */
export function frameReader(maxPayload: number) {
  let most = maxPayload;
  let held: Buffer = Buffer.alloc(0);
  let chunks: Buffer[] = [];
  let have = 0;
  let noise = 0;
  let first = true;
  let nonce = "";
  let open: { frame: Omit<Frame, "payload">; bytes: number; end: string } | null = null;

  const fault = (message: string) => new HostFault("protocol", message);

  function readHeader(): boolean {
    for (;;) {
      const at = held.indexOf(10);
      if (at < 0) {
        if (held.length > (first ? max_noise : max_header)) throw fault("the host's answer has no beginning");
        return false;
      }
      const line = held.toString("latin1", 0, at);
      held = held.subarray(at + 1);
      const parts = header.exec(line);
      if (parts && parts[1] === nonce) {
        first = false;
        open = beginning(parts);
        return true;
      }
      noise += line.length + 1;
      if (line === "") continue;
      if (!first)
        throw fault(
          parts
            ? "the host answered another request"
            : `the host said something out of turn: ${line.replace(/[^\x20-\x7e]/g, " ").slice(0, 80)}`,
        );
      if (noise > max_noise) throw fault("the host's login scripts print too much");
    }
  }

  function beginning(parts: RegExpExecArray) {
    const bytes = Number(parts[5]);
    if (bytes > most) throw fault(`the host announces ${bytes} bytes`);
    const sha256 = parts[6] === "-" ? null : (parts[6] as string);
    const frame = { verb: parts[2] as string, job: parts[3] as string, epoch: parts[4] as string, sha256 };
    return { frame, bytes, end: `\ntowline1-end ${nonce}\n` };
  }

  function take(): Frame | null {
    if (!open && !readHeader()) return null;
    if (!open) return null;
    const whole = open.bytes + open.end.length;
    if (have + held.length < whole) {
      chunks.push(held);
      have += held.length;
      held = Buffer.alloc(0);
      return null;
    }
    const all = Buffer.concat([...chunks, held]);
    if (all.toString("latin1", open.bytes, whole) !== open.end) throw fault("the host's answer has no end mark");
    const frame = { ...open.frame, payload: all.subarray(0, open.bytes) };
    held = all.subarray(whole);
    chunks = [];
    have = 0;
    open = null;
    return frame;
  }

  return {
    /** `limit`: bytes that this answer may have at most, where that is known. */
    expect(next: string, limit = maxPayload) {
      nonce = next;
      most = limit;
    },
    push(chunk: Uint8Array): Frame | null {
      held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
      return take();
    },
    /** True when no answer was seen yet: then the program may not be there. */
    untouched: () => first,
  };
}
