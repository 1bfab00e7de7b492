// The campfire: when there is one, what it proposes, and what is remembered of it in state/campfire.ndjson. At most one
// proposal is open; what comes up meanwhile joins it.
import type { Candidate } from "./candidates.ts";
import { instantAt, localDay } from "./due.ts";
import { digest } from "./hash.ts";
import { candidatesIn, rowsIn } from "./lessons.ts";
import type { Settings } from "./schema.ts";
import type { State } from "./state.ts";

export const campfire_path = "state/campfire.ndjson";
/** Where the text of a proposal is kept: without a forge nobody would see it otherwise. */
export const textPath = (id: string) => `state/campfire/${id}.md`;

export interface Proposed {
  name: string;
  kind: "insight" | "learning";
  title: string;
  sources: string[];
  why: string;
  outcome?: "approved" | "dismissed" | "edited";
  /** While it waits: what it says, what led to it, and the digest of its file as towline wrote it. */
  text?: string;
  signals?: string[];
  sum?: string;
  /** It was turned down, and its file is off the branch. */
  gone?: true;
  /** Its file came to the default branch without the word of somebody who may: with this digest of what it says, nobody is given it. */
  withheld?: string;
}

/** A line of state/campfire.ndjson. */
export interface Campfire {
  /** The day; a second one of a day is numbered. */
  id: string;
  at: string;
  state: "open" | "merged" | "closed" | "expired";
  proposal: { branch: string; number?: number; url?: string };
  /** Where its branch was last. */
  head?: string;
  closed_at?: string;
  candidates: Proposed[];
  /** Insights and learnings of which people are asked whether they still hold, by name. */
  doubted: string[];
  /** The day up to which what came up has joined it. */
  joined?: string;
  /** When a person last did something to it. */
  touched?: string;
  /** Somebody decided who may not, in words. */
  refused?: string;
}

/** Untouched for so long, it is closed, and its candidates wait for the next. */
export const campfire_life = 14 * 86_400_000;

type Texts = Parameters<typeof rowsIn>[0];
export const campfiresIn = (state: Texts) => rowsIn<Campfire>(state, campfire_path);
export const openCampfire = (state: Texts) => campfiresIn(state).find(({ state }) => state === "open");

export const pathOf = ({ kind, name }: Pick<Proposed, "kind" | "name">) => `${kind}s/${name}.md`;
/** What a file says, without its fields: that is what an agent would read. */
export const sumOf = (body: string) => digest("said", body.trim()).slice(0, 16);

const week = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** The day of the last campfire that was due by now; null: none is ever, or none was for a week. */
export function lastDue({ campfire, zone }: Pick<Settings, "campfire" | "zone">, now: Date): string | null {
  if (!campfire) return null;
  const [hours = 0, minutes = 0] = campfire.at.split(":").map(Number);
  for (let back = 0; back <= 7; back++) {
    const { day } = localDay(zone, new Date(now.getTime() - back * 86_400_000));
    const name = week[new Date(`${day}T00:00:00Z`).getUTCDay()] as string;
    if (campfire.days && !campfire.days.includes(name as (typeof week)[number])) continue;
    if (instantAt(zone, day, hours * 60 + minutes) <= now.getTime()) return day;
  }
  return null;
}

/** What two witnesses say and nobody has decided about: neither before, nor in the proposal that is open. */
export function freshCandidates(state: Texts): Candidate[] {
  const taken = new Set(
    campfiresIn(state).flatMap((row) =>
      row.candidates
        .filter((one) => row.state !== "expired" || one.outcome !== undefined || one.withheld !== undefined)
        .map(({ name }) => name),
    ),
  );
  return candidatesIn(state).filter(({ id }) => !taken.has(id));
}

export interface CampfirePlan {
  open: Campfire | undefined;
  /** What is to be proposed now; empty: nothing. */
  fresh: Candidate[];
  /** Day that it is for. */
  day: string;
}

/** null: there is nothing to do and nothing to look at. `now_too`: a person asks for one, whatever the hour. */
export function campfirePlan(state: State, now: Date, now_too = false): CampfirePlan | null {
  const all = campfiresIn(state);
  const open = all.find((row) => row.state === "open");
  const day = now_too ? localDay(state.settings.zone, now).day : lastDue(state.settings, now);
  const nothing = open ? { open, fresh: [], day: open.id } : null;
  if (day === null || state.stop !== null || open?.refused !== undefined) return nothing;
  const last = open
    ? (open.joined ?? open.id.slice(0, 10))
    : all
        .map(({ id }) => id.slice(0, 10))
        .sort()
        .at(-1);
  if (!now_too && last !== undefined && last >= day) return nothing;
  const fresh = freshCandidates(state).slice(0, most_candidates);
  if (fresh.length < (open ? 1 : (state.settings.campfire?.min ?? 1))) return nothing;
  return { open, fresh, day };
}

const most_candidates = 20;

export function freeId(state: Texts, day: string): string {
  const known = new Set(campfiresIn(state).map(({ id }) => id));
  for (let n = 1; ; n++) {
    const id = n === 1 ? day : `${day}-${n}`;
    if (!known.has(id)) return id;
  }
}

/** Rows of campfires that are over keep what is asked of them later, and no more. */
export function slim(row: Campfire): Campfire {
  if (row.state === "open") return row;
  const candidates = row.candidates.map(({ text: _t, signals: _s, sum: _u, gone: _g, ...kept }) => kept);
  const { joined: _j, touched: _o, ...rest } = row;
  return { ...rest, candidates };
}

/** How a campfire stands out there, and what was done about it just now. */
export interface CampfireFinding {
  /** The row as it stands now, opened or added to. */
  row?: Campfire;
  stands?: {
    id: string;
    as: "merged" | "closed" | "expired" | { refused: string };
    /** The files of its candidates on the default branch, by name: the digests of all of it, and of what it says. */
    files: ReadonlyMap<string, { sum: string; said: string }>;
    /** Those whose box a person emptied, by name. */
    unticked: ReadonlySet<string>;
    by?: string | undefined;
  };
  /** Files to keep with the ledger, by path. */
  texts?: ReadonlyMap<string, string>;
}
