// The marked block: what every model prompt asks for, and how it is read out of an answer. What a reflection says of
// `surprise` and `technique` comes from here or from the outbox, or is absent; it is never made up. The same block carries
// the messages of agents that can neither call `towline` nor write files.
import type { Message, TalkVerb } from "../core/schema.ts";

const surprise_hint = "one line: what turned out other than you expected, or none";
const technique_hint = "one line: how you went about it";

/** The end of every model prompt. */
export const marked_request = [
  "End your answer with this block, with the two lines filled in:",
  "",
  "```towline",
  `surprise: ${surprise_hint}`,
  `technique: ${technique_hint}`,
  "```",
].join("\n");

/** Characters kept of each value. */
export const max_marked = 500;

export interface Marked {
  /** The answer without its block. */
  answer: string;
  surprise?: string;
  technique?: string;
  messages?: Message[];
}

const opening = /^ {0,3}(`{3,}|~{3,})[ \t]*towline[ \t]*$/;
const field =
  /^[ \t]*(?:[-*][ \t]+)?(surprise|technique|reply|ask|confess|learn|status|done|fail|tell[ \t]+[a-z0-9-]{1,64})[ \t]*:[ \t]*(.*)$/i;
/** Messages of one block. */
const most_messages = 30;

/** Reads the last marked block out of an answer. Without one: the answer as it is, nothing else. */
export function readMarked(text: string): Marked {
  const lines = text.split("\n");
  const from = lines.findLastIndex((line) => opening.test(line));
  if (from < 0) return { answer: text.trimEnd() };
  const to = blockEnd(lines, from);
  const { values, messages } = valuesOf(lines.slice(from + 1, to));
  const rest = [...lines.slice(0, from), ...lines.slice(isClosing(lines, from, to) ? to + 1 : to)];
  const marked: Marked = { answer: rest.join("\n").trimEnd() };
  const surprise = meant(values.get("surprise"), surprise_hint);
  const technique = meant(values.get("technique"), technique_hint);
  if (surprise !== undefined) marked.surprise = surprise;
  if (technique !== undefined) marked.technique = technique;
  if (messages.length > 0) marked.messages = messages;
  return marked;
}

/** Index of the closing fence; for a block that was never closed, of the first line that is not its own. */
function blockEnd(lines: string[], from: number): number {
  for (let at = from + 1; at < lines.length; at++) if (isClosing(lines, from, at)) return at;
  for (let at = from + 1; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.trim() !== "" && !field.test(line)) return at;
  }
  return lines.length;
}

function isClosing(lines: string[], from: number, at: number): boolean {
  const fence = (opening.exec(lines[from] as string)?.[1] ?? "") as string;
  const line = lines[at]?.trim() ?? "";
  return line.length >= fence.length && [...line].every((c) => c === fence[0]);
}

/** A line without a known name goes on with the value above it. The first of two equal fields counts, and each message. */
function valuesOf(lines: string[]): { values: Map<string, string>; messages: Message[] } {
  const found: { name: string; lines: string[] }[] = [];
  for (const line of lines) {
    const [, name, value = ""] = field.exec(line) ?? [];
    if (name !== undefined) found.push({ name: name.toLowerCase(), lines: [value.trim()] });
    else if (line.trim() !== "") found.at(-1)?.lines.push(line.trim());
  }
  const values = new Map<string, string>();
  const messages: Message[] = [];
  for (const one of found) {
    const [verb = "", to] = one.name.split(/[ \t]+/);
    if (verb === "surprise" || verb === "technique") {
      if (!values.has(verb)) values.set(verb, one.lines.join(" "));
    } else if (verb === "done" || !nothing.test(one.lines.join(" ").trim()))
      messages.push({ verb: verb as TalkVerb, ...(to ? { to } : {}), text: one.lines.join("\n").trim() });
  }
  return { values, messages: messages.slice(0, most_messages) };
}

const nothing = /^(?:none|nothing|no|no surprises?|n\/a|na|null|-+|…|\.{3})?[.!]?$/i;

function meant(value: string | undefined, hint: string): string | undefined {
  const said = (value ?? "")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/^(["'])(.*)\1$/, "$2")
    .trim();
  if (nothing.test(said) || said === hint) return undefined;
  const characters = [...said];
  return characters.length > max_marked ? `${characters.slice(0, max_marked - 1).join("")}…` : said;
}
