// Bytes of a stream as whole lines, while they come: no letter is cut in two, and a line only where it is endless.
import type { Cut } from "../core/mask.ts";

/** Characters of a line without an end that are held back. */
const most_held = 64 << 10;

export interface Piece {
  text: string;
  /** Where a line goes on beyond it: a secret may lie across. */
  cut: Cut;
}

export interface Lines {
  add(bytes: Uint8Array): Piece;
  /** What is held back, as a last line; null: nothing is. */
  end(): Piece | null;
}

export function wholeLines(): Lines {
  const decoder = new TextDecoder();
  let held = "";
  let torn = false;
  const piece = (text: string, end: boolean): Piece => {
    const made = { text, cut: { start: torn, end } };
    if (text !== "") torn = end;
    return made;
  };
  return {
    add(bytes) {
      held += decoder.decode(bytes, { stream: true });
      const lines = held.lastIndexOf("\n") + 1;
      const endless = held.length - lines > most_held;
      const text = held.slice(0, endless ? held.length : lines);
      held = held.slice(text.length);
      return piece(text, endless);
    },
    end() {
      const rest = held;
      held = "";
      return rest === "" ? null : piece(`${rest}\n`, false);
    },
  };
}
