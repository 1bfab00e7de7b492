// Text from agents, hosts and outsiders is data. Here it is made harmless before it is written anywhere.

// A string sequence counts only when it is closed on its line: one that is left open must not hide what follows it.
const ansi =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)|[PX^_][^\u001b\n]*\u001b\\|[ -/]+[0-~]|[@-_])/g;
// Bidirectional controls, characters without width, tags and selectors of variants (but for the one that emoji need) hide
// text from people that agents still read.
const hidden =
  /[\ufe00-\ufe0e]|[\u180b-\u180e]|\u034f|[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\ufe0f(?=[\ufe00-\ufe0f])|\udb40[\udc00-\udc7f\udd00-\uddef]/g;

/** Without terminal sequences and control characters; hidden characters become visible as `⟨U+200B⟩`. */
export function clean(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(ansi, "")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
    .replace(hidden, (c) => `⟨U+${(c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** One line, at most `length` characters. */
export function oneLine(text: string, length = 200): string {
  const flat = clean(text).replace(/\s+/g, " ").trim();
  return flat.length <= length ? flat : `${flat.slice(0, length - 1)}…`;
}

/** `1 file`, `2 files`, for words that take an s. */
export const counted = (n: number, what: string) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

/** A fenced block that its content cannot close. */
export function fenced(text: string, language = "text"): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const mark = "`".repeat(longest + 1);
  return `${mark}${language}\n${text.replace(/\n+$/, "")}\n${mark}`;
}

/** A cell of a markdown table, or a title in a list: no pipe, no markup that would leave it, no live mention. */
export function cell(text: string, length = 80): string {
  return oneLine(text, length)
    .replace(/[\\`*_[\]<>|]/g, (c) => `\\${c}`)
    .replace(/@(?=\w)/g, "@\u2060")
    .replace(/#(?=\d)/g, "#\u2060");
}

/** At most this many characters from the front and as many from the back, and how much was left out. */
export function excerpt(text: string, keep: number): string {
  if (text.length <= keep * 2) return text;
  return `${text.slice(0, keep)}\n… ${text.length - keep * 2} characters left out …\n${text.slice(-keep)}`;
}
