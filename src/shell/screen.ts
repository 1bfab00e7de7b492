// Where results enter: nothing that a run wrote goes further before its secrets are out of it.
import { redacted } from "../core/mask.ts";
import { talked } from "../core/talk.ts";
import { clean } from "../core/text.ts";
import type { Outcome, RawResult, RawStream, Runtime } from "../ports.ts";
import { type Scan, ScanFault, type Sighting } from "./scan.ts";
import type { Secrets } from "./secrets.ts";

export interface Screened {
  result: RawResult;
  outcome: Outcome;
}

/** Reads what a run came to, with known secrets masked and others cut out by their shape. */
export type Screen = (result: RawResult, runtime: Runtime) => Promise<Screened>;

/** The guard itself may fail: then the run is recorded and what it said is not. */
export function createScreen(secrets: Secrets, scan: Scan): Screen {
  return async (raw, runtime) => {
    try {
      return await screened(raw, runtime, secrets, scan);
    } catch (thrown) {
      return withheld(raw, outcomeOf(raw, runtime), thrown);
    }
  };
}

/** What a run came to, with what its agent said besides. */
export const outcomeOf = (raw: RawResult, runtime: Runtime): Outcome =>
  talked(runtime.outcome(raw), raw.parts?.get("outbox"));

async function screened(raw: RawResult, runtime: Runtime, secrets: Secrets, scan: Scan): Promise<Screened> {
  const result = { ...raw, stdout: maskedStream(raw.stdout, secrets), stderr: maskedStream(raw.stderr, secrets) };
  // A runtime puts an answer together from pieces: what was apart in the stream may be whole only now.
  const outcome = changed(outcomeOf(result, runtime), (text) => secrets.mask(text));
  const said = textsOf(outcome);
  const log = [decode(result.stderr.head), decode(result.stderr.tail)];
  const found = await scan([...said, ...log]);
  const [head, tail] = log.map((text, at) => Buffer.from(without(text, found[said.length + at]))) as [Buffer, Buffer];
  return {
    outcome: changed(outcome, (text, at) => without(text, found[at])),
    result: { ...understood(result), stderr: { ...result.stderr, head, tail } },
  };
}

/** The outbox as it came goes no further: what was understood of it stands in the outcome. */
function understood({ parts, ...result }: RawResult): RawResult {
  const rest = new Map([...(parts ?? [])].filter(([name]) => name !== "outbox"));
  return rest.size > 0 ? { ...result, parts: rest } : result;
}

const fields = ["answer", "why", "surprise", "technique", "session"] as const;
const message_fields = ["text", "to", "surprise", "technique"] as const;

/** Every text of an outcome that is not ours, in one order. */
const textsOf = (outcome: Outcome): string[] => {
  const all: string[] = [];
  changed(outcome, (text) => all[all.push(text) - 1] as string);
  return all;
};

/** The same outcome with each of its texts changed. `at`: its place among all. */
function changed(outcome: Outcome, change: (text: string, at: number) => string): Outcome {
  let at = 0;
  const next = (text: string) => change(text, at++);
  const within = <T extends object, K extends keyof T>(one: T, names: readonly K[]): T => {
    const present = names.filter((name) => one[name] !== undefined);
    return { ...one, ...Object.fromEntries(present.map((name) => [name, next(String(one[name]))])) };
  };
  const plain = within(outcome, fields);
  const { messages, remarks } = outcome;
  return {
    ...plain,
    ...(messages ? { messages: messages.map((one) => within(one, message_fields)) } : {}),
    ...(remarks ? { remarks: remarks.map(next) } : {}),
  };
}

const decode = (bytes: Uint8Array) => clean(new TextDecoder("utf-8").decode(bytes));
const leftOut = (stream: RawStream) => stream.cut ?? stream.bytes - stream.head.length - stream.tail.length;

/** The kept ends of a stream, masked up to where they were cut: a secret may lie across the cut. */
function maskedStream(stream: RawStream, secrets: Secrets): RawStream {
  const cut = leftOut(stream);
  const part = (bytes: Uint8Array, at: { start?: boolean; end?: boolean }) => {
    const text = new TextDecoder("utf-8").decode(bytes);
    const masked = secrets.mask(text, cut > 0 ? at : {});
    return masked === text ? bytes : Buffer.from(masked);
  };
  return { ...stream, cut, head: part(stream.head, { end: true }), tail: part(stream.tail, { start: true }) };
}

/** The text with what was sighted in it cut out. */
export function without(text: string, sightings: Sighting[] | undefined): string {
  if (sightings === undefined) throw new ScanFault("it failed");
  let result = "";
  let last = 0;
  for (const { start, end, kind } of sightings.toSorted((a, b) => a.start - b.start)) {
    if (end <= last) continue;
    result += text.slice(last, Math.max(last, start)) + redacted(kind);
    last = end;
  }
  return result + text.slice(last);
}

/** Nobody knows what stands in these texts: the run is recorded, they are not. */
function withheld(result: RawResult, outcome: Outcome, thrown: unknown): Screened {
  const why = thrown instanceof ScanFault ? thrown.message : "the guard failed";
  return withoutText(
    result,
    outcome,
    `its text is withheld: the search for secrets in it could not be finished (${why})`,
  );
}

/** A run without a word of what it said: how it ended, its sizes and hashes stay. */
export function withoutText(result: RawResult, outcome: Outcome, why: string): Screened {
  const empty = (stream: RawStream) => ({
    ...stream,
    cut: stream.bytes,
    head: new Uint8Array(),
    tail: new Uint8Array(),
  });
  const { surprise: _, technique: __, session: ___, messages: ____, remarks: _____, ...rest } = outcome;
  return {
    result: { ...understood(result), stdout: empty(result.stdout), stderr: empty(result.stderr) },
    outcome: {
      ...rest,
      outcome: outcome.outcome === "success" ? "partial" : outcome.outcome,
      answer: "",
      why,
    },
  };
}
