// What begins in a span of time, out of the text of a calendar.

import { Worker } from "node:worker_threads";
import { z } from "zod";
import { offset } from "../core/due.ts";
import { isZone } from "../core/scalar.ts";
import { oneLine } from "../core/text.ts";
import { SourceFault } from "./fetch.ts";

/** How long the reading of one calendar may take, ms. */
const patience = 5000;
const program = new URL("./calendar-worker.mjs", import.meta.url);

const moment = z.object({
  wall: z.number(),
  zone: z.string(),
  date: z.boolean().optional(),
  /** Where the file itself says what its zone is. */
  instant: z.number().optional(),
});
const answer = z.object({
  found: z.array(
    z.object({
      uid: z.string(),
      recurrence: z.string(),
      start: moment,
      end: moment.optional(),
      title: z.string().optional(),
      location: z.string().optional(),
      url: z.string().optional(),
      organizer: z.string().optional(),
    }),
  ),
  left: z.array(z.string()),
});

export interface Event {
  uid: string;
  /** Which of its repetitions, by the time that the rule gives it; "" for the only one. */
  recurrence: string;
  start: Date;
  end: Date | undefined;
  day: boolean;
  title: string;
  location: string;
  url: string;
  organizer: string;
}

export interface Span {
  from: Date;
  to: Date;
  /** Of the pack: for whole days and times without a zone. */
  zone: string;
  limit?: number;
}

/** Events by their start, and what could not be read. Throws a SourceFault. */
export async function eventsIn(
  text: string,
  { from, to, zone, limit = patience }: Span,
): Promise<{ events: Event[]; left: string[] }> {
  const { found, left } = await read(text, from.getTime(), to.getTime(), limit);
  const events = found.map(
    (one): Event => ({
      uid: oneLine(one.uid),
      recurrence: oneLine(one.recurrence, 60),
      start: instant(one.start, zone),
      end: one.end && instant(one.end, zone),
      day: one.start.date === true,
      title: oneLine(one.title ?? ""),
      location: oneLine(one.location ?? ""),
      url: one.url ?? "",
      organizer: oneLine(one.organizer ?? "", 100),
    }),
  );
  const inside = events.filter(({ start }) => start > from && start <= to);
  return { events: inside.sort((a, b) => a.start.getTime() - b.start.getTime()), left };
}

function read(text: string, from: number, to: number, limit: number): Promise<z.infer<typeof answer>> {
  return new Promise((resolve, reject) => {
    const resourceLimits = { maxOldGenerationSizeMb: 256 };
    const thread = new Worker(program, { workerData: { text, from, to }, resourceLimits, stdout: true, stderr: true });
    const end = (fault: string | null, value?: z.infer<typeof answer>) => {
      clearTimeout(timer);
      void thread.terminate();
      if (value) resolve(value);
      else reject(new SourceFault(fault ?? "it cannot be read"));
    };
    const timer = setTimeout(() => end(`reading it does not end within ${limit / 1000} s`), limit);
    thread.once("message", (said) => {
      const checked = answer.safeParse(said);
      end(null, checked.data);
    });
    thread.once("error", (thrown: unknown) =>
      end(`it is no calendar that can be read: ${oneLine((thrown as Error | null)?.message ?? "", 120)}`),
    );
    thread.once("exit", () => end("reading it ended early"));
  });
}

/** Zones that this machine knows by name are better than what a file says of them. */
function instant({ wall, zone, instant: said }: z.infer<typeof moment>, pack: string): Date {
  if (zone === "utc") return new Date(wall);
  const named = zone !== "floating" && isZone(zone) ? zone : null;
  if (named === null && said !== undefined) return new Date(said);
  const place = named ?? pack;
  return new Date(wall - offset(place, wall - offset(place, wall)));
}
