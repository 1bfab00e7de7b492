// What was said in the past, as signals: what two have said becomes a candidate for the next campfire. Nothing more.
import { type Candidate, candidatesOf, type Dismissed, withEarlier, witnessesOf } from "./candidates.ts";
import { digest } from "./hash.ts";
import { candidates_path, dismissed_path, most_signals, signals_path } from "./lessons.ts";
import { type Meanings, textsToMean } from "./meaning.ts";
import { ndjson } from "./render.ts";
import { grouped, type Signal } from "./signals.ts";
import { clean } from "./text.ts";

export const mined_paths = {
  signals: signals_path,
  candidates: candidates_path,
  dismissed: dismissed_path,
  /** Old words that were signals once: what became of them is known, or forgotten on purpose. */
  before: "state/mined.ndjson",
} as const;

/** Something that a person said in the past. `origin`: what it was about; two about one are one witness. */
export interface PastWord {
  id: string;
  at: string;
  text: string;
  origin: string;
  link: string;
  path: string | null;
}

/** Of all signals that a pack keeps, the mined ones have the place that is left. */
const most = { lone: 100, rows: most_signals.rows, text: most_signals.text, words: 4 };

/** null: it says too little to be learned from. */
export function minedSignal({ id, at, text, origin, link, path }: PastWord): Signal | null {
  // Quotes are somebody else's words, and code is an answer to this one case.
  const said = clean(text)
    .replace(/^>.*$/gm, "")
    .replace(/^(`{3,}|~{3,})[\s\S]*?^\1.*$/gm, "")
    .replace(/\n{2,}/g, "\n")
    .trim()
    .slice(0, most.text)
    .toWellFormed();
  if ((said.match(/[\p{L}\p{N}]+/gu) ?? []).length < most.words || Number.isNaN(Date.parse(at))) return null;
  return {
    id: `mined-${digest("mined", id).slice(0, 16)}`,
    at: new Date(at).toISOString(),
    kind: "review",
    text: said,
    origins: [origin],
    link,
    ...(path === null ? {} : { path }),
  };
}

export interface Mined {
  /** Path → text of the files that change; none: all of it was known. */
  changes: Map<string, string>;
  /** Candidates that were none before. */
  fresh: Candidate[];
  kept: number;
}

type Texts = (path: string) => string;

interface Handed {
  id: string;
  at: string;
}

/** What is older is not read again. */
const isRecent =
  (now: Date) =>
  ({ at }: Handed) =>
    now.getTime() - Date.parse(at) <= most_signals.age + 86_400_000;

/** The ledger's files with these signals. `texts`: as they stand. `meanings`: null where the model could not be asked. */
export function withMined(texts: Texts, found: readonly Signal[], now: Date, meanings?: Meanings | null): Mined {
  const rows = rowsOf<Signal>(texts(mined_paths.signals));
  const mined = rowsOf<Handed>(texts(mined_paths.before));
  const known = new Set([...rows, ...mined].map(({ id }) => id));
  const dismissed = rowsOf<Dismissed>(texts(mined_paths.dismissed));
  // What was turned down, or said by a signal that was, is not told again.
  const gone = new Set(dismissed.flatMap(({ signals }) => signals));
  const fresh = [...new Map(found.map((one) => [one.id, one])).values()].filter(
    ({ id }) => !known.has(id) && !gone.has(id),
  );
  const heard = rows.filter(({ id }) => !isMined(id));
  const old = rows.filter(({ id }) => isMined(id));
  const stay = worthKeeping(heard, [...old, ...fresh], Math.max(0, most.rows - heard.length), meanings ?? undefined);
  const kept = stay.filter(({ id }) => !known.has(id));
  // Before the others: what ticks have heard stays the longest.
  const all = [...stay, ...heard];
  const earlier = rowsOf<Candidate>(texts(mined_paths.candidates));
  const before = new Set(earlier.map(({ id }) => id));
  const made = candidatesOf(grouped(all, meanings ?? undefined), dismissed, meanings ?? undefined);
  const candidates = meanings === null ? withEarlier(made, earlier, all, dismissed) : made;
  const changes = new Map(
    kept.length === 0
      ? []
      : [
          [mined_paths.signals, ndjson(all)],
          [mined_paths.candidates, ndjson(candidates)],
          [mined_paths.before, ndjson([...mined, ...kept.map(({ id, at }) => ({ id, at }))].filter(isRecent(now)))],
        ],
  );
  return { changes, kept: kept.length, fresh: candidates.filter(({ id }) => !before.has(id)) };
}

/** What a model is to be asked about for that. */
export function minedTexts(texts: Texts, found: readonly Signal[]): string[] {
  const all = [...rowsOf<Signal>(texts(mined_paths.signals)), ...found];
  const sorted = all.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return textsToMean(sorted, rowsOf<Dismissed>(texts(mined_paths.dismissed)));
}

const isMined = (id: string) => id.startsWith("mined-");

/** Those that others agree with; then the newest, of which a few may find company later. */
function worthKeeping(heard: readonly Signal[], mined: readonly Signal[], room: number, meanings?: Meanings): Signal[] {
  const agreed = new Set(
    grouped([...heard, ...mined], meanings)
      .filter((group) => witnessesOf(group) >= 2)
      .flatMap((group) => group.map(({ id }) => id)),
  );
  const newest = mined.toSorted((a, b) => (a.at > b.at ? -1 : a.at < b.at ? 1 : 0));
  const lone = newest.filter(({ id }) => !agreed.has(id)).slice(0, most.lone);
  return [...newest.filter(({ id }) => agreed.has(id)), ...lone]
    .slice(0, room)
    .sort((a, b) => (a.at < b.at || (a.at === b.at && a.id < b.id) ? -1 : 1));
}

function rowsOf<T extends { id: string }>(text: string): T[] {
  return text.split("\n").flatMap((line) => {
    try {
      const row = JSON.parse(line) as T;
      return typeof row?.id === "string" ? [row] : [];
    } catch {
      return []; // a torn line costs itself only
    }
  });
}
