// What a pass learns: pupdates that teach become rows of state/signals.ndjson, and what two independent witnesses of them
// say a row of state/candidates.ndjson. A pass in which nobody says anything new writes neither.
import { type Candidate, candidatesOf, type Dismissed, withEarlier } from "./candidates.ts";
import { type Draft, isoNow } from "./draft.ts";
import { pupdateId } from "./ids.ts";
import { type Meanings, textsToMean } from "./meaning.ts";
import { ndjson } from "./render.ts";
import type { Pupdate } from "./schema.ts";
import { signalOf } from "./signal-of.ts";
import { grouped, type Signal } from "./signals.ts";
import { rows, type State } from "./state.ts";
import { oneLine } from "./text.ts";

export const signals_path = "state/signals.ndjson";
export const candidates_path = "state/candidates.ndjson";
export const dismissed_path = "state/dismissed.ndjson";

/** Signals that are older, or more than these, leave. `text`: characters of one, more than a likeness is taken of. */
export const most_signals = { rows: 300, age: 90 * 86_400_000, text: 1000 };

/** A file of the ledger as this pass has it by now. */
export const fileOf = (state: Pick<State, "texts"> & Partial<Pick<Draft, "attached">>, path: string) =>
  String(state.attached?.get(path) ?? state.texts.get(path) ?? "");

export const rowsIn = <T>(state: Parameters<typeof fileOf>[0], path: string): T[] => rows<T>(fileOf(state, path));

/** Only what differs from what was read is written. */
export function keepRows(draft: Draft, path: string, all: readonly object[]): void {
  const text = ndjson([...all]);
  if (text === (draft.texts.get(path) ?? "")) draft.attached.delete(path);
  else draft.attached.set(path, text);
}

/** After all verdicts. `anew`: what was approved or turned down is another than before. */
export function learn(draft: Draft, anew: boolean, meanings?: Meanings): void {
  const before = rowsIn<Signal>(draft, signals_path);
  const known = new Set(before.map(({ id }) => id));
  const fresh = draft.pupdates.flatMap((pupdate) => {
    const signal = signalOf(pupdate);
    return signal === null || known.has(signal.id) || neverBegan(draft, signal) ? [] : [rowOf(draft, signal)];
  });
  if (fresh.length === 0 && !anew) return;
  const since = draft.now.getTime() - most_signals.age;
  const all = [...before, ...fresh].filter(({ at }) => Date.parse(at) >= since).slice(-most_signals.rows);
  keepRows(draft, signals_path, all);
  const dismissed = rowsIn<Dismissed>(draft, dismissed_path);
  const made = candidatesOf(grouped(all, meanings), dismissed, meanings);
  const unasked = draft.settings.embeddings !== undefined && !meanings;
  keepRows(draft, candidates_path, unasked ? withEarlier(made, candidatesIn(draft), all, dismissed) : made);
}

/** What a model has not been asked about yet. None where nothing new was said. */
export function unmeant(draft: Draft, meanings?: Meanings): string[] {
  if (!draft.attached.has(signals_path) && !draft.attached.has(candidates_path)) return [];
  const texts = textsToMean(rowsIn<Signal>(draft, signals_path), rowsIn<Dismissed>(draft, dismissed_path));
  return texts.filter((text) => !meanings?.vectors.has(text));
}

/** A machine that does not answer teaches an agent nothing. */
const neverBegan = ({ jobs }: Draft, { kind, origins }: Signal) =>
  kind === "failure" &&
  origins.some((one) => {
    const job = jobs.get(one.replace(/^job /, ""));
    return job !== undefined && job.data.started_at === undefined;
  });

/** What was said of an agent's work leads to the record of that work, where nothing else does. */
function rowOf({ jobs }: Draft, signal: Signal): Signal {
  const job = /^job (.*)$/.exec(signal.link)?.[1];
  const link = job === undefined ? signal.link : (jobs.get(job)?.path ?? signal.link);
  // One run on many hosts is one witness, however many of them fail.
  const named = signal.origins.flatMap((one) => jobs.get(one.replace(/^job /, ""))?.data.run.run_id ?? []);
  const runs = named.map((run) => `run ${run}`).filter((run) => !signal.origins.includes(run.replace(/^run /, "job ")));
  const text = signal.text.slice(0, most_signals.text).toWellFormed();
  return { ...signal, origins: [...signal.origins, ...runs], link, text };
}

export const candidatesIn = (state: Parameters<typeof fileOf>[0]) => rowsIn<Candidate>(state, candidates_path);

/** Approved ones are a rule by now: what led to them says nothing new any more. */
export function withoutSignals(draft: Draft, gone: ReadonlySet<string>): void {
  const before = rowsIn<Signal>(draft, signals_path);
  keepRows(
    draft,
    signals_path,
    before.filter(({ id }) => !gone.has(id)),
  );
}

/** A merged change that takes an agent's work back, by the words that git and forges give it. */
const takes_back = [
  /^revert-\d+-towline(?:-work)?\/([a-z0-9][a-z0-9-]{0,79})$/,
  /^Revert "Merge (?:remote-tracking )?branch '(?:origin\/)?towline(?:-work)?\/([a-z0-9][a-z0-9-]{0,79})'/,
  /^Revert "Merge pull request #\d+ from [\w.-]+\/towline(?:-work)?\/([a-z0-9][a-z0-9-]{0,79})/,
];

/** Work of an agent that was merged, and taken back later, is news of its own. */
export function raiseReverted(draft: Draft): void {
  for (const { kind, data = {}, actor, url, title } of [...draft.raised]) {
    const words = kind === "pr.merged" ? data.branch : kind === "push" ? data.message : undefined;
    const job = takes_back.map((form) => form.exec(String(words ?? ""))?.[1]).find((one) => one !== undefined);
    if (job === undefined) continue;
    draft.raised.push({
      id: pupdateId("towline", job, "pr.reverted", null),
      at: isoNow(draft),
      source: "towline",
      kind: "pr.reverted",
      subject: job,
      title: `the work of ${job} was taken back: ${oneLine(title, 120)}`,
      actor,
      url,
      data: { job, text: oneLine(title) },
    } satisfies Pupdate);
  }
}
