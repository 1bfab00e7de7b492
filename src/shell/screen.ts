// Where results enter: nothing that a run wrote goes further before its secrets are out of it.
import { redacted } from "../core/mask.ts";
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
      return withheld(raw, runtime.outcome(raw), thrown);
    }
  };
}

async function screened(raw: RawResult, runtime: Runtime, secrets: Secrets, scan: Scan): Promise<Screened> {
  const result = { ...raw, stdout: maskedStream(raw.stdout, secrets), stderr: maskedStream(raw.stderr, secrets) };
  // A runtime puts an answer together from pieces: what was apart in the stream may be whole only now.
  const outcome = texts(runtime.outcome(result), (text) => secrets.mask(text));
  const said = fields.map((field) => outcome[field] ?? "");
  const log = [decode(result.stderr.head), decode(result.stderr.tail)];
  const found = await scan([...said, ...log]);
  const [head, tail] = log.map((text, at) => Buffer.from(without(text, found[said.length + at]))) as [Buffer, Buffer];
  return {
    outcome: texts(outcome, (text, field) => without(text, found[fields.indexOf(field)])),
    result: { ...result, stderr: { ...result.stderr, head, tail } },
  };
}

const fields = ["answer", "why", "surprise", "technique", "session"] as const;
type Field = (typeof fields)[number];

function texts(outcome: Outcome, change: (text: string, field: Field) => string): Outcome {
  const present = fields.filter((field) => outcome[field] !== undefined);
  return { ...outcome, ...Object.fromEntries(present.map((f) => [f, change(outcome[f] as string, f)])) };
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
  const { surprise: _, technique: __, session: ___, ...rest } = outcome;
  return {
    result: { ...result, stdout: empty(result.stdout), stderr: empty(result.stderr) },
    outcome: {
      ...rest,
      outcome: outcome.outcome === "success" ? "partial" : outcome.outcome,
      answer: "",
      why,
    },
  };
}
