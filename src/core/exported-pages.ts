// Export documents of the pages beside the daily ones: rules, pupdates, knowledge, campfires, costs, health, histories of
// hosts, and what a pack tracks besides.
import { z } from "zod";
import { page } from "./plugin-page.ts";
import { kinds, pupdate } from "./schema.ts";

const text = z.string();
const count = z.number().int().nonnegative();
const sum = z.number().nonnegative();

const record_row = <T extends z.ZodType>(fields: T) =>
  z.object({ id: text, path: text, fields, body: text.default(""), cut: count.optional() });

const rule_row = record_row(kinds.rule).extend({
  /** The rule in plain words. */
  says: z.array(text),
  /** It comes with towline, and has no file. */
  built_in: z.boolean(),
  fired: z.object({ at: text, pupdate: text.optional() }).optional(),
  /** How often among the exported pupdates. */
  times: count,
});

const plugin_page = page.extend({ id: text });

const pupdate_row = pupdate.extend({
  day: text,
  /** Rules that fired or came close, as `towline why` judges them; at most a handful. */
  why: z.array(
    z.object({
      rule: text,
      path: text,
      matches: z.boolean(),
      skipped: text.optional(),
      leaves: z.array(text),
    }),
  ),
});

const used = {
  hits: count,
  last_hit: text.optional(),
  confirmed: text.optional(),
  /** Why people should be asked whether it still holds. */
  doubt: text.optional(),
};
const knowledge_row = z.discriminatedUnion("kind", [
  record_row(kinds.insight).extend({ kind: z.literal("insight"), ...used }),
  record_row(kinds.learning).extend({ kind: z.literal("learning"), ...used }),
]);

const candidate = z.object({
  name: text,
  kind: z.enum(["insight", "learning"]),
  title: text,
  sources: z.array(text).default([]),
  why: text.default(""),
  outcome: z.enum(["approved", "dismissed", "edited"]).optional(),
  /** What it says, while it waits. */
  text: text.optional(),
  /** It came in without the word of somebody who may: nobody is given it. */
  withheld: text.optional(),
});

/** A line of state/campfire.ndjson. */
export const campfire_row = z.object({
  id: text,
  at: text,
  state: z.enum(["open", "merged", "closed", "expired"]),
  proposal: z.object({ branch: text, number: count.optional(), url: text.optional() }),
  head: text.optional(),
  closed_at: text.optional(),
  candidates: z.array(candidate).default([]),
  doubted: z.array(text).default([]),
  /** Somebody decided who may not, in words. */
  refused: text.optional(),
});

/** A line of state/candidates.ndjson that no campfire has taken up yet. */
const waiting = z.object({
  id: text,
  text,
  sources: z.array(text),
  since: text,
  witnesses: count,
});

const health = z.object({
  id: text,
  sources: z.array(
    z.object({ source: text, subject: text, ok: z.boolean(), at: text.optional(), why: text.optional() }),
  ),
  /** How long scheduled work was due before a tick claimed it, by day, oldest first; seconds. */
  late: z.array(z.object({ day: text, n: count, median: sum, worst: sum, job: text.optional() })),
  /** `tick.every`, seconds: later than that is late. */
  every: count,
  budgets: z.array(
    z.object({ id: text, path: text, unit: text, period: text, most: sum, spent: sum, reserved: sum, words: text }),
  ),
  forecast: z.object({ day: text, line: text }).optional(),
  /** The database beside the records, as a tick last compared them; since when it is out of reach. */
  database: z
    .object({
      at: text.optional(),
      records: count.optional(),
      differ: count.optional(),
      failing: text.optional(),
    })
    .optional(),
  /** Jobs by day, oldest first, for the calendar. */
  activity: z.array(z.object({ day: text, jobs: count, good: count, failed: count })),
});

/** A host's samples, oldest first: percent of its cores, memory and disk in use. */
const history = z.object({
  id: text,
  points: z.array(z.object({ at: text, load: sum, memory: sum, disk: sum })),
  last: z.object({ at: text, load: sum, disk_free: sum, disk_total: sum, slots: count }),
});

const collection = z.object({
  id: text,
  title: text,
  folder: text,
  schema: text,
  columns: z.array(z.object({ name: text, title: text })),
  rows: z.array(
    z.object({ id: text, path: text, cells: z.record(text, text), faults: z.array(text), body: text.default("") }),
  ),
  /** Rows that are in the repository only. */
  more: count,
});

export const page_documents = {
  rules: rule_row,
  pupdates: pupdate_row,
  knowledge: knowledge_row,
  campfire: campfire_row,
  candidates: waiting,
  /** What people turned down, newest first. */
  dismissed: z.object({ id: text, text, at: text, signals: count }),
  /** A row a day that cost something, newest first. */
  spending: z.object({ id: text, runs: count, accepted: count, usd: sum, list_usd: sum, tokens: sum }),
  health,
  history,
  collections: collection,
  plugins: plugin_page,
} as const;
