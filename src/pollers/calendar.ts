// Calendars (ICS) as a source: what is about to begin. Each repetition is told once, also when ticks come late.
import { digest } from "../core/hash.ts";
import type { CalendarSettings } from "../core/schema.ts";
import type { Level, PollContext, Poller } from "../ports.ts";
import { type Event, eventsIn } from "./calendar-read.ts";
import { type Read, readSource, SourceFault } from "./fetch.ts";
import type { PollerOptions } from "./index.ts";
import { eachSource, remembering } from "./many.ts";

const source = "calendar";
const max_bytes = 8 << 20;

export function calendar({ env }: PollerOptions): Poller {
  const asked = remembering<Read>();
  const textOf = async (one: CalendarSettings, { own, signal }: PollContext): Promise<string> => {
    if (one.file !== undefined) return fileOf(one.file, own);
    const url = one.url as string;
    const read = await asked(one.name, one.every, async (known) => {
      const fresh = await readSource({ ...one, url }, { env, tag: known?.tag, accept: "text/calendar", signal });
      return fresh.text === null && known ? known : fresh;
    });
    return read.text as string;
  };
  return {
    name: source,
    poll: (settings, now, context) =>
      eachSource(source, settings.pollers.calendar ?? [], async (one) => {
        const from = new Date(now.getTime() - one.grace * 1000);
        const to = new Date(now.getTime() + one.lead * 1000);
        const { events, left } = await eventsIn(await textOf(one, context), { from, to, zone: settings.zone });
        const levels = events.map((event) => levelOf(one, event));
        return [...levels, ...over(one, context.known, from), ...leftOut(one, left)];
      }),
  };
}

async function fileOf(path: string, own: PollContext["own"]): Promise<string> {
  const [item] = own ? await own.repo.tree(own.tips.policy, [path]) : [];
  if (item?.path !== path || !item.mode.startsWith("100"))
    throw new SourceFault(`there is no file ${path} in the pack`);
  const bytes = (await own?.repo.blobs([item.blob], max_bytes))?.get(item.blob);
  if (!bytes) throw new SourceFault(`${path} has more than ${max_bytes >> 20} MiB`);
  return new TextDecoder().decode(bytes);
}

function levelOf({ name }: CalendarSettings, event: Event): Level {
  const start = event.start.toISOString();
  const url = /^https?:\/\/[^\s<>"'`()]{1,490}$/.test(event.url) ? event.url : undefined;
  return {
    source,
    // Moved to another time it is the same one, and news again.
    subject: `${name}/${digest(event.uid).slice(0, 12)}${event.recurrence === "" ? "" : `@${event.recurrence}`}`,
    family: source,
    kind: "calendar.starting",
    state: start,
    title: event.title || "(without a title)",
    url,
    data: {
      calendar: name,
      uid: event.uid,
      start,
      end: event.end?.toISOString(),
      day: event.day || undefined,
      location: event.location || undefined,
      organizer: event.organizer || undefined,
    },
  };
}

/** What began before the time within which it would still be told need not be remembered. */
const over = ({ name }: CalendarSettings, known: PollContext["known"], from: Date): Level[] =>
  known
    .filter(
      (row) => row.family === source && row.subject.startsWith(`${name}/`) && Date.parse(row.state ?? "") <= +from,
    )
    .map(({ subject, kind }) => ({ source, subject, family: source, kind, ends: "unsaid", title: "" }));

/** Events whose repetitions are beyond counting. */
const leftOut = ({ name }: CalendarSettings, left: string[]): Level[] => [
  left.length === 0
    ? { source, subject: name, family: "left", kind: "calendar.whole", first: "calm", title: `${name} is read in full` }
    : {
        source,
        subject: name,
        family: "left",
        kind: "calendar.skipped",
        state: left.join(", "),
        title: `events of ${name} are left out, as they repeat too often or cannot be read: ${left.join(", ")}`,
        data: { calendar: name, left },
      },
];
