// Text that towline posts where a forge or a CI service renders it. Much of it was written by agents and outsiders: it
// must call nobody, close nothing, command nobody, link to nobody's thread, show no picture and hide nothing.
import { clean, counted, oneLine } from "./text.ts";

/** Characters that GitHub takes in a body or a comment. */
export const body_limit = 65_536;
/** And in a title. */
const title_limit = 256;

/** Put between two characters it changes nothing that is seen, and what a forge looks for is not there any more. */
const joiner = "\u2060";

export interface Outgoing {
  /** Characters that the whole may have, with all that is added here. */
  limit?: number;
  /** Logins of people who are to be called, in the first line. Nobody else is. */
  call?: readonly string[];
  /** Addresses that towline put in itself: they stay as they are, even those of pull requests and issues. */
  keep?: readonly string[];
}

/** A body or a comment. What went through once stays as it is when it goes through again. */
export function outgoing(text: string, options: Outgoing = {}): string {
  const keep = new Set(options.keep ?? []);
  const { limit = body_limit } = options;
  const plain = plainText(text);
  // More than fits need not be read.
  const safe = readLines(plain.slice(0, limit)).map((line) =>
    line.code ? commands(line.text) : markdown(line.text, keep),
  );
  const call = (options.call ?? []).filter((login) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$/.test(login));
  return fitted(safe.join("\n"), Math.max(0, plain.length - limit), call.map((login) => `@${login}`).join(" "), limit);
}

/** A title, or the words beside a commit's state: one line, no markup to be trusted. */
export function outgoingLine(text: string, length = title_limit): string {
  const line = plainText(text);
  for (let room = length; ; ) {
    const safe = flat(oneLine(line, room));
    if (safe.length <= length || room === 1) return safe;
    // The joiners count for the forge, too.
    room = Math.max(1, Math.min(room - 1, Math.floor((room * length) / safe.length)));
  }
}

// Joiners that stand in a text by themselves go: so the same text comes out, however often it goes through.
const plainText = (text: string) =>
  clean(
    text
      .toWellFormed()
      .replace(/[\u2028\u2029]/g, "\n")
      .replaceAll(joiner, ""),
  ).replace(/[\u061c\u180e\u00ad]/g, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

interface Line {
  text: string;
  /** In a fence by every reading there is. */
  code: boolean;
}

const opening = /^(`{3,})[^`]*$|^(~{3,})/;
/** Three marks behind nothing but white space and what may stand before a block in a list, a quote or a footnote. */
const maybe = /^[\s>*+\-\d.):[\]^]{1,40}(?:`{3,}|~{3,})/;

/**
 * Only fences that begin at the very start of a line are read as code, where no list and no quote can end them early.
 * After a fence that stands anywhere else nobody can say for sure, and nothing counts as code any more.
 */
function readLines(text: string): Line[] {
  let fence = "";
  let sure = true;
  return text.split("\n").map((line) => {
    if (fence !== "") {
      const end = closes(line, fence);
      if (end) fence = "";
      return { text: line, code: !end };
    }
    const open = sure ? opening.exec(line) : null;
    if (open) fence = (open[1] ?? open[2]) as string;
    else if (maybe.test(line)) sure = false;
    return { text: line, code: false };
  });
}

function closes(line: string, fence: string): boolean {
  const end = /^ {0,3}(`+|~+)[ \t]*$/.exec(line)?.[1] ?? "";
  return end.length >= fence.length && end[0] === fence[0];
}

const entity = /&(?!(?:amp|lt|gt|quot);)(?=#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)/g;
const things = "issues?|pulls?|discussions|commits?|merge_requests|work_items";
const address = new RegExp(
  String.raw`((?:https?:)?(?:\\?/){2}|(?<![\w./\\@-]))([\w.\\-]+(?::\d+)?)((?:\\?/[^\s/\\()<>"'\`]+){1,8}?\\?/(?:-\\?/)?)(${things})(?=\\?/[\w-])`,
  "gi",
);
/** Every @ but that of a mail address which stands by itself. */
const calls = /(?!(?<=(?:^|[\s(])[\w.+-]{1,64})@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?:[\s).,;:!?]|$))@(?=[^\s\u2060])/g;
const closing = /\b((?:close|fix|resolve|implement)(?:[sd]|es|ed|ing)?)(?=:?\s+\S*(?:#|GH-|:?\/\/|\w\/))/gi;

/** One line outside of all code. */
function markdown(line: string, keep: ReadonlySet<string>): string {
  const safe = line
    .replace(/<((?:https?:\/\/|mailto:)[^\s<>]*)>/gi, "$1")
    .replace(entity, `&${joiner}`)
    .replace(/<(?=[A-Za-z/!?])/g, `<${joiner}`)
    .replace(/!(?=\[|\d)/g, `!${joiner}`)
    // What defines a link elsewhere in the text is shown to nobody.
    .replace(/\](?=:)/g, `]${joiner}`)
    .replace(closing, (word) => word.slice(0, 2) + joiner + word.slice(2))
    .replace(address, (...found) => elsewhere(found, keep))
    .replace(calls, `@${joiner}`)
    .replace(/#(?=\d)/g, `#${joiner}`)
    .replace(/\bGH-(?=\d)/gi, (word) => word + joiner);
  return commands(safe);
}

/** The same page by an address that no forge takes for one of its own threads. */
function elsewhere(found: unknown[], keep: ReadonlySet<string>): string {
  const [all, scheme, host, path, thing, at, line] = found as [string, string, string, string, string, number, string];
  const whole = /^[^\s<>"'`)\]]*[^\s<>"'`)\].,;:!?]/.exec(line.slice(at))?.[0] ?? "";
  if (keep.has(whole)) return all;
  if (scheme === "" && !host.includes(".")) return all;
  const plain = host.replaceAll("\\", "").toLowerCase();
  if (/^(?:www\.)?github\.com\.?(?::\d+)?$/.test(plain)) return `${scheme}redirect.github.com${path}${thing}`;
  if (plain === "redirect.github.com") return all;
  return `${scheme}${host}${path}%${thing.charCodeAt(0).toString(16)}${thing.slice(1)}`;
}

/** What programs look for in the raw text, in code or not: marks like ours, commands to bots, commands to a runner. */
const commands = (line: string) =>
  runner(line)
    .replace(/<(?=!--)/g, `<${joiner}`)
    .replace(/^(\s*(?:(?:[>*+-]|\d+[.)])\s+)*)(?=\/[A-Za-z][\w-]*(?:\s|$|[^\w\s/.-]))/, `$1${joiner}`);

const runner = (line: string) =>
  line.replace(/^(\s*):(?=:)/, `$1:${joiner}`).replace(/##(?=\[|vso\[)/gi, `##${joiner}`);

/** A line that is no markdown, like a title: it may end up in the message of a merge, whatever surrounds it. */
const flat = (line: string) =>
  markdown(line, new Set())
    .replace(/\[(?=(?:skip|no|ci|actions|gh-actions)[ -]?(?:ci|skip|actions|checks)?\])/gi, `[${joiner}`)
    .replace(/\*\*\*(?=NO_CI)/gi, `***${joiner}`)
    .replace(/^(\s*skip-checks)(?=:)/i, `$1${joiner}`);

/** Whom it calls first, where no fence of the text can swallow the call; then the text, cut to its size. */
function fitted(text: string, unread: number, call: string, limit: number): string {
  const head = call === "" ? "" : `${call}\n\n`;
  const all = `${head}${text.trimEnd()}`;
  if (unread === 0 && all.length <= limit) return all;
  // The longest that this line can become: what is left out is told by its number.
  const note = (left: number) => `_… ${counted(left, "more character")} did not fit here._`;
  const room = Math.max(0, limit - note(text.length + unread).length - head.length - 120);
  const at = text.lastIndexOf("\n", room);
  const cut = text
    .slice(0, at > room / 2 ? at : room)
    .toWellFormed()
    .replace(/\ufffd$/, "")
    .trimEnd();
  return `${head}${cut}${closer(cut)}\n\n${note(text.length + unread - cut.length)}`.trimStart();
}

/** The line that ends a fence which is still open at the end of the text, in the list or quote that it stands in. */
function closer(text: string): string {
  let open: { prefix: string; fence: string } | null = null;
  for (const line of text.split("\n")) {
    const bare = line.replace(/^[\s>]*/, "");
    if (open) {
      if (closes(bare, open.fence)) open = null;
    } else {
      const [, prefix = "", fence] = /^([\s>*+\-\d.):[\]^]{0,40}?)(`{3,}(?=[^`]*$)|~{3,})/.exec(line) ?? [];
      if (fence !== undefined) open = { prefix: prefix.replace(/[^>\s]/g, " "), fence };
    }
  }
  return open ? `\n${open.prefix}${open.fence}` : "";
}
