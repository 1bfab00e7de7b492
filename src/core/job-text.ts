// What a run said, as the body of its job's record, and read back from there.
import type { Outcome, RawResult, RawStream } from "../ports.ts";
import type { Entry } from "./entry.ts";
import { cell, clean, excerpt, fenced, oneLine } from "./text.ts";

/** Characters from the front and from the back. The streams' own ends, and the words between them, fit in. */
const answer_keep = 16_384 + 64;
const log_keep = 4096;

const utf8 = new TextDecoder("utf-8", { fatal: false });

/** Kept bytes of a stream as harmless text, with what was cut named in its place. */
export function streamText(stream: RawStream): string {
  const cut = stream.cut ?? stream.bytes - stream.head.length - stream.tail.length;
  const head = clean(utf8.decode(stream.head));
  return cut > 0
    ? `${head}\n… ${cut} bytes left out …\n${clean(utf8.decode(stream.tail))}`
    : head + clean(utf8.decode(stream.tail));
}

/** The same, shorter: what is named as left out is counted from the whole stream. */
function logText(stream: RawStream, keep: number): string {
  const whole = streamText(stream);
  if (whole.length <= keep * 2) return whole;
  const [front, back] = [whole.slice(0, keep), whole.slice(-keep)];
  const size = (text: string) => new TextEncoder().encode(text).length;
  return `${front}\n… ${Math.max(1, stream.bytes - size(front) - size(back))} bytes left out …\n${back}`;
}

/** `before`: the record as it stood: what its agent said in an earlier run, with a question, is kept. */
export function jobBody(outcome: Outcome, raw: RawResult, before?: Entry<"job">): string {
  const answer = clean(outcome.answer).trim();
  const parts = [`## Answer\n\n${answer === "" ? "_No answer._" : fenced(excerpt(answer, answer_keep))}`];
  if (outcome.why) parts.unshift(`${oneLine(outcome.why, 500)}`);
  const talk = talkOf(outcome);
  if (talk !== "") parts.push(`## Besides\n\n${talk}`);
  const earlier = before?.data.run.questions?.length ? earlierOf(before) : "";
  if (earlier !== "") parts.push(`## Before\n\n${earlier}`);
  const log = logText(raw.stderr, log_keep).trim();
  if (log !== "") parts.push(`## Log\n\n${fenced(log)}`);
  return parts.join("\n\n");
}

/** What the agent said besides its answer, and what could not be understood of it: a line each. */
function talkOf({ messages = [], remarks = [] }: Outcome): string {
  const said = messages.filter(({ verb }) => !["reply", "done", "fail", "reflect"].includes(verb));
  return [
    ...said.map(({ verb, to, text }) => `- ${verb}${to ? ` ${to}` : ""}: ${cell(text, 1000)}`),
    ...remarks.map((line) => `- not understood: ${cell(line, 200)}`),
  ].join("\n");
}

/** Questions with their answers, and the answer that stood beside the last one. */
function earlierOf({ data, body }: Entry<"job">): string {
  const lines = (data.run.questions ?? []).map(
    ({ text, answer }) =>
      `- asked: ${cell(text, 1000)}\n  - answered: ${answer === undefined ? "not yet" : cell(answer, 1000)}`,
  );
  const said = answerOf(body);
  return [lines.join("\n"), said.startsWith("`") && said.length < 12_000 ? said : ""].filter(Boolean).join("\n\n");
}

/** Where a section begins, outside of all fences; -1: nowhere. */
function lineOfTitle(lines: string[], title: string): number {
  let fence = "";
  return lines.findIndex((line) => {
    if (fence !== "") fence = line === fence ? "" : fence;
    else if (line === `## ${title}`) return true;
    else fence = /^`{3,}/.exec(line)?.[0] ?? "";
    return false;
  });
}

/** The answer section of a job's or a status record's body, with its fence; "" when there is none. */
export const answerOf = (body: string) => sectionOf(body, "Answer");

/** The same for any section of it. */
export function sectionOf(body: string, title: string): string {
  const lines = body.split("\n");
  const from = lineOfTitle(lines, title) + 1;
  if (from === 0) return "";
  let to = from;
  // A heading inside a fence is the answer's own: models like headings.
  for (let fence = ""; to < lines.length; to++) {
    const line = lines[to] as string;
    if (fence !== "") fence = line === fence ? "" : fence;
    else if (line.startsWith("## ")) break;
    else fence = /^`{3,}/.exec(line)?.[0] ?? "";
  }
  return lines.slice(from, to).join("\n").trim();
}

/** What stands in a fence, without it. */
export function unfenced(text: string): string {
  const mark = /^(`{3,})[^\n]*\n/.exec(text);
  return mark && text.endsWith(`\n${mark[1]}`) ? text.slice(mark[0].length, -((mark[1] as string).length + 1)) : text;
}
