// Fenced blocks of a page, with what comments before them say about how they are run. CONTRIBUTING.md has the words.

/** What a comment before a block may say. */
const words = ["not run", "run in", "until", "shows", "types", "file", "adds to", "prints", "exit", "before"] as const;
type Word = (typeof words)[number];

export interface Block {
  page: string;
  /** Of its fence, from 1. */
  line: number;
  lang: string;
  text: string;
  notes: Partial<Record<Word, string>>;
}

/** Languages of what people type. */
export const isCommand = ({ lang }: Block) => /^(sh|bash|shell|console)$/.test(lang);

/** Every fenced block, those inside of another one left out; a comment that nobody understands is thrown. */
export function blocksOf(page: string, text: string): Block[] {
  const found: Block[] = [];
  const lines = text.split("\n");
  let notes: Block["notes"] = {};
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.startsWith("<!--")) {
      const first = at;
      while (!(lines[at] as string).includes("-->"))
        if (++at >= lines.length) throw new Error(`${page}:${first + 1}: no -->`);
      Object.assign(notes, noteOf(lines.slice(first, at + 1).join("\n"), `${page}:${first + 1}`));
      continue;
    }
    const fence = /^( *)(`{3,})([\w-]*)/.exec(line);
    if (!fence) {
      if (line.trim() !== "" && Object.keys(notes).length > 0)
        throw new Error(`${page}:${at + 1}: the comment before is about a block, and this is none`);
      continue;
    }
    const [, indent = "", ticks = "", lang = ""] = fence;
    const end = lines.findIndex((one, i) => i > at && one.trim() === ticks);
    if (end < 0) throw new Error(`${page}:${at + 1}: this block does not end`);
    const body = lines.slice(at + 1, end).map((one) => one.slice(Math.min(indent.length, one.search(/\S|$/))));
    found.push({ page, line: at + 1, lang, text: `${body.join("\n")}\n`, notes });
    notes = {};
    at = end;
  }
  return found;
}

function noteOf(comment: string, where: string): Block["notes"] {
  const inside = comment.replace(/^<!--|-->\s*$/g, "").trim();
  const said = /^([a-z]+(?: [a-z]+)?):\s*([\s\S]+)$/.exec(inside);
  const word = words.find((one) => one === said?.[1]);
  if (word !== undefined) return { [word]: said?.[2]?.trim() ?? "" };
  // A comment of another kind; but one that nearly is a word of ours would be passed over in silence.
  if (said && inside.length < 200 && /^(not|run|until|show|type|file|add|print|exit|before)/.test(inside))
    throw new Error(`${where}: \`${said[1]}\` is no word for a block; write one of ${words.join(", ")}`);
  return {};
}
