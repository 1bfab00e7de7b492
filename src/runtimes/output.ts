// What every runtime does with what a run wrote: bytes to plain text, and the ends that are not its own doing.
import { formatDuration } from "../core/scalar.ts";
import { clean } from "../core/text.ts";
import type { Outcome, RawResult, RawStream } from "../ports.ts";

/** Head and tail of a stream as plain text. What was cut between them is said in its place. */
export function streamText(stream: RawStream): string {
  const decode = (bytes: Uint8Array) => clean(new TextDecoder("utf-8").decode(bytes));
  if (stream.tail.length === 0) return decode(stream.head);
  const cut = stream.cut ?? stream.bytes - stream.head.length - stream.tail.length;
  return `${decode(stream.head)}\n[… ${cut} bytes left out …]\n${decode(stream.tail)}`;
}

const frame_art = /[\u2500-\u259f]/g;

/** The last line that says something, without the frames that some tools draw around their errors. */
export function lastLine(text: string): string {
  const line = text
    .split("\n")
    .map((l) => l.replace(frame_art, "").trim())
    .findLast((l) => /[\p{L}\p{N}]/u.test(l));
  return line === undefined ? "" : line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

/**
 * The outcome of a run that did not end by itself with exit 0, or null for one that did.
 * The answer is what it got to say. `said`: where a failure looks for its reason when stderr is silent.
 */
export function unfinished(result: RawResult, answer: string, said = ""): Outcome | null {
  const failure = { outcome: "failure" as const, answer };
  if (result.end === "timeout")
    return {
      state: "timeout",
      outcome: answer === "" ? "failure" : "partial",
      why: `ran into its time limit after ${formatDuration(result.took)}`,
      answer,
    };
  if (result.end === "cancelled") return { state: "cancelled", ...failure, why: "cancelled" };
  if (result.end === "died")
    return { state: "lost", ...failure, why: "the host restarted or the run was killed before anyone saw its end" };
  if (result.exit === 0) return null;
  const how =
    result.exit !== null ? `exit ${result.exit}` : result.signal ? `ended by ${result.signal}` : "no exit code";
  const line = lastLine(streamText(result.stderr)) || lastLine(said);
  return { state: "failed", ...failure, why: line ? `${how}: ${line}` : how };
}
