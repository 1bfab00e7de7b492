// Whose ledger this is: the mark that every ledger commit carries, and whether it belongs to the repository it was read from.
import { z } from "zod";
import { int } from "./scalar.ts";

export const mark_path = "state/pack.json";
/** Of what this version writes; it reads this one and the one before. */
export const ledger_format = 1;

/** `state/pack.json`. Its copy under origin's `refs/towline/pack` is what a plain copy of a repository lacks. */
export interface Mark {
  format: number;
  /** What job ids are made with, and the pack's folder on hosts: the `id` of towline.yml when it was bound, and a random part. */
  pack: string;
  /** The forge's own id of the repository, like `github.com/123`. */
  forge?: string;
  /** The pass that wrote the ledger last. */
  last: string;
}

const mark_form = z.object({
  format: int(0, 1e6),
  pack: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  forge: z.string().optional(),
  last: z.string().min(1),
});

/** null: the text is no mark. */
export function readMark(text: string): Mark | null {
  try {
    return mark_form.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export const renderMark = ({ format, pack, forge, last }: Mark) => `${JSON.stringify({ format, pack, forge, last })}\n`;

/** A new pack's id: `random` is hex, and keeps packs apart whose people chose the same `id`. */
export const packId = (id: string, random: string) => `${id.slice(0, 48)}-${random.slice(0, 12)}`;

/** Why a ledger in this format cannot be used, and what to do; null: it can. */
export function formatFault(format: number, own = ledger_format): { message: string; advice: string } | null {
  if (format > own)
    return {
      message: `the ledger is in format ${format}, and this towline knows ${own} at most`,
      advice: "a newer towline writes to this pack: update this one to the same version",
    };
  if (format < own - 1)
    return {
      message: `the ledger is in format ${format}, and this towline reads ${own - 1} and ${own}`,
      advice: `run one tick with a version of towline that reads format ${format + 1} first`,
    };
  return null;
}

/** What is known of a repository and the ledger in it. */
export interface Sighting {
  /** The mark in the ledger; "broken": a file that is none. */
  mark: Mark | "broken" | null;
  /** The mark under origin's `refs/towline/pack`; null: origin has no such ref; undefined: origin was never asked. */
  ref: Mark | "broken" | null | undefined;
  /** The forge's id of the repository, where it is known. */
  forge: string | undefined;
  /** The ledger holds something. */
  written: boolean;
}

export type Binding =
  | { state: "bound"; pack: string }
  /** Nothing was ever written: the first commit binds the pack to its repository. */
  | { state: "fresh" }
  /** The ledger came from another repository, or nothing proves that it did not. */
  | { state: "copy"; why: string }
  /** The right repository, but its ledger is not what towline wrote last. */
  | { state: "rewritten"; why: string };

/** Judges a pair of tips together with origin's ref. Anything that is not proved to be right starts nothing. */
export function judge({ mark, ref, forge, written }: Sighting): Binding | { state: "unknown" } {
  if (ref === undefined) return { state: "unknown" };
  if (mark === "broken") return ref === null ? copy(`${mark_path} cannot be read`) : rewritten(null);
  if (ref === "broken") return copy("origin's refs/towline/pack cannot be read");
  const bound = ref?.forge ?? mark?.forge;
  if (bound !== undefined && forge !== undefined && bound !== forge)
    return copy(`its ledger belongs to the repository ${bound}, and this one is ${forge}`);
  if (ref === null) {
    if (mark === null) return written ? copy("it has a ledger, but nothing that says whose it is") : { state: "fresh" };
    // The forge vouches for the repository: only the ref was lost.
    if (forge !== undefined && mark.forge === forge) return { state: "bound", pack: mark.pack };
    return copy(`its ledger belongs to the pack ${mark.pack}, and origin has no refs/towline/pack that says so`);
  }
  if (mark !== null && mark.pack !== ref.pack)
    return copy(`its ledger belongs to the pack ${mark.pack}, and origin is the repository of ${ref.pack}`);
  return mark?.last === ref.last ? { state: "bound", pack: ref.pack } : rewritten(ref.last);
}

const copy = (why: string): Binding => ({ state: "copy", why });
const rewritten = (last: string | null): Binding => ({
  state: "rewritten",
  why: `its newest commit is not what towline wrote last${last === null ? "" : ` (${last})`}`,
});
