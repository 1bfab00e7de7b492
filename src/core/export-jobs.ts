// One job as its own page tells it: why it began, what became of it step by step, and what lies beside its record.
import type { Entry } from "./entry.ts";
import { capped, instant, readable, type World } from "./export-world.ts";
import type { Exported } from "./exported.ts";
import { sectionOf } from "./job-text.ts";
import type { Remark } from "./review.ts";
import { remarksOn } from "./said.ts";
import type { Pupdate } from "./schema.ts";
import { besides } from "./told.ts";

type Story = Pick<Exported<"jobs">, "because" | "events" | "sections" | "told" | "proposal" | "patch" | "remarks">;
type Event = Story["events"][number];

/** Characters of a diff that a page shows; the whole stands beside the record, or on the forge. */
const patch_cap = 96 << 10;
const most_remarks = 100;
const most_events = 60;

/** Texts beside the records of jobs, by path, and reviews by job id. Absent: nothing was read. */
export interface Beside {
  files?: ReadonlyMap<string, string>;
  reviews?: ReadonlyMap<string, string>;
}

/** Paths of the texts that the page of a job shows besides its record. */
export function besideJob({ path, data }: Entry<"job">): string[] {
  const { told, proposal, code } = data.run;
  return [told, proposal && "proposal.md", code && "work.patch"].filter(Boolean).map((name) => besides(path) + name);
}

export function jobStory(world: World, job: Entry<"job">, { files, reviews = new Map() }: Beside = {}): Story {
  const { run } = job.data;
  const text = (name: string | undefined, cap?: number) => {
    const path = name === undefined ? undefined : besides(job.path) + name;
    const found = path === undefined ? undefined : files?.get(path);
    return path === undefined || found === undefined ? undefined : { path, ...shorter(found, cap) };
  };
  return {
    because: becauseOf(world, job),
    events: eventsOf(world, job),
    sections: sectionsOf(job),
    told: text(run.told),
    proposal: run.proposal ? text("proposal.md") : undefined,
    patch: run.code ? text("work.patch", patch_cap) : undefined,
    remarks: remarks(job, reviews),
  };
}

/** A diff is cut at the end of a line. */
function shorter(text: string, cap?: number): { text: string; cut?: number } {
  if (cap === undefined) return capped(text);
  if (text.length <= cap) return { text };
  return { text: text.slice(0, text.lastIndexOf("\n", cap - 1) + 1), cut: new TextEncoder().encode(text).length };
}

function remarks({ id, data }: Entry<"job">, reviews: ReadonlyMap<string, string>): Story["remarks"] {
  const settled = new Set(data.run.code?.told);
  const all = [...remarksOn({ reviews: new Map(reviews) }, { id, data } as Entry<"job">)] as [string, Remark][];
  return all.slice(0, most_remarks).map(([key, { path, line, text }]) => {
    return { path: path ?? undefined, line: line ?? undefined, text, settled: settled.has(key) };
  });
}

/** The one thing that set it off: a person, an event with its rule, a time, or a number that was raised. */
function becauseOf(world: World, { data }: Entry<"job">): Story["because"] {
  const { occurrence, requested_by: by, rule } = data.run;
  const task = world.tasks.get(data.task)?.data;
  const born = /^pupdate-(.+)$/.exec(occurrence)?.[1] ?? (by === "rule" ? task?.born_of : undefined);
  const event = born === undefined ? undefined : world.pupdates.find(({ id }) => id === born);
  if (event || by === "rule")
    return {
      kind: "event",
      rule: rule ?? task?.rule ?? event?.rule,
      ...(event ? { title: event.title, at: event.at, url: webUrl(event.url) } : {}),
    };
  const at = instant(occurrence) > 0 && /^\d{4}-/.test(occurrence) ? occurrence : undefined;
  if (by === "schedule" || by === "due") return { kind: by, at, every: task?.every };
  if (by === "run") return { kind: "run", run: /^run-(.+)$/.exec(occurrence)?.[1] };
  if (by !== undefined) return { kind: "person", by };
  return at === undefined ? { kind: "run" } : { kind: "schedule", at, every: task?.every };
}

const webUrl = (url: string | undefined) =>
  url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? url : undefined;

/** Pupdates that say no more than the record does. */
const repeated = new Set(["job.finished", "job.failed", "job.started", "job.cancelled", "job.asked", "job.stuck"]);

function eventsOf(world: World, job: Entry<"job">): Event[] {
  const { host, started_at, state, run } = job.data;
  const found: (Event | false | undefined)[] = [
    ...(run.earlier ?? []).map(({ at, usd }) => ({ at, what: "claimed for an earlier try or round", cost: usd })),
    { at: run.claimed_at, what: claimWords(run.epoch, run.round, host) },
    started_at !== undefined && { at: started_at, what: host === undefined ? "started" : `started on ${host}` },
    ...(run.questions ?? []).map(({ at, text, answer }) => ({ at, what: "it asked", text, answer })),
    run.stuck && { at: run.stuck.at, what: "it went quiet, and people were told", answer: run.stuck.answer },
    run.unknown_since !== undefined && { at: run.unknown_since, what: "its host could not be asked" },
    run.cancel && { at: run.cancel.at, what: `${run.cancel.by} asked for its end` },
    ...world.pupdates.filter((one) => isAbout(one, job.id)).map(told),
    run.ended_at !== undefined && { at: run.ended_at, what: "", state, text: run.why },
    run.retry_at !== undefined && { at: run.retry_at, what: "is tried again from here on" },
  ];
  return found
    .filter((one) => one !== false && one !== undefined)
    .map((one, index) => ({ one, index }))
    .sort((a, b) => instant(a.one.at) - instant(b.one.at) || a.index - b.index)
    .slice(-most_events)
    .map(({ one }) => one);
}

function claimWords(epoch: number, round: number, host: string | undefined): string {
  const which = [epoch > 1 && `epoch ${epoch}`, round > 1 && `round ${round}`].filter(Boolean).join(", ");
  return `claimed${host === undefined ? "" : ` for ${host}`}${which === "" ? "" : ` (${which})`}`;
}

const isAbout = ({ kind, data }: Pupdate, job: string) => data?.job === job && !repeated.has(kind);
/** Its words stand once: most titles begin with them. */
const told = ({ at, title, data }: Pupdate): Event => {
  const text = typeof data?.text === "string" ? data.text.trim() : "";
  const said = text !== "" && !title.includes(text.slice(0, 60));
  return { at, what: title, text: said ? text : undefined };
};

const shown_sections = ["Answer", "Not taken", "Setup", "Work", "Check", "Besides", "Before", "Log"] as const;

/** The parts of its record, each by itself; none when it is written in another way. */
function sectionsOf({ body, data }: Entry<"job">): Story["sections"] {
  return shown_sections.flatMap((name) => {
    const text = sectionOf(body, name);
    return text === "" ? [] : [{ name, ...capped(name === "Answer" ? readable(text, data.run.runtime) : text) }];
  });
}
