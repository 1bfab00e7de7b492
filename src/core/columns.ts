// Text in columns of a terminal: letters of some scripts and most pictures take two of them, marks on letters none.

const letters = new Intl.Segmenter("en", { granularity: "grapheme" });
/** Whole blocks that terminals show wide. */
const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4c6\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\u{20000}-\u{3fffd}])/u;
const none = /^(?:\p{Mark}|\p{Default_Ignorable_Code_Point})+$/u;

const columnsOf = (letter: string) => (none.test(letter) ? 0 : wide.test(letter) ? 2 : 1);

/** ASCII is what nearly all of it is. */
const isPlain = (text: string) => /^[\x20-\x7e]*$/.test(text);

export function widthOf(text: string): number {
  if (isPlain(text)) return text.length;
  let width = 0;
  for (const { segment } of letters.segment(text)) width += columnsOf(segment);
  return width;
}

export const padTo = (text: string, columns: number) => text + " ".repeat(Math.max(0, columns - widthOf(text)));

/** At most so many columns of it, with an ellipsis where something was left out. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let cut = "";
  let width = 0;
  for (const { segment } of letters.segment(text)) {
    width += columnsOf(segment);
    if (width >= columns) break;
    cut += segment;
  }
  return `${cut.trimEnd()}…`;
}

/** Lines of at most so many columns, broken between words; those after the first begin with `indent`. */
export function wrapTo(text: string, columns: number | undefined, indent: string): string {
  if (columns === undefined || widthOf(text) <= columns) return text;
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  let empty = true;
  for (const word of text.trim().split(/(?<= )(?=[^ ])/)) {
    const long = widthOf(word.trimEnd());
    // What fits on no line stays where it is.
    if (!empty && widthOf(line) + long > columns && widthOf(indent) + long <= columns) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += word;
    empty = false;
  }
  return [...lines, line].join("\n");
}

/** Rows as columns that stand below each other. `columns`: those of the terminal, where it is one: lines end there. */
export function tabled(rows: readonly (readonly string[])[], columns = Number.POSITIVE_INFINITY): string[] {
  const last = Math.max(0, ...rows.map((row) => row.length)) - 1;
  const widest = (at: number) => Math.max(0, ...rows.map((row) => (at < row.length - 1 ? widthOf(row[at] ?? "") : 0)));
  // A long name must not push out all that is said of it.
  const most = Math.max(16, Math.floor(columns / 2));
  const widths = Array.from({ length: Math.max(0, last) }, (_, at) => Math.min(widest(at), most));
  return rows.map((row) =>
    cutTo(
      row
        .map((cell, at) => (at < row.length - 1 ? padTo(cutTo(cell, widths[at] ?? most), widths[at] ?? 0) : cell))
        .join("  ")
        .trimEnd(),
      columns,
    ),
  );
}
