// Marks that towline leaves in what it writes at a forge: how it finds its own again, and sees whether people changed it.
import { digest } from "./hash.ts";

/** Characters of a text beside its mark: a forge takes no more than 65,536. */
export const most_text = 60_000;

/** Stands first in a text. A quoted one stands elsewhere, and counts for nothing. */
const commentMark = (marker: string) => `<!-- towline ${digest("comment", marker).slice(0, 24)} -->`;

/** A comment as it goes out. */
export const marked = (marker: string, text: string) => `${commentMark(marker)}\n${text}`;

export const isMarked = (marker: string, body: string) => body.startsWith(commentMark(marker));

/** Some comment of towline's, where its author is whom towline speaks as: with a person's token that is a person, too. */
export const isOurs = (body: string) => /^<!-- towline [0-9a-f]{24} -->/.test(body);

const proposalMark = /\n*<!-- towline proposal ([0-9a-f]{16}) ([0-9a-f]{16}) -->\s*$/;
const branchMark = (branch: string) => digest("proposal", branch).slice(0, 16);
const sumOf = (title: string, body: string) => digest("proposed", title.trim(), plain(body)).slice(0, 16);
const plain = (text: string) => text.replace(/\r\n?/g, "\n").trim();

/** The text of a proposal, with what tells it from others and from what people make of it. */
export function proposed(branch: string, title: string, body: string): string {
  return `${body.trim()}\n\n<!-- towline proposal ${branchMark(branch)} ${sumOf(title, body)} -->`;
}

/** Whose text that is: `ours` as it was written, `changed` by people since, or `theirs` from the start. */
export function whose(branch: string, title: string, body: string): "ours" | "changed" | "theirs" {
  const [, at, sum] = proposalMark.exec(body) ?? [];
  if (at !== branchMark(branch)) return "theirs";
  return sum === sumOf(title, body.replace(proposalMark, "")) ? "ours" : "changed";
}
