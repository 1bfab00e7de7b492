// What the heartbeat ref holds: the only memory that a quiet tick leaves, and it has no history.
import { z } from "zod";

const form = z.object({
  at: z.string(),
  tick: z.string(),
  published: z.object({ policy: z.string(), ledger: z.string().nullable(), digest: z.string() }).optional(),
  /** When a host was last asked, whatever it said: seconds since 1970. A lost row costs one question more. */
  probed: z.record(z.string(), z.number().int().nonnegative()).optional(),
  /** Plugins by when they were polled; a lost row costs a poll. */
  plugins: z
    .object({
      polled: z.record(
        z.string(),
        z.object({ mark: z.string(), at: z.number(), every: z.number(), hooks: z.boolean().optional() }),
      ),
      /** Actions that were done, and why those of a plugin were not. */
      called: z.array(z.string()).optional(),
      failing: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  /** What was said on the forge and still stands in the ledger as to be said, and the inbox as it is shown there. */
  talked: z
    .object({
      posted: z.array(z.string()),
      inbox: z.string().optional(),
      forecast: z.object({ day: z.string(), line: z.string() }).optional(),
    })
    .optional(),
  /** The day on which it was last looked for old records; a lost one costs a look. */
  archived: z.string().optional(),
  /** What a tick that wrote to the database found when it compared, and since when it is out of reach. */
  database: z
    .object({
      at: z.string().optional(),
      records: z.number().int().nonnegative().optional(),
      differ: z.number().int().nonnegative().optional(),
      failing: z.string().optional(),
    })
    .optional(),
  /** Open proposals to the pack by the head that was dealt with; a lost row costs a look and an edit. */
  plans: z
    .array(z.object({ number: z.number(), head: z.string(), left: z.enum(["plan", "status"]).optional() }))
    .optional(),
});
export type Beat = z.infer<typeof form>;
export type Probed = Readonly<Record<string, number>>;

export function readBeatText(text: string | null): Beat | null {
  try {
    return form.parse(JSON.parse(text ?? ""));
  } catch {
    return null; // no beat yet, or one of another version: the next one replaces it
  }
}

/** What is known of the pack's hosts, with those that were asked just now. */
export function probedNow(before: Probed, asked: Iterable<string>, hosts: ReadonlySet<string>, now: Date): Probed {
  const at = Math.floor(now.getTime() / 1000);
  const rows = { ...before, ...Object.fromEntries([...asked].map((name) => [name, at])) };
  return Object.fromEntries(
    Object.entries(rows)
      .filter(([name]) => hosts.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
