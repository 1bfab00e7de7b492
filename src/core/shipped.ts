// What a host needs to answer `towline learn` by itself: src/remote/agent/rank.awk reads these lines, and only sums.
import { type Lesson, lessonsOf, limits } from "./retrieve.ts";
import { folds, most, same, stops } from "./words.ts";

/** Every start carries it. `bytes`: of the texts. */
const sent = { lessons: 200, text: 400, bytes: 65_536 };

/** The weights of the lessons that are in scope there, the first ones of many; null where there is none. */
export function shipped(inScope: readonly Lesson[]): string | null {
  const few = bounded(inScope);
  if (few.length === 0) return null;
  const { index, byPlace } = lessonsOf(few);
  const terms = [...index.terms].map(([term, { rare, weights }]) =>
    [`term ${term} ${rare}`, ...[...weights].map(([at, weight]) => `${at + 1}:${weight}`)].join(" "),
  );
  const docs = byPlace.map(({ id, text }) => `doc ${id} ${shown(text)}`);
  return `${[...head(index.unknown), ...terms, ...docs].join("\n")}\n`;
}

/** All of a text is found by its words; its beginning is shown. */
const shown = (text: string) => text.replace(/\s+/g, " ").trim().slice(0, sent.text).toWellFormed();

/** Names of any other form cannot stand in a line. */
function bounded(inScope: readonly Lesson[]): Lesson[] {
  let bytes = 0;
  return inScope
    .filter(({ id }) => /^[a-z0-9][a-z0-9-]*$/.test(id))
    .slice(0, sent.lessons)
    .filter(({ text }) => {
      bytes += new TextEncoder().encode(shown(text)).length;
      return bytes <= sent.bytes;
    });
}

function head(unknown: number): string[] {
  const { hits, near, least, share } = limits;
  const alone = Math.floor((unknown * limits.unknown) / 100);
  return [
    `limits ${[hits, near, least * unknown, share, alone, most.words, most.bytes].join(" ")}`,
    `fold ${[...folds].flat().join(" ")}`,
    `stop ${stops.join(" ")}`,
    `same ${Object.entries(same).flat().join(" ")}`,
  ];
}
