// What an agent said besides its answer: the outbox that came with the result, and what it makes of the outcome. All of
// it is data: what is no valid message becomes a remark for people.
import type { Outcome } from "../ports.ts";
import { type Message, message, type TalkVerb, talk_verbs } from "./schema.ts";
import { fence, split } from "./split.ts";
import { clean, oneLine } from "./text.ts";

/** Characters of a message, and messages of a run. */
const longest: Record<TalkVerb, number> = {
  reply: 60_000,
  ask: 4000,
  reflect: 2000,
  confess: 4000,
  learn: 1000,
  tell: 8000,
  status: 200,
  done: 8000,
  fail: 500,
};
const most: Record<TalkVerb, number> = {
  reply: 50,
  ask: 5,
  reflect: 5,
  confess: 10,
  learn: 10,
  tell: 10,
  status: 99,
  done: 5,
  fail: 5,
};
const most_remarks = 12;
/** Bytes of the outbox: the host takes no more. */
const most_bytes = 524_288;

export interface Talk {
  messages: Message[];
  remarks: string[];
}

const nothing: Talk = { messages: [], remarks: [] };

/** An outcome with what the agent said besides. */
export function talked(outcome: Outcome, outbox: Uint8Array | undefined): Outcome {
  const { messages: marked = [], remarks: _, ...plain } = outcome;
  const read = outbox ? readOutbox(outbox) : nothing;
  const { messages, remarks } = bounded([...read.messages, ...marked], read.remarks);
  if (messages.length === 0 && remarks.length === 0) return plain;
  return { ...judged(reflected(plain, messages), messages), messages, remarks };
}

/** Each thing once, none too long, not too many of one kind. */
function bounded(all: Message[], remarks: string[]): Talk {
  const seen = new Set<string>();
  const counts = new Map<TalkVerb, number>();
  const messages = all.flatMap((one) => {
    const text = cut(clean(one.text).trim(), longest[one.verb]);
    const key = JSON.stringify([one.verb, one.to, text, one.surprise, one.technique]);
    const count = (counts.get(one.verb) ?? 0) + 1;
    if (seen.has(key)) return [];
    seen.add(key);
    counts.set(one.verb, count);
    return count > most[one.verb] ? [] : [{ ...one, text }];
  });
  for (const [verb, count] of counts)
    if (count > most[verb]) remarks.push(`${count} times \`${verb}\`: the first ${most[verb]} are taken`);
  return { messages, remarks: remarks.slice(0, most_remarks).map((line) => oneLine(line, 200)) };
}

const cut = (text: string, length: number) =>
  text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;

const field = /^[ \t]*(?:[-*][ \t]+)?(surprise|technique)[ \t]*:[ \t]*/i;

/** What it says of itself in the marked block goes before what it said on the way. */
function reflected(outcome: Outcome, messages: Message[]): Outcome {
  const said: { surprise?: string; technique?: string } = {};
  for (const one of messages.filter(({ verb }) => verb === "reflect")) {
    let current: "surprise" | "technique" = "surprise";
    const values = { surprise: one.surprise ?? "", technique: one.technique ?? "" };
    for (const line of one.text.split("\n")) {
      const name = field.exec(line)?.[1]?.toLowerCase();
      if (name !== undefined) current = name as typeof current;
      values[current] += ` ${line.replace(field, "")}`;
    }
    for (const name of ["surprise", "technique"] as const) said[name] = oneLine(values[name], 500) || said[name];
  }
  return { ...said, ...outcome };
}

/** Replies are part of the answer; with one there is an answer. An agent that says that it failed has failed. */
function judged(outcome: Outcome, messages: Message[]): Outcome {
  const texts = (...verbs: TalkVerb[]) => messages.filter(({ verb }) => verbs.includes(verb)).map(({ text }) => text);
  const said = (text: string) => text.trim() !== "" && !outcome.answer.includes(text);
  const own = outcome.answer.trim() === "" ? [] : [outcome.answer];
  const answer = [...texts("reply").filter(said), ...own, ...texts("done").filter(said)].join("\n\n");
  const failure = texts("fail");
  if (failure.length > 0 && ["finished", "empty", "failed"].includes(outcome.state))
    return { ...outcome, answer, state: "failed", outcome: "failure", why: oneLine(failure.join("; "), 300) };
  if (answer === "") return outcome;
  if (outcome.state === "timeout") return { ...outcome, answer, outcome: "partial" };
  if (outcome.state !== "empty") return { ...outcome, answer };
  const { why: _, ...rest } = outcome;
  return { ...rest, answer, state: "finished", outcome: "success" };
}

/** Lines about the files, an empty line, and the bytes of those files one after another (src/remote/host/outbox.sh). */
export function readOutbox(bytes: Uint8Array): Talk {
  const talk: Talk = { messages: [], remarks: [] };
  const unreadable = (why: string): Talk => ({ messages: [], remarks: [`the outbox cannot be read: ${why}`] });
  if (bytes.length > most_bytes) return unreadable("it is too long");
  const end = headEnd(bytes);
  const lines = new TextDecoder("latin1").decode(bytes.subarray(0, Math.max(0, end))).split("\n");
  if (lines[0] !== "outbox 1") return unreadable("the host could not make it out in time");
  const files: { name: string; bytes: Uint8Array }[] = [];
  let at = end + 2;
  for (const line of lines.slice(1)) {
    const [key, size = "", name = ""] = line.split(" ");
    const number = /^\d{1,7}$/.test(size) ? Number(size) : 0;
    if (key === "file") {
      files.push({ name, bytes: bytes.subarray(at, at + number) });
      at += number;
    } else if (key === "odd") talk.remarks.push(`${number} entries are no files with names like 01-reply.md`);
    else if (key === "big") talk.remarks.push(`${size} is over 64 KiB`);
    else if (key === "over") talk.remarks.push(`${number} files are too many: the first ones are taken`);
  }
  if (at !== bytes.length) return unreadable("it was changed while it was read");
  for (const read of files.sort(inOrder).map(messageOf))
    if (typeof read === "string") talk.remarks.push(read);
    else talk.messages.push(read);
  return talk;
}

/** Where the empty line is. */
function headEnd(bytes: Uint8Array): number {
  for (let at = 0; at + 1 < bytes.length; at++) if (bytes[at] === 10 && bytes[at + 1] === 10) return at;
  return -1;
}

const number = (name: string) => Number(/^\d{1,5}(?!\d)/.exec(name)?.[0] ?? Number.POSITIVE_INFINITY);
const inOrder = (a: { name: string }, b: { name: string }) =>
  number(a.name) - number(b.name) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** A message, or what is wrong with its file. */
function messageOf({ name, bytes }: { name: string; bytes: Uint8Array }): Message | string {
  const wrong = (why: string) => `${oneLine(name, 60)}: ${why}`;
  const verb = /^\d{1,5}-([a-z]+)\.md$/.exec(name)?.[1];
  if (verb === undefined || !(talk_verbs as readonly string[]).includes(verb))
    return wrong(`must be named like 01-reply.md, with one of ${talk_verbs.join(", ")}`);
  const text = textOf(bytes);
  if (text === null) return wrong("must be UTF-8 text");
  const parts = fence.test(text) ? split(text) : { data: {}, body: text };
  if ("code" in parts) return wrong(`line ${parts.line}: ${parts.message}; ${parts.fix}`);
  const read = message.safeParse({ ...parts.data, verb, text: clean(parts.body).trim() });
  return read.success
    ? read.data
    : wrong(read.error.issues.map((issue) => `\`${issue.path.join(".")}\` ${issue.message}`).join("; "));
}

function textOf(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
