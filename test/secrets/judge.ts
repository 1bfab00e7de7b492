// Whether a secret, or what a transform made of one, still stands in something that left. Knows nothing of the mask.
import { kinds, type Transform } from "./kinds.ts";

const squeeze = (text: string) =>
  text
    .replace(/\u001b?\[\d{1,3}m|\u001b?\]8;;http:\/\/x\u0007?/g, "")
    .replace(/⟨U\+200B⟩/g, "")
    .replace(/[\s\\\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2060]/g, "");

/** Pieces of 12 characters out of the middle of it: the ends may be the work of what stands beside it. */
function pieces(text: string): string[] {
  const whole = squeeze(text.replace(/-----(BEGIN|END)[^-]*-----/g, ""));
  const length = Math.min(12, whole.length);
  const last = whole.length - length;
  return [
    ...new Set(
      [0.25, 0.4, 0.5, 0.6, 0.75].map((part) => whole.slice(Math.floor(last * part), Math.floor(last * part) + length)),
    ),
  ];
}

/** `kind: transform` of each canary that is left in the text. */
export function canaries(
  text: string,
  transforms: Record<string, Transform>,
  among: Record<string, string> = kinds,
): string[] {
  const squeezed = squeeze(text);
  return Object.entries(among).flatMap(([kind, value]) =>
    Object.entries(transforms)
      .filter(([, transform]) => pieces(transform(value)).some((piece) => squeezed.includes(piece)))
      .map(([name]) => `${kind}: ${name}`),
  );
}
